"""One picture from its file: every kind is read as a person sees it, or refused; nothing comes out that is neither."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from app import preview
from app.words import LANGUAGES, Say
from engine.data import pixels
from engine.data.dataset import load_dataset
from engine.data.picture_report import report_on_pictures
from engine.data.pixels import TURNS, NoPictureError, look_at, read_picture, size_of, thumbnail
from engine.data.preview_values import DataPreview, PreviewRow
from engine.data.report import report_on
from engine.data.settings import DataSettings
from tests.tiny import processor_for
from tests.unit.drawing import draw_shapes, drawn
from tests.unit.illustrated import draw_rows

UPRIGHT = 1
STORED = {
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "JPEG": ("RGB", "L", "CMYK"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "1"),
    "PPM": ("RGB", "L", "1"),
}
TURNABLE = ("PNG", "JPEG", "TIFF", "WEBP")
BACK = {6: 8, 8: 6}
"""Orientations whose turn another one undoes; every other undoes itself."""


@st.composite
def kinds(draw):
    """A format, a mode that it can hold, an orientation, and two colours with their opacity."""
    form = draw(st.sampled_from(sorted(STORED)))
    mode = draw(st.sampled_from(STORED[form]))
    orientation = draw(st.integers(1, 8)) if form in TURNABLE else UPRIGHT
    colour = st.tuples(*[st.integers(0, 255)] * 3, st.sampled_from([0, 128, 255]))
    return form, mode, orientation, draw(colour), draw(colour)


def of_mode(seen, mode):
    """A picture in another mode, and in RGB what a person sees of that."""
    if mode in ("RGBA", "LA"):
        image = seen.convert(mode)
        colours, alpha = (np.asarray(image.convert("RGBA"), float)[..., part] for part in (slice(3), slice(3, 4)))
        return image, colours * alpha / 255 + 255 - alpha
    rgb = seen.convert("RGB")
    if mode == "I;16":
        grey = np.asarray(rgb.convert("L"))
        return Image.fromarray(grey.astype(np.uint16) * 257), np.repeat(grey[..., None], 3, 2)
    image = rgb.quantize(4) if mode == "P" else rgb.convert(mode)
    return image, np.asarray(image.convert("RGB"), float)


@pytest.mark.fault(
    "input", "CMYK, 16-bit, see-through, indexed, grey and EXIF-turned pictures are read as a person sees them."
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=kinds())
def test_every_kind_is_read_as_it_is_seen(tmp_path, kind):
    """Whatever colours, opacity and orientation a file has, pixels and size are those of the upright picture."""
    form, mode, orientation, left, right = kind
    seen = Image.new("RGBA", (32, 16), left)
    seen.paste(right, (16, 0, 32, 16))
    image, expected = of_mode(seen, mode)
    if orientation != UPRIGHT:
        image = image.transpose(TURNS[BACK.get(orientation, orientation)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture.{form.lower()}"
    image.save(path, form, **({"exif": exif} if form in TURNABLE else {}), **{"lossless": True, "exact": True})
    read = read_picture(path)
    assert (read.mode, read.size, size_of(path)) == ("RGB", (32, 16), (32, 16))
    assert not look_at(path).several
    middle = np.abs(np.asarray(read, float) - expected)[4:12, [6, 26]]  # colours of a JPEG run into each other
    assert middle.max() <= (12 if form == "JPEG" else 2)


@pytest.mark.parametrize("orientation", [0, 9, 65535, "six"])
def test_orientations_that_mean_nothing_turn_nothing(tmp_path, orientation, monkeypatch):
    """Damaged EXIF leaves a picture as it lies."""
    monkeypatch.setattr(Image.Image, "getexif", lambda _: {0x0112: orientation})
    Image.new("RGB", (6, 4)).save(tmp_path / "x.png")
    assert read_picture(tmp_path / "x.png").size == (6, 4)


def test_dark_pictures_of_many_bits_stay_dark(tmp_path):
    """Sixteen bits whose values are all small are near black, whatever the format calls them."""
    for name, kind in (("x.pgm", np.int32), ("x.png", np.uint16)):
        Image.fromarray(np.full((4, 4), 200, kind)).save(tmp_path / name)
        assert read_picture(tmp_path / name).getpixel((0, 0)) == (1, 1, 1)


def test_one_clear_grey_of_sixteen_bits_stands_on_white(tmp_path):
    """PNG can name one value as see-through."""
    grey = np.array([[100 * 257, 50 * 257]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "x.png", transparency=100 * 257)
    read = read_picture(tmp_path / "x.png")
    assert [read.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (50, 50, 50)]


def test_colours_of_print_shops_are_converted(tmp_path):
    """LAB is a mode that Pillow itself turns into nothing else."""
    Image.new("LAB", (4, 4), (255, 128, 128)).save(tmp_path / "x.tif")
    assert read_picture(tmp_path / "x.tif").getpixel((0, 0)) == pytest.approx((255, 255, 255), abs=3)


@pytest.mark.fault("input", "A picture in colours that nothing can convert is refused when data are read, not later.")
def test_colours_that_nothing_converts_are_refused_at_first_sight(tmp_path, monkeypatch):
    """`look_at` tells it already, so that no run starts with a picture that it cannot read."""

    def unknown(image):
        raise ValueError(f"conversion from {image.mode} not supported")

    monkeypatch.setattr(pixels, "as_rgb", unknown)
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png")
    for read in (look_at, read_picture):
        with pytest.raises(NoPictureError, match="no_picture"):
            read(tmp_path / "x.png")
    assert thumbnail(tmp_path / "x.png") == ""


def animate(path, shade=0):
    """Two frames, the first one red."""
    first = Image.new("RGB", (8, 8), (255, shade, 0))
    first.save(path, save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")], duration=100)
    return path


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_the_first_picture_of_several_is_read(tmp_path, suffix):
    """Of an animation, and of pages; and it is told that there are more."""
    path = animate(tmp_path / f"x.{suffix}")
    assert look_at(path).several
    assert read_picture(path).getpixel((4, 4)) == pytest.approx((255, 0, 0), abs=3)


def test_a_cameras_second_picture_is_nothing_to_tell(tmp_path):
    """Phones put small copies and depths into their JPEGs."""
    one = Image.new("RGB", (8, 8), "red")
    one.save(tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[one])
    assert not look_at(tmp_path / "x.jpg").several


@pytest.mark.fault("input", "Animated pictures in the data: the first frame is read, and the preview counts them.")
def test_animations_are_counted_before_the_start(tmp_path):
    """Beside texts and in a folder of labels alike, in every language of the page."""
    few = {"validation_rows": 1, "test_rows": 1}
    file = draw_rows(tmp_path / "rows", 4)
    for at in range(4):
        animate(tmp_path / "rows" / "pictures" / f"a{at:03}.gif", shade=at)
    file.write_text(re.sub(r"(a00\d)\.png", r"\1.gif", file.read_text()))
    dataset = load_dataset(str(file), DataSettings(picture="image", **few))
    told = report_on(processor_for("llama"), dataset, 40)
    animated = [row for row in dataset.rows("train") if row.picture and row.picture.suffix == ".gif"]
    assert told.several == len(animated) > 0
    assert told.pictures == sum(row.picture is not None for row in dataset.rows("train"))
    folder = draw_shapes(tmp_path / "shapes", 4)
    for at in range(3):
        animate(folder / "red circle" / f"{at:03}.png", shade=at)
    pictured = report_on_pictures(load_dataset(str(folder), DataSettings(**few)))
    assert pictured.several in (1, 2, 3)
    for say in map(Say, LANGUAGES):
        about = {"name": "", "summary": {}, "asked": (), "answered": "", "labels": None, "limit": 40, "rows": []}
        assert 'data-check="several"' in preview.report(say, DataPreview(report=told, **about))
        assert 'data-check="several"' in preview.report(say, DataPreview(report=pictured, **about))


def test_rows_with_pictures_are_shown_with_them(tmp_path):
    """A small copy, the question and the answer; a row without one says so, and nothing tells where files lie."""
    drawn("red circle", np.random.default_rng(0)).save(tmp_path / "secret name.png")
    tokens = [("what?", False), ("<b>", True)]
    row = PreviewRow(prompt="what?", response="<b>", tokens=tokens, picture=str(tmp_path / "secret name.png"))
    gone = replace(row, picture=str(tmp_path / "gone secret.png"))
    for say in map(Say, LANGUAGES):
        shown = preview.sample_rows(say, [row, gone, replace(row, picture="")])
        assert shown.count("data:image/jpeg;base64,") == 1
        assert shown.count("gl-sample-beside") == 3
        assert shown.count("<b>what?</b> → &lt;b&gt;") == 3
        assert say("data.beside.none") in shown
        assert "secret" not in shown

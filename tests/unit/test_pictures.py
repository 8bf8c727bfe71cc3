"""Folders of pictures: which layouts are read, what is left out and said, and how pixels come out."""

import io
import json
import struct
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.core.errors import DataError
from engine.data.dataset import load_dataset
from engine.data.picture_report import report_on_pictures
from engine.data.pixels import NoPictureError, as_rgb, read_picture, size_of, thumbnail
from engine.data.settings import DataSettings
from tests.unit.drawing import draw_shapes


def save(path, colour="red", size=(6, 4), mode="RGB", **options):
    """One picture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


def shades(folder, labels=("a", "b"), count=6, first=0):
    """Different pictures of each label."""
    for place, label in enumerate(labels):
        for number in range(count):
            save(folder / label / f"{number}.png", (first + number, place, 7))
    return folder


def test_folders_are_labels_and_every_split_has_its_share(tmp_path):
    """What is kept off has as many of each label as the rest has, and the seed decides which."""
    for number in range(80):
        save(tmp_path / "rare" / f"{number}.png", (number, 0, 0)) if number < 20 else None
        save(tmp_path / "often" / f"{number}.png", (number, 1, 0))
    dataset = load_dataset(str(tmp_path))
    assert dataset.labels == ["often", "rare"]
    assert dataset.pictures
    assert dataset.splits == {"train": 60, "validation": 20, "test": 20}
    for split in dataset.splits:
        counts = Counter(row.response for row in dataset.rows(split))
        assert counts["often"] == 4 * counts["rare"]
    names = [{row.prompt for row in dataset.rows(split)} for split in dataset.splits]
    assert len(set.union(*names)) == sum(map(len, names)) == 100
    other = load_dataset(str(tmp_path), DataSettings(split_seed=1))
    assert {row.prompt for row in other.rows("test")} != names[2]
    assert all(row.picture == tmp_path / row.prompt for row in dataset.rows("train"))


def test_folders_of_splits_are_taken_as_they_are(tmp_path):
    """`training`, `val` and `test` hold label folders; a missing split is cut off."""
    shades(tmp_path / "training", count=10)
    shades(tmp_path / "val", count=2, first=50)
    shades(tmp_path / "test", count=3, first=90)
    assert load_dataset(str(tmp_path)).splits == {"train": 20, "validation": 4, "test": 6}
    (tmp_path / "val").rename(tmp_path / ".val")
    assert load_dataset(str(tmp_path)).splits == {"train": 16, "validation": 4, "test": 6}


def test_labels_may_be_called_like_splits(tmp_path):
    """Pictures of trains and of tests, right below the folder: no splits, but labels."""
    shades(tmp_path, labels=("train", "test"))
    assert load_dataset(str(tmp_path)).labels == ["test", "train"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_metadata_names_pictures_and_labels(tmp_path, form):
    """Labels come from the file; what it does not name is no row. Numbers are for a head that estimates."""
    shades(tmp_path, labels=("all",), count=20)
    rows = [(f"all/{number}.png", number / 8) for number in range(12)]
    if form == "csv":
        text = "file_name,score\n" + "".join(f"{name},{value}\n" for name, value in rows)
    else:
        text = "\n".join(json.dumps({"score": value, "file_name": name}) for name, value in rows)
    (tmp_path / f"metadata.{form}").write_text(text, encoding="utf-8")
    dataset = load_dataset(str(tmp_path))
    assert dataset.task == "regression"
    assert sum(dataset.splits.values()) == 12
    assert {(row.prompt, float(row.response)) for split in dataset.splits for row in dataset.rows(split)} == set(rows)


def test_metadata_without_its_columns_is_said(tmp_path):
    """One sentence names the file, its columns, and the fix; a label's column can be named."""
    shades(tmp_path, labels=("x",))
    lines = [f"x/{number}.png,{'ab'[number % 2]},?\n" for number in range(6)]
    (tmp_path / "metadata.csv").write_text("file_name,kind,note\n" + "".join(lines))
    with pytest.raises(DataError, match=r"metadata\.csv.*file_name and label.*kind, note.*response"):
        load_dataset(str(tmp_path))
    assert load_dataset(str(tmp_path), DataSettings(response="kind")).labels == ["a", "b"]


def test_names_of_all_the_world(tmp_path):
    """Chinese, emoji, spaces and commas in the names of folders and files."""
    for label in ("猫", "🐶 dog, big"):
        for number in range(5):
            save(tmp_path / label / f"图 {number},é.jpg", (number * 20, len(label), 0))
    dataset = load_dataset(str(tmp_path))
    assert dataset.labels == ["猫", "🐶 dog, big"]
    assert all(size_of(row.picture) == (6, 4) for row in dataset.rows("train"))


def bomb():
    """A PNG of some bytes that says it has 40,000 by 40,000 pixels."""
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def torn(form):
    """The first half of a picture's file."""
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(held, form)
    return held.getvalue()[: len(held.getvalue()) // 2]


BAD = {
    "text.png": (b"no picture at all", "no_picture"),
    "empty.jpg": (b"", "no_picture"),
    "vector.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no_picture"),
    "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no_picture"),
    "torn.jpg": (torn("JPEG"), "broken"),
    "torn.png": (torn("PNG"), "broken"),
    "bomb.png": (bomb(), "huge"),
}


def test_bad_files_are_counted_and_named(tmp_path):
    """They are left out, each with its reason, and the others are read; hidden files are nobody's business."""
    shades(tmp_path)
    for name, (octets, _) in BAD.items():
        (tmp_path / "a" / name).write_bytes(octets)
    (tmp_path / "a" / ".DS_Store").write_bytes(b"?")
    (tmp_path / "b" / "Thumbs.db").write_bytes(b"?")
    dataset = load_dataset(str(tmp_path))
    report = report_on_pictures(dataset)
    assert sum(dataset.splits.values()) == 12
    assert dict(report.left_out) == {f"a/{name}": why for name, (_, why) in BAD.items()}
    assert report.unreadable == Counter(why for _, why in BAD.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    octets=st.binary(max_size=200), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"])
)
def test_no_bytes_make_more_than_a_reason(tmp_path, octets, start):
    """Whatever a file holds, it is a picture or there is a reason; never another exception."""
    path = tmp_path / "file.png"
    path.write_bytes(start + octets)
    why = ""
    try:
        size = size_of(path)
    except NoPictureError as error:
        why = str(error)
    assert why in ("no_picture", "broken", "huge") or min(size) > 0


def test_links_and_names_that_lead_out_are_left_out(tmp_path):
    """No file outside of the folder is read: not by a link to it, not by a linked folder, not by metadata."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    shades(inside)
    shades(outside, labels=("secret",))
    (inside / "a" / "link.png").symlink_to(outside / "secret" / "0.png")
    (inside / "b" / "deep").symlink_to(outside / "secret")
    (inside / "a" / "own.png").symlink_to(inside / "a" / "1.png")
    dataset = load_dataset(str(inside))
    rows = [row for split in dataset.splits for row in dataset.rows(split)]
    assert report_on_pictures(dataset).unreadable == {"outside": 2}
    assert not any("secret" in str(row.picture.resolve()) for row in rows)
    lines = [f"{name},{'ab'[number % 2]}\n" for number, name in enumerate([f"b/{n}.png" for n in range(6)])]
    (inside / "metadata.csv").write_text("file_name,label\n../out/secret/0.png,a\n/etc/hostname,b\n" + "".join(lines))
    dataset = load_dataset(str(inside))
    assert report_on_pictures(dataset).unreadable == {"outside": 2}
    assert {row.prompt for split in dataset.splits for row in dataset.rows(split)} == {f"b/{n}.png" for n in range(6)}


def test_equal_files_are_one(tmp_path):
    """A picture under many names is doubled in training, and never both trained on and held out."""
    shades(tmp_path, count=10)
    for number in range(5):
        save(tmp_path / "a" / f"again {number}.png", (3, 0, 7))
    dataset = load_dataset(str(tmp_path))
    report = report_on_pictures(dataset)
    assert report.leaking == 0
    same = {"a/3.png", *(f"a/again {number}.png" for number in range(5))}
    where = [split for split in dataset.splits if same & {row.prompt for row in dataset.rows(split)}]
    assert len(where) == 1
    assert report.duplicates == (5 if where == ["train"] else 0)


def test_given_splits_that_share_pictures_are_told(tmp_path):
    """A folder's own splits stay as they are, and the report counts what leaks."""
    shades(tmp_path / "train", count=10)
    shades(tmp_path / "test", count=3)
    assert report_on_pictures(load_dataset(str(tmp_path))).leaking >= 5


def test_limit_takes_from_every_label(tmp_path):
    """Six pictures of twenty are three of each label."""
    dataset = load_dataset(str(shades(tmp_path, count=10)), DataSettings(row_limit=6))
    assert Counter(row.response for split in dataset.splits for row in dataset.rows(split)) == {"a": 3, "b": 3}
    assert report_on_pictures(dataset).cut


def test_a_changed_folder_is_read_again(tmp_path):
    """A picture that came is there; a name that was damaged is not."""
    shades(tmp_path)
    before = sum(load_dataset(str(tmp_path)).splits.values())
    save(tmp_path / "a" / "new.png", "green")
    assert sum(load_dataset(str(tmp_path)).splits.values()) == before + 1


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({}, "no_picture_labels"),
        ({"a.png": "red", "b.png": "blue"}, "no_picture_labels"),
        ({"one/a.png": "red", "one/b.png": "blue"}, "one_picture_label"),
        ({"one/a.png": None, "two/b.png": None}, "no_pictures"),
    ],
)
def test_folders_without_anything_to_learn(tmp_path, files, key):
    """Empty, without labels, with one label only, without a picture: a sentence each."""
    for name, colour in files.items():
        path = save(tmp_path / name, colour or "red")
        if colour is None:
            path.write_bytes(b"broken")
    with pytest.raises(DataError) as caught:
        load_dataset(str(tmp_path))
    assert caught.value.key == key


def test_pixels_of_all_kinds_become_rgb():
    """Palettes, grey, sixteen bits, CMYK and floating point; see-through stands on white."""
    grey = Image.new("L", (2, 2), 200)
    assert as_rgb(grey).getpixel((0, 0)) == (200, 200, 200)
    deep = Image.fromarray(np.full((2, 2), 200 * 257, np.uint16))
    assert as_rgb(deep).getpixel((0, 0)) == (200, 200, 200)
    assert as_rgb(Image.new("RGBA", (2, 2), (255, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)
    assert as_rgb(Image.new("LA", (2, 2), (0, 255))).getpixel((0, 0)) == (0, 0, 0)
    assert as_rgb(Image.new("RGB", (2, 2), "red").convert("P")).getpixel((0, 0)) == pytest.approx((255, 0, 0), abs=4)
    assert as_rgb(Image.new("1", (2, 2), 1)).getpixel((0, 0)) == (255, 255, 255)
    assert as_rgb(Image.new("CMYK", (2, 2), (0, 0, 0, 0))).mode == "RGB"
    assert as_rgb(Image.fromarray(np.array([[0.0, 1.0]], np.float32))).getpixel((1, 0)) == (255, 255, 255)


def test_the_camera_says_what_is_up(tmp_path):
    """EXIF's orientation 6 turns a lying picture upright; its size is told as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "x.jpg", size=(20, 10), exif=exif)
    assert read_picture(path).size == size_of(path) == (10, 20)


def test_thumbnails_are_small_and_never_fail(tmp_path):
    """A data URL that any page shows; nothing for a file that is gone."""
    path = save(tmp_path / "x.png", size=(900, 300))
    assert thumbnail(path).startswith("data:image/jpeg;base64,")
    assert len(thumbnail(path)) < 5000
    assert thumbnail(tmp_path / "gone.png") == ""


def test_shapes_are_as_the_other_tests_want_them(tmp_path):
    """Twenty of each, all different."""
    report = report_on_pictures(load_dataset(str(draw_shapes(tmp_path))))
    assert report.duplicates == 0
    assert report.labels == {"blue square": 12, "red circle": 12}
    assert report.smallest == report.largest == (24, 24)

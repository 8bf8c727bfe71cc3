"""Vision encoders: every row of their table against the model itself, and features that are computed once."""

import copy
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import CLIPImageProcessorPil

import engine.models.vision
from engine.core.errors import ModelError, SettingError
from engine.core.paths import cache_root
from engine.data.picture_features import PictureFeatures
from engine.models.processing import pixels_of
from engine.models.vision import VisionShape, load_vision, vision_shape
from engine.models.vision_families import VISION_FAMILIES
from tests.encoders import SIZES, WHOLE, save_encoder, tiny_encoder
from tests.tiny import save_tiny
from tests.unit.drawing import LABELS, drawn


def picture(seed=0):
    """A red circle or a blue square."""
    return drawn(list(LABELS)[seed % 2], np.random.default_rng(seed))


def features_of(folder, depths=2):
    """Features that are computed by a fresh encoder."""
    return PictureFeatures(load_vision(str(folder)), depths)


@pytest.mark.parametrize("family", VISION_FAMILIES)
def test_features_are_the_states_of_transformers_own_encoder(family, tmp_path):
    """Class tokens, or mean patches, after half of the layers and after all, each at one scale."""
    encoder = load_vision(str(save_encoder(tmp_path, family)))
    plain = tiny_encoder(family)
    plain = plain.vision_model if family in WHOLE else plain
    pixels = encoder.processor(images=[picture()], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        out = plain(pixel_values=pixels, output_hidden_states=True)
    last = out.last_hidden_state
    if family.startswith("clip"):
        last = plain.post_layernorm(last)
        assert_close(last[:, 0], out.pooler_output)
    expected = []
    for state in (out.hidden_states[2], last):
        token = state[0].mean(0) if family.startswith("siglip") else state[0, 0]
        expected.append((token - token.mean()) / token.std(correction=0))
    assert_close(encoder.features(picture(), 2), torch.stack(expected), rtol=1e-3, atol=1e-4)
    shape = vision_shape(str(tmp_path))
    tokens = encoder.tokens(picture())
    assert (shape.layers, shape.width) == (4, SIZES["hidden_size"])
    assert (shape.tokens, shape.token_width) == tokens.shape


@pytest.mark.parametrize("family", VISION_FAMILIES)
def test_attention_is_that_of_the_whole_on_its_patches(family, tmp_path):
    """A share per patch of what it reads; afterwards features are computed as before, to the bit."""
    encoder = load_vision(str(save_encoder(tmp_path, family)))
    before, usual = encoder.features(picture(), 2), encoder.model.config._attn_implementation
    pixels, looks = encoder.attention(picture(), 2)
    assert pixels.shape == (3, 16, 16)
    assert looks.shape == (2, 16)
    assert (looks >= 0).all()
    shares = looks.sum(-1)
    assert (shares <= 1 + 1e-5).all()
    assert encoder.family.class_token != bool((shares > 1 - 1e-5).all())
    assert looks.std() > 1e-4
    assert encoder.model.config._attn_implementation == usual != "eager"
    assert torch.equal(encoder.features(picture(), 2), before)


@pytest.mark.parametrize("pairs", [False, True])
def test_tokens_are_counted_from_one_side_or_two(tmp_path, pairs):
    """Some configs write the sides of pictures and patches as pairs."""
    folder = save_encoder(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if pairs:
        config |= {"image_size": [16, 16], "patch_size": [4, 4]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert vision_shape(str(folder)).tokens == 17


def test_depths_are_even_and_end_at_the_last_layer():
    """Of twelve layers four are 3, 6, 9 and 12; more than there are is an error that says how many there are."""
    assert VisionShape(12, 8, 17, 8).depths(4) == [3, 6, 9, 12]
    assert VisionShape(5, 8, 17, 8).depths(2) == [2, 5]
    with pytest.raises(SettingError, match="vision encoder has 5 layers"):
        VisionShape(5, 8, 17, 8).depths(6)


def test_features_are_computed_once_per_content(tmp_path, monkeypatch):
    """A second name, a second process and a copy of the store find what was computed; another picture does not."""
    encoder, made = load_vision(str(save_encoder(tmp_path / "encoder"))), []
    compute = engine.models.vision.VisionEncoder.features
    monkeypatch.setattr(engine.models.vision.VisionEncoder, "features", lambda *args: made.append(1) or compute(*args))
    for name in ("a.png", "b.png"):
        picture().save(tmp_path / name)
    store = PictureFeatures(encoder, 2)
    first = store.of(tmp_path / "a.png")
    assert torch.equal(store.of(tmp_path / "b.png"), first)
    assert torch.equal(PictureFeatures(encoder, 2).of(tmp_path / "a.png"), first)
    assert copy.deepcopy(store) is store
    assert len(made) == 1
    assert len(list(cache_root().rglob("*.safetensors"))) == 1
    picture(1).save(tmp_path / "a.png")
    assert not torch.equal(store.of(tmp_path / "a.png"), first)
    assert len(made) == 2


@pytest.mark.fault(
    "damaged", "A cached file of features is cut off, empty or of another shape: features are made anew."
)
@pytest.mark.parametrize("damage", ["cut", "empty", "shape", "nan"])
def test_damaged_cache_is_computed_anew(tmp_path, damage):
    """What cannot be read, or cannot be features, is overwritten."""
    picture().save(tmp_path / "a.png")
    folder = save_encoder(tmp_path / "encoder")
    right = features_of(folder).of(tmp_path / "a.png")
    (file,) = cache_root().rglob("*.safetensors")
    whole = file.read_bytes()
    if damage in ("cut", "empty"):
        file.write_bytes(whole[: len(whole) // 2 if damage == "cut" else 0])
    else:
        save_file({"features": torch.zeros(3, 3) if damage == "shape" else torch.full((2, 24), torch.nan)}, file)
    assert torch.equal(features_of(folder).of(tmp_path / "a.png"), right)
    assert torch.equal(load_file(file)["features"].flatten(), right)


@pytest.mark.fault("damaged", "The features' cache cannot be written: the run goes on without it.")
def test_cache_that_cannot_be_written_stops_nothing(tmp_path):
    """Where the folder of the cache should be there is a file."""
    cache_root().parent.mkdir(parents=True, exist_ok=True)
    cache_root().write_text("in the way")
    picture().save(tmp_path / "a.png")
    assert len(features_of(save_encoder(tmp_path / "encoder")).of(tmp_path / "a.png")) == 48


@pytest.mark.fault("input", "A vision encoder that is a text model, no model, or not there: one sentence each.")
def test_what_is_no_encoder_is_refused(tmp_path):
    """A language model, an unknown type, a folder without a model, and weights that are missing."""
    with pytest.raises(ModelError, match="type 'llama', which is no vision encoder"):
        vision_shape(str(save_tiny(tmp_path / "text")))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ModelError):
        vision_shape(str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match="not on this machine"):
        vision_shape(str(tmp_path / "away"))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config.json").write_text(json.dumps({"model_type": "no_such_type"}))
    with pytest.raises(ModelError):
        vision_shape(str(tmp_path / "odd"))
    file = save_encoder(tmp_path / "gap") / "model.safetensors"
    weights = load_file(file)
    save_file({name: value for name, value in weights.items() if ".2." not in name}, file, {"format": "pt"})
    with pytest.raises(ModelError, match="lacks weights"):
        load_vision(str(tmp_path / "gap"))


@pytest.mark.fault(
    "damaged", "A vision encoder's files are damaged, missing or do not fit each other: one sentence, no run."
)
@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"hidden_size": 48}),
        ("config.json", "{"),
        ("config.json", None),
        ("preprocessor_config.json", {"size": {"height": 8, "width": 8}}),
        ("preprocessor_config.json", {"image_processor_type": "Unheard"}),
        ("preprocessor_config.json", "[1]"),
        ("preprocessor_config.json", None),
        ("model.safetensors", None),
    ],
)
def test_encoders_that_do_not_fit_together_are_refused(tmp_path, file, change):
    """The sentence names the setting, the folder and what it should hold, before anything is trained with it."""
    path = save_encoder(tmp_path) / file
    if change is None:
        path.unlink()
    else:
        path.write_text(change if isinstance(change, str) else json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(
        ModelError, match=r"vision is .* holds no vision encoder that can be loaded \(config.json"
    ) as told:
        load_vision(str(tmp_path))
    assert told.value.key == "vision_folder"
    assert str(told.value).count("\n") == 0


@pytest.mark.fault("damaged", "What a run takes is counted for a broken vision encoder: the sentence of the run.")
@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"hidden_size": "x"}),
        ("config.json", {"num_hidden_layers": -3}),
        ("config.json", {"num_hidden_layers": None}),
        ("preprocessor_config.json", None),
        ("model.safetensors", None),
    ],
)
def test_broken_encoders_are_not_counted(tmp_path, file, change):
    """Sizes are read of what a run could use, also where no weights are loaded."""
    path = save_encoder(tmp_path) / file
    assert vision_shape(str(tmp_path)).layers > 0
    if change is None:
        path.unlink()
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=r"vision is .* holds no vision encoder that can be loaded") as told:
        vision_shape(str(tmp_path))
    assert str(told.value).count("\n") == 0


@pytest.mark.parametrize("kind", ["cmyk", "sixteen", "see-through", "rotated", "animated", "grey"])
def test_odd_pictures_are_read_as_they_are_seen(tmp_path, kind):
    """Whatever a picture is stored as, its features are those of what one sees."""
    folder, image = save_encoder(tmp_path / "encoder"), picture()
    file, seen = tmp_path / "a.png", image
    if kind == "cmyk":
        file = tmp_path / "a.tiff"
        image.convert("CMYK").save(file)
        seen = image.convert("CMYK").convert("RGB")
    elif kind == "sixteen":
        grey = np.asarray(image.convert("L"))
        Image.fromarray(grey.astype(np.uint16) * 257).save(file)
        seen = Image.fromarray(grey).convert("RGB")
    elif kind == "see-through":
        layer = image.convert("RGBA")
        layer.putalpha(0)
        layer.save(file)
        seen = Image.new("RGB", image.size, "white")
    elif kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(file, exif=exif)
        seen = image.transpose(Image.Transpose.ROTATE_270)
    elif kind == "animated":
        file = tmp_path / "a.webp"
        image.save(file, save_all=True, append_images=[picture(1)], lossless=True)
    else:
        seen = image.convert("L")
        seen.save(file)
        seen = seen.convert("RGB")
    expected = load_vision(str(folder)).features(seen, 2).flatten()
    assert_close(features_of(folder).of(file), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.fault(
    "memory", "A picture of one by many thousand pixels: it is not blown up to billions before it is cut."
)
def test_long_pictures_are_cut_before_they_are_scaled(monkeypatch):
    """Where the processor looks at the middle alone; its pixels are those of the whole picture, as ever."""
    middle = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    whole = CLIPImageProcessorPil(size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16})
    long = Image.new("RGB", (8, 4000), "white")
    long.paste(picture().resize((8, 8)), (0, 1996))
    expected = [each(images=[long], return_tensors="pt")["pixel_values"] for each in (middle, whole)]
    handed, process = [], CLIPImageProcessorPil.__call__

    def spied(self, images, **options):
        handed.extend(image.size for image in images)
        return process(self, images=images, **options)

    monkeypatch.setattr(CLIPImageProcessorPil, "__call__", spied)
    assert_close([pixels_of(each, [long]) for each in (middle, whole)], expected)
    assert handed == [(8, 64), (8, 4000)]


def test_fingerprint_is_of_the_file_alone(tmp_path):
    """Weights that a file may lack, as a pooler, are not drawn anew in each process: the adapter would not load."""
    folder = save_encoder(tmp_path)
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "pooler" not in k}, folder / "model.safetensors", {"format": "pt"})
    fingerprints = set()
    for seed in range(2):
        torch.manual_seed(seed)
        engine.models.vision._load.cache_clear()
        fingerprints.add(load_vision(str(folder)).fingerprint)
    assert len(fingerprints) == 1

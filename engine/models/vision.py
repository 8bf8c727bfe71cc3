"""A frozen vision encoder: from a picture to its global features at several depths."""

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, BaseImageProcessor, PreTrainedConfig, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from engine.core.errors import SettingError
from engine.models.base import hash_weights
from engine.models.checks import check_hub, check_missing_weights, check_weights
from engine.models.processing import pixels_of
from engine.models.resolve import hub_token, local_folder, locate
from engine.models.vision_errors import no_encoder, telling_of_vision
from engine.models.vision_families import VisionFamily, vision_family_of

TRIED = (32, 24)
"""Pixels of the blank picture that every encoder is tried with."""


@dataclass(frozen=True, slots=True)
class VisionShape:
    """Sizes of an encoder.

    Attributes:
        layers: Its layers.
        width: Width of their states.
        tokens: How many tokens a picture has after the last layer: its patches, and a class token where there is one.
        token_width: Width of these, which CLIP projects once more.
    """

    layers: int
    width: int
    tokens: int
    token_width: int

    def depths(self, count: int) -> list[int]:
        """So many layers at even distances, the last among them.

        Raises:
            SettingError: It has fewer.
        """
        if count > self.layers:
            raise SettingError(
                "vision_depths",
                f"vision_depths is {count}, but the vision encoder has {self.layers} layers: choose at most "
                f"{self.layers}.",
                value=count,
                high=self.layers,
            )
        return [self.layers * (number + 1) // count for number in range(count)]


@dataclass(frozen=True)
class VisionEncoder:
    """A loaded encoder.

    Attributes:
        name: What the user called it: a folder or a hub id.
        model: The frozen encoder, in fp32.
        processor: Makes its pixels of a picture.
        family: Its row in the table.
        shape: Its sizes.
        fingerprint: Short hash of its weights.
    """

    name: str
    model: PreTrainedModel
    processor: BaseImageProcessor
    family: VisionFamily
    shape: VisionShape
    fingerprint: str

    @torch.no_grad()
    def features(self, picture: Image.Image, depths: int) -> Float[Tensor, "m c"]:
        """What stands for a whole picture after `depths` of the layers, each of mean 0 and variance 1, on the CPU.

        Always one picture at a time: what a picture gives depends on nothing but the picture. Depths are brought to one
        scale since in most encoders their size grows by orders of magnitude with the depth.
        """
        pixels = pixels_of(self.processor, [picture])
        out = self.model(pixel_values=pixels.to(self.model.device, self.model.dtype), output_hidden_states=True)
        states = [out.hidden_states[at] for at in self.shape.depths(depths)]
        states[-1] = self._last(out.last_hidden_state)
        tokens = [state[0, 0] if self.family.class_token else state[0].mean(0) for state in states]
        features = torch.stack(tokens).float()
        return nn.functional.layer_norm(features, features.shape[-1:]).cpu()

    @torch.no_grad()
    def tokens(self, picture: Image.Image) -> Float[Tensor, "n w"]:
        """All tokens of a picture after the last layer, CLIP's through its projection, on the CPU."""
        pixels = pixels_of(self.processor, [picture]).to(self.model.device, self.model.dtype)
        state = self._last(self.model(pixel_values=pixels).last_hidden_state)
        out: Tensor = state if self.projection is None else self.projection(state)
        return out[0].float().cpu()

    @functools.cached_property
    def projection(self) -> nn.Module | None:
        """The linear that the tokens of a picture go through; None where the family has none.

        Raises:
            ModelError: The files hold none.
        """
        if not self.family.projection:
            return None
        config = _config(self.name)
        sizes: Any = getattr(config, self.family.within)
        sizes.projection_dim = config.projection_dim  # written twice, and only the outer one holds
        with telling_of_vision(self.name), torch.random.fork_rng(devices=[]):
            whole, loading_info = getattr(transformers, f"{self.family.model}WithProjection").from_pretrained(
                locate(self.name), config=sizes, use_safetensors=True, output_loading_info=True, dtype=torch.float32,
                token=hub_token(), trust_remote_code=False,
            )  # fmt: skip
        missing = [key for key in loading_info["missing_keys"] if key.startswith(self.family.projection)]
        check_missing_weights(self.name, missing)
        projection: nn.Module = whole.get_submodule(self.family.projection)
        return projection.requires_grad_(requires_grad=False).to(self.model.device)

    @functools.cached_property
    def token_fingerprint(self) -> str:
        """Short hash of all weights that tokens depend on."""
        if self.projection is None:
            return self.fingerprint
        return hashlib.sha256((self.fingerprint + hash_weights(self.projection)).encode()).hexdigest()[:16]

    @torch.no_grad()
    def attention(self, picture: Image.Image, depths: int) -> tuple[Float[Tensor, "c y x"], Float[Tensor, "m p"]]:
        """What it reads of a picture, and how what stands for the whole of it attends to the patches.

        The attention of the class token, or the mean of all patches' where there is none, mean of all heads, in the
        layers that features are taken from.
        """
        pixels = pixels_of(self.processor, [picture])
        usual: Any = self.model.config._attn_implementation
        self.model.set_attn_implementation("eager")  # others never make the weights
        try:
            read = pixels.to(self.model.device, self.model.dtype)
            maps = self.model(pixel_values=read, output_attentions=True).attentions
        finally:
            self.model.set_attn_implementation(usual)
        weights = [maps[at - 1][0].float().mean(0) for at in self.shape.depths(depths)]
        looks = [each[0, 1:] if self.family.class_token else each.mean(0) for each in weights]
        return pixels[0], torch.stack(looks).cpu()

    def _last(self, state: Float[Tensor, "1 p c"]) -> Float[Tensor, "1 p c"]:
        out: Tensor = self.model.get_submodule(self.family.last_norm)(state) if self.family.last_norm else state
        return out


def vision_shape(name: str) -> VisionShape:
    """Sizes of an encoder from its config alone.

    Raises:
        ModelError: It cannot be found, or is no encoder of a known family.
        SettingError: The name is a path that cannot be used.
    """
    return _shape(name, _stamp(name))


@functools.lru_cache(maxsize=8)
def _shape(name: str, stamp: object) -> VisionShape:
    config = _config(name)
    family = vision_family_of(name, config.model_type)
    with telling_of_vision(name):
        sizes: Any = getattr(config, family.within) if family.within else config
        layers, width = sizes.num_hidden_layers, sizes.hidden_size
        if not (isinstance(layers, int) and isinstance(width, int) and layers > 0 and width > 0):
            raise no_encoder(name, f"config.json says {layers!r} layers of width {width!r}")
        check_weights(name)
        _check_files(name)
        (height, across), (tall, wide) = (_pair(side) for side in (sizes.image_size, sizes.patch_size))
        patches = (height // tall) * (across // wide)
    token_width = config.projection_dim if family.projection else width
    return VisionShape(layers, width, patches + family.class_token, token_width)


def _pair(side: Any) -> tuple[int, int]:  # noqa: ANN401 - configs hold one number or two
    """Height and width of a picture or a patch, which most configs write as one number."""
    height, width = (side, side) if isinstance(side, int) else side
    return height, width


def _check_files(name: str) -> None:
    """See that a folder has more than a description, so that counting finds out what a run would.

    Raises:
        ModelError: It has not.
    """
    folder = local_folder(name)
    if folder is None:
        return
    for pattern in ("*.safetensors", "preprocessor_config.json"):
        if not any(folder.glob(pattern)):
            raise no_encoder(name, f"there is no {pattern}")


def load_vision(name: str, device: str = "cpu") -> VisionEncoder:
    """Load an encoder; only safetensors are read. What was loaded lately and has not changed is not loaded again.

    Raises:
        ModelError: It cannot be found or read, or is no encoder of a known family; the sentence says what to do.
        SettingError: The name is a path that cannot be used.
    """
    return _load(name, device, _stamp(name))


@functools.lru_cache(maxsize=2)
def _load(name: str, device: str, stamp: object) -> VisionEncoder:
    config, shape = _config(name), _shape(name, stamp)
    family = vision_family_of(name, config.model_type)
    disable_progress_bar()
    common: dict[str, Any] = {"token": hub_token(), "trust_remote_code": False}
    with telling_of_vision(name):
        check_weights(name)
        with torch.random.fork_rng(devices=[]):
            model, loading_info = getattr(transformers, family.model).from_pretrained(
                locate(name), use_safetensors=True, output_loading_info=True, dtype=torch.float32, **common
            )
        processor = AutoImageProcessor.from_pretrained(locate(name), **common)
    missing = sorted(loading_info["missing_keys"])
    prefix = f"{model.base_model_prefix}."
    check_missing_weights(name, [key for key in missing if not key.removeprefix(prefix).startswith(family.unused)])
    with torch.no_grad():  # else the fingerprint would be of chance too
        for key in missing:
            model.get_parameter(key.removeprefix(prefix)).zero_()
    model = model.requires_grad_(requires_grad=False).eval().to(device)
    encoder = VisionEncoder(name, model, processor, family, shape, hash_weights(model))
    with telling_of_vision(name):  # its parts may not fit together, which no run should find out
        encoder.features(Image.new("RGB", TRIED), 1)
    return encoder


def _config(name: str) -> PreTrainedConfig:
    with telling_of_vision(name):
        check_hub(name)
        config: PreTrainedConfig = AutoConfig.from_pretrained(locate(name), token=hub_token(), trust_remote_code=False)
        return config


def _stamp(name: str) -> object:
    """Changes when a file of a model on this machine does."""
    folder = local_folder(name)
    if folder is None or not folder.is_dir():
        return None
    stats = [(file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file()]
    return tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in stats)

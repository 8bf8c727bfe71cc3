"""The frozen base: a transformers model, loaded once, never mutated. Everything happens on views of it."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from engine.data.collate import Collator, Reader
from engine.errors import ModelError
from engine.models.attention import name_of, register
from engine.models.families import Family, family_of
from engine.models.shape import ModelShape, shape_of
from engine.models.sources import (
    LOADING_ERRORS,
    check_family,
    check_weights,
    check_whole,
    explained,
    hub_token,
    locate,
    need_hub,
)
from engine.models.view import View

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = (*DTYPES, "int8", "nf4")


@dataclass(frozen=True)
class Base:
    """A loaded model with what prepares its inputs.

    Attributes:
        name: What the user called it: an embedded name, a folder or a hub id.
        model: The frozen model; do not touch, take a view.
        reader: Its tokenizer, with a padding token; or its image processor.
        shape: Its sizes.
        precision: One of `PRECISIONS`.
        missing: Names of weights that its file lacks, such as the language head of a sentence encoder. They are random,
            and the same random at every load, so that adapters still know their base.
    """

    name: str
    model: PreTrainedModel
    reader: Reader
    shape: ModelShape
    precision: str
    missing: tuple[str, ...] = ()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer.

        Raises:
            ModelError: The model reads pictures.
        """
        if isinstance(self.reader, PreTrainedTokenizerBase):
            return self.reader
        raise ModelError(
            "reads_pictures",
            f"The model {self.name!r} reads pictures, not text: choose a language model for this dataset.",
            name=self.name,
        )

    @property
    def collate(self) -> Collator:
        """Makes batches of examples."""
        return collator_for(self.model.config, self.reader, self.device)

    def view(self) -> View:
        """A fresh view that shares every tensor with the base."""
        return View(self.model, self.shape)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self.model.device

    def vocabulary(self) -> Tensor:
        """The input embeddings (v, d), frozen, as they enter the first layer.

        Gemma stores them small and multiplies them by sqrt(d) on the way in. Virtual tokens stand where the product
        does, so they begin at its size, and an entry taken from here does what its word does.
        """
        embeddings: Any = self.model.get_input_embeddings()
        weight: Tensor = embeddings.weight.detach()
        scale: Tensor | None = getattr(embeddings, "embed_scale", None)
        return weight if scale is None else weight * scale.to(weight.dtype)

    @cached_property
    def fingerprint(self) -> str:
        """Short hash of the weights, computed once: tells whether an adapter fits this base."""
        return hash_of(self.model)


def collator_for(config: PreTrainedConfig, reader: Reader, device: torch.device | None = None) -> Collator:
    """What makes batches for a model of which only the config need be there."""
    return Collator(reader, device, getattr(config, "patch_size", None) or 1)


def hash_of(model: nn.Module) -> str:
    """Short hash of every tensor's name, shape, dtype and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, Tensor):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def freeze(name: str, model: PreTrainedModel, reader: Reader, precision: str = "fp32", kernel: str = "auto") -> Base:
    """Make a base of a loaded model: freeze it and, where that is possible, route its attention through the sites.

    Raises:
        ModelError: The family is not supported, or does not let its attention kernel be chosen.
    """
    register()
    shape = shape_of(model)
    model.requires_grad_(requires_grad=False)
    model.eval()
    for part in model.modules():
        # opt's layers drop by themselves as soon as they are told to train, which recomputing them takes.
        if isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.0  # type: ignore[assignment]
    if shape.family.attention is not None:
        model.set_attn_implementation(name_of(kernel))
    elif kernel != "auto":
        raise ModelError(
            "own_attention",
            f"attention is {kernel!r}, but models of type {shape.model_type!r} compute attention in their own way: "
            "choose auto.",
            value=kernel,
            family=shape.model_type,
        )
    _settle(model)
    if isinstance(reader, PreTrainedTokenizerBase) and reader.pad_token_id is None:
        reader.pad_token = reader.eos_token
    return Base(name, model, reader, shape, precision)


def _settle(model: PreTrainedModel) -> None:
    """Let quantised linears do now what bitsandbytes puts off to the first forward, before views share their weights.

    An 8-bit linear moves the scales from its weight to itself: the first view would take them away from later ones.
    A 4-bit linear rounds its bias to its own number format; on a CPU it also packs its weight anew in place, which is
    switched off, so that the base stays as it was loaded.
    """
    for part in model.modules():
        settle: Callable[[], None] | None = getattr(part, "init_8bit_state", None)
        if settle is not None and getattr(part.weight, "CB", None) is not None:
            settle()
        if hasattr(part, "support_avx512bf16_for_cpu"):
            part.support_avx512bf16_for_cpu = False  # type: ignore[assignment]
            if isinstance(part.bias, Tensor) and isinstance(part.compute_dtype, torch.dtype):
                part.bias.data = part.bias.data.to(part.compute_dtype)
    # It warns in every single forward that activations are rounded, which is what was asked for.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)


def device_of(wanted: str) -> str:
    """The device that a setting means: "cuda" or "cpu".

    Raises:
        ModelError: It is a GPU, and PyTorch sees none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("no_gpu", "device is 'cuda', but PyTorch sees no GPU on this machine: choose auto or cpu.")
    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def precision_of(wanted: str, device: str) -> str:
    """The number format that a setting means on a device: auto is bf16 on a GPU (fp16 where it has none), else fp32."""
    if wanted != "auto":
        return wanted
    if device != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def load_base(
    name: str,
    precision: str = "fp32",
    *,
    device: str = "auto",
    attention: str = "auto",
    trust_remote_code: bool = False,
    pickled_weights: bool = False,
) -> Base:
    """Load a model by embedded name, folder or hub id; only safetensors are read, unless pickles are asked for.

    Raises:
        ModelError: It cannot be found, read, or served; the sentence says what to do.
    """
    place = device_of(device)
    precision = precision_of(precision, place)
    config = read_config(name, trust_remote_code=trust_remote_code)
    family = family_of(config.model_type)
    check_weights(name, pickled=pickled_weights)
    disable_progress_bar()
    logging.getLogger("transformers.modeling_utils").addFilter(_calm)
    # It asks for a package that it can do without.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model, told = auto_class(family).from_pretrained(
                locate(name),
                use_safetensors=None if pickled_weights else True,
                output_loading_info=True,
                token=hub_token(),
                trust_remote_code=trust_remote_code,
                **_loading(precision, place),
            )
    except LOADING_ERRORS as error:
        raise explained(name, error) from error
    missing = tuple(sorted(told["missing_keys"]))
    within = f"{model.base_model_prefix}."  # an encoder can do without the head that filled its gaps
    check_whole(name, [key for key in missing if family.causal or key.startswith(within)])
    reader = read_reader(name, family, trust_remote_code=trust_remote_code)
    return replace(freeze(name, model, reader, precision, attention), missing=missing)


def _calm(record: logging.LogRecord) -> bool:
    """Hold back what transformers says of weights that a file lacks: `check_whole` says it where it matters."""
    text = record.getMessage()
    return "LOAD REPORT" not in text and not text.startswith("This checkpoint seem")


def read_config(name: str, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """A model's config.

    Raises:
        ModelError: It cannot be found or read, or its family is not supported.
    """
    need_hub(name)
    check_family(name)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            locate(name), token=hub_token(), trust_remote_code=trust_remote_code
        )
    except LOADING_ERRORS as error:
        raise explained(name, error) from error
    family_of(config.model_type)
    return config


def read_reader(name: str, family: Family, *, trust_remote_code: bool = False) -> Reader:
    """A model's tokenizer, or its image processor.

    Raises:
        ModelError: It cannot be found or read.
    """
    try:
        reader: Reader = (AutoTokenizer if family.text else AutoImageProcessor).from_pretrained(
            locate(name), token=hub_token(), trust_remote_code=trust_remote_code
        )
    except LOADING_ERRORS as error:
        raise explained(name, error) from error
    return reader


def describe(name: str, *, trust_remote_code: bool = False) -> ModelShape:
    """Sizes of a model from its config alone: nothing is loaded, no memory is taken.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    config = read_config(name, trust_remote_code=trust_remote_code)
    with torch.device("meta"):
        return shape_of(auto_class(family_of(config.model_type)).from_config(config, dtype=torch.float32))


def auto_class(family: Family) -> Any:  # noqa: ANN401 - transformers' own are not typed
    """What loads a model of this family with the head that it was trained with."""
    if not family.text:
        return AutoModelForImageClassification
    return AutoModelForCausalLM if family.causal else AutoModelForMaskedLM


def _loading(precision: str, device: str) -> dict[str, object]:
    """Arguments of `from_pretrained` for a precision on a device."""
    if precision in DTYPES:
        return {"dtype": DTYPES[precision], "device_map": device} if device == "cuda" else {"dtype": DTYPES[precision]}
    quantised = (
        BitsAndBytesConfig(load_in_8bit=True)
        if precision == "int8"
        else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    )
    return {
        "quantization_config": quantised,
        "device_map": device,
        "dtype": torch.float32 if device == "cpu" else None,
    }

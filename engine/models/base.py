"""The frozen base: a transformers model, loaded once, never mutated. Everything happens on views of it."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from engine.errors import ModelError
from engine.models import attention
from engine.models.families import family_of
from engine.models.shape import ModelShape, shape_of
from engine.models.view import View

ASSETS = Path(__file__).resolve().parents[2] / "assets"
EMBEDDED = {"town": ASSETS / "town"}
"""Models that ship with the workbench, by name."""

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = (*DTYPES, "int8", "nf4")


@dataclass(frozen=True)
class Base:
    """A loaded model with its tokenizer.

    Attributes:
        name: What the user called it: an embedded name, a folder or a hub id.
        model: The frozen model; do not touch, take a view.
        tokenizer: Its tokenizer, with a padding token.
        shape: Its sizes.
        precision: One of `PRECISIONS`.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    shape: ModelShape
    precision: str

    def view(self) -> View:
        """A fresh view that shares every tensor with the base."""
        return View(self.model, self.shape)

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self.model.device

    def vocabulary(self) -> Tensor:
        """The input embeddings (v, d), frozen."""
        weight: Tensor = self.model.get_input_embeddings().weight  # type: ignore[assignment, union-attr]
        return weight.detach()

    @cached_property
    def fingerprint(self) -> str:
        """Short hash of the weights, computed once: tells whether an adapter fits this base."""
        return hash_of(self.model)


def hash_of(model: nn.Module) -> str:
    """Short hash of every tensor's name, shape, dtype and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, Tensor):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def freeze(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, precision: str = "fp32") -> Base:
    """Make a base of a loaded model: freeze it and route its attention through the sites.

    Raises:
        ModelError: The family is not supported.
    """
    attention.register()
    shape = shape_of(model)
    model.requires_grad_(requires_grad=False)
    model.eval()
    model.set_attn_implementation(attention.NAME)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Base(name, model, tokenizer, shape, precision)


def locate(name: str) -> str:
    """The folder or hub id behind a model name."""
    return str(EMBEDDED.get(name, name))


def load_base(name: str, precision: str = "fp32", *, trust_remote_code: bool = False) -> Base:
    """Load a model by embedded name, folder or hub id; only safetensors are read.

    Raises:
        ModelError: It cannot be found, read, or served; the sentence says what to do.
    """
    path = locate(name)
    try:
        config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
        family = family_of(config.model_type)
        make = AutoModelForCausalLM if family.causal else AutoModelForMaskedLM
        model = make.from_pretrained(
            path, use_safetensors=True, trust_remote_code=trust_remote_code, **_loading(precision)
        )
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise _explained(name, error) from error
    return freeze(name, model, tokenizer, precision)


def describe(name: str) -> ModelShape:
    """Sizes of a model from its config alone: nothing is loaded, no memory is taken.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    try:
        config = AutoConfig.from_pretrained(locate(name))
    except (OSError, ValueError) as error:
        raise _explained(name, error) from error
    family = family_of(config.model_type)
    with torch.device("meta"):
        return shape_of((AutoModelForCausalLM if family.causal else AutoModelForMaskedLM).from_config(config))


def _loading(precision: str) -> dict[str, object]:
    """Arguments of `from_pretrained` for a precision."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision in DTYPES:
        return {"dtype": DTYPES[precision], "device_map": device} if device == "cuda" else {"dtype": DTYPES[precision]}
    quantised = (
        BitsAndBytesConfig(load_in_8bit=True)
        if precision == "int8"
        else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    )
    return {"quantization_config": quantised, "device_map": device, "dtype": torch.float32 if device == "cpu" else None}


def _explained(name: str, error: Exception) -> ModelError:
    """Say in one sentence why a model could not be loaded."""
    text = str(error)
    if "gated" in text or "401" in text or "403" in text:
        return ModelError(
            "model_gated",
            f"The model {name!r} needs permission: accept its terms on the hub and set HF_TOKEN in the environment.",
            name=name,
        )
    if Path(name).is_absolute() or name.startswith(".") or Path(name).exists():
        reason = text.splitlines()[0] if text else "it cannot be read"
        return ModelError(
            "model_folder",
            f"The folder {name!r} holds no model that can be loaded (config.json, *.safetensors and a tokenizer): "
            f"{reason}",
            name=name,
            reason=reason,
        )
    return ModelError(
        "model_missing",
        f"The model {name!r} is not on this machine and the hub did not answer: check the name and the network, "
        "or give the path of a local folder.",
        name=name,
    )

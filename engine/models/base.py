"""The frozen base: a transformers model, loaded once, never mutated. Everything happens on views of it."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.core.errors import ModelError
from engine.models.attention import implementation_name, register_attention
from engine.models.inputs import Processor
from engine.models.processor_hash import hash_processor
from engine.models.shape import ModelShape, shape_of
from engine.models.shards import bytes_of_shares, whole
from engine.models.view import View


@dataclass(frozen=True)
class Base:
    """A loaded model with what prepares its inputs.

    Attributes:
        name: What the user called it: a name that ships, a folder or a hub id.
        model: The frozen model; methods are attached to its views.
        processor: Its tokenizer, with a padding token; or its image processor.
        shape: Its sizes.
        precision: One of `PRECISIONS`.
        missing: Names of weights that its file lacks, such as the language head of a sentence encoder. They are random,
            and the same random at every load, so that adapters still know their base.
    """

    name: str
    model: PreTrainedModel
    processor: Processor
    shape: ModelShape
    precision: str
    missing: tuple[str, ...] = ()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer.

        Raises:
            ModelError: The model reads pictures.
        """
        if isinstance(self.processor, PreTrainedTokenizerBase):
            return self.processor
        raise ModelError(
            "reads_pictures",
            f"The model {self.name!r} reads pictures, not text: choose a language model for this dataset.",
            name=self.name,
        )

    def view(self) -> View:
        """A fresh view that shares every tensor with the base."""
        return View(self.model, self.shape)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.model.device

    @property
    def share(self) -> int:
        """Bytes of it that this process holds for all of those that hold it together; 0 where it is not split."""
        return bytes_of_shares(self.model)

    def input_embeddings(self) -> Tensor:
        """The input embeddings (v, d), frozen, as they enter the first layer.

        Some families store them small and multiply them by sqrt(d) on the way in. Virtual tokens stand where the
        product does, so they begin at its size, and an entry taken from here does what its word does.
        """
        embeddings: Any = self.model.get_input_embeddings()
        with whole(embeddings) as passing:
            weight: Tensor = embeddings.weight.detach().clone() if passing else embeddings.weight.detach()
        name = self.shape.family.embedding_scale
        return weight * getattr(embeddings, name).to(weight.dtype) if name else weight

    @cached_property
    def fingerprint(self) -> str:
        """Short hash of the weights, computed once: tells whether an adapter fits this base."""
        return hash_weights(self.model)

    @cached_property
    def processor_fingerprint(self) -> str:
        """Short hash of its tokenizer and chat template, or of its image processor, computed once."""
        return hash_processor(self.processor)


def hash_weights(model: nn.Module) -> str:
    """Short hash of every tensor's name, shape, dtype and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, Tensor):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def base_from_model(
    name: str, model: PreTrainedModel, processor: Processor, precision: str = "fp32", kernel: str = "auto"
) -> Base:
    """Make a base of a loaded model: freeze it and, where that is possible, route its attention through the sites.

    Raises:
        ModelError: The family is not supported, or does not let its attention kernel be chosen.
    """
    register_attention()
    shape = shape_of(model)
    model.requires_grad_(requires_grad=False)
    model.eval()
    for part in model.modules():
        for name in shape.family.functional_dropout:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)
    if shape.family.attention is not None:
        model.set_attn_implementation(implementation_name(kernel))
    elif kernel != "auto":
        raise ModelError(
            "own_attention",
            f"attention is {kernel!r}, but models of type {shape.model_type!r} compute attention in their own way: "
            "choose auto.",
            value=kernel,
            family=shape.model_type,
        )
    _prepare_quantised(model)
    if isinstance(processor, PreTrainedTokenizerBase) and processor.pad_token_id is None:
        processor.pad_token = processor.eos_token
    return Base(name, model, processor, shape, precision)


def _prepare_quantised(model: PreTrainedModel) -> None:
    """Let quantised linears do now what bitsandbytes does in the first forward, before views share their weights.

    An 8-bit linear moves the scales from its weight to itself: the first view would take them away from later ones.
    A 4-bit linear rounds its bias to its own number format; on a CPU it also packs its weight anew in place, which is
    switched off, so that the base stays as it was loaded.
    """
    for part in model.modules():
        initialise: Callable[[], None] | None = getattr(part, "init_8bit_state", None)
        if initialise is not None and getattr(part.weight, "CB", None) is not None:
            initialise()
        if hasattr(part, "support_avx512bf16_for_cpu"):
            part.support_avx512bf16_for_cpu = False  # type: ignore[assignment]
            if isinstance(part.bias, Tensor) and isinstance(part.compute_dtype, torch.dtype):
                part.bias.data = part.bias.data.to(part.compute_dtype)
    # It warns in every single forward that activations are rounded, which is what was asked for.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)

"""Whether the parts of a model fit each other: config, stored weights, tokenizer or image processor."""

from collections.abc import Collection, Sequence
from typing import Any

from PIL import Image
from transformers import BaseImageProcessor, PreTrainedConfig, PreTrainedTokenizerBase

from engine.core.errors import ModelError
from engine.models.family import Family
from engine.models.inputs import Processor
from engine.models.processing import pixels_of

TRIED = (32, 24)
"""Pixels of the blank picture that an image processor is tried with."""


def fit_processor(name: str, processor: Processor, config: PreTrainedConfig, family: Family) -> None:
    """Complete a tokenizer's padding and end tokens, and see that what it or an image processor makes can be read.

    Raises:
        ModelError: The model cannot read it, or no token ends an answer.
    """
    if not isinstance(processor, PreTrainedTokenizerBase):
        _fit_pictures(name, processor, config)
        return
    if family.causal and processor.eos_token_id is None:
        processor.eos_token = _end_token(name, processor, config)
    padding = processor.pad_token
    if processor.pad_token_id is None or processor.pad_token_id >= config.vocab_size:  # nothing reads what is padded
        processor.pad_token = processor.eos_token or processor.convert_ids_to_tokens(0)
    _need_embedded(name, processor, config.vocab_size, padding)


def _end_token(name: str, tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig) -> str:
    """The token that ends a text where the tokenizer names none: what the config or BERT's tokenizer says.

    Raises:
        ModelError: Neither does.
    """
    said = getattr(config, "eos_token_id", None)
    ends = [said] if isinstance(said, int) else said if isinstance(said, list) else []
    known = {index for index in tokenizer.get_vocab().values() if index < config.vocab_size}
    for index in [*ends, tokenizer.sep_token_id]:
        if index in known:
            return str(tokenizer.convert_ids_to_tokens(index))
    raise ModelError(
        "no_end_token",
        f"The tokenizer of the model {name!r} names no end token, so no answer would end: name one as eos_token in its "
        "tokenizer_config.json.",
        name=name,
    )


def _need_embedded(name: str, tokenizer: PreTrainedTokenizerBase, size: int, padding: object) -> None:
    beyond = {index: token for token, index in tokenizer.get_vocab().items() if index >= size and token != padding}
    if beyond:
        number, token = min(beyond.items())
        raise ModelError(
            "token_beyond",
            f"The tokenizer of the model {name!r} has the token {token!r} with the number {number}, but the model's "
            f"embedding ends at {size - 1}: take it out of tokenizer.json, or use the tokenizer that the model was "
            "trained with.",
            name=name,
            token=token,
            number=number,
            last=size - 1,
        )


def _fit_pictures(name: str, processor: BaseImageProcessor, config: PreTrainedConfig) -> None:
    wanted: Any = getattr(config, "image_size", None)
    wanted = tuple(wanted) if isinstance(wanted, list | tuple) else (wanted, wanted)
    _, channels, *made = pixels_of(processor, [Image.new("RGB", TRIED)]).shape
    if None not in wanted and (channels, *made) != (getattr(config, "num_channels", channels), *wanted):
        raise ModelError(
            "processor_size",
            f"The image processor of the model {name!r} makes pictures of {_by(made)} pixels, but its config.json says "
            f"{_by(wanted)}: set size (and crop_size) in preprocessor_config.json to {_by(wanted)}.",
            name=name,
            made=_by(made),
            wanted=_by(wanted),
        )


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def check_sizes(name: str, mismatched: Collection[tuple[str, Sequence[int], Sequence[int]]]) -> None:
    """Refuse a model whose file has other sizes than its config.

    Args:
        name: The model.
        mismatched: Weights, each with its shape in the file and after the config.

    Raises:
        ModelError: There are some.
    """
    for weight, stored, wanted in sorted(mismatched):
        raise ModelError(
            "model_sizes",
            f"The files of the model {name!r} disagree: {weight} is {_by(stored)} in its weights and {_by(wanted)} by "
            f"its config.json ({len(mismatched)} such): fetch both again from one place.",
            name=name,
            weight=weight,
            stored=_by(stored),
            wanted=_by(wanted),
            count=len(mismatched),
        )


def stored_precision(name: str, config: PreTrainedConfig) -> str:
    """The number format that a model's weights are quantised to in its files; empty where they are not.

    Raises:
        ModelError: It is one that cannot be read here.
    """
    said: Any = getattr(config, "quantization_config", None)
    if said is None:
        return ""
    said = said if isinstance(said, dict) else said.to_dict()
    if said.get("load_in_8bit"):
        return "int8"
    if said.get("load_in_4bit") and said.get("bnb_4bit_quant_type") == "nf4":
        return "nf4"
    method = said.get("bnb_4bit_quant_type") or said.get("quant_method") or "unknown"
    raise ModelError(
        "other_quantisation",
        f"The weights of the model {name!r} are quantised as {method}, which cannot be trained on here: choose the "
        "unquantised model, and set precision to int8 or nf4 to save memory.",
        name=name,
        value=method,
    )


def precision_as_stored(name: str, stored: str, wanted: str) -> str:
    """The number format in which a model is loaded, given that of its files.

    Args:
        name: The model.
        stored: What `stored_precision` said.
        wanted: The setting; fp32 is the default, so it is taken as "whatever it is".

    Raises:
        ModelError: The setting asks for another quantisation than the one that is there.
    """
    if stored and wanted not in ("auto", "fp32", stored):
        raise ModelError(
            "quantised_already",
            f"precision is {wanted!r}, but the weights of the model {name!r} are stored as {stored} already: set "
            f"precision to {stored!r}, or choose the unquantised model.",
            value=wanted,
            name=name,
            stored=stored,
        )
    return stored or wanted

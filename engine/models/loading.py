"""Loading a base: from a name, a folder or a hub id to a frozen model with its tokenizer or image processor."""

import logging
from dataclasses import replace
from typing import Any

import torch
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
)
from transformers.utils.logging import disable_progress_bar

from engine.core.errors import ModelError
from engine.models.base import Base, base_from_model
from engine.models.checks import check_family, check_hub, check_missing_weights, check_weights
from engine.models.families import family_of
from engine.models.family import Family
from engine.models.inputs import Processor
from engine.models.load_errors import LOADING_ERRORS, loading_error
from engine.models.resolve import hub_token, locate
from engine.models.shape import ModelShape, shape_of

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

PRECISIONS = (*DTYPES, "int8", "nf4")


def resolve_device(wanted: str) -> str:
    """The device that a setting means: "cuda" or "cpu".

    Raises:
        ModelError: It is a GPU, and PyTorch sees none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("no_gpu", "device is 'cuda', but PyTorch sees no GPU on this machine: choose auto or cpu.")
    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def resolve_precision(wanted: str, device: str) -> str:
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
    """Load a model that ships, from a folder or from the hub; only safetensors are read, unless pickles are asked for.

    Raises:
        ModelError: It cannot be found or read, or its family is not supported; the sentence says what to do.
    """
    device = resolve_device(device)
    precision = resolve_precision(precision, device)
    config = load_config(name, trust_remote_code=trust_remote_code)
    family = family_of(config.model_type)
    check_weights(name, pickled=pickled_weights)
    disable_progress_bar()
    logging.getLogger("transformers.modeling_utils").addFilter(_is_no_load_report)
    # It asks for a package that it can do without.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model, loading_info = auto_class(family).from_pretrained(
                locate(name),
                use_safetensors=None if pickled_weights else True,
                output_loading_info=True,
                token=hub_token(),
                trust_remote_code=trust_remote_code,
                **_dtype_arguments(precision, device),
            )
    except LOADING_ERRORS as error:
        raise loading_error(name, error) from error
    missing = tuple(sorted(loading_info["missing_keys"]))
    within = f"{model.base_model_prefix}."  # an encoder can do without the head that filled its gaps
    check_missing_weights(name, [key for key in missing if family.causal or key.startswith(within)])
    processor = load_processor(name, family, trust_remote_code=trust_remote_code)
    return replace(base_from_model(name, model, processor, precision, attention), missing=missing)


def _is_no_load_report(record: logging.LogRecord) -> bool:
    """Hold back the load report: `check_missing_weights` says which weights a file lacks, where it matters."""
    text = record.getMessage()
    return "LOAD REPORT" not in text and not text.startswith("This checkpoint seem")


def load_config(name: str, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """A model's config.

    Raises:
        ModelError: It cannot be found or read, or its family is not supported.
    """
    check_hub(name)
    check_family(name)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            locate(name), token=hub_token(), trust_remote_code=trust_remote_code
        )
    except LOADING_ERRORS as error:
        raise loading_error(name, error) from error
    family_of(config.model_type)
    return config


def load_processor(name: str, family: Family, *, trust_remote_code: bool = False) -> Processor:
    """A model's tokenizer, or its image processor.

    Raises:
        ModelError: It cannot be found or read.
    """
    try:
        processor: Processor = (AutoTokenizer if family.reads_text else AutoImageProcessor).from_pretrained(
            locate(name), token=hub_token(), trust_remote_code=trust_remote_code
        )
    except LOADING_ERRORS as error:
        raise loading_error(name, error) from error
    return processor


def shape_from_config(name: str, *, trust_remote_code: bool = False) -> ModelShape:
    """Sizes of a model from its config alone: nothing is loaded, no memory is taken.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    config = load_config(name, trust_remote_code=trust_remote_code)
    return shape_of(empty_model(config))


def empty_model(config: PreTrainedConfig) -> PreTrainedModel:
    """A model in fp32 on the meta device, with the weights tied that its config ties.

    They are tied here, since transformers has `tie_weights` do nothing in the whole process while another thread is in
    `from_pretrained`.
    """
    with torch.device("meta"):
        model: PreTrainedModel = auto_class(family_of(config.model_type)).from_config(config, dtype=torch.float32)
    for tied, source in model.get_expanded_tied_weights_keys(all_submodels=True).items():
        module, _, name = tied.rpartition(".")
        setattr(model.get_submodule(module), name, model.get_parameter(source))
    return model


def auto_class(family: Family) -> Any:  # noqa: ANN401 - transformers' own are not typed
    """What loads a model of this family with the head that it was trained with."""
    if not family.reads_text:
        return AutoModelForImageClassification
    return AutoModelForCausalLM if family.causal else AutoModelForMaskedLM


def _dtype_arguments(precision: str, device: str) -> dict[str, object]:
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

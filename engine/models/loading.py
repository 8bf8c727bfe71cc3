"""Loading a base: from a name, a folder or a hub id to a frozen model with its tokenizer or image processor."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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
from engine.models.fitting import check_sizes, fit_processor, precision_as_stored, stored_precision
from engine.models.gguf_file import BROKEN, bad_gguf, check_precision, is_gguf, read_once, source_of
from engine.models.inputs import Processor
from engine.models.load_errors import refuse_empty_sizes, telling_of_model
from engine.models.resolve import hub_token
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
    check_precision(name, precision)
    config = load_config(name, trust_remote_code=trust_remote_code)
    family, stored = family_of(config.model_type), "" if is_gguf(name) else stored_precision(name, config)
    precision = resolve_precision(precision_as_stored(name, stored, precision), device)
    check_weights(name, pickled=pickled_weights)
    disable_progress_bar()
    source, file = source_of(name)
    logging.getLogger("transformers.modeling_utils").addFilter(_is_no_load_report)
    # It asks for a package that it can do without.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    with _telling(name), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, loading_info = auto_class(family).from_pretrained(
            source,
            use_safetensors=None if pickled_weights else True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            token=hub_token(),
            trust_remote_code=trust_remote_code,
            **_dtype_arguments(precision, device, quantised=bool(stored)),
            **file,
        )
    check_sizes(name, loading_info["mismatched_keys"])
    missing = tuple(sorted(loading_info["missing_keys"]))
    within = f"{model.base_model_prefix}."  # an encoder can do without the head that filled its gaps
    check_missing_weights(name, [key for key in missing if family.causal or key.startswith(within)])
    processor = load_processor(name, config, trust_remote_code=trust_remote_code)
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
    config: PreTrainedConfig = _small_part(name, AutoConfig, trust_remote_code=trust_remote_code)
    family_of(config.model_type)
    return config


def load_processor(name: str, config: PreTrainedConfig, *, trust_remote_code: bool = False) -> Processor:
    """A model's tokenizer, with a padding token, or its image processor.

    Raises:
        ModelError: It cannot be found or read, or does not fit the model.
    """
    family = family_of(config.model_type)
    kind = AutoTokenizer if family.reads_text else AutoImageProcessor
    processor: Processor = _small_part(name, kind, trust_remote_code=trust_remote_code)
    fit_processor(name, processor, config, family)
    return processor


def _small_part(name: str, kind: Any, *, trust_remote_code: bool) -> Any:  # noqa: ANN401 - a config, or what prepares inputs
    """A part of a model beside its weights.

    Raises:
        ModelError: It cannot be found or read.
    """
    source, file = source_of(name)

    def read() -> Any:  # noqa: ANN401 - as above
        return kind.from_pretrained(source, token=hub_token(), trust_remote_code=trust_remote_code, **file)

    with _telling(name):
        return read_once(name, kind.__name__, read) if file else read()


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """Turn whatever goes wrong in loading a model for reasons that lie in its files into one sentence.

    Raises:
        ModelError: Something goes wrong.
    """
    with telling_of_model(name):
        try:
            yield
        except BROKEN as error:
            if not is_gguf(name) or isinstance(error, torch.OutOfMemoryError):
                raise
            raise bad_gguf(name, error) from error


def shape_from_config(name: str, *, trust_remote_code: bool = False) -> ModelShape:
    """Sizes of a model from its config alone: nothing is loaded, no memory is taken.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    config = load_config(name, trust_remote_code=trust_remote_code)
    with telling_of_model(name):
        return shape_of(empty_model(config))


def empty_model(config: PreTrainedConfig) -> PreTrainedModel:
    """A model in fp32 on the meta device, with the weights tied that its config ties.

    They are tied here, since transformers has `tie_weights` do nothing in the whole process while another thread is in
    `from_pretrained`.
    """
    with telling_of_model(str(config.name_or_path)), torch.device("meta"):
        refuse_empty_sizes(config)
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


def _dtype_arguments(precision: str, device: str, *, quantised: bool) -> dict[str, object]:
    """Arguments of `from_pretrained` for a precision on a device; quantised files say how themselves."""
    if quantised:
        return {"device_map": device, "dtype": torch.float32 if device == "cpu" else None}
    if precision in DTYPES:
        return {"dtype": DTYPES[precision], "device_map": device} if device == "cuda" else {"dtype": DTYPES[precision]}
    quantisation = (
        BitsAndBytesConfig(load_in_8bit=True)
        if precision == "int8"
        else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    )
    return {
        "quantization_config": quantisation,
        "device_map": device,
        "dtype": torch.float32 if device == "cpu" else None,
    }

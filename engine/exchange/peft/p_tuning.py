"""P-tuning in HF peft's form: virtual tokens in front of the text, stored as the encoder's outputs."""

from typing import Any

from torch import Tensor

from engine.exchange.peft.prompt_tuning import soft_config
from engine.exchange.refusals import refused, same_names
from engine.methods.base import Method, Start
from engine.methods.p_tuning.method import ENCODERS, PTuning
from engine.methods.p_tuning.spec import PTuningSettings
from engine.models.base import Base

METHOD = PTuning


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    assert isinstance(method, PTuning)
    settings, d = method.settings, method.shape.d
    if settings.template:
        raise refused(
            "HF peft puts virtual tokens only in front of the text, and this template has them inside",
            "train with an empty template, or export as a Gatelight adapter",
        )
    # peft does not build the encoder when it loads an adapter, but requires it in the config.
    encoder = settings.encoder if settings.encoder in ENCODERS else "mlp"
    config = {
        **soft_config(method.shape, settings.tokens, shifted=settings.shift_positions),
        "encoder_reparameterization_type": encoder.upper(),
        "encoder_hidden_size": settings.encoder_width or ENCODERS[encoder].usual_width(d),
        "encoder_num_layers": 2,
        "encoder_dropout": settings.dropout,
    }
    return config, {"prompt_embeddings": method.method_tensors()["prompts"]}


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: A tensor does not fit.
    """
    encoder = str(config.get("encoder_reparameterization_type", "MLP")).lower()
    if encoder not in ENCODERS:
        raise refused(f"its encoder {encoder!r} is unknown", f"save it with one of {', '.join(ENCODERS)}")
    width = config.get("encoder_hidden_size")
    settings = PTuningSettings(
        prompt_len=config["num_virtual_tokens"],
        encoder=encoder,
        encoder_width=None if width == ENCODERS[encoder].usual_width(base.shape.d) else width,
        dropout=float(config.get("encoder_dropout") or 0.0),
        shift_positions=True,
    )
    same_names({"prompt_embeddings"}, set(tensors))
    return PTuning.build(settings, base.shape, Start.of(base, 0)), {"prompts": tensors["prompt_embeddings"]}

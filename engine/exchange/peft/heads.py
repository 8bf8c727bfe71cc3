"""Task heads in HF peft's form: the `score` layer of a decoder, stored in full beside the adapter.

An encoder's classifier in transformers has further layers between states and scores (BERT's pooler, RoBERTa's and
DistilBERT's dense layer), so a plain linear head on the states cannot be exchanged.
"""

from typing import Any

from torch import Tensor

from engine.data.head_spec import HeadSpec
from engine.exchange.refusals import refused
from engine.methods.base import HEAD, Method
from engine.models.base import Base

STEMS = {
    "LORA": "base_model.model.",
    "ADALORA": "base_model.model.",
    "VERA": "base_model.model.",
    "MISS": "base_model.model.",
    "SHIRA": "base_model.model.",
    "OFT": "base_model.model.",
    "IA3": "base_model.model.",
    "PROMPT_TUNING": "base_model.",
    "PREFIX_TUNING": "base_model.",
    "P_TUNING": "base_model.",
}
"""Prefix of `score.weight` in peft's files, by type of adapter; other types do not store it."""


def write_head(kind: str, method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a head adds to peft's config and tensors; without one, only the task type of a language model.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    if method.head is None:
        return {"task_type": "CAUSAL_LM"} if method.shape.family.causal else {}, {}
    if method.head.spec.span:
        raise refused("peft's files hold no head that marks answers in texts", "export as a Gatelight adapter")
    if not method.shape.family.causal:
        raise refused("transformers puts layers between an encoder and its head", "export as a Gatelight adapter")
    if kind not in STEMS:
        raise refused(f"adapters of type {kind} are stored without a head", "export as a Gatelight adapter")
    if method.head.spec.pooling != "last":
        raise refused(
            f"a head of transformers reads the last token, and this one reads {method.head.spec.pooling!r}",
            "train with pooling=last, or export as a Gatelight adapter",
        )
    spec = method.head.spec
    if spec.centre:
        raise refused(
            f"a head of transformers has no place for the number that its estimates start from ({spec.centre:g})",
            f"subtract {spec.centre:g} from the numbers of the data and train anew, or export as a Gatelight adapter",
        )
    config = {"task_type": "SEQ_CLS", "modules_to_save": ["classifier", "score"]}
    return config, {STEMS[kind] + "score.weight": method.head.weight * spec.spread}


def read_head(
    kind: str, config: dict[str, Any], tensors: dict[str, Tensor], base: Base
) -> tuple[HeadSpec | None, dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """The head's spec, peft's config and tensors without the head, and the head's tensors under their names here.

    peft does not store label names, so they get the default names of transformers.
    """
    name = STEMS.get(kind, "") + "score.weight"
    if config.get("task_type") != "SEQ_CLS" or not base.shape.family.causal or name not in tensors:
        return None, config, tensors, {}
    weight = tensors[name]
    labels = tuple(f"LABEL_{row}" for row in range(len(weight))) if len(weight) > 1 else ()
    rest = {key: value for key, value in tensors.items() if key != name}
    return HeadSpec(labels=labels, pooling="last"), {**config, "modules_to_save": None}, rest, {HEAD + "weight": weight}

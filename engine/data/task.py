"""The task of a run: whether its answers are written in words or predicted by a task head, and by which."""

import math
import statistics
from dataclasses import replace

from engine.core.errors import DataError, ModelError, SettingError
from engine.data.dataset import Dataset
from engine.data.head_spec import HeadSpec, SpanSpec
from engine.models.family import Family
from engine.models.sentence_encoders import types_for

FAR = 3.0
"""Spreads between a centre and zero from where on the head of a decoder, which has no bias, is told the centre. Nearer
ones it finds itself, and HF peft can hold it."""


def wants_head(choice: str, family: Family) -> bool:
    """Whether a head is asked for; left to us, models that cannot write get one."""
    return choice == "head" or (choice == "auto" and not family.causal)


def head_for(
    choice: str,
    pooling: str,
    family: Family,
    dataset: Dataset,
    model: str,
    span: SpanSpec,
    *,
    token_types: str = "no",
) -> HeadSpec | None:
    """What the head of a new run shall predict; None when the model writes its answers in words.

    Args:
        choice: Whether there shall be one: "auto", "words" or "head".
        pooling: Which token it reads: "auto", "first", "last" or "mean".
        family: The model's.
        dataset: What is trained on.
        model: Name of the model, for sentences.
        span: How answers are marked in texts, if the data are of that kind.
        token_types: Whether an encoder tells the second of two texts by its token type: "auto", "yes" or "no".

    Raises:
        ModelError: The model cannot write.
        DataError: The data has nothing for a head to predict, or pictures that the model cannot read.
        SettingError: The head is to read what is not there.
    """
    check_modality(family, dataset, model)
    if not wants_head(choice, family):
        _check_writes(family, model)
        return None
    if dataset.spans:
        typed = not family.causal and types_for(token_types, model)
        return span_head(family, dataset, pooling, span, token_types=typed)
    return _label_head(family, dataset, pooling, model, token_types)


def _label_head(family: Family, dataset: Dataset, pooling: str, model: str, token_types: str) -> HeadSpec:
    """The head that predicts classes or numbers, see `head_for`."""
    if dataset.head_labels is None:
        raise DataError(
            "no_head",
            f"The dataset {dataset.name!r} has neither labels nor numbers nor answers that stand in a text, so a task "
            "head has nothing to say: choose data with labels, or a causal language model with head set to 'words'.",
            name=dataset.name,
        )
    if pooling == "last" and not family.reads_text:
        raise SettingError(
            "no_last_patch",
            "pooling is 'last', but the last patch of a picture stands for nothing: set it to 'first' or 'mean'.",
            field="pooling",
        )
    if pooling == "auto":
        pooling = "last" if family.causal else "first"
    centre, spread = (0.0, 1.0) if dataset.head_labels else _scale(dataset, biased=not family.causal)
    texts = () if family.causal else dataset.texts
    return HeadSpec(
        labels=dataset.head_labels,
        pooling=pooling,
        texts=texts,
        token_types=bool(texts) and types_for(token_types, model),
        centre=centre,
        spread=spread,
    )


def _scale(dataset: Dataset, *, biased: bool) -> tuple[float, float]:
    """Centre and spread of the training rows' numbers; a head without a bias needs no centre that is not far off."""
    numbers = [number for number in dataset.training_numbers() if math.isfinite(number)]
    centre = statistics.fmean(numbers) if numbers else 0.0
    spread = statistics.pstdev(numbers, centre) if numbers else 0.0
    if not biased and abs(centre) <= FAR * spread:
        centre, spread = 0.0, math.hypot(centre, spread)
    return centre, spread or abs(centre) or 1.0


def span_head(family: Family, dataset: Dataset, pooling: str, span: SpanSpec, *, token_types: bool) -> HeadSpec:
    """The head that marks answers in texts.

    Raises:
        SettingError: It is to read one token.
    """
    absent = "last" if family.causal else "first"
    if pooling not in ("auto", absent):
        raise SettingError(
            "span_pooling",
            f"pooling is {pooling!r}, but a head that marks answers in texts reads every token: set it to 'auto'.",
            field="pooling",
            value=pooling,
        )
    span = replace(span, abstains=dataset.abstains)
    return HeadSpec(labels=(), pooling=absent, span=span, token_types=token_types)


def _check_writes(family: Family, model: str) -> None:
    """Check that a model goes on with a text.

    Raises:
        ModelError: It fills gaps.
    """
    if not family.causal:
        raise ModelError(
            "not_causal",
            f"The model {model!r} fills gaps and does not write on, so it cannot answer in words: set head to "
            "'head', or choose a causal language model.",
            name=model,
        )


def check_modality(family: Family, dataset: Dataset, model: str) -> None:
    """Check that a model reads what the data holds, texts or pictures.

    Raises:
        ModelError: It reads pictures, and these are texts.
        DataError: It reads texts, and these are pictures.
    """
    if not family.reads_text and not dataset.pictures:
        raise ModelError(
            "reads_pictures",
            f"The model {model!r} reads pictures, not text: choose a language model for this dataset.",
            name=model,
        )
    if family.reads_text and dataset.pictures:
        raise DataError(
            "holds_pictures",
            f"The dataset {dataset.name!r} holds pictures, which the model {model!r} cannot read: choose an image "
            "model, such as a ViT.",
            name=dataset.name,
            model=model,
        )

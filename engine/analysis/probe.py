"""Questions one asks of a method between two steps: how does it look at this sentence, how does strength change it?"""

import math
from pathlib import Path
from typing import Any

import torch

from engine.core.errors import DataError, ModelError, SettingError
from engine.data.batching import collator_of
from engine.data.pixels import NoPictureError, size_of
from engine.data.tokenise import Example, encode_prompt
from engine.inference.chat import ChatColumn, column_logits
from engine.inference.classify import HeadPrediction
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.view import View
from engine.telemetry.observe import ProbeInput

LONGEST_SENTENCE = 64


@torch.inference_mode()
def probe(base: Base, method: Method, sentence: str, template: str = "{prompt}") -> dict[str, Any]:
    """How a sentence uses a method: see `Method.probe`. Sentences are cut after `LONGEST_SENTENCE` tokens.

    With a task head, "verdict" lists what it says of the sentence in the run's template: (label, probability),
    likeliest first, or the number alone.

    Raises:
        SettingError: The sentence is empty.
        ModelError: The model reads pictures.
    """
    need_words(base)
    if not sentence.strip():
        raise SettingError("no_sentence", "The sentence is empty: type some words to look at.")
    ids = encode_prompt(base.tokenizer, method.template or "{prompt}", sentence)[:LONGEST_SENTENCE]
    view, twin = base.view(), method.sharing_copy().eval()
    twin.attach(view.sites)
    report = twin.probe(view, probe_input(base, view, Example(ids, len(ids))))
    if twin.head is not None:
        (scores,) = column_logits(base, [ChatColumn(sentence, method, template=method.template or template)])
        verdict = HeadPrediction.of(twin.head.spec, scores)
        report["verdict"] = [list(pair) for pair in verdict.probabilities] or [[verdict.answer, None]]
    return report


def need_words(base: Base) -> None:
    """Check that a model reads what is typed.

    Raises:
        ModelError: It reads pictures.
    """
    if not base.shape.family.reads_text:
        raise ModelError(
            "takes_no_words",
            f"The model {base.name!r} reads pictures, not what is typed: give it one in Chat, or see in Runs what "
            "it says of held-out ones.",
            name=base.name,
        )


def need_picture(base: Base, picture: Path) -> None:
    """Check that a model reads a picture that somebody gave.

    Raises:
        DataError: It reads text, or the file is no picture.
    """
    if base.shape.family.reads_text:
        raise DataError(
            "holds_pictures",
            f"{picture.name!r} is a picture, which the model {base.name!r} cannot read: choose an image model, such "
            "as a ViT.",
            name=picture.name,
            model=base.name,
        )
    try:
        size_of(picture)
    except NoPictureError as error:
        raise DataError(
            "bad_picture",
            f"The file {picture.name} is no picture that can be read: give a whole JPEG, PNG, WebP, GIF, BMP, TIFF or "
            "PPM file of at most 50 million pixels.",
            name=picture.name,
        ) from error


def probe_input(base: Base, view: View, example: Example) -> ProbeInput:
    """One text or picture on its way through a view.

    A slot of the template reads as the number of its virtual token; a patch as its row and column, from 1 on.
    """
    batch = collator_of(base)([example])

    def run() -> None:
        view.hidden(batch.inputs)

    if example.picture is not None:
        side = math.isqrt(batch.size - 1)
        return ProbeInput(["[CLS]", *(f"{at // side + 1},{at % side + 1}" for at in range(batch.size - 1))], run)
    return ProbeInput(
        [str(base.tokenizer.decode([index])) if index >= 0 else f"[{-index}]" for index in example.ids],
        run,
    )

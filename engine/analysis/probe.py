"""How a method acts on one sentence, token by token; and whether a model can read what it is given."""

import dataclasses
import math
from pathlib import Path

import torch

from engine.core.errors import DataError, ModelError, SettingError
from engine.data.batching import collator_of
from engine.data.pairs import Joined, encode_pairs, pair_in
from engine.data.pixels import NoPictureError, size_of
from engine.data.preview import NO_LIMIT
from engine.data.slots import PROMPT
from engine.data.token_texts import token_texts
from engine.data.tokenise import Example, encode_prompt
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.view import View
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ProbeReport

CONTINUED = "\u2026"
"""Stands at a token that goes on with the character before it."""

LONGEST_SENTENCE = 64
"""Tokens after which a sentence is cut: the maps of layers by tokens stay readable, and the JSON small."""


@torch.inference_mode()
def probe(base: Base, method: Method, sentence: str) -> ProbeReport:
    """How a sentence uses a method. It stands in the method's own template, and is cut after `LONGEST_SENTENCE` tokens.

    Raises:
        SettingError: The sentence is empty.
        ModelError: The model reads pictures, or its attention cannot be observed.
    """
    need_words(base)
    if not sentence.strip():
        raise SettingError("no_sentence", "The sentence is empty: type some words to look at.")
    whole, second = _read(base, method, sentence)
    ids = whole[:LONGEST_SENTENCE]
    view, tuned = base.view(), method.sharing_copy().eval()
    tuned.attach(view.sites)
    report = tuned.probe(view, probe_input(base, view, Example(ids, len(ids), second=second)))
    return dataclasses.replace(report, cut=True) if len(whole) > len(ids) else report


def _read(base: Base, method: Method, sentence: str) -> Joined:
    """A sentence as the method reads it; two texts that are named as the run's are joined as its rows are."""
    template, head = method.template or PROMPT, method.head
    if head and head.spec.texts and (pair := pair_in(sentence, head.spec.texts)):
        return encode_pairs(base.tokenizer, template, [pair], NO_LIMIT, typed=head.spec.token_types)[0]
    return encode_prompt(base.tokenizer, template, sentence), None


def need_words(base: Base) -> None:
    """Check that a model reads what is typed.

    Raises:
        ModelError: It reads pictures.
    """
    if not base.shape.family.reads_text:
        raise ModelError(
            "takes_no_words",
            f"The model {base.name!r} reads pictures, not what is typed: give it one in Chat, or see in Runs what "
            "it says of the test pictures.",
            name=base.name,
        )


def need_picture(base: Base, picture: Path, *, seen: bool = False) -> None:
    """Check that a picture which somebody gave can be used.

    Args:
        base: The model.
        picture: The file.
        seen: Whether a method tells the model of pictures beside its text.

    Raises:
        DataError: The model reads text alone, or the file is no picture.
    """
    if base.shape.family.reads_text and not seen:
        raise DataError(
            "picture_unseen",
            f"{picture.name!r} is a picture, which the model {base.name!r} cannot read: choose a run that was trained "
            "with pictures, or an image model, such as a ViT.",
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
    """A text or a picture as what `Method.probe` runs: its tokens as `ProbeReport` names them, and a forward.

    In an example of a text, the id -n stands for virtual token n.
    """
    batch = collator_of(base)([example])

    def run() -> None:
        view.hidden(batch.inputs)

    if not base.shape.family.reads_text:
        side = math.isqrt(batch.size - 1)
        return ProbeInput(["[CLS]", *(f"{at // side + 1},{at % side + 1}" for at in range(batch.size - 1))], run)
    return ProbeInput(
        [text.strip(" ") or text or CONTINUED for text in token_texts(base.tokenizer, example.ids)],
        run,
    )

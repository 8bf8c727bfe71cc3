"""What a picture beside a question changes in a method that sees it: what is added, who asks whom, and the answer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import Any

import torch

from engine.analysis.handed_picture import handed_picture
from engine.analysis.image_probe import as_read
from engine.analysis.probe import LONGEST_SENTENCE, probe_input
from engine.core.errors import DataError, SettingError
from engine.core.parts import InParts, Parts
from engine.core.sampling import Sampling
from engine.data.dataset import Dataset
from engine.data.pixels import read_picture, thumbnail
from engine.data.row import Row
from engine.data.tokenise import Example, encode_prompt
from engine.evaluation.withheld import with_other_pictures
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.generate import TOKENS_OF_A_PART
from engine.methods.base import Method
from engine.models.base import Base
from engine.telemetry.observe import rounded
from engine.telemetry.probe_reports import AdaptionPromptReport, BesideReport, ProbeReport, Sight, TogetherReport

SHOWN_ROWS = 40
LONGEST_ANSWER = 32
"""Tokens: three answers are written each time that somebody looks."""


@InParts
def probe_beside(
    base: Base, method: Method, dataset: Dataset, *, row: str = "0", own: str = "", other: str = "", question: str = ""
) -> Parts[BesideReport]:
    """How a question about a picture uses a method, with the picture and without; and the answers, also with another.

    Args:
        base: The language model.
        method: One that sees pictures.
        dataset: The run's.
        row: Which of the first validation rows that have a picture is asked about, by its number among them; the first
            one where there is no such number.
        own: A picture in place of the row's, as a data URL.
        other: The picture for comparison: a data URL, or the number of another row; else one is drawn, if possible of
            a row with the same question and another answer.
        question: What is asked in place of the row's question.

    Raises:
        SettingError: The method sees no pictures.
        DataError: No row has one, or a picture cannot be read.
    """
    if not method.sees_pictures:
        raise SettingError("sees_none", "This run's adapter sees no pictures: look at one that was trained with them.")
    rows = _pictured(dataset)
    number = _number(row, rows) or 0
    with handed_picture(base, own) as mine, handed_picture(base, "" if other.isdecimal() else other) as against:
        chosen = _number(other, rows)
        shown, drawn = rows[number], with_other_pictures(rows)[number].picture
        compared = against or (drawn if chosen is None else rows[chosen].picture)
        picture, asked = mine or shown.picture, question.strip() or shown.prompt
        assert picture is not None
        template = method.template or dataset.template_of(shown)
        seen = _probed(base, method, template, asked, picture)
        yield
        withheld = _probed(base, method, template, asked, None)
        yield
        sights: dict[Sight, Path | None] = {"seen": picture, "withheld": None, "other": compared}
        return BesideReport(
            question=asked,
            reference=shown.response if mine is None and asked == shown.prompt else "",
            answers=(yield from _answers(base, method, template, asked, sights, dataset.max_new_tokens)),
            tokens=seen.tokens,
            layers=seen.layers,
            weights=seen.weights,
            loudness=_loudness(seen),
            withheld=_loudness(withheld),
            other=thumbnail(compared) if compared is not None else "",
            row=number,
            rows=[each.prompt for each in rows],
            **_looks(method, picture),
        )


def _number(given: str, rows: Sequence[Row]) -> int | None:
    """A row's number that a page sent; None for whatever else it may send."""
    return int(given) if given.isdecimal() and int(given) < len(rows) else None


def _pictured(dataset: Dataset) -> list[Row]:
    """The first validation rows that are about a picture.

    Raises:
        DataError: There are none.
    """
    rows = list(islice((row for row in dataset.rows("validation") if row.picture is not None), SHOWN_ROWS))
    if not rows:
        raise DataError(
            "no_row_seen",
            f"No validation row of {dataset.name!r} is about a picture: ask about one in Chat.",
            name=dataset.name,
        )
    return rows


@torch.inference_mode()
def _probed(base: Base, method: Method, template: str, prompt: str, picture: Path | None) -> AdaptionPromptReport:
    """How a question uses the method beside a picture, or beside none."""
    ids = encode_prompt(base.tokenizer, template, prompt)[:LONGEST_SENTENCE]
    view, tuned = base.view(), method.sharing_copy().eval()
    tuned.attach(view.sites)
    report: ProbeReport = tuned.probe(view, probe_input(base, view, Example(ids, len(ids), picture=picture)))
    if isinstance(report, TogetherReport):
        report = next(part for part in report.reports.values() if isinstance(part, AdaptionPromptReport))
    assert isinstance(report, AdaptionPromptReport), "pictures are seen through adaption prompts"
    return report


def _loudness(report: AdaptionPromptReport) -> list[list[float]]:
    """The contribution of each layer and head, mean of all tokens, (l, h)."""
    return rounded(torch.tensor(report.contribution).mean(-1))


def _answers(
    base: Base, method: Method, template: str, prompt: str, sights: dict[Sight, Path | None], longest: int
) -> Parts[dict[Sight, str]]:
    """The likeliest answer to the question beside each picture, all in one batch."""
    column = ChatColumn(prompt, method, template=template)
    columns: Sequence[ChatColumn] = [replace(column, picture=picture) for picture in sights.values()]
    sampling = Sampling(max_new_tokens=min(longest, LONGEST_ANSWER))
    texts: tuple[str | None, ...] = ()
    for number, update in enumerate(stream_answers(base, columns, sampling), 1):
        texts = update.texts
        if number % TOKENS_OF_A_PART == 0:
            yield
    return {name: (text or "").strip() for name, text in zip(sights, texts, strict=True)}


def _looks(method: Method, picture: Path) -> dict[str, Any]:
    """What the encoder reads, and how it looks at its patches."""
    features = method.picture_features
    assert features is not None, "whoever sees pictures has features of them"
    encoder = features.encoder
    pixels, looks = encoder.attention(read_picture(picture), features.depths)
    side = isqrt(looks.shape[-1])
    return {
        "picture": as_read(encoder.processor, pixels),
        "side": side,
        "depths": encoder.shape.depths(features.depths),
        "looks": rounded(looks, 5) if side * side == looks.shape[-1] else [],
    }

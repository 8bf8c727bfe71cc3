"""What a picture beside a question changes in a method that sees it: what is added, who asks whom, and the answer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import Any

import torch

from engine.analysis.image_probe import as_read
from engine.analysis.probe import LONGEST_SENTENCE, probe_input
from engine.core.errors import DataError, SettingError
from engine.core.sampling import Sampling
from engine.data.dataset import Dataset
from engine.data.pixels import read_picture, thumbnail
from engine.data.tokenise import Example, encode_prompt
from engine.evaluation.withheld import with_other_pictures
from engine.inference.chat import ChatColumn, stream_answers
from engine.methods.base import Method
from engine.models.base import Base
from engine.telemetry.observe import rounded
from engine.telemetry.probe_reports import AdaptionPromptReport, BesideReport, Sight

SHOWN_ROWS = 40
LONGEST_ANSWER = 32
"""Tokens: three answers are written each time that somebody looks."""


@torch.inference_mode()
def probe_beside(base: Base, method: Method, dataset: Dataset, *, row: str = "0") -> BesideReport:
    """How one of the first validation rows that are about a picture uses a method, with its picture and without.

    Args:
        base: The language model.
        method: One that sees pictures.
        dataset: The run's.
        row: Number of the row among those that have a picture; the first one where there is no such number.

    Raises:
        SettingError: The method sees no pictures.
        DataError: No row has one, or it cannot be read any more.
    """
    if not method.sees_pictures:
        raise SettingError("sees_none", "This run's adapter sees no pictures: look at one that was trained with them.")
    rows = list(islice((row for row in dataset.rows("validation") if row.picture is not None), SHOWN_ROWS))
    if not rows:
        raise DataError(
            "no_row_seen",
            f"No validation row of {dataset.name!r} is about a picture: ask about one in Chat.",
            name=dataset.name,
        )
    number = int(row) if row.isdecimal() and int(row) < len(rows) else 0
    shown, other = rows[number], with_other_pictures(rows)[number].picture
    assert shown.picture is not None
    template = method.template or dataset.template_of(shown)
    seen, withheld = (_probed(base, method, template, shown.prompt, picture) for picture in (shown.picture, None))
    sights: dict[Sight, Path | None] = {"seen": shown.picture, "withheld": None, "other": other}
    return BesideReport(
        question=shown.prompt,
        reference=shown.response,
        answers=_answers(base, method, template, shown.prompt, sights, dataset.max_new_tokens),
        tokens=seen.tokens,
        layers=seen.layers,
        weights=seen.weights,
        loudness=_loudness(seen),
        withheld=_loudness(withheld),
        other=thumbnail(other) if other is not None else "",
        row=number,
        rows=[each.prompt for each in rows],
        **_looks(method, shown.picture),
    )


def _probed(base: Base, method: Method, template: str, prompt: str, picture: Path | None) -> AdaptionPromptReport:
    """How a question uses the method beside a picture, or beside none."""
    ids = encode_prompt(base.tokenizer, template, prompt)[:LONGEST_SENTENCE]
    view, tuned = base.view(), method.sharing_copy().eval()
    tuned.attach(view.sites)
    report = tuned.probe(view, probe_input(base, view, Example(ids, len(ids), picture=picture)))
    assert isinstance(report, AdaptionPromptReport), "pictures are seen through adaption prompts"
    return report


def _loudness(report: AdaptionPromptReport) -> list[list[float]]:
    """The contribution of each layer and head, mean of all tokens, (l, h)."""
    return rounded(torch.tensor(report.contribution).mean(-1))


def _answers(
    base: Base, method: Method, template: str, prompt: str, sights: dict[Sight, Path | None], longest: int
) -> dict[Sight, str]:
    """The likeliest answer to the question beside each picture, all in one batch."""
    column = ChatColumn(prompt, method, template=template)
    columns: Sequence[ChatColumn] = [replace(column, picture=picture) for picture in sights.values()]
    sampling = Sampling(max_new_tokens=min(longest, LONGEST_ANSWER))
    *_, last = stream_answers(base, columns, sampling)
    return {name: (text or "").strip() for name, text in zip(sights, last.texts, strict=True)}


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

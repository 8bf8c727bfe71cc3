"""Scoring a run on held-out rows: greedy answers of base and tuned model, and what the tuned one forgot."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.dataset import Dataset
from engine.data.encode import encode_plain, encode_rows
from engine.generation import Sampling, answers, prompt_of
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.view import View
from engine.plain_text import plain_texts
from engine.training.objective import mean_loss


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """One held-out row with both answers.

    Attributes:
        right: Whether the tuned answer's first line is the reference.
    """

    prompt: str
    reference: str
    base: str
    tuned: str
    right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """What `python -m engine eval` reports.

    Attributes:
        exact_match: Share of held-out rows whose first answered line is the reference.
        base_exact_match: The same for the untuned base.
        heldout_loss: Nats per labelled token of the tuned model.
        base_heldout_loss: The same for the base.
        ability_loss: Nats per token of the tuned model on held-out plain text.
        base_ability_loss: The same for the base.
        rows: Number of held-out rows.
    """

    exact_match: float
    base_exact_match: float
    heldout_loss: float
    base_heldout_loss: float
    ability_loss: float
    base_ability_loss: float
    rows: int


def first_line(text: str) -> str:
    """The first line that says something, without surrounding space."""
    lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
    return lines[0] if lines else ""


def view_of(base: Base, method: Method | None) -> View:
    """A view of the base with a twin of the method on it, ready for reading."""
    view = base.view()
    if method is not None:
        method.twin().eval().attach(view.sites)
    return view


def predictions(base: Base, method: Method, dataset: Dataset, limit: int | None = None) -> list[Prediction]:
    """Greedy answers to held-out rows."""
    rows = dataset.rows("heldout")[:limit]
    examples = encode_rows(base.tokenizer, dataset, rows, 10**6)
    prompts = [prompt_of(example) for example in examples]
    sampling = Sampling(max_new_tokens=dataset.max_new_tokens)
    plain, tuned = (answers(view_of(base, m), base.tokenizer, prompts, sampling) for m in (None, method))
    return [
        Prediction(
            prompt=row.prompt, reference=row.response, base=a, tuned=b, right=first_line(b) == first_line(row.response)
        )
        for row, a, b in zip(rows, plain, tuned, strict=True)
    ]


def evaluate(base: Base, method: Method, dataset: Dataset) -> Scores:
    """All scores of a run."""
    found = predictions(base, method, dataset)
    rows = encode_rows(base.tokenizer, dataset, dataset.rows("heldout"), 10**6)
    plain = encode_plain(base.tokenizer, plain_texts(base.name), 512)
    pad = base.tokenizer.pad_token_id
    tuned, frozen = view_of(base, method), view_of(base, None)
    return Scores(
        exact_match=share([p.right for p in found]),
        base_exact_match=share([first_line(p.base) == first_line(p.reference) for p in found]),
        heldout_loss=round(mean_loss(tuned, rows, pad), 4),
        base_heldout_loss=round(mean_loss(frozen, rows, pad), 4),
        ability_loss=round(mean_loss(tuned, plain, pad), 4),
        base_ability_loss=round(mean_loss(frozen, plain, pad), 4),
        rows=len(found),
    )


def share(hits: Sequence[bool]) -> float:
    """Share of hits, 0 for none."""
    return round(sum(hits) / max(1, len(hits)), 4)

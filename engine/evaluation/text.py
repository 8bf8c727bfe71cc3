"""Scoring a run on held-out rows: greedy answers of base and tuned model, and what the tuned one forgot."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.tokenise import encode_row, encode_rows
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.label_metrics import LabelMetrics, label_metrics
from engine.evaluation.loss import mean_loss
from engine.evaluation.text_metrics import TextMetrics, text_metrics
from engine.inference.generate import generate_answers, prompt_ids
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """One held-out row with both answers.

    Attributes:
        base: What the untuned base writes. A task head has no untuned counterpart: beside it stands the one answer that
            fits all training rows best, the most frequent label or the mean.
        right: Whether the tuned answer's first line, or its label, is the reference; None for numbers.
        loss: Nats of the reference, per token where it is written; the squared error of numbers.
    """

    prompt: str
    reference: str
    base: str
    tuned: str
    right: bool | None
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TextScores:
    """What `python -m engine eval` reports.

    Attributes:
        exact_match: Share of held-out rows whose first answered line is the reference.
        base_exact_match: The same for the untuned base.
        test_loss: Nats per labelled token on held-out rows.
        base_test_loss: The same for the untuned base.
        base_ability_loss: Nats per token of the tuned model on held-out plain text: what is left of the base's ability.
        base_ability_loss_before: The same for the untuned base.
        perplexity: exp(test_loss): among how many tokens the model still hesitates.
        base_perplexity: The same for the untuned base.
        rows: Number of held-out rows.
        text: Where responses are free text, how near answers come to them: of each answer as much as its reference has
            lines, so that a model is not blamed twice for not stopping.
        base_text: The same for the untuned base.
        labels: Where responses are labels, the scores of answers as labels; what is no label is wrong.
    """

    exact_match: float
    base_exact_match: float
    test_loss: float
    base_test_loss: float
    base_ability_loss: float
    base_ability_loss_before: float
    perplexity: float
    base_perplexity: float
    rows: int
    text: TextMetrics | None = None
    base_text: TextMetrics | None = None
    labels: LabelMetrics | None = None


def lines_of(text: str) -> list[str]:
    """The lines that say something, without surrounding space."""
    return [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]


def first_lines(text: str, count: int) -> str:
    """The first lines that say something."""
    return "\n".join(lines_of(text)[:count])


def first_line(text: str) -> str:
    """The first line that says something."""
    return first_lines(text, 1)


def text_predictions(
    base: Base, method: Method, dataset: Dataset, rows: Sequence[Row] | None = None
) -> list[Prediction]:
    """Greedy answers to held-out rows, to all of them if none are given."""
    rows = dataset.rows("test") if rows is None else rows
    plain, tuned = (_answered(base, m, dataset, rows) for m in (None, method))
    return [
        Prediction(
            prompt=row.prompt,
            reference=row.response,
            base=a,
            tuned=b,
            right=first_line(b) == first_line(row.response),
            loss=loss,
        )
        for row, a, b, loss in zip(rows, plain, tuned, _losses(base, method, dataset, rows), strict=True)
    ]


def _losses(base: Base, method: Method, dataset: Dataset, rows: Sequence[Row]) -> list[float]:
    """Nats per token of each row's response."""
    view, held, tokenizer = attached_view(base, method), dataset.in_template(method.template), base.tokenizer
    return [round(mean_loss(view, [encode_row(tokenizer, held, row, 10**6)], collator_of(base)), 6) for row in rows]


def _answered(base: Base, method: Method | None, dataset: Dataset, rows: Sequence[Row]) -> list[str]:
    """Greedy answers; what several rows ask in the same words is answered once."""
    dataset = dataset.in_template(method.template if method else None)
    prompts = [tuple(prompt_ids(example)) for example in encode_rows(base.tokenizer, dataset, rows, 10**6)]
    asked = list(dict.fromkeys(prompts))
    said = generate_answers(
        attached_view(base, method), base.tokenizer, asked, Sampling(max_new_tokens=dataset.max_new_tokens)
    )
    found = dict(zip(asked, said, strict=True))
    return [found[prompt] for prompt in prompts]


def text_scores(base: Base, method: Method, dataset: Dataset, found: Sequence[Prediction] | None = None) -> TextScores:
    """All scores of a run that answers in words; `found` are its predictions, if they were made before."""
    found = text_predictions(base, method, dataset) if found is None else found
    asked, held = (
        encode_rows(base.tokenizer, dataset, dataset.rows("test"), 10**6),
        dataset.in_template(method.template),
    )
    rows = encode_rows(base.tokenizer, held, held.rows("test"), 10**6)
    plain = ability_examples(base, None, 512)
    tuned, frozen = attached_view(base, method), attached_view(base, None)
    references = [first_line(p.reference) for p in found]
    loss, before = (
        round(mean_loss(view, part, collator_of(base)), 4) for view, part in ((tuned, rows), (frozen, asked))
    )
    return TextScores(
        exact_match=fraction([p.right for p in found]),
        base_exact_match=fraction([first_line(p.base) == first_line(p.reference) for p in found]),
        test_loss=loss,
        base_test_loss=before,
        perplexity=perplexity(loss),
        base_perplexity=perplexity(before),
        base_ability_loss=round(mean_loss(tuned, plain, collator_of(base)), 4),
        base_ability_loss_before=round(mean_loss(frozen, plain, collator_of(base)), 4),
        rows=len(found),
        text=None if dataset.labels else _compared(found, [p.tuned for p in found]),
        base_text=None if dataset.labels else _compared(found, [p.base for p in found]),
        labels=label_metrics(references, [first_line(p.tuned) for p in found], dataset.labels)
        if dataset.labels
        else None,
    )


def _compared(found: Sequence[Prediction], answers: Sequence[str]) -> TextMetrics | None:
    """Answers beside their references; None where there is nothing to compare."""
    if not found:
        return None
    heads = [first_lines(answer, len(lines_of(p.reference))) for p, answer in zip(found, answers, strict=True)]
    return text_metrics([p.prompt for p in found], [p.reference for p in found], heads)


def perplexity(loss: float) -> float:
    """exp(loss), as far as it can be written."""
    return round(math.exp(min(loss, 100.0)), 4)


def fraction(hits: Sequence[bool | None]) -> float:
    """Share of hits, 0 for none."""
    return round(sum(map(bool, hits)) / max(1, len(hits)), 4)

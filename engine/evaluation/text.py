"""Scores of a run on the test rows: greedy answers of base and tuned model, losses, and base ability."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.parts import InParts, Parts
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.tokenise import encode_row, encode_rows
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.label_metrics import LabelMetrics, label_metrics
from engine.evaluation.lines import first_line, first_lines, lines_of
from engine.evaluation.loss import mean_loss
from engine.evaluation.science_qa import ScienceScores, science_scores
from engine.evaluation.span_metrics import MarkedAnswer, SpanMetrics, span_metrics
from engine.evaluation.text_metrics import TextMetrics, text_metrics
from engine.evaluation.withheld import with_other_pictures, without_pictures
from engine.inference.generate import generate_answers, prompt_ids
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """One test row with both answers.

    Attributes:
        base: What the untuned base generates; for a task head, which the base lacks, the constant baseline: the most
            frequent label of the training rows, or their mean.
        right: Whether the tuned answer's first line, or its label, is the reference; None for numbers.
        loss: Nats of the reference, per token where it is text; the squared error of numbers.
        right_unseen: The same as `right` when the row's picture is withheld; None for rows without one.
        picture: Tells the row's picture from others; empty for rows without one.
        marked: Where a head marked the answer in a text; None otherwise.
    """

    prompt: str
    reference: str
    base: str
    tuned: str
    right: bool | None
    loss: float
    right_unseen: bool | None = None
    picture: str = ""
    marked: MarkedAnswer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureScores:
    """What the pictures are worth: how much is right without them. The answers are those of the rows with a picture.

    Attributes:
        exact_match: Share of right answers with the picture.
        withheld_exact_match: The same model's, when it is not shown.
        swapped_exact_match: The same model's, when that of another row is shown in its place, where there is one that
            has another answer to the same question.
        rows: Number of test rows with a picture.
    """

    exact_match: float
    withheld_exact_match: float
    swapped_exact_match: float
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TextScores:
    """What `python -m engine eval` reports.

    Attributes:
        exact_match: Share of test rows whose answer has the reference as its first line.
        base_exact_match: The same for the untuned base.
        test_loss: Nats per labelled token on the test rows.
        base_test_loss: The same for the untuned base.
        base_ability_loss: Nats per token of the tuned model on held-out plain text, see `base_ability`.
        base_ability_loss_before: The same for the untuned base.
        perplexity: exp(test_loss).
        base_perplexity: The same for the untuned base.
        rows: Number of test rows.
        text: Where responses are free text, metrics of the tuned answers. Each answer is cut to as many lines as its
            reference has, so that not stopping is not penalised twice.
        base_text: The same for the untuned base.
        labels: Where responses are labels, the metrics of the tuned answers as labels; any other text counts as wrong.
        pictures: Where rows have pictures, the score with them and without.
        spans: Where answers stand in texts, the first lines of the tuned answers as SQuAD's script scores them.
        base_spans: The same for the untuned base.
        science: Where the rows are ScienceQA's, the tuned accuracy in the groups of its papers.
        base_science: The same for the untuned base.
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
    pictures: PictureScores | None = None
    spans: SpanMetrics | None = None
    base_spans: SpanMetrics | None = None
    science: ScienceScores | None = None
    base_science: ScienceScores | None = None


@InParts
def text_predictions(
    base: Base, method: Method, dataset: Dataset, rows: Sequence[Row] | None = None
) -> Parts[list[Prediction]]:
    """Greedy answers to test rows, to all of them if none are given."""
    rows = dataset.rows("test") if rows is None else rows
    base_answers = yield from greedy_answers.parts(base, None, dataset, rows)
    tuned_answers = unseen = yield from greedy_answers.parts(base, method, dataset, rows)
    if dataset.illustrated:
        unseen = yield from greedy_answers.parts(base, method, dataset, without_pictures(rows))
    losses = yield from _losses(base, method, dataset, rows)
    return [
        Prediction(
            prompt=row.prompt,
            reference=row.response,
            base=untuned,
            tuned=tuned,
            right=matches(tuned, row.response),
            loss=loss,
            right_unseen=matches(blind, row.response) if row.picture is not None else None,
            picture=hashlib.blake2b(str(row.picture).encode(), digest_size=6).hexdigest() if row.picture else "",
        )
        for row, untuned, tuned, blind, loss in zip(rows, base_answers, tuned_answers, unseen, losses, strict=True)
    ]


def picture_scores(
    base: Base, method: Method, dataset: Dataset, predictions: Sequence[Prediction]
) -> PictureScores | None:
    """How much is right with the pictures and without; None where no test row has one."""
    rows = dataset.rows("test") if dataset.illustrated else []
    pairs = [(row, known) for row, known in zip(rows, predictions, strict=False) if row.picture is not None]
    if not pairs:
        return None
    swapped = greedy_answers(base, method, dataset, with_other_pictures([row for row, _ in pairs]))
    return PictureScores(
        exact_match=fraction([known.right for _, known in pairs]),
        withheld_exact_match=fraction([known.right_unseen for _, known in pairs]),
        swapped_exact_match=fraction(
            [matches(answer, row.response) for answer, (row, _) in zip(swapped, pairs, strict=True)]
        ),
        rows=len(pairs),
    )


def matches(answer: str, reference: str) -> bool:
    """Whether the first line of an answer is that of the reference."""
    return first_line(answer) == first_line(reference)


def _losses(base: Base, method: Method, dataset: Dataset, rows: Sequence[Row]) -> Parts[list[float]]:
    """Nats per token of each row's response."""
    view, templated, tokenizer = attached_view(base, method), dataset.in_template(method.template), base.tokenizer
    examples = [encode_row(tokenizer, templated, row, view.max_text_tokens) for row in rows]
    losses = []
    for example in examples:
        losses.append(round((yield from mean_loss.parts(view, [example], collator_of(base))), 6))
    return losses


@InParts
def greedy_answers(base: Base, method: Method | None, dataset: Dataset, rows: Sequence[Row]) -> Parts[list[str]]:
    """Greedy answers; a prompt that several rows share, with one picture, is answered once."""
    dataset = dataset.in_template(method.template if method else None)
    view = attached_view(base, method)
    examples = encode_rows(base.tokenizer, dataset, rows, view.max_text_tokens)
    prompts = [(tuple(prompt_ids(example)), example.picture) for example in examples]
    unique_prompts = list(dict.fromkeys(prompts))
    answers = yield from generate_answers.parts(
        view,
        base.tokenizer,
        [ids for ids, _ in unique_prompts],
        Sampling(max_new_tokens=dataset.max_new_tokens),
        pictures=tuple(picture for _, picture in unique_prompts),
    )
    answer_by_prompt = dict(zip(unique_prompts, answers, strict=True))
    return [answer_by_prompt[prompt] for prompt in prompts]


def text_scores(
    base: Base, method: Method, dataset: Dataset, predictions: Sequence[Prediction] | None = None
) -> TextScores:
    """All scores of a run that generates text; its `predictions` are computed unless they are given."""
    predictions = text_predictions(base, method, dataset) if predictions is None else predictions
    templated = dataset.in_template(method.template)
    tuned, untuned = attached_view(base, method), attached_view(base, None)
    base_examples = encode_rows(base.tokenizer, dataset, dataset.rows("test"), untuned.max_text_tokens)
    tuned_examples = encode_rows(base.tokenizer, templated, templated.rows("test"), tuned.max_text_tokens)
    plain = ability_examples(base, None, min(512, tuned.max_text_tokens))
    references = [first_line(p.reference) for p in predictions]
    loss, base_loss = (
        round(mean_loss(view, examples, collator_of(base)), 4)
        for view, examples in ((tuned, tuned_examples), (untuned, base_examples))
    )
    return TextScores(
        exact_match=fraction([p.right for p in predictions]),
        base_exact_match=fraction([matches(p.base, p.reference) for p in predictions]),
        test_loss=loss,
        base_test_loss=base_loss,
        perplexity=perplexity(loss),
        base_perplexity=perplexity(base_loss),
        base_ability_loss=round(mean_loss(tuned, plain, collator_of(base)), 4),
        base_ability_loss_before=round(mean_loss(untuned, plain, collator_of(base)), 4),
        rows=len(predictions),
        text=None if dataset.labels else compared(predictions, [p.tuned for p in predictions]),
        base_text=None if dataset.labels else compared(predictions, [p.base for p in predictions]),
        labels=label_metrics(references, [first_line(p.tuned) for p in predictions], dataset.labels)
        if dataset.labels
        else None,
        pictures=picture_scores(base, method, dataset, predictions),
        spans=_as_spans(dataset, [p.tuned for p in predictions]),
        base_spans=_as_spans(dataset, [p.base for p in predictions]),
        science=science_scores(dataset, [p.tuned for p in predictions], [p.reference for p in predictions]),
        base_science=science_scores(dataset, [p.base for p in predictions], [p.reference for p in predictions]),
    )


def _as_spans(dataset: Dataset, answers: Sequence[str]) -> SpanMetrics | None:
    """Written answers against all references that stand in the texts; None where none do."""
    passages = [row.passage for row in dataset.rows("test") if row.passage is not None] if dataset.spans else []
    references = [[answer.text for answer in passage.answers] for passage in passages]
    return span_metrics([first_line(answer) for answer in answers], references) if passages else None


def compared(predictions: Sequence[Prediction], answers: Sequence[str]) -> TextMetrics | None:
    """Metrics of answers against their references; None where there are no rows."""
    if not predictions:
        return None
    cut_answers = [
        first_lines(answer, len(lines_of(p.reference))) for p, answer in zip(predictions, answers, strict=True)
    ]
    questions = [f"{p.prompt}\0{p.picture}" for p in predictions]  # the same question about another picture is another
    return text_metrics(questions, [p.reference for p in predictions], cut_answers)


def perplexity(loss: float) -> float:
    """exp(loss), with the loss limited to 100 nats."""
    return round(math.exp(min(loss, 100.0)), 4)


def fraction(hits: Sequence[bool | None]) -> float:
    """Share of hits, 0 for none."""
    return round(sum(map(bool, hits)) / max(1, len(hits)), 4)

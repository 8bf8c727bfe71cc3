"""The score of a run's kept state on some of its test rows: what the run came to, in one number."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from engine.core.parts import InParts, Parts
from engine.data.dataset import Dataset
from engine.data.head_spec import HeadSpec
from engine.data.splits import sample
from engine.evaluation.head import head_predictions
from engine.evaluation.label_metrics import number_metrics
from engine.evaluation.lines import first_line
from engine.evaluation.span_metrics import span_metrics
from engine.evaluation.text import Prediction, compared, fraction, matches, text_predictions
from engine.exchange.native import load_adapter
from engine.models.base import Base
from engine.runs.folder import RunFolder
from engine.runs.score import RunScore

SHORT_ANSWER = 6
"""Words up to which an answer is right or wrong; of longer ones each can be said in many ways."""


@InParts
def kept_score(folder: RunFolder, base: Base, dataset: Dataset, count: int) -> Parts[RunScore | None]:
    """Score the adapter in a run's folder.

    Args:
        folder: The run's.
        base: Its model.
        dataset: Its data.
        count: Test rows to answer, an even sample with its share of every label; 0 for no score.

    Returns:
        The score; None where nothing was answered, or a single number, which correlates with nothing.
    """
    rows = dataset.rows("test") if count else []
    if not rows:
        return None
    if len(rows) > count:
        labels = [row.response for row in rows] if dataset.labels else ()
        rows = [rows[number] for number in sample(len(rows), count, labels)]
    method = load_adapter(folder.adapter_path, base, other_weights=True).eval()
    metric = metric_of(dataset, [row.response for row in rows], head=method.head is not None)
    if metric == "pearson" and len(rows) < 2:
        return None
    predict = text_predictions if method.head is None else head_predictions
    predictions = yield from predict.parts(base, method, dataset, rows)
    head = method.head.spec if method.head else None
    score = score_of(predictions, metric)
    return replace(score, against=_against(score, head))


def _against(score: RunScore, head: HeadSpec | None) -> str:
    """What the baseline of a score is, see `RunScore`."""
    if score.against == "withheld" or head is None:
        return score.against
    return "sentence" if head.span and not head.span.abstains else "constant"


def metric_of(dataset: Dataset, references: Sequence[str], *, head: bool) -> str:
    """How answers are scored: what the dataset's description says, or what suits the answers of a file.

    Long answers are compared by BLEU; in a script without spaces, whose words it cannot tell, by chrF.

    Args:
        dataset: Which data.
        references: The wanted answers.
        head: Whether a task head answers.
    """
    if dataset.spans:
        return "f1"
    if head:
        return "accuracy" if dataset.labels else "pearson"
    if dataset.source is None or dataset.labels:
        return dataset.metric
    words, letters = median(len(reference.split()) for reference in references), median(map(len, references))
    if words <= 2 and letters > 6 * SHORT_ANSWER:
        return "chrf"
    return "exact_match" if words <= SHORT_ANSWER else "bleu"


def score_of(predictions: Sequence[Prediction], metric: str) -> RunScore:
    """The score of predictions, at least one, and of what they are compared with."""
    seen = [p for p in predictions if p.right_unseen is not None]
    if metric == "exact_match" and seen:
        value, unseen = fraction([p.right for p in seen]), fraction([p.right_unseen for p in seen])
        return RunScore(name=metric, value=value, baseline=unseen, against="withheld", rows=len(seen))
    tuned, base = [p.tuned for p in predictions], [p.base for p in predictions]
    if metric in ("bleu", "chrf"):
        return _of_texts(predictions, tuned, base, metric)
    value, baseline = (_value(predictions, answers, metric) for answers in (tuned, base))
    return RunScore(name=metric, value=value, baseline=baseline, against="untuned", rows=len(predictions))


def _of_texts(predictions: Sequence[Prediction], tuned: Sequence[str], base: Sequence[str], metric: str) -> RunScore:
    """The score of answers that may say the same in many ways."""
    ours, before = compared(predictions, tuned), compared(predictions, base)
    assert ours is not None
    assert before is not None
    return RunScore(
        name=metric,
        value=float(getattr(ours, metric)),
        baseline=float(getattr(before, metric)),
        against="untuned",
        rows=len(predictions),
        facts=ours.facts,
        facts_baseline=before.facts,
    )


def _value(predictions: Sequence[Prediction], answers: Sequence[str], metric: str) -> float:
    references = [p.reference for p in predictions]
    match metric:
        case "accuracy":
            return fraction(
                [answer == reference.strip() for answer, reference in zip(answers, references, strict=True)]
            )
        case "pearson":
            return number_metrics(list(map(float, references)), list(map(float, answers))).pearson or 0.0
        case "f1":
            wanted_of = [p.marked.references if p.marked else [p.reference] for p in predictions]
            spans = span_metrics([first_line(answer) for answer in answers], wanted_of)
            return spans.f1 if spans else 0.0
        case _:
            return fraction([matches(ours, wanted) for ours, wanted in zip(answers, references, strict=True)])

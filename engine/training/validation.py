"""Validation of the method that trains: loss, score, base ability, and the answer to one sample row.

It is measured in parts, between which it can be given up.

It reads through a view and a twin of its own, in eval mode, so that neither dropout nor observers reach the training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from engine.analysis.probe import probe_input
from engine.core.parts import Parts
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.encode import encode_training
from engine.data.passage import Answer
from engine.data.pixels import thumbnail
from engine.data.splits import sample
from engine.data.tokenise import Example, encode_row
from engine.data.windows import Windows
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.loss import mean_loss, summed_loss
from engine.evaluation.spans import mean_f1
from engine.inference.classify import HeadPrediction, head_logits, head_targets, validation_score
from engine.inference.generate import generate_answers, prompt_ids
from engine.inference.spans import predict_spans
from engine.methods.base import Method
from engine.models.base import Base
from engine.telemetry.events import EvalEvent, Event, SampleEvent

VALIDATION_ROWS = 64
ABILITY_TEXTS = 32


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What one validation measured.

    Attributes:
        loss: Nats per labelled token; with a task head nats, or the squared error, per row.
        base_ability: Nats per token of plain test text; None where the base cannot be measured on it.
        score: Accuracy or Pearson's correlation of a task head, or F1 of the answers that it marks; None without one.
        score_name: "accuracy", "pearson", "f1", or "".
    """

    loss: float
    base_ability: float | None = None
    score: float | None = None
    score_name: str = ""

    def event(self, step: int) -> EvalEvent:
        """The same for the event log."""
        return EvalEvent(
            step=step,
            validation_loss=round(self.loss, 5),
            base_ability_loss=None if self.base_ability is None else round(self.base_ability, 5),
            score=self.score,
            score_name=self.score_name,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """All that a validation gives.

    Attributes:
        events: For the log.
        result: None where it could not be measured.
        problem: What went wrong; the events are those from before.
    """

    events: list[Event]
    result: ValidationResult | None
    problem: Exception | None


def validation_rows(dataset: Dataset) -> Sequence[Row]:
    """Rows to validate on: all, or a seeded sample of a file's, which may be sorted, with its share of every label."""
    rows = dataset.rows("validation")
    if dataset.source is None or len(rows) <= VALIDATION_ROWS:
        return rows[:VALIDATION_ROWS]
    labels = [row.response for row in rows] if dataset.labels else ()
    return [rows[number] for number in sample(len(rows), VALIDATION_ROWS, labels)]


class Validation:
    """Validates one method on one dataset, as often as it is asked.

    Args:
        base: The frozen model.
        method: The method that trains elsewhere.
        dataset: Its data, in the template that the run uses.
        max_seq_len: Longest row in tokens.

    Attributes:
        examples: The encoded validation rows.
        prompt: Token ids of the sample row's prompt; empty with a task head.
    """

    def __init__(self, base: Base, method: Method, dataset: Dataset, max_seq_len: int) -> None:
        self._base, self._method, self._collate = base, method, collator_of(base)
        self._view, self._twin = base.view(), method.sharing_copy().eval()
        self._twin.attach(self._view.sites)
        spec = method.head.spec if method.head else None
        rows = validation_rows(dataset)
        self.examples: Sequence[Example] = encode_training(base.processor, dataset, rows, max_seq_len, spec)
        self._plain = ability_examples(base, ABILITY_TEXTS, max_seq_len)
        self._sample = rows[0]
        # Without its answer, which could leave no space for the prompt.
        bare = replace(rows[0], response="")
        self.prompt = prompt_ids(encode_row(base.tokenizer, dataset, bare, max_seq_len)) if spec is None else []
        self._sampling = Sampling(max_new_tokens=dataset.max_new_tokens)

    def found(self, step: int) -> Parts[Found]:
        """Measure, and collect the method's events and the sample."""
        events, result = list[Event](), None
        try:
            result = yield from self.measure()
            events.append(result.event(step))
            events += self.method_events(step)
            events.append((yield from self.sample(step)))
        except Exception as error:
            return Found(events, result, error)
        return Found(events, result, None)

    def measure(self) -> Parts[ValidationResult]:
        """Loss and score on the validation rows, and the loss on plain text."""
        ability = None
        if self._plain:
            ability = yield from mean_loss.parts(self._view, self._plain, self._collate)
        head = self._twin.head
        if head is None:
            return ValidationResult((yield from mean_loss.parts(self._view, self.examples, self._collate)), ability)
        if isinstance(self.examples, Windows):
            marked = yield from predict_spans.parts(self._view, head, self.examples, self._collate)
            losses = sum(prediction.loss for prediction in marked) / len(marked)
            return ValidationResult(losses, ability, mean_f1(marked, self.examples.passages), "f1")
        logits = yield from head_logits.parts(self._view, head, self.examples, self._collate)
        targets = head_targets(self.examples, logits.device)
        loss = float(summed_loss(logits, targets)) / len(targets)
        return ValidationResult(loss, ability, *validation_score(logits, targets))

    @torch.no_grad()
    def method_events(self, step: int) -> list[Event]:
        """What the method reports of the sample row, run on one more view: observers stay on that."""
        view, twin = self._base.view(), self._method.sharing_copy().eval()
        twin.attach(view.sites)
        return list(twin.validation_events(step, view, probe_input(self._base, view, self.examples[0])))

    def sample(self, step: int) -> Parts[SampleEvent]:
        """The sample row with the model's present answer."""
        answer, mark = yield from self._answer()
        return SampleEvent(
            step=step,
            prompt=self._sample.prompt,
            answer=answer,
            reference=self._sample.response,
            picture=thumbnail(self._sample.picture) if self._sample.picture else "",
            mark=mark,
        )

    def _answer(self) -> Parts[tuple[str, list[int]]]:
        """The answer, and where it is marked in the prompt."""
        if self._twin.head is None:
            beside = (self._sample.picture,)
            (answer,) = yield from generate_answers.parts(
                self._view, self._base.tokenizer, [self.prompt], self._sampling, pictures=beside
            )
            return answer, []
        if isinstance(self.examples, Windows):
            windows = self.examples.of_row(0)
            (marked,) = yield from predict_spans.parts(self._view, self._twin.head, windows, self._collate)
            return marked.text, place_in(self._sample, marked.answer())
        (logits,) = yield from head_logits.parts(self._view, self._twin.head, [self.examples[0]], self._collate)
        return HeadPrediction.of(self._twin.head.spec, logits).text, []


def place_in(row: Row, answer: Answer | None) -> list[int]:
    """Where an answer to a row's question stands in its prompt, (beginning, end); empty where it does not."""
    at = row.prompt.rfind(row.passage.context) if row.passage else -1
    return [] if answer is None or at < 0 else [at + answer.start, at + answer.end]

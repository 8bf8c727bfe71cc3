"""AutoPrompt: Eliciting Knowledge from Language Models with Automatically Generated Prompts.

Shin, Razeghi, Logan, Wallace, Singh. EMNLP 2020. https://arxiv.org/abs/2010.15980

K words w of the vocabulary, the trigger, stand in front of the text. No weight is trained, the words are searched:

    X' = [E(w_1) ... E(w_K); E(x)]                      E: (v, d), frozen
    estimate(w) = (E(w) - E(w_i)) · dL/dE(w_i)          the change of the loss by w in place i, to first order (HotFlip)

Every step draws one place i and takes the `candidates` words with the lowest estimate from the gradient of the step's
batch. On fresh batches it measures the trigger as it is and with each of them, and takes the best one if its loss is
lower there. What a word may be is in `candidates.py`. The one parameter, `trigger`, holds the words' embeddings, for
the gradient to arrive at: it is only ever set to rows of E, and its learning rate is zero. A task head beside it trains
as ever, so on a masked model a head reads the state behind the trigger.

Differences from the authors' code: a candidate is judged by the loss, where theirs takes the metric of its task; the
words to filter are those of the labels and names, as theirs, and also tokens that are no text; the label words at a
mask and their search are left out, a task head chooses among labels instead; the start is random words unless `init`
says masks. The trigger stands before all of the text, at positions -K ... -1, as the virtual tokens of prompt tuning
do, and `shift_positions` pushes the text back, which makes a difference only where positions are learned. Strength s
adds log s to the scores with which text looks at the trigger.

Starts at base: no, any extra token changes the attention.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from typing_extensions import override

from engine.data.token_texts import token_texts
from engine.methods.autoprompt.candidates import allowed_tokens, estimated_changes, first_tokens
from engine.methods.autoprompt.spec import SPEC, AutoPromptSettings
from engine.methods.base import Start
from engine.methods.parts.soft_prompts import SoftPrompted, probe_virtual_tokens, prompt_frame
from engine.methods.trial import Measure, Trial
from engine.models.layout import SoftPrompt
from engine.models.shape import ModelShape
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import TriggerFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import VirtualTokenReport


@dataclass(frozen=True, slots=True)
class Iteration:
    """What one iteration of the search found.

    Attributes:
        place: Index of the place that was searched.
        before: The token that stood there.
        loss: Mean loss with it, on the fresh batches.
        candidates: Tokens that were tried, the one with the best estimate first.
        predicted: Estimated change of the loss by each.
        actual: Measured change of the loss by each.
        taken: Index of the candidate that is better than the word before; None where none is.
    """

    place: int
    before: int
    loss: float
    candidates: list[int]
    predicted: list[float]
    actual: list[float]
    taken: int | None


class AutoPrompt(SoftPrompted[AutoPromptSettings]):
    """A searched trigger in front of the text."""

    spec = SPEC

    ids: Int[Tensor, " k"]
    _first: Float[Tensor, "k d"]

    def __init__(self, settings: AutoPromptSettings, shape: ModelShape, start: Start | None = None) -> None:
        super().__init__(settings, shape)
        self._start = start
        self.trigger = nn.Parameter(torch.zeros(settings.prompt_len, shape.d))
        self.register_buffer("ids", torch.zeros(settings.prompt_len, dtype=torch.long))
        # The trigger at the start: kept in checkpoints, never in adapter files.
        self.register_buffer("_first", torch.zeros(settings.prompt_len, shape.d))
        self._tried: Float[Tensor, "k d"] | None = None
        self._found: Iteration | None = None
        self._latest: Iteration | None = None
        self._allowed: Bool[Tensor, " v"] | None = None

    @classmethod
    @override
    def build(cls, settings: AutoPromptSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape, start)
        vocabulary = start.input_embeddings()
        with torch.no_grad():
            method.ids.copy_(method._first_words(start, len(vocabulary)))
            method.trigger.copy_(vocabulary[method.ids.to(vocabulary.device)])
            method._first.copy_(method.trigger)
        return method

    @classmethod
    @override
    def count(cls, settings: AutoPromptSettings, shape: ModelShape) -> dict[str, int]:
        """K d: what a gradient is taken of. None of it is free, each row is an entry of the vocabulary."""
        return {"trigger": settings.prompt_len * shape.d}

    @property
    @override
    def text(self) -> str | None:
        return None if self._start is None else str(self._start.base.tokenizer.decode(self.ids.tolist()))

    @override
    def virtual(self) -> SoftPrompt:
        """The trigger, or the one that is being tried."""
        vectors = self.trigger if self._tried is None else self._tried
        return SoftPrompt(vectors, self.control.strength, self.settings.shift_positions)

    @override
    @torch.no_grad()
    def search(self, trial: Trial) -> None:
        """One iteration: a place, its best candidates by the gradient, and their losses on fresh batches."""
        assert self._start is not None, "a blank method has no vocabulary to search"
        if self.trigger.grad is None:
            return
        vocabulary = self._start.input_embeddings()
        place = int(torch.randint(len(self.ids), (), generator=trial.rng))
        before = int(self.ids[place])
        gradient = self.trigger.grad[place] * trial.unclip
        changes = estimated_changes(vocabulary, self.trigger[place], gradient)
        barred = ~self._allowed_tokens(trial, len(vocabulary)).to(changes.device)
        barred[before] = True
        best = changes.masked_fill(barred, torch.inf).topk(
            min(self.settings.candidates, int((~barred).sum())), largest=False
        )
        measure = trial.fresh(self.settings.trial_batches)
        loss = measure()
        actual = [self._loss_with(place, entry, measure) - loss for entry in vocabulary[best.indices]]
        taken = min(range(len(actual)), key=actual.__getitem__, default=None)
        if taken is not None and not actual[taken] < 0:
            taken = None
        self._found = Iteration(place, before, loss, best.indices.tolist(), best.values.tolist(), actual, taken)

    def _loss_with(self, place: int, entry: Float[Tensor, " d"], measure: Measure) -> float:
        """The loss with another word in one place; outside of this call nobody sees that trigger."""
        self._tried = self.trigger.clone()
        self._tried[place] = entry
        try:
            return measure()
        finally:
            self._tried = None

    def _allowed_tokens(self, trial: Trial, v: int) -> Bool[Tensor, " v"]:
        """Which tokens may stand in the trigger; found once, as the labels stay."""
        if self._allowed is None:
            assert self._start is not None
            only_words = self.settings.vocabulary == "whole_words"
            self._allowed = allowed_tokens(self._start.base.tokenizer, v, trial.labels, only_words=only_words)
        return self._allowed

    def _first_words(self, start: Start, v: int) -> Int[Tensor, " k"]:
        """Token ids to start from.

        Raises:
            SettingError: The text holds no token.
        """
        settings, tokenizer = self.settings, start.base.tokenizer
        if settings.init == "text":
            return torch.tensor(start.repeated(settings.init_text, settings.prompt_len))
        if settings.init == "masks" and tokenizer.mask_token_id is not None:
            return torch.full((settings.prompt_len,), tokenizer.mask_token_id)
        drawn = torch.randperm(v, generator=start.rng, device="cpu").tolist()
        only_words = settings.vocabulary == "whole_words"
        return torch.tensor(first_tokens(tokenizer, drawn, settings.prompt_len, only_words=only_words))

    @override
    @torch.no_grad()
    def after_update(self, step: int, steps: int) -> None:
        """Put the word in that the search found."""
        found, self._found = self._found, None
        if found is None:
            return
        self._latest = found
        if found.taken is not None:
            assert self._start is not None
            token = found.candidates[found.taken]
            self.ids[found.place] = token
            self.trigger[found.place] = self._start.input_embeddings()[token].to(self.trigger)

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        return {"trigger": self.trigger.detach(), "ids": self.ids}

    @override
    @torch.no_grad()
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in self.method_tensors().items():
            tensor.copy_(tensors[name])
        self._first.copy_(self.trigger)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self._start is None:
            return
        yield prompt_frame(step, self.trigger, self._first, self._start)
        yield self._frame(step, self._start)

    def _frame(self, step: int, start: Start) -> TriggerFrame:
        """The trigger, and the newest iteration if there was one since the run was started or resumed."""
        tokenizer, latest, ids = start.base.tokenizer, self._latest, self.ids.tolist()
        text = self.text
        return TriggerFrame(
            step=step,
            words=token_texts(tokenizer, ids),
            same=text is not None and start.tokenize(text) == ids,
            place=latest.place if latest else None,
            before=token_texts(tokenizer, [latest.before])[0] if latest else "",
            loss=round(latest.loss, 5) if latest else None,
            candidates=[token_texts(tokenizer, [index])[0] for index in latest.candidates] if latest else [],
            predicted=[round(change, 5) for change in latest.predicted] if latest else [],
            actual=[round(change, 5) for change in latest.actual] if latest else [],
            taken=latest.taken if latest else None,
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> VirtualTokenReport:
        return probe_virtual_tokens(view, probe_input, self.settings.prompt_len, self.shape)

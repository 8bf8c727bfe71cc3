"""Prompt tuning: The Power of Scale for Parameter-Efficient Prompt Tuning.

Lester, Al-Rfou, Constant. EMNLP 2021. https://arxiv.org/abs/2104.08691

K virtual tokens P are put in front of the embedded text; only they train:

    X' = [P; E(x)]                    P: (K, d)

Starts: from the words of a sentence (repeated or cut to K tokens), from K random entries of the vocabulary, or at
random with the vocabulary's own spread (the paper's uniform range was made for T5's much larger embeddings).

Differences from the paper: text keeps its positions 0, 1, 2 ... and the virtual tokens stand before it at -K ... -1;
with rotary positions that is the same as pushing the text back, and lets the strength go to 0 without a jump. With
`shift_positions` the text is pushed back as in HF peft, which makes a difference only where positions are learned
(gpt2, bert). Strength s adds log s to the scores with which text looks at the virtual tokens.

Starts at base: no, any extra token changes the attention.
"""

from collections.abc import Iterator
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Start
from engine.methods.parts.soft_prompts import SoftPrompted, probe_virtual_tokens, prompt_frame
from engine.methods.prompt.spec import SPEC, PromptSettings
from engine.models.layout import SoftPrompt
from engine.models.shape import ModelShape
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import VirtualTokenReport


class PromptTuning(SoftPrompted[PromptSettings]):
    """Soft prompt in front of the text."""

    spec = SPEC

    _first: Float[Tensor, "*p_d"]

    def __init__(self, settings: PromptSettings, shape: ModelShape, start: Start | None = None) -> None:
        super().__init__(settings, shape)
        self._start = start
        self.prompts = nn.Parameter(torch.zeros(settings.prompt_len, shape.d))
        self.register_buffer("_first", torch.zeros(0), persistent=False)

    @classmethod
    @override
    def build(cls, settings: PromptSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape, start)
        vocabulary = start.input_embeddings().float()
        with torch.no_grad():
            if settings.init == "random":
                method.prompts.normal_(0, float(vocabulary.std()), generator=start.rng)
            else:
                method.prompts.copy_(vocabulary[_first_words(settings, start, len(vocabulary))])
        method._first = method.prompts.detach().clone()
        return method

    @classmethod
    @override
    def count(cls, settings: PromptSettings, shape: ModelShape) -> dict[str, int]:
        """K d."""
        return {"prompts": settings.prompt_len * shape.d}

    @override
    def virtual(self) -> SoftPrompt:
        return SoftPrompt(self.prompts, self.control.strength, self.settings.shift_positions)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self._start is None:
            return
        yield prompt_frame(step, self.prompts, self._first if len(self._first) else self.prompts, self._start)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> VirtualTokenReport:
        return probe_virtual_tokens(view, probe_input, self.settings.prompt_len, self.shape)


def _first_words(settings: PromptSettings, start: Start, v: int) -> Int[Tensor, " p"]:
    """Token ids to start from: K drawn from the vocabulary, or the sentence repeated or cut to K tokens."""
    if settings.init == "vocabulary":
        return torch.randint(v, (settings.prompt_len,), generator=start.rng)
    return torch.tensor(start.repeated(settings.init_text, settings.prompt_len))

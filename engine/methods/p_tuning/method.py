"""P-tuning: GPT Understands, Too.

Liu, Zheng, Du, Ding, Qian, Yang, Tang. 2021. https://arxiv.org/abs/2103.10385

Virtual tokens h_1 ... h_P stand among the embedded words of a template, and only they train. While they train, a
small network computes them from vectors E of their own, so that neighbours influence each other and all move together:

    h = MLP(BiLSTM(E))        MLP(z) = W_2 relu(W_1 z + b_1) + b_2        E: (P, d)

The LSTM has two layers and d / 2 units in each direction. Afterwards only h is kept: P d numbers. As options the MLP
alone (three linears, as in HF peft), or no network at all, which leaves prompt tuning with places to choose.

Where they stand: in front of the dataset's template, or where the marks {p} of a template of your own are. The paper's
for facts has three before the subject, three behind it, and three after the gap. In front, the text keeps its positions
0, 1, 2 ... as with prompt tuning; among the words each takes up a position like a word, as in the paper.

Starts: E as an embedding, LSTM and linears as PyTorch draws them, like the authors and HF peft. h begins small beside
the words of a vocabulary, and nearly alike for all tokens.

Differences from the paper: no anchor words beside those that a template holds. The paper's few-shot experiments on
SuperGLUE tune the language model as well; here it stays frozen, as in its experiments on LAMA. Strength s adds log s to
the scores with which text looks at the virtual tokens; `engine.models.layout` says what else fades inside of a text.

Starts at base: no, any extra token changes the attention.
"""

import copy
from collections.abc import Iterator
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Start
from engine.methods.p_tuning.spec import SPEC, PTuningSettings
from engine.methods.parts.prompt_encoders import LstmEncoder, MlpEncoder, PromptEncoder
from engine.methods.parts.soft_prompts import SoftPrompted, probe_virtual_tokens, prompt_frame
from engine.models.layout import SoftPrompt
from engine.models.shape import ModelShape
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import VirtualTokenReport

ENCODERS: dict[str, type[PromptEncoder]] = {"lstm": LstmEncoder, "mlp": MlpEncoder}


class PTuning(SoftPrompted[PTuningSettings]):
    """Virtual tokens that an encoder computes, in front of the text or inside of it."""

    spec = SPEC

    _first: Float[Tensor, "p d"]
    _latest: Float[Tensor, "p d"]

    def __init__(self, settings: PTuningSettings, shape: ModelShape, start: Start | None = None) -> None:
        super().__init__(settings, shape)
        self._start = start
        p, d, width = settings.tokens, shape.d, settings.encoder_width
        self.encoder: PromptEncoder | None = None
        self.prompts: nn.Parameter | None = None
        if settings.encoder == "none":
            self.prompts = nn.Parameter(torch.zeros(p, d))
        else:
            self.encoder = ENCODERS[settings.encoder](p, d, width, settings.dropout)
        # The tokens at the start and at the last event: kept in checkpoints, never in adapter files.
        self.register_buffer("_first", torch.zeros(p, d))
        self.register_buffer("_latest", torch.zeros(p, d))

    @classmethod
    @override
    def build(cls, settings: PTuningSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape, start)
        if method.encoder is not None:
            method.encoder.initialise(start.rng)
        else:
            assert method.prompts is not None
            nn.init.normal_(method.prompts, 0, float(start.input_embeddings().float().std()), generator=start.rng)
        method._mark_start()
        return method

    @classmethod
    @override
    def count(cls, settings: PTuningSettings, shape: ModelShape) -> dict[str, int]:
        """P d, and the weights and biases of the encoder."""
        vectors = settings.tokens * shape.d
        if settings.encoder == "none":
            return {"prompts": vectors}
        return {"encoder": vectors + ENCODERS[settings.encoder].count(shape.d, settings.encoder_width)}

    @property
    @override
    def template(self) -> str | None:
        return self.settings.template or None

    @override
    def virtual(self) -> SoftPrompt:
        vectors = self.prompts if self.encoder is None else self.encoder()
        assert vectors is not None
        inside = self.template is not None
        return SoftPrompt(vectors, self.control.strength, self.settings.shift_positions and not inside, inside)

    @torch.no_grad()
    def virtual_tokens(self) -> Float[Tensor, "p d"]:
        """The virtual tokens as they are when nothing is dropped."""
        if self.encoder is None:
            assert self.prompts is not None
            return self.prompts.detach()
        dropping = self.encoder.training
        vectors: Tensor = self.encoder.eval()()
        self.encoder.train(dropping)
        return vectors

    def _mark_start(self) -> None:
        """Measure drift and stride from here on."""
        self._first.copy_(self.virtual_tokens())
        self._latest.copy_(self._first)

    @override
    def fold(self) -> None:
        if self.encoder is not None:
            self.prompts, self.encoder = nn.Parameter(self.virtual_tokens()), None

    @override
    def folded(self) -> Self:
        # The encoder is not copied: on a large base it has hundreds of millions of parameters.
        copied = copy.deepcopy(self, {id(self.encoder): None})
        copied.prompts = nn.Parameter(self.virtual_tokens().clone())
        return copied

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        assert self.prompts is not None, "only a folded method is stored"
        return {"prompts": self.prompts.detach()}

    @override
    @torch.no_grad()
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        self.method_tensors()["prompts"].copy_(tensors["prompts"])
        self._mark_start()

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self._start is None:
            return
        now = self.virtual_tokens()
        stride = float((now - self._latest).norm())
        self._latest.copy_(now)
        yield prompt_frame(step, now, self._first, self._start, stride)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> VirtualTokenReport:
        return probe_virtual_tokens(view, probe_input, self.settings.tokens, self.shape)

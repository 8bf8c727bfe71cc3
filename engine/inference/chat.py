"""One question to several columns at once: every column is one row of the same batched forward."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.core.sampling import Sampling
from engine.core.types import ChatUpdate
from engine.data.batching import collator_of
from engine.data.tokenise import Example, encode_prompt, encode_text
from engine.inference.classify import Verdict
from engine.inference.generate import begun, generate, pad_left
from engine.methods.base import Method
from engine.methods.parts.head import TaskHead
from engine.models.base import Base
from engine.models.inputs import Tokens
from engine.models.view import View

CLASSES = 5
"""Classes that a base's own classifier names of a picture."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One column of a chat.

    Attributes:
        prompt: What it is asked.
        template: Text around the prompt, maybe with marks for virtual tokens.
        method: Its method; None for the untuned base.
        strength: 0 is the base, 1 the trained model.
        picture: What it is asked about, where its model reads pictures; then the prompt is its name.
    """

    prompt: str
    method: Method | None = None
    strength: float = 1.0
    template: str = "{prompt}"
    picture: Path | None = None

    @property
    def head(self) -> TaskHead | None:
        """Its task head, if it judges instead of writing."""
        return self.method.head if self.method is not None else None


def converse(
    base: Base, speakers: Sequence[Speaker], sampling: Sampling, stopped: Callable[[], bool] = lambda: False
) -> Iterator[ChatUpdate]:
    """Stream all answers token by token; ask `stopped` between tokens.

    Columns with a task head judge at once: their answer is every label with its probability. Columns without one on a
    model that cannot write have no answer; on one that reads pictures they say what its own classifier sees. The last
    update carries how far the last column is from the first: see `ChatUpdate.difference`.
    """
    judges = {index: head for index, speaker in enumerate(speakers) if (head := speaker.head) is not None}
    writers = [index for index in range(len(speakers)) if index not in judges] if base.shape.family.causal else []
    texts: list[str | None] = ["" if index in writers else None for index in range(len(speakers))]
    if not base.shape.family.reads_text:
        texts = [classes(base, speaker) for speaker in speakers]
    difference = None
    if judges or not base.shape.family.reads_text:
        scores = verdicts(base, [speakers[index] for index in judges])
        for (index, head), row in zip(judges.items(), scores, strict=True):
            texts[index] = Verdict.of(head.spec, row).text
        if last := judges.get(len(speakers) - 1):
            same = len(judges) > 1 and 0 in judges and judges[0].spec.labels == last.spec.labels
            difference = _moved(base, speakers[-1], scores[-1], scores[0] if same else None)
        yield ChatUpdate(texts=tuple(texts), done=not writers, difference=difference, tokens_per_s=0.0)
    if not writers:
        return
    for update in _written(base, [speakers[index] for index in writers], sampling, stopped):
        for index, text in zip(writers, update.texts, strict=True):
            texts[index] = text
        alike = writers[0] == 0 and writers[-1] == len(speakers) - 1
        yield replace(update, texts=tuple(texts), difference=update.difference if alike else difference)


def _written(
    base: Base, speakers: Sequence[Speaker], sampling: Sampling, stopped: Callable[[], bool]
) -> Iterator[ChatUpdate]:
    """The answers of the columns that write."""
    view = shared_view(base, speakers)
    asked = [encode_prompt(base.tokenizer, speaker.template, speaker.prompt) for speaker in speakers]
    prompts = [begun(base.tokenizer, prompt) for prompt in asked]
    rows: list[list[int]] = [[] for _ in speakers]
    began, count = time.perf_counter(), 0

    def update(*, done: bool, difference: float | None = None) -> ChatUpdate:
        texts = tuple(readable(base, row) for row in rows)
        return ChatUpdate(
            texts=texts, done=done, difference=difference, tokens_per_s=round(count / (time.perf_counter() - began), 1)
        )

    eos, pad = base.tokenizer.eos_token_id, base.tokenizer.pad_token_id
    for step in generate(view, prompts, sampling, pad_id=pad, eos_id=eos):
        for row, token in zip(rows, step.ids, strict=True):
            if token is not None:
                row.append(token)
                count += 1
        yield update(done=False)
        if stopped():
            break
    difference = None
    if len(speakers) > 1 and rows[-1]:
        difference = round(divergence(view, prompts, rows[-1], pad), 4)
    yield update(done=True, difference=difference)


@torch.inference_mode()
def verdicts(base: Base, speakers: Sequence[Speaker]) -> list[Float[Tensor, " v"]]:
    """Scores of every column, each by its own head, from one forward of all."""
    view = shared_view(base, speakers)
    heads = [head for speaker in speakers if (head := speaker.head) is not None]
    if not speakers:
        return []
    inputs = collator_of(base)([_example(base, view, *pair) for pair in zip(speakers, heads, strict=True)]).inputs
    hidden = view.hidden(inputs)
    rows = [slice(row, row + 1) for row in range(len(speakers))]
    return [head(hidden[row], inputs.of_rows(row))[0] for row, head in zip(rows, heads, strict=True)]


def _example(base: Base, view: View, speaker: Speaker, head: TaskHead) -> Example:
    if speaker.picture is not None:
        return Example([], 0, picture=speaker.picture)
    return Example(
        encode_text(base.tokenizer, speaker.template, speaker.prompt, view.max_text_tokens, head.spec.pooling), 0
    )


@torch.inference_mode()
def classes(base: Base, speaker: Speaker) -> str | None:
    """What a base's own classifier sees in a picture, likeliest first; None where it came without one."""
    if any(name.startswith("classifier") for name in base.missing):
        return None
    inputs = collator_of(base)([Example([], 0, picture=speaker.picture)]).inputs
    scores = base.view().logits(inputs)[0, 0]
    names: Any = base.model.config.id2label or {}
    labels = [str(names.get(number, number)) for number in range(len(scores))]
    shares = scores.float().softmax(-1)
    top = shares.topk(min(CLASSES, len(shares)))
    return "\n".join(
        f"{labels[number]}  {100 * share:.1f} %"
        for number, share in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )


def _moved(base: Base, last: Speaker, scores: Float[Tensor, " v"], first: Float[Tensor, " w"] | None) -> float | None:
    """How far the last column's label is from the first's, or from what its own head reads off the untouched base.

    None for numbers.
    """
    if len(scores) == 1:
        return None
    if first is None:
        (first,) = verdicts(base, [replace(last, strength=0.0)])
    return round(kl(scores, first), 4)


def kl(p: Float[Tensor, " v"], q: Float[Tensor, " v"]) -> float:
    """KL(p | q) of two rows of scores, in nats."""
    p, q = p.float().log_softmax(-1), q.float().log_softmax(-1)
    return max(0.0, float((p.exp() * (p - q)).sum()))


def shared_view(base: Base, speakers: Sequence[Speaker]) -> View:
    """A view on which each row of a batch is one speaker."""
    view = base.view()
    for index, speaker in enumerate(speakers):
        if speaker.method is not None:
            twin = speaker.method.twin().eval()
            twin.control.strength = speaker.strength
            view.sites.rows = slice(index, index + 1)
            twin.attach(view.sites)
    return view


@torch.inference_mode()
def divergence(view: View, prompts: Sequence[Sequence[int]], answer: Sequence[int], pad_id: int) -> float:
    """Mean over the answer's positions of KL(last row | first row), in nats."""
    # The answer's last token is left out: it predicts nothing that was said.
    ids, mask = pad_left([[*prompt, *answer[:-1]] for prompt in prompts], pad_id, view.model.device)
    logits: Float[Tensor, "b t v"] = view.logits(Tokens(ids, mask))[:, -len(answer) :].float()
    first, last = logits[0].log_softmax(-1), logits[-1].log_softmax(-1)
    return max(0.0, float((last.exp() * (last - first)).sum(-1).mean()))


def readable(base: Base, ids: list[int]) -> str:
    """Text of an answer that may still be growing: half a character at its end is held back."""
    return str(base.tokenizer.decode(ids, skip_special_tokens=True)).rstrip("\ufffd")

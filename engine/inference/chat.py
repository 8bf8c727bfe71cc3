"""Chat with several columns at once: every column is one row of the same batched forward."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.tokenise import Example, encode_for_head, encode_prompt
from engine.inference.classify import HeadPrediction
from engine.inference.generate import generate, pad_left, prompt_or_bos
from engine.inference.messages import ChatUpdate
from engine.methods.base import Method
from engine.methods.parts.task_head import TaskHead
from engine.models.base import Base
from engine.models.inputs import Pictures, Tokens
from engine.models.view import View

TOP_CLASSES = 5
"""Number of most likely classes shown for a picture by the base's pre-trained classifier."""


@dataclass(frozen=True, slots=True)
class ChatColumn:
    """One column of a chat.

    Attributes:
        prompt: Its prompt; for a picture, the picture's name.
        method: Its method; None for the untuned base.
        strength: 0 is the base, 1 the trained model.
        template: Text around the prompt, possibly with slots for virtual tokens.
        picture: The picture to classify, where the model reads pictures; else the one that stands beside the prompt.
    """

    prompt: str
    method: Method | None = None
    strength: float = 1.0
    template: str = "{prompt}"
    picture: Path | None = None

    @property
    def head(self) -> TaskHead | None:
        """Its task head, if it predicts a label or a number instead of generating text."""
        return self.method.head if self.method is not None else None


def stream_answers(
    base: Base, columns: Sequence[ChatColumn], sampling: Sampling, stopped: Callable[[], bool] = lambda: False
) -> Generator[ChatUpdate]:
    """Stream all answers token by token; `stopped` is polled between tokens.

    Columns with a task head answer at once, with every label and its probability. Columns without one have no answer
    on a model that cannot generate; on one that reads pictures, the classes of its pre-trained classifier. The last
    update has the divergence of the last column from the first: see `ChatUpdate.difference`.
    """
    heads = {index: head for index, column in enumerate(columns) if (head := column.head) is not None}
    generating = [index for index in range(len(columns)) if index not in heads] if base.shape.family.causal else []
    texts: list[str | None] = ["" if index in generating else None for index in range(len(columns))]
    if not base.shape.family.reads_text:
        texts = [base_classes(base, column) for column in columns]
    difference = None
    if heads or not base.shape.family.reads_text:
        logits = column_logits(base, [columns[index] for index in heads])
        for (index, head), row in zip(heads.items(), logits, strict=True):
            texts[index] = HeadPrediction.of(head.spec, row).text
        if last := heads.get(len(columns) - 1):
            same = len(heads) > 1 and 0 in heads and heads[0].spec.labels == last.spec.labels
            difference = _head_difference(base, columns[-1], logits[-1], logits[0] if same else None)
        yield ChatUpdate(texts=tuple(texts), done=not generating, difference=difference, tokens_per_s=0.0)
    if not generating:
        return
    for update in _generated(base, [columns[index] for index in generating], sampling, stopped):
        for index, text in zip(generating, update.texts, strict=True):
            texts[index] = text
        both = generating[0] == 0 and generating[-1] == len(columns) - 1
        yield replace(update, texts=tuple(texts), difference=update.difference if both else difference)


def _generated(
    base: Base, columns: Sequence[ChatColumn], sampling: Sampling, stopped: Callable[[], bool]
) -> Generator[ChatUpdate]:
    """The answers of the columns that generate text."""
    view = shared_view(base, columns)
    encoded = [encode_prompt(base.tokenizer, column.template, column.prompt) for column in columns]
    prompts = [prompt_or_bos(base.tokenizer, prompt) for prompt in encoded]
    pictures = _beside(columns)
    rows: list[list[int]] = [[] for _ in columns]
    began, count = time.perf_counter(), 0

    def update(*, done: bool, difference: float | None = None) -> ChatUpdate:
        texts = tuple(decode_partial(base, row) for row in rows)
        return ChatUpdate(
            texts=texts, done=done, difference=difference, tokens_per_s=round(count / (time.perf_counter() - began), 1)
        )

    eos, pad = base.tokenizer.eos_token_id, base.tokenizer.pad_token_id
    for step in generate(view, prompts, sampling, pad_id=pad, eos_id=eos, pictures=pictures):
        for row, token in zip(rows, step.ids, strict=True):
            if token is not None:
                row.append(token)
                count += 1
        yield update(done=False)
        if stopped():
            break
    difference = None
    if len(columns) > 1 and rows[-1]:
        difference = round(divergence(view, prompts, rows[-1], pad, pictures), 4)
    yield update(done=True, difference=difference)


@torch.inference_mode()
def column_logits(base: Base, columns: Sequence[ChatColumn]) -> list[Float[Tensor, " v"]]:
    """Logits of every column's task head, from one forward of all columns; (v,) each, v labels or 1."""
    view = shared_view(base, columns)
    heads = [head for column in columns if (head := column.head) is not None]
    if not columns:
        return []
    inputs = collator_of(base)([_example(base, view, *pair) for pair in zip(columns, heads, strict=True)]).inputs
    hidden = view.hidden(inputs)
    rows = [slice(row, row + 1) for row in range(len(columns))]
    return [head(hidden[row], inputs.of_rows(row))[0] for row, head in zip(rows, heads, strict=True)]


def _example(base: Base, view: View, column: ChatColumn, head: TaskHead) -> Example:
    if not base.shape.family.reads_text:
        return Example([], 0, picture=column.picture)
    ids = encode_for_head(base.tokenizer, column.template, column.prompt, view.max_text_tokens, head.spec.pooling)
    return Example(ids, 0, picture=column.picture)


def _beside(columns: Sequence[ChatColumn]) -> Pictures:
    """The picture beside each column's prompt; nothing where none has one."""
    pictures = tuple(column.picture for column in columns)
    return pictures if any(pictures) else ()


@torch.inference_mode()
def base_classes(base: Base, column: ChatColumn) -> str | None:
    """Classes of a picture by the base's pre-trained classifier, likeliest first; None where it has none."""
    if any(name.startswith("classifier") for name in base.missing):
        return None
    inputs = collator_of(base)([Example([], 0, picture=column.picture)]).inputs
    logits = base.view().logits(inputs)[0, 0]
    names: Any = base.model.config.id2label or {}
    labels = [str(names.get(number, number)) for number in range(len(logits))]
    top = logits.float().softmax(-1).topk(min(TOP_CLASSES, len(logits)))
    return "\n".join(
        f"{labels[number]}  {100 * probability:.1f} %"
        for number, probability in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    )


def _head_difference(
    base: Base, last: ChatColumn, logits: Float[Tensor, " v"], first: Float[Tensor, " w"] | None
) -> float | None:
    """KL in nats of the last column's label distribution from the first's; None for numbers.

    Where the first has other labels or no head, from the same head's distribution on the untuned base.
    """
    if len(logits) == 1:
        return None
    if first is None:
        (first,) = column_logits(base, [replace(last, strength=0.0)])
    return round(kl(logits, first), 4)


def kl(p: Float[Tensor, " v"], q: Float[Tensor, " v"]) -> float:
    """KL(p | q) in nats of the distributions of two rows of logits."""
    p, q = p.float().log_softmax(-1), q.float().log_softmax(-1)
    return max(0.0, float((p.exp() * (p - q)).sum()))


def shared_view(base: Base, columns: Sequence[ChatColumn]) -> View:
    """A view on which each row of a batch is computed with the method of one column."""
    view = base.view()
    for index, column in enumerate(columns):
        if column.method is not None:
            copy = column.method.sharing_copy().eval()
            copy.control.strength = column.strength
            view.sites.rows = slice(index, index + 1)
            copy.attach(view.sites)
    return view


@torch.inference_mode()
def divergence(
    view: View, prompts: Sequence[Sequence[int]], answer: Sequence[int], pad_id: int, pictures: Pictures = ()
) -> float:
    """Mean over the answer's positions of KL(last row | first row), in nats."""
    # The answer's last token is left out: its prediction is not part of the answer.
    ids, mask = pad_left([[*prompt, *answer[:-1]] for prompt in prompts], pad_id, view.model.device)
    logits: Float[Tensor, "b t v"] = view.logits(Tokens(ids, mask, pictures))[:, -len(answer) :].float()
    first, last = logits[0].log_softmax(-1), logits[-1].log_softmax(-1)
    return max(0.0, float((last.exp() * (last - first)).sum(-1).mean()))


def decode_partial(base: Base, ids: list[int]) -> str:
    """Text of an incomplete answer, without a partial UTF-8 character at its end."""
    return str(base.tokenizer.decode(ids, skip_special_tokens=True)).rstrip("\ufffd")

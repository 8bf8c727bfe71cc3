"""Chat with several columns at once: every column is one row of the same batched forward."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.core.errors import DataError
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.pairs import asked_pair, encode_pairs
from engine.data.slots import PROMPT
from engine.data.tokenise import Example, encode_for_head
from engine.inference.classify import HeadPrediction
from engine.inference.column import ChatColumn as ChatColumn
from engine.inference.conversation import Read, encode_columns, ends_of, read_columns, stops_of
from engine.inference.generate import generate, pad_left, prompt_or_bos
from engine.inference.marking import Place, marked, places, with_texts
from engine.inference.messages import ChatUpdate, with_share
from engine.methods.parts.task_head import TaskHead
from engine.models.base import Base
from engine.models.inputs import Pictures, Tokens
from engine.models.view import View

TOP_CLASSES = 5
"""Number of most likely classes shown for a picture by the base's pre-trained classifier."""


def stream_answers(
    base: Base,
    columns: Sequence[ChatColumn],
    sampling: Sampling,
    stopped: Callable[[], bool] = lambda: False,
    context: int | None = None,
) -> Generator[ChatUpdate]:
    """Stream all answers token by token; `stopped` is polled between tokens.

    A conversation loses its oldest exchanges where it is longer than the model reads, or than `context` tokens.

    Columns with a task head answer at once, with every label and its probability, or with the answers that it marks in
    the text and where the best one stands. Columns without one have no answer on a model that cannot generate; on one
    that reads pictures, the classes of its pre-trained classifier. The last update has the divergence of the last
    column from the first: see `ChatUpdate.difference`.
    """
    columns = with_texts(columns)
    written = [index for index, column in enumerate(columns) if column.head is None]
    generating = written if base.shape.family.causal else []
    texts: list[str | None] = ["" if index in generating else None for index in range(len(columns))]
    if not base.shape.family.reads_text:
        texts = [base_classes(base, column) for column in columns]
    difference, marks = None, tuple[Place | None, ...]()
    if len(written) < len(columns) or not base.shape.family.reads_text:
        said, difference = _of_heads(base, columns)
        found = marked(base, columns)
        said |= {index: prediction.text for index, prediction in found.items()}
        texts, marks = [said.get(index, text) for index, text in enumerate(texts)], places(found, len(columns))
        yield ChatUpdate(texts=tuple(texts), done=not generating, difference=difference, tokens_per_s=0.0, marks=marks)
    if not generating:
        return
    both = generating[0] == 0 and generating[-1] == len(columns) - 1
    for update in _generated(base, [columns[index] for index in generating], sampling, stopped, context):
        for index, text in zip(generating, update.texts, strict=True):
            texts[index] = text
        told = dict(zip(generating, zip(update.forgotten, update.templates, strict=True), strict=True))
        forgotten, templates = zip(*(told.get(index, (0, None)) for index in range(len(columns))), strict=True)
        yield replace(
            update,
            texts=tuple(texts),
            difference=update.difference if both else difference,
            forgotten=forgotten,
            marks=marks,
            templates=templates,
        )


def _of_heads(base: Base, columns: Sequence[ChatColumn]) -> tuple[dict[int, str], float | None]:
    """What heads say that predict labels or numbers, by column; and how far the last differs from the first."""
    heads = {index: head for index, column in enumerate(columns) if (head := column.head) and not column.marks}
    logits, difference = column_logits(base, [columns[index] for index in heads]), None
    if last := heads.get(len(columns) - 1):
        same = len(heads) > 1 and 0 in heads and heads[0].spec.labels == last.spec.labels
        difference = _head_difference(base, columns[-1], logits[-1], logits[0] if same else None)
    pairs = zip(heads.items(), logits, strict=True)
    return {index: HeadPrediction.of(head.spec, row).text for (index, head), row in pairs}, difference


class _Answer:
    """An answer on its way: its tokens, and its text up to where it ends."""

    def __init__(self, base: Base, stops: Sequence[str]) -> None:
        self.ids: list[int] = []
        self._base, self._stops = base, stops

    @property
    def text(self) -> str:
        """Without what ends it."""
        text = decode_partial(self._base, self.ids)
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        return text[: min(found)] if found else text

    @property
    def ended(self) -> bool:
        """Whether one of the texts that end it stands in it."""
        return bool(self._stops) and any(stop in decode_partial(self._base, self.ids) for stop in self._stops)


def _generated(
    base: Base, columns: Sequence[ChatColumn], sampling: Sampling, stopped: Callable[[], bool], context: int | None
) -> Generator[ChatUpdate]:
    """The answers of the columns that generate text."""
    view = shared_view(base, columns)
    most = min(view.max_text_tokens, context or view.max_text_tokens)
    read = read_columns(base.tokenizer, columns, most, sampling.max_new_tokens)
    columns = [replace(column, history=column.history[r.forgotten :]) for column, r in zip(columns, read, strict=True)]
    prompts = [prompt_or_bos(base.tokenizer, each.ids) for each in read]
    _check_room(max(map(len, prompts)), most)
    pictures = _beside(columns)
    answers = [_Answer(base, stops_of(column, sampling.stops)) for column in columns]
    began, count = time.perf_counter(), 0

    def update(*, done: bool, difference: float | None = None) -> ChatUpdate:
        return ChatUpdate(
            texts=tuple(answer.text for answer in answers),
            done=done,
            difference=difference,
            tokens_per_s=round(count / (time.perf_counter() - began), 1),
            forgotten=tuple(each.forgotten for each in read),
            templates=tuple(None if column.in_chat_template else column.template for column in columns),
        )

    sampling = _fitting(sampling, most - max(map(len, prompts)))
    for step in generate(
        view,
        prompts,
        sampling,
        pad_id=base.tokenizer.pad_token_id,
        eos_id=base.tokenizer.eos_token_id,
        pictures=pictures,
        more_ends=ends_of(base.tokenizer, columns),
        ended=lambda row: answers[row].ended,
    ):
        for answer, token in zip(answers, step.ids, strict=True):
            if token is not None:
                answer.ids.append(token)
                count += 1
        yield update(done=False)
        if stopped():
            break
    yield update(done=True, difference=_difference(base, view, columns, read, answers[-1].ids, pictures))


def _fitting(sampling: Sampling, room: int) -> Sampling:
    """The same with answers that fit behind what is read."""
    return replace(sampling, max_new_tokens=min(sampling.max_new_tokens, room))


def _difference(
    base: Base, view: View, columns: Sequence[ChatColumn], read: Sequence[Read], answer: list[int], pictures: Pictures
) -> float | None:
    """`divergence` of the last column's answer; the first column then reads the last one's conversation, too."""
    if len(columns) < 2 or not answer:
        return None
    prompts = [each.ids for each in read]
    if columns[0].history != columns[-1].history:
        prompts[:1] = encode_columns(base.tokenizer, [replace(columns[0], history=columns[-1].history)])
    prompts = [prompt_or_bos(base.tokenizer, prompt) for prompt in prompts]
    return round(divergence(view, prompts, answer, base.tokenizer.pad_token_id, pictures), 4)


def _check_room(size: int, limit: int) -> None:
    """See that an answer fits behind a question.

    Raises:
        DataError: It does not.
    """
    if size >= limit:
        raise DataError(
            "question_too_long",
            f"The question has {size:,} tokens, but the model reads at most {limit:,} with its answer: shorten it.",
            size=f"{size:,}",
            limit=f"{limit:,}",
        )


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
    limit, texts = view.max_text_tokens, head.spec.texts
    if texts:
        template = (column.method and column.method.template) or PROMPT
        pair = asked_pair(column.prompt, column.passage, texts)
        ((ids, second),) = encode_pairs(base.tokenizer, template, [pair], limit, typed=head.spec.token_types)
        return Example(ids, 0, picture=column.picture, second=second)
    ids = encode_for_head(base.tokenizer, column.template, column.prompt, limit, head.spec.pooling)
    return Example(ids, 0, picture=column.picture)


def _beside(columns: Sequence[ChatColumn]) -> Pictures:
    """The picture beside each column's prompt; nothing where none has one."""
    pictures = tuple(column.seen for column in columns)
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
        with_share(labels[number], probability)
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

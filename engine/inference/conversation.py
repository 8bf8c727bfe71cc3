"""A conversation as tokens: in the model's own chat template, or as text; where it is too long, the oldest go."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from engine.data.chat_rows import write_questions
from engine.data.conversations import Message, question_and_answer
from engine.data.slots import PROMPT, SLOT
from engine.data.templates import ALPACA, alpaca, begin_of_text, chat_source, turn_end
from engine.data.tokenise import encode_prompt
from engine.inference.column import ChatColumn


@dataclass(frozen=True, slots=True)
class Read:
    """What a column reads.

    Attributes:
        ids: Tokens of its conversation, open for an answer.
        forgotten: How many of the oldest exchanges were left out.
    """

    ids: list[int]
    forgotten: int


def read_columns(
    tokenizer: PreTrainedTokenizerBase, columns: Sequence[ChatColumn], most: int, answer: int
) -> list[Read]:
    """What each column reads; oldest exchanges are left out until its answer has room.

    Args:
        tokenizer: The model's.
        columns: The conversations.
        most: Tokens that the model reads with its answer.
        answer: Most tokens of an answer; it keeps free at most a quarter of what the model reads.

    Raises:
        DataError: The chat template refuses a conversation.
    """
    room = most - min(answer, most // 4)
    wholes = encode_columns(tokenizer, columns)
    return [
        Read(ids, 0) if len(ids) <= room else _shortened(tokenizer, column, room)
        for column, ids in zip(columns, wholes, strict=True)
    ]


def _shortened(tokenizer: PreTrainedTokenizerBase, column: ChatColumn, room: int) -> Read:
    """The conversation without as many of its oldest exchanges as it takes; the question itself stays."""
    count = len(column.history)
    shorter = encode_columns(tokenizer, [replace(column, history=column.history[gone:]) for gone in range(count + 1)])
    gone = min(count, bisect_left(range(count + 1), x=True, key=lambda gone: len(shorter[gone]) <= room))
    return Read(shorter[gone], gone)


def encode_columns(tokenizer: PreTrainedTokenizerBase, columns: Sequence[ChatColumn]) -> list[list[int]]:
    """Tokens of each column's conversation, open for an answer.

    Raises:
        DataError: The chat template refuses a conversation.
    """
    talks = [column for column in columns if _is_talk(column) and column.in_chat_template]
    written = iter(_in_chat_template(tokenizer, talks) if talks else ())
    return [
        encode_prompt(tokenizer, PROMPT, next(written))
        if _is_talk(column) and column.in_chat_template
        else encode_prompt(tokenizer, column.template, _as_text(column) if _is_talk(column) else column.prompt)
        for column in columns
    ]


def _is_talk(column: ChatColumn) -> bool:
    return bool(column.history or column.system)


def messages_of(column: ChatColumn) -> list[Message]:
    """The conversation as chat templates and files have it, up to the question."""
    system = [{"role": "system", "content": column.system}] if column.system else []
    earlier = (
        {"role": role, "content": text}
        for turn in column.history
        for role, text in (("user", turn.question), ("assistant", turn.answer))
    )
    return [*system, *earlier, {"role": "user", "content": column.prompt}]


def _in_chat_template(tokenizer: PreTrainedTokenizerBase, columns: Sequence[ChatColumn]) -> list[str]:
    template, special, _ = chat_source(tokenizer)
    start = begin_of_text(tokenizer)  # encoding puts it there again
    texts = write_questions(template, special, [messages_of(column) for column in columns])
    return [text.removeprefix(start) for text in texts]


def _as_text(column: ChatColumn) -> str:
    """What goes into the template: the conversation as training writes it, each question as the last one."""
    after = column.template.split(PROMPT)[1].replace(SLOT, "")
    asked = question_and_answer(
        [*messages_of(column), {"role": "assistant", "content": ""}],
        whole=True,
        before_answer=after,
        before_question=_before_question(column.template),
    )
    assert asked is not None, "the last message asks"
    return asked[0]


def _before_question(template: str) -> str:
    """What stands between an answer and the next question, in a conversation as text."""
    return alpaca().before_question if template == ALPACA else "\n\n" + template.split(PROMPT)[0].replace(SLOT, "")


def ends_of(tokenizer: PreTrainedTokenizerBase, columns: Sequence[ChatColumn]) -> list[int]:
    """Tokens that end a turn in the chat template, beside those that the model itself names."""
    end = turn_end(tokenizer) if any(column.in_chat_template for column in columns) else None
    return [] if end is None else [end]


def stops_of(column: ChatColumn, stops: Sequence[str]) -> list[str]:
    """Texts at which a column's answer ends: those asked for, and the next question of a conversation as text."""
    mark = _before_question(column.template).strip()
    return [*stops, mark] if mark and not column.alone and not column.in_chat_template else list(stops)

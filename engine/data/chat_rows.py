"""Conversations as a model's own chat template writes them: each row filled with its own messages, roles and tools."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.conversations import PARTS, SYSTEM, Message, answer_place, said, without_parts
from engine.data.every_answer import Learned, answer_places, learned_in_chat, without_ends
from engine.data.every_answer import forms as every_form
from engine.data.jinja_process import chats_of_rows
from engine.data.lately import Lately

QUESTIONS: Lately[str] = Lately(256, seconds=300)
"""Conversations that were written lately; a template may write the time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One row's conversation.

    Attributes:
        messages: All of them.
        tools: Tools that the assistant may call, as the file describes them; empty without.
    """

    messages: list[Message]
    tools: list[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a chat template makes of many rows.

    Attributes:
        rows: What is read and learned of each row.
        unread: How often the template leaves a message or a field out, by its role or name.
    """

    rows: list[Learned]
    unread: dict[str, int]


def write_rows(
    template: str,
    variables: dict[str, Any],
    rows: Sequence[Asked],
    *,
    whole: bool,
    ends: Sequence[str],
    every: Sequence[bool] = (),
) -> Written:
    """Fill a chat template with each row.

    Args:
        template: In Jinja.
        variables: The tokenizer's special tokens, by name.
        rows: Conversations in which somebody asks and the assistant answers.
        whole: Learn the last answer rather than the first.
        ends: Special tokens, of which an answer loses those at its end: end-of-text is put there again.
        every: Of each row, whether all answers are learned; empty for none.

    Raises:
        DataError: The template refuses a row, or takes too much time or memory.
    """
    places = [answer_place(row.messages, whole=whole) or 0 for row in rows]
    known = "developer" in template
    learned = [answer_places(row.messages[: place + 1]) for row, place in zip(rows, places, strict=True)]
    learned = [found if all_of else [] for found, all_of in zip(learned, every or [False] * len(rows), strict=True)]
    forms = (
        [
            [
                *_values(variables, form, row.tools, place - moved),
                *_values_of_all(variables, form, row.tools, [at - moved for at in found]),
            ]
            for form, moved in _forms(row.messages, place, known=known)
        ]
        for row, place, found in zip(rows, places, learned, strict=True)
    )
    out, unread = [], Counter[str]()
    written = chats_of_rows(template, forms, len(rows) + sum(map(len, learned)))
    for row, place, found, (prompt, full, *texts) in zip(rows, places, learned, written, strict=True):
        all_of = learned_in_chat(texts, [row.messages[at] for at in found], ends) if found else None
        out.append(all_of or Learned(prompt, _learned(prompt, full, row.messages[place], ends)))
        unread.update(_left_out(row, place, full, template))
        unread["assistant"] += all_of.missed if all_of else max(0, len(found) - 1)
    return Written(rows=out, unread=dict(+unread))


def write_questions(template: str, variables: dict[str, Any], talks: Sequence[list[Message]]) -> list[str]:
    """What a chat template makes of conversations that end with a question, open for the answer.

    Args:
        template: In Jinja.
        variables: The tokenizer's special tokens, by name.
        talks: Conversations, the last message of each a user's.

    Raises:
        DataError: The template refuses one, or takes too much time or memory.
    """
    known = "developer" in template
    keys = [(template, json.dumps([variables, talk])) for talk in talks]
    texts = {key: text for key in keys if (text := QUESTIONS.find(key)) is not None}
    new = {key: talk for key, talk in zip(keys, talks, strict=True) if key not in texts}
    forms = (
        [_values(variables, form, [], len(form))[:1] for form, _ in _forms(talk, len(talk), known=known)]
        for talk in new.values()
    )
    written = chats_of_rows(template, forms, len(new)) if new else ()
    texts |= {key: QUESTIONS.keep(key, text) for key, (text,) in zip(new, written, strict=True)}
    return [texts[key] for key in keys]


def _forms(messages: list[Message], place: int, *, known: bool) -> Iterator[tuple[list[Message], int]]:
    """The messages as they are; and with the system's text in the first question, for templates that know no system.

    Each with the number of messages that went from before the answer.
    """
    named = [
        {**message, "role": "system"} if message["role"] == "developer" and not known else message
        for message in without_parts(messages[: place + 1])
    ]
    yield named, 0
    start = next(at for at, message in enumerate(named) if message["role"] == "user")
    system = "\n".join(said(message) for message in named if message["role"] in SYSTEM)
    spoken = [message for message in named[start:] if message["role"] not in SYSTEM]
    if len(spoken) < len(named):
        first = {**spoken[0], "content": f"{system}\n\n{spoken[0]['content']}" if system else spoken[0]["content"]}
        yield [first, *spoken[1:]], len(named) - len(spoken)


def _values(
    variables: dict[str, Any], messages: list[Message], tools: list[Any], place: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables for what is asked, and for that with its answer."""
    given = {**variables, "tools": tools or None, "documents": None}
    asked = {**given, "messages": messages[:place], "add_generation_prompt": True}
    return asked, {**given, "messages": messages[: place + 1], "add_generation_prompt": False}


def _values_of_all(
    variables: dict[str, Any], messages: list[Message], tools: list[Any], places: Sequence[int]
) -> list[dict[str, Any]]:
    """Variables for a conversation of which all answers are learned; none without such answers."""
    given = {**variables, "tools": tools or None, "documents": None}
    return every_form(given, messages, places) if places else []


def _learned(prompt: str, full: str, answer: Message, ends: Sequence[str]) -> str:
    """The answer as the template writes it behind what is asked, without the special tokens at its end."""
    text = answer["content"]
    if not full.startswith(prompt):
        return said(answer)
    behind = full[len(prompt) :]
    if set(answer) <= {"role", "content", PARTS}:
        for words in (text, text.strip()):
            if words and (at := behind.find(words)) >= 0:
                return behind[: at + len(words)]
    return without_ends(behind, ends) or said(answer)


def _left_out(row: Asked, place: int, full: str, template: str) -> Iterator[str]:
    """Roles of messages whose text the template did not write, and names of fields and parts that it knows nothing of.

    Of thoughts inside of an answer a template may write only what stands behind them.
    """
    for message in row.messages[: place + 1]:
        yield from message.get(PARTS, ())
        text = message["content"].rpartition("</think>")[2].strip()
        if text and text not in full and json.dumps(text, ensure_ascii=False)[1:-1] not in full:
            yield message["role"]
        yield from (name for name in message if name not in ("role", "content", PARTS) and name not in template)
    if row.tools and "tools" not in template:
        yield "tools"

"""Conversations: the messages of OpenAI's form and of ShareGPT's, as a chat template wants them, or as plain text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.core.plain_json import loads
from engine.data.texts import text_of

ROLES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "ipython": "tool",
}
"""Names of roles in files, and what chat templates call them; every other role keeps its name."""

CALLS = ("function_call", "tool_call", "tool_calls")
"""Roles of ShareGPT's, and fields of OpenAI's, that hold what the assistant asks of a tool."""

SYSTEM = ("system", "developer")
"""Roles that say how to answer."""

PLAIN = {"role", "content"}
"""Fields of a message that is nothing but a text."""

Message = dict[str, Any]
"""A role, a text, and whatever else the file says of it: calls of tools, a name, thoughts."""


def is_talk(value: Any) -> bool:  # noqa: ANN401 - whatever stands in the file
    """Whether a value is a conversation: a list of messages, or such a list turned into lists of roles and texts."""
    found = _listed(value)
    return bool(found) and all(
        isinstance(each, dict) and _role(each) and any(name in each for name in ("content", "value", *CALLS))
        for each in found
    )


def messages_of(value: Any) -> list[Message]:  # noqa: ANN401 - as above
    """Every message; neighbours of one role become one where both are plain text."""
    out: list[Message] = []
    for message in _messages(value):
        last = out[-1] if out else {}
        if set(message) == set(last) == PLAIN and last["role"] == message["role"] != "tool":
            out[-1] = {**last, "content": f"{last['content']}\n{message['content']}"}
        else:
            out.append(message)
    return out


def _messages(value: Any) -> Iterator[Message]:  # noqa: ANN401 - as above
    for each in _listed(value):
        if not isinstance(each, dict) or not (role := _role(each)):
            continue
        more = {name: held for name, held in each.items() if name not in ("role", "from", "content", "value")}
        more = {name: held for name, held in more.items() if held not in (None, [], {}, "")}
        content = each.get("content", each.get("value"))
        text = "" if content is None else _joined(content)
        if role in CALLS:
            calls = calls_in(text)
            yield {"role": "assistant", "content": "" if calls else text, **more, **calls}
        elif text or more or content is not None:
            if unread := sorted(set(_unread(content))):
                more[PARTS] = unread
            yield {"role": ROLES.get(role, role), "content": text, **more}


PARTS = "parts without text"
"""Field of a message that names what stands beside its text, such as "image_url"."""


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - as above
    """The messages as a list; JSON in a text is read, and a table's lists of roles and of texts are put together."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = loads(value)
        except ValueError:
            return []
    if isinstance(value, dict):
        columns = {name: held for name, held in value.items() if isinstance(held, list)}
        if not {"role", "from"} & set(columns) or len({len(held) for held in columns.values()}) != 1:
            return []
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return value if isinstance(value, list) else []


def _role(message: Message) -> str:
    return str(message.get("role") or message.get("from") or "").strip().lower()


def _joined(content: Any) -> str:  # noqa: ANN401 - a text, or OpenAI's parts
    if not isinstance(content, list):
        return text_of(content)
    parts = (part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def _unread(content: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """Kinds of the parts that hold no text."""
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and not isinstance(part.get("text"), str):
            yield str(part.get("type", "part"))


def calls_in(text: str) -> Message:
    """The field `tool_calls` of a call written as JSON; nothing where the text is none."""
    try:
        found = loads(text)
    except ValueError:
        return {}
    calls = found if isinstance(found, list) else [found]
    if not calls or not all(isinstance(call, dict) and "name" in call for call in calls):
        return {}
    return {"tool_calls": [{"type": "function", "function": {"arguments": {}, **call}} for call in calls]}


def joined_talks(before: Sequence[Message], talk: Sequence[Message]) -> list[Message]:
    """A conversation behind what was asked in a column of its own, which it may hold itself."""
    if any(message["role"] == "user" for message in talk):
        has_system = any(message["role"] in SYSTEM for message in talk)
        before = [] if has_system else [message for message in before if message["role"] in SYSTEM]
    return [*before, *talk]


def answer_place(messages: Sequence[Message], *, whole: bool) -> int | None:
    """Index of the message that is learned: the assistant's first behind a question, or its last.

    Returns:
        None where nobody asks, or nobody answers.
    """
    asked = next((at for at, message in enumerate(messages) if message["role"] == "user"), len(messages))
    answers = [at for at in range(asked, len(messages)) if messages[at]["role"] == "assistant"]
    return None if not answers else answers[-1 if whole else 0]


def said(message: Message) -> str:
    """The text of a message, with its calls of tools as JSON."""
    calls = [message[name] for name in CALLS if name in message]
    return "\n".join(filter(None, (message["content"], *(json.dumps(call, ensure_ascii=False) for call in calls))))


def question_and_answer(
    messages: Sequence[Message], *, whole: bool, before_answer: str, before_question: str
) -> tuple[str, str] | None:
    """What is asked and what is answered, as text.

    Args:
        messages: Of the conversation; a system's text goes in front of the first question.
        whole: Take the last answer, and all before it as the question; else the first answer.
        before_answer: What the template writes between a question and its answer.
        before_question: What it writes between an answer and the next question.

    Returns:
        None where nobody asks, or nobody answers.
    """
    place = answer_place(messages, whole=whole)
    if place is None:
        return None
    marks = {"assistant": before_answer, "user": before_question}
    return before_answers(messages[:place], marks), said(messages[place])


def before_answers(messages: Sequence[Message], marks: Mapping[str, str]) -> str:
    """Messages in front of an answer as text, a system's in front of the first question.

    Args:
        messages: Among them a user's.
        marks: What stands in front of a message that is not the first, by its role.
    """
    system = "\n".join(said(message) for message in messages if message["role"] in SYSTEM)
    first, *others = _from_first_question(messages)
    asked = f"{system}\n\n{said(first)}" if system else said(first)
    for message in others:
        asked += marks.get(message["role"], f"\n\n{message['role']}: ") + said(message)
    return asked


def _from_first_question(messages: Sequence[Message]) -> list[Message]:
    spoken = [message for message in messages if message["role"] not in SYSTEM]
    start = next(at for at, message in enumerate(spoken) if message["role"] == "user")
    return spoken[start:]


def unread_as_text(messages: Sequence[Message], *, whole: bool) -> Iterator[str]:
    """Names of what `question_and_answer` makes nothing of: roles in front of the first question, parts, fields."""
    place = answer_place(messages, whole=whole)
    if place is None:
        return
    used = messages[: place + 1]
    start = next(at for at, message in enumerate(used) if message["role"] == "user")
    yield from (message["role"] for message in used[:start] if message["role"] not in SYSTEM)
    for message in used:
        yield from message.get(PARTS, ())
        yield from (name for name in message if name in THOUGHTS)


THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Fields that hold what the assistant thought before it answered."""


def without_parts(messages: Iterable[Message]) -> list[Message]:
    """The messages as a chat template reads them."""
    return [{name: held for name, held in message.items() if name != PARTS} for message in messages]

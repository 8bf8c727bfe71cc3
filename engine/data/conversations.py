"""Conversations: the messages of OpenAI's form and of ShareGPT's, and what of them is asked and answered."""

import json
from collections.abc import Iterator
from typing import Any

ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "system": "system",
}


def turns_of(value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - whatever stands in the file
    """(role, text) of every message that can be understood; neighbours of one role become one."""
    found: list[tuple[str, str]] = []
    for role, text in _messages(value):
        if found and found[-1][0] == role:
            found[-1] = (role, f"{found[-1][1]}\n{text}")
        else:
            found.append((role, text))
    return found


def _messages(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - as above
    for message in value if isinstance(value, list) else []:
        if not isinstance(message, dict):
            continue
        role = ROLES.get(str(message.get("role", message.get("from", ""))).lower())
        text = message.get("content", message.get("value"))
        if role is not None and text is not None:
            yield role, text_of(text)


def text_of(value: Any) -> str:  # noqa: ANN401 - as above
    """The text in a value: of a list its first, of an object its text; SQuAD's answers and OpenAI's parts are such."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return text_of(value[0]) if value else ""
    if isinstance(value, dict):
        return next((text_of(value[name]) for name in ("text", "value", "content") if name in value), json.dumps(value))
    return "" if value is None else json.dumps(value)


def question_and_answer(
    turns: list[tuple[str, str]], *, whole: bool, before_answer: str, again: str
) -> tuple[str, str] | None:
    """What is asked and what is answered.

    Args:
        turns: The messages; a system's text goes in front of the first question.
        whole: Take the last answer, and all before it as the question; else the first answer.
        before_answer: What the template writes between a question and its answer.
        again: What it writes between an answer and the next question.

    Returns:
        None where nobody asks, or nobody answers.
    """
    system = "\n".join(text for role, text in turns if role == "system")
    talk = [(role, text) for role, text in turns if role != "system"]
    while talk and talk[0][0] != "user":
        talk = talk[1:]
    while talk and talk[-1][0] != "assistant":
        talk = talk[:-1]
    if not talk:
        return None
    if not whole:
        talk = talk[:2]
    asked = f"{system}\n\n{talk[0][1]}" if system else talk[0][1]
    for role, text in talk[1:-1]:
        asked += (before_answer if role == "assistant" else again) + text
    return asked, talk[-1][1]

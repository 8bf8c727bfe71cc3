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
    turns: list[tuple[str, str]] = []
    for role, text in _messages(value):
        if turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{text}")
        else:
            turns.append((role, text))
    return turns


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
    turns: list[tuple[str, str]], *, whole: bool, before_answer: str, before_question: str
) -> tuple[str, str] | None:
    """What is asked and what is answered.

    Args:
        turns: The messages; a system's text goes in front of the first question.
        whole: Take the last answer, and all before it as the question; else the first answer.
        before_answer: What the template writes between a question and its answer.
        before_question: What it writes between an answer and the next question.

    Returns:
        None where nobody asks, or nobody answers.
    """
    system = "\n".join(text for role, text in turns if role == "system")
    messages = [(role, text) for role, text in turns if role != "system"]
    while messages and messages[0][0] != "user":
        messages = messages[1:]
    while messages and messages[-1][0] != "assistant":
        messages = messages[:-1]
    if not messages:
        return None
    if not whole:
        messages = messages[:2]
    asked = f"{system}\n\n{messages[0][1]}" if system else messages[0][1]
    for role, text in messages[1:-1]:
        asked += (before_answer if role == "assistant" else before_question) + text
    return asked, messages[-1][1]

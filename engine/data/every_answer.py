"""Conversations in which every answer is learned: one text for all of them, with what lies between them left alone.

A chat template may say itself what the assistant says, by its tag `generation`. Else each answer is what the template
writes behind the question before it, looked up in the whole conversation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from engine.data.conversations import Message, before_answers, said
from engine.data.jinja_chat import CLOSE, MARKED, OPEN
from engine.data.row import Span


@dataclass(frozen=True, slots=True)
class Learned:
    """What is read and learned of a conversation.

    Attributes:
        prompt: The text in front of the first answer.
        response: The text from there to the end of the last answer.
        asides: Places in the response that are read only: what others say between two answers.
        missed: How many answers are not learned, since the template writes them otherwise once others follow.
    """

    prompt: str
    response: str
    asides: tuple[Span, ...] = ()
    missed: int = 0


def answer_places(messages: Sequence[Message]) -> list[int]:
    """Indices of all answers that stand behind a question."""
    asked = next((at for at, message in enumerate(messages) if message["role"] == "user"), len(messages))
    return [at for at in range(asked, len(messages)) if messages[at]["role"] == "assistant"]


def forms(given: dict[str, Any], messages: Sequence[Message], places: Sequence[int]) -> list[dict[str, Any]]:
    """Variables to fill a chat template with: for the whole conversation, marked; then up to and with each answer."""
    whole = {**given, "messages": messages[: places[-1] + 1], "add_generation_prompt": False}
    each = (
        (
            {**given, "messages": messages[:place], "add_generation_prompt": True},
            {**given, "messages": messages[: place + 1], "add_generation_prompt": False},
        )
        for place in places
    )
    return [{**whole, MARKED: True}, *(form for pair in each for form in pair)]


def learned_in_chat(texts: Sequence[str], answers: Sequence[Message], ends: Sequence[str]) -> Learned | None:
    """What is learned, from what a chat template made of `forms`.

    Args:
        texts: As many as there were forms, in their order.
        answers: The messages that are answers.
        ends: Special tokens that may end an answer.

    Returns:
        None where the template does not write the last answer where it asks for it.
    """
    marked, *each = texts
    whole = marked.replace(OPEN, "").replace(CLOSE, "")
    spans = _marked(marked)
    if not spans:
        pairs = zip(each[::2], each[1::2], answers, strict=True)
        found = [_span(whole, asked, told, answer, ends) for asked, told, answer in pairs]
        if found[-1] is None:
            return None
        spans = [span for span in found if span is not None]
    start, (last, end) = spans[0][0], spans[-1]
    end = last + len(without_ends(whole[last:end], ends))
    gaps = ((before - start, after - start) for (_, before), (after, _) in pairwise(spans))
    asides = tuple((before, after) for before, after in gaps if before < after)
    return Learned(whole[:start], whole[start:end], asides, max(0, len(answers) - len(spans)))


def _marked(text: str) -> list[Span]:
    """Places between marks, in the text without them."""
    spans, length = [], 0
    for number, part in enumerate(text.split(OPEN)):
        inside, closed, behind = part.partition(CLOSE)
        if number and closed and inside:
            spans.append((length, length + len(inside)))
        length += len(inside) + len(behind)
    return spans


def _span(whole: str, asked: str, told: str, answer: Message, ends: Sequence[str]) -> Span | None:
    """Where an answer stands, with the special token that ends it; None where it is not written as it was asked for."""
    if not whole.startswith(asked):
        return None
    start = len(asked)
    behind = told[start:].rstrip() if told.startswith(asked) else ""
    mark = next((end for end in ends if end and behind.endswith(end)), "")
    words = (answer["content"], answer["content"].strip())
    for text in filter(None, (behind, *(f"{each}{mark}" for each in words if each), *words)):
        if whole.startswith(text, start):
            return start, start + len(text)
    return None


def without_ends(text: str, ends: Sequence[str]) -> str:
    """A text without the special tokens, and the space, at its end."""
    while True:
        shorter = text.rstrip()
        shorter = next((shorter.removesuffix(end) for end in ends if end and shorter.endswith(end)), shorter)
        if shorter == text:
            return text
        text = shorter


def learned_as_text(messages: Sequence[Message], *, before_answer: str, before_question: str) -> Learned | None:
    """The same as plain text.

    Args:
        messages: Of the conversation; a system's text goes in front of the first question.
        before_answer: What the template writes between a question and its answer.
        before_question: What it writes between an answer and the next question.

    Returns:
        None where nobody asks, or nobody answers.
    """
    places = answer_places(messages)
    if not places:
        return None
    marks = {"assistant": before_answer, "user": before_question}
    prompt, response, asides = before_answers(messages[: places[0]], marks), "", list[Span]()
    for place, before in zip(places, [places[0], *places], strict=False):
        aside = "".join(_marked_text(message, marks) for message in messages[before + 1 : place])
        aside += before_answer if response else ""
        asides += [(len(response), len(response) + len(aside))] if aside else []
        response += aside + said(messages[place])
    return Learned(prompt, response, tuple(asides))


def _marked_text(message: Message, marks: dict[str, str]) -> str:
    return marks.get(message["role"], f"\n\n{message['role']}: ") + said(message)

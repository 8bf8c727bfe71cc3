"""What a person reads when something goes wrong: one sentence in the page's language, nothing lost on the form."""

import functools
import inspect
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from app.markup import safe
from app.method_names import method_title
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.service.visitor import own_name

log = logging.getLogger("gatelight")
SECONDS_SHOWN = 8
LONGEST_VALUE = 120  # characters of a bad value that the sentence repeats


def sentence(say: Say, error: WorkbenchError) -> str:
    """The error in the page's language; the engine's own English text when the page has no words for it."""
    values = {name: _value(say, name, value) for name, value in error.values.items()}
    try:
        return say.words[f"error.{error.key}"].format(**values)
    except (KeyError, IndexError, ValueError):
        return own_name(str(error))


def in_words(say: Say, news: dict[str, Any]) -> dict[str, Any]:
    """News of a run or of what is going on, its message in the page's language."""
    if problem := news.get("problem"):
        return {**news, "message": sentence(say, WorkbenchError.from_dict(problem))}
    return news


def _value(say: Say, name: str, value: object) -> object:
    """A value as the sentence shows it: settings and methods by their label, ranges in the page's language."""
    known = next((key for key in (f"setting.{value}", f"setting.data.{value}") if key in say), "")
    if name == "field" and known:
        label = say(known)
        return label if label.lower() == value else say("error.field", label=label, name=value)
    if name in ("method", "methods", "other_method"):
        ids = str(value).split(", ")
        return ", ".join(method_title(say, id_) for id_ in ids)
    if name == "wanted":
        return wanted(say, str(value))
    return say("error.nothing") if value is None else own_name(str(value))[:LONGEST_VALUE]


def wanted(say: Say, text: str) -> str:
    """What a setting must be, in the page's language, from the engine's English phrase."""
    phrases = (
        (r"at least (\S+)", "at_least"),
        (r"at most (\S+)", "at_most"),
        (r"between (\S+) and (\S+)", "between"),
        (r"one of (.+)", "one_of"),
        (r"a whole number", "whole"),
        (r"a number", "number"),
        (r"a finite number", "finite"),
        (r"true or false", "boolean"),
        (r"text", "text"),
        (r"a mapping", "mapping"),
    )
    for pattern, key in phrases:
        if match := re.fullmatch(pattern, text):
            bounds = {name: _number(part) for name, part in zip("ab", match.groups(), strict=False)}
            return say(f"error.wanted.{key}", **bounds)
    return text


def _number(text: str) -> str:
    """1e+06 as a person writes it; what is no number stays."""
    return f"{float(text):,.0f}" if re.fullmatch(r"\d(\.\d+)?e\+\d+", text) else text


def tell(say: Say, error: Exception) -> None:
    """Show an error as a toast; a bug's traceback goes to the log alone."""
    if isinstance(error, WorkbenchError):
        gr.Warning(safe(sentence(say, error)), duration=SECONDS_SHOWN)
        return
    log.error("The page could not do what was asked.", exc_info=error)
    gr.Warning(safe(say("error.unexpected")), duration=SECONDS_SHOWN)


def _never_silent(answers: Iterator[Any]) -> Iterator[Any]:
    """The answers of a handler, or one that changes nothing: an event without any is never over in the browser."""
    first = next(answers, None)
    yield gr.skip() if first is None else first
    yield from answers


def with_toasts(say: Say, otherwise: object = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap an event handler: an error becomes a toast, and what is on the screen stays as it was.

    It also stays where the handler has no updates.

    Args:
        say: The page's words.
        otherwise: What the handler returns after an error; None keeps every output.
    """
    kept = gr.skip() if otherwise is None else otherwise

    def wrap(handler: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stream(*values: Any) -> Iterator[Any]:  # noqa: ANN401 - any component's value
                try:
                    yield from _never_silent(handler(*values))
                except Exception as error:
                    tell(say, error)
                    yield kept

            return stream

        @functools.wraps(handler)
        def once(*values: Any) -> Any:  # noqa: ANN401 - any component's value
            try:
                answer = handler(*values)
            except Exception as error:
                tell(say, error)
                return kept
            return gr.skip() if isinstance(answer, dict) and not answer else answer  # Gradio takes no empty updates

        return once

    return wrap

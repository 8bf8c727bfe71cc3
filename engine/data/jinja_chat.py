"""A model's chat template in Jinja, as transformers reads it: the same tags, filters and functions, without torch."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

from engine.core.errors import DataError
from engine.data.jinja import said, text_of

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Signs that are no characters, around what the tag `generation` holds."""
MARKED = "gatelight_marked"
"""Variable that has the signs left in the text."""


class _Generation(Extension):
    """The tag `generation`, which marks what the assistant says."""

    tags = {"generation"}

    @override
    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        before, behind = (nodes.Output([nodes.TemplateData(sign)]) for sign in (OPEN, CLOSE))
        return nodes.Scope([before, *body, behind]).set_lineno(line)


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _tojson(value: Any, ensure_ascii: bool = False, **layout: Any) -> str:  # noqa: ANN401 - transformers' own
    return json.dumps(value, ensure_ascii=ensure_ascii, **layout)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def _environment() -> ImmutableSandboxedEnvironment:
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    sandbox.filters["tojson"] = _tojson
    sandbox.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
    return sandbox


SANDBOX = _environment()


def renderer(source: str) -> Callable[[Mapping[str, Any]], str]:
    """A function that fills a chat template with its variables, `messages` and others.

    Raises:
        DataError: It is not Jinja; the function raises it where the template fails.
    """
    template = _safely(lambda: SANDBOX.from_string(source))

    def render(values: Mapping[str, Any]) -> str:
        out: str = _safely(lambda: text_of(template.generate(**values)))
        return out if values.get(MARKED) or OPEN not in out else out.replace(OPEN, "").replace(CLOSE, "")

    return render


def _safely(make: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it makes
    try:
        return make()
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise bad_chat_template(said(error)) from error


def bad_chat_template(reason: str) -> DataError:
    """The error of a chat template that cannot be used."""
    return DataError(
        "bad_chat_template",
        f"The chat template of this model's tokenizer cannot be used ({reason}): choose the template 'alpaca' or "
        "'plain'.",
        reason=reason,
    )

"""A template of one's own in Jinja, in a sandbox: it reads the row's columns and nothing else; see `jinja_process`."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from typing_extensions import override

from engine.core.errors import DataError

MAX_TEXT = 1_000_000
"""Characters that a template may make of one row."""


PADDING = ("ljust", "rjust", "center", "zfill", "expandtabs", "format", "format_map", "join", "replace")
"""Methods of texts that can make a long one of a short one."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which forbids reaching into Python, and here also what fills the memory in one step."""

    intercepted_binops = frozenset({"*", "**", "%"})

    @override
    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = all(isinstance(side, int | float) for side in (left, right))
        if operator == "**" or not numbers or (operator == "*" and abs(left * right) > 10**18):
            raise SecurityError(f"the operator {operator} works on numbers of usual size only")
        return super().call_binop(context, operator, left, right)

    @override
    def wrap_str_format(self, value: Any) -> None:
        return None  # Jinja would let a safer form of it pass, whose widths are still free

    @override
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        padding = isinstance(obj, str) and attr in PADDING
        return not padding and super().is_safe_attribute(obj, attr, value)


def _environment() -> _Sandbox:
    sandbox = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)
    for name in ("center", "indent", "format", "wordwrap", "random", "urlize"):
        del sandbox.filters[name]
    for name in ("lipsum", "cycler", "joiner"):
        del sandbox.globals[name]
    return sandbox


SANDBOX = _environment()


def is_jinja(text: str) -> bool:
    """Whether a template is Jinja rather than text with {prompt} in it."""
    return "{{" in text or "{%" in text or "{#" in text


@functools.lru_cache(maxsize=16)
def _compiled(source: str) -> Any:  # noqa: ANN401 - jinja2.Template
    try:
        return SANDBOX.from_string(source)
    except TemplateSyntaxError as error:
        raise DataError(
            "bad_jinja",
            f"Line {error.lineno} of own_template is not Jinja: {said(error)}.",
            line=error.lineno,
            reason=said(error),
        ) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise _failed(error) from error


def _failed(error: Exception) -> DataError:
    return DataError("jinja_failed", f"own_template cannot be filled: {said(error)}. Simplify it.", reason=said(error))


def said(error: Exception) -> str:
    """What an error says, or its name, without a full stop."""
    return (str(error) or type(error).__name__).rstrip(".")


def needs(source: str) -> set[str]:
    """The names that a template uses.

    Raises:
        DataError: It is not Jinja.
    """
    _compiled(source)
    return set(meta.find_undeclared_variables(SANDBOX.parse(source)))


def renderer(source: str) -> Callable[[Mapping[str, Any]], str]:
    """A function that fills a template with a row: `row["Any name"]`, and names that are words by themselves.

    Raises:
        DataError: It is not Jinja; the function raises it where the template fails on a row.
    """
    template = _compiled(source)

    def render(cells: Mapping[str, Any]) -> str:
        words = {re.sub(r"\W+", "_", name).strip("_"): value for name, value in cells.items()}
        try:
            return text_of(template.generate({**words, **cells, "row": dict(cells)}))
        except UndefinedError as error:
            known = ", ".join(words)
            raise DataError(
                "jinja_name",
                f"own_template uses something that a row does not have ({error.message}): choose from {known}.",
                reason=error.message or "",
                known=known,
            ) from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise _failed(error) from error

    return render


def text_of(parts: Iterable[str]) -> str:
    """The parts of a text together.

    Raises:
        SecurityError: They are too long.
    """
    kept, size = [], 0
    for part in parts:
        kept.append(part)
        size += len(part)
        if size > MAX_TEXT:
            raise SecurityError("it writes more than a million characters")
    return "".join(kept)

"""Small pieces of HTML. Every text that a person or a model wrote goes through `safe`."""

from html import escape
from typing import Any

import gradio as gr

from app.as_json import as_json
from app.words import Say


def html(value: str = "", **options: Any) -> gr.HTML:  # noqa: ANN401 - passed on to gr.HTML
    """A component that shows markup in the page's own style, without Gradio's; its functions answer at once."""
    functions = [as_json(function) for function in options.pop("server_functions", ())]
    return gr.HTML(value, apply_default_css=False, server_functions=functions or None, **options)


def safe(text: object) -> str:
    """The text itself, never markup."""
    return escape(str(text), quote=True)


def term(say: Say, key: str, text: str = "") -> str:
    """A word with its explanation on hover and focus.

    Args:
        say: The page's words.
        key: Name in the glossary.
        text: How it reads in its sentence; the glossary's own form when empty.
    """
    text = text or say(f"glossary.{key}.word")
    return f'<abbr class="gl-term" tabindex="0" title="{safe(say(f"glossary.{key}"))}">{safe(text)}</abbr>'


def link(url: str, text: str) -> str:
    """A link that opens beside the page."""
    return f'<a href="{safe(url)}" target="_blank" rel="noopener noreferrer">{safe(text)}</a>'


def size(octets: float) -> str:
    """A size as a person reads it."""
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}" if unit == "B" or octets >= 10 else f"{octets:.1f} {unit}"
        octets /= 1000
    return f"{octets:.1f} GB"


def note(text: str, kind: str = "") -> str:
    """A line in grey: a hint, or what is being waited for."""
    return f'<p class="gl-note {kind}">{safe(text)}</p>'

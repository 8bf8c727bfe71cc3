"""The menu of methods: by group, each with one line on what it does. Its value is the name of the chosen one."""

from typing import Any, get_args

import gradio as gr

from app.markup import html, safe
from app.words import Say
from engine.methods import METHODS
from engine.methods.spec import Group

GROUPS: tuple[Group, ...] = get_args(Group)
"""In the order in which they are shown; names in `train.family.*`."""

_ON_LOAD = """
Gatelight.ready.then(({ mountPicker }) => mountPicker(element, server, {
  value: () => props.value,
  pick: (name) => { props.value = name; trigger('input'); },
  watch: (tell) => watch('value', tell),
}));
"""


def build(say: Say, first: str) -> gr.HTML:
    """The menu, with its first method shown until the browser has fetched the others."""

    def families(_: object) -> list[dict[str, Any]]:
        return grouped(say)

    label = safe(say("train.method"))
    shell = (
        f'<div class="gl-picker"><span class="gl-picker-label" id="gl-picker-label-{say.language}">{label}</span>'
        f'<button type="button" class="gl-picker-button" id="gl-picker-button-{say.language}" aria-haspopup="listbox" '
        f'aria-expanded="false" aria-labelledby="gl-picker-label-{say.language} gl-picker-button-{say.language}">'
        f"{safe(say(f'method.{first}'))}</button>"
        f'<div class="gl-picker-list" role="listbox" tabindex="0" aria-label="{label}" hidden></div></div>'
    )
    return html(first, html_template=shell, js_on_load=_ON_LOAD, server_functions=[families], elem_id="gl-method")


def grouped(say: Say) -> list[dict[str, Any]]:
    """Groups with their methods, in the order of the table."""
    groups: dict[Group, list[dict[str, str]]] = {name: [] for name in GROUPS}
    for name, spec in METHODS.items():
        title, line = f"method.{name}", f"train.method.{name}"
        groups[spec.group].append(
            {
                "name": name,
                "title": say(title) if title in say else spec.title,
                "line": say(line) if line in say else spec.equation,
            }
        )
    return [{"title": say(f"train.family.{name}"), "methods": methods} for name, methods in groups.items() if methods]

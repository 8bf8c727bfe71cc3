"""The menu of methods: by family, each with one line on what it does. Its value is the name of the chosen one."""

from typing import Any

import gradio as gr

from app.markup import html, safe
from app.method_groups import FAMILIES, family
from app.words import Say
from engine.core.types import MethodInfo
from engine.service.workbench import Workbench

_ON_LOAD = """
Gatelight.picker(element, server, {
  value: () => props.value,
  pick: (name) => { props.value = name; trigger('input'); },
  watch: (tell) => watch('value', tell),
});
"""


def build(workbench: Workbench, say: Say, first: str) -> gr.HTML:
    """The menu, with its first method shown until the engine has told of the others."""

    def families(_: object) -> list[dict[str, Any]]:
        return grouped(say, workbench.methods())

    label = safe(say("train.method"))
    shell = (
        f'<div class="gl-picker"><span class="gl-picker-label" id="gl-picker-label-{say.language}">{label}</span>'
        '<button type="button" class="gl-picker-button" aria-haspopup="listbox" aria-expanded="false" '
        f'aria-labelledby="gl-picker-label-{say.language}">{safe(say(f"method.{first}"))}</button>'
        f'<div class="gl-picker-list" role="listbox" tabindex="-1" aria-label="{label}" hidden></div></div>'
    )
    return html(first, html_template=shell, js_on_load=_ON_LOAD, server_functions=[families], elem_id="gl-method")


def grouped(say: Say, methods: list[MethodInfo]) -> list[dict[str, Any]]:
    """Families with their methods, in the order of the table."""
    groups: dict[str, list[dict[str, str]]] = {name: [] for name in FAMILIES}
    for info in methods:
        line = f"train.method.{info.name}"
        title = say(f"method.{info.name}") if f"method.{info.name}" in say else info.title
        groups[family(info.acts_on)].append(
            {"name": info.name, "title": title, "line": say(line) if line in say else info.equation}
        )
    return [{"title": say(f"train.family.{name}"), "methods": methods} for name, methods in groups.items() if methods]

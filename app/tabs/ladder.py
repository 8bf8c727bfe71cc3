"""Which learning rate? One press tries five, their curves side by side; the best one comes onto the form."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.errors import sentence
from app.markup import html
from app.method_names import method_title
from app.tabs.training_form import TrainingForm
from app.wiring import Updates, Values, session_of, wire
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.service.workbench import Workbench

_ON_LOAD = """
Gatelight.ready.then(({ mountLadder }) => mountLadder(
  element, JSON.parse(props.words), server, (tag, asked) => trigger('select', {tag, asked})));
"""


def build(workbench: Workbench, say: Say) -> gr.HTML:
    """Lay out the picture of the newest ladder, which is hidden while there is none."""

    def ladder(_: object) -> dict[str, Any]:
        """The newest ladder of whoever asks; nothing where there is none."""
        view = workbench.ladders.view()
        return {} if view is None else dataclasses.asdict(view) | {"title": method_title(say, view.method)}

    def ended(tag: object) -> dict[str, str]:
        """End a ladder early; a sentence where that cannot be."""
        try:
            workbench.ladders.stop(str(tag))
        except WorkbenchError as error:
            return {"error": sentence(say, error)}
        return {}

    return html(
        '<section class="gl-ladder" hidden></section>',
        elem_id="gl-ladder",
        js_on_load=_ON_LOAD,
        server_functions=[ladder, ended],
        words=json.dumps(say.part("ladder"), ensure_ascii=False),
    )


def wire_ladder(
    workbench: Workbench, say: Say, form: TrainingForm, config: Callable[[Values], RunConfig], picture: gr.HTML
) -> None:
    """Wire the button, and what happens when a rate is found or asked for."""

    def asked(request: gr.Request, values: Values) -> None:
        workbench.ladders.start(config(values), session=session_of(request))

    def used(event: gr.EventData, values: Values) -> Updates:
        view = workbench.ladders.view(str(event.tag))
        if view is None or view.best is None:
            return {}
        if (form.values(values).method, values[form.model]) != (view.method, view.model):
            if event.asked:
                gr.Info(say("ladder.other", method=method_title(say, view.method), model=view.model))
            return {}
        gr.Info(say("ladder.filled", rate=f"{view.best:g}"))
        return {form.training["learning_rate"]: view.best}

    wire(say, [form.ask_rates.click], asked, form.inputs, None, trigger_mode="once")
    wire(say, [picture.select], used, form.inputs, [form.training["learning_rate"]])

"""What can be done with a chosen run, as its panel shows it."""

import dataclasses

import gradio as gr

from app.tabs.run_actions import Actions, forms_of
from app.words import Say
from engine.exchange.forms import EXPORT_FORMATS
from engine.service.visitor import OPERATOR
from engine.service.workbench import Workbench

RECORDING = "llama_adapter"


def test_forms_of_export_open_when_they_are_known(tmp_path):
    """A menu that lost choices while it is open would break the page: it cannot be opened before."""
    say, workbench = Say("en"), Workbench(tmp_path)
    actions = Actions(**{field.name: gr.Textbox() for field in dataclasses.fields(Actions)})
    (run,) = [run for run in workbench.runs.summaries() if run.id == RECORDING]
    chosen = actions.shown(say, [run], OPERATOR)
    known = forms_of(workbench, say, actions, {actions.one: run.id, actions.form: "peft"})
    workbench.close()
    assert set(chosen) <= actions.parts
    assert chosen[actions.form].interactive is False
    assert known[actions.form].interactive is True
    assert 0 < len(known[actions.form].choices) < len(EXPORT_FORMATS)
    assert known[actions.form].value == EXPORT_FORMATS[0]

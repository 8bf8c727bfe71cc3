"""Runs: everything that was trained, side by side."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import comparing
from app.errors import sentence
from app.markup import html
from app.tabs import activity, predictions, queue, run_actions, zoo
from app.tabs.chat import Chat
from app.wiring import Updates, Values, wire
from app.words import Say
from engine.runs.summary import RunSummary
from engine.service.visitor import own_name
from engine.service.workbench import Workbench

_TABLE = """
Gatelight.ready.then(({ mountTable }) =>
  mountTable(element, JSON.parse(props.words), server, (ids) => trigger('select', {ids})));
"""
_OVERLAY = "Gatelight.ready.then(({ mountOverlay }) => mountOverlay(element));"
_SHELL = (
    '<div class="gl-table-tools"><input type="search" class="gl-filter" placeholder="{filter}" aria-label="{filter}">'
    '<span class="gl-table-count"></span></div><p class="gl-note gl-table-problems" role="status" hidden></p>'
    '<div class="gl-table-frame"><table class="gl-table"></table></div>'
)
_FIELDS = tuple(field.name for field in dataclasses.fields(RunSummary))
WORD_GROUPS = ("runs", "status", "method", "unit")


def lister(workbench: Workbench, say: Say) -> Callable[[object], dict[str, Any]]:
    """The function that tells the page what has changed in the list of runs since the version that it has."""

    def listed(version: object) -> dict[str, Any]:
        news = workbench.runs.news(str(version or ""))
        titles = _titles(workbench, say) if news.runs else {}
        runs = [
            {name: getattr(run, name) for name in _FIELDS}
            | {
                "score": run.score and run.score.to_dict(),
                "dataset": titles.get(run.dataset, own_name(run.dataset)),
                "notes": comparing.notes(say, run),
            }
            for run in news.runs
        ]
        problems = [sentence(say, error) for error in workbench.runs.unreachable()]
        told = {"version": news.version, "order": news.order, "runs": runs}
        return told | {"problems": problems} if problems else told

    return listed


def build(workbench: Workbench, say: Say, chat: Chat, former: gr.Textbox) -> None:
    """Lay out the table, what is compared, and what can be done with a run."""
    html(f'<h2 class="gl-title">{say("runs.title")}</h2>')
    queue.build(workbench, say)
    activity.build(workbench, say)
    words = {key: text for group in WORD_GROUPS for key, text in say.part(group).items()}
    table = html(
        _SHELL.format(filter=say("runs.filter")),
        elem_id="gl-runs",
        js_on_load=_TABLE,
        server_functions=[lister(workbench, say)],
        words=json.dumps(words, ensure_ascii=False),
    )
    actions = run_actions.build(workbench, say, chat, former)
    with actions.panel:
        panel = predictions.build(workbench, say, actions.one)
    with gr.Row(visible=False, elem_id="gl-compare") as compare:
        with gr.Column(scale=3, min_width=320):
            plot = html(elem_id="gl-overlay", js_on_load=_OVERLAY)
        with gr.Column(scale=2, min_width=280):
            differences = html(elem_id="gl-differences")

    def picked(event: gr.EventData) -> Updates:
        known = {run.id: run for run in workbench.runs.summaries()}
        runs = [known[name] for name in event.ids if name in known]
        return {
            compare: gr.Row(visible=bool(runs)),
            **({plot: comparing.overlay(workbench, say, runs)} if runs else {}),
            differences: comparing.differences(workbench, say, runs[: comparing.MOST]),
            **actions.shown(say, runs[: comparing.MOST], workbench.rights.who()),
            panel.ask: gr.Button(interactive=False),
        }

    zoo.build(say, _titles(workbench, say))

    # In order and none dropped, so that the last pick is the one that stays.
    parts = {compare, plot, differences, *actions.parts, panel.ask}
    chosen = wire(say, [table.select], picked, None, parts, trigger_mode="multiple", concurrency_limit=1)
    wire(say, [], panel.opened, [actions.one], panel.parts, after=chosen)

    def forms(values: Values) -> Updates:
        return run_actions.forms_of(workbench, say, actions, values)

    wire(say, [], forms, {actions.one, actions.form}, {actions.form, actions.refused}, after=chosen)


def _titles(workbench: Workbench, say: Say) -> dict[str, str]:
    return {info.name: say.of(info.title) or info.name for info in workbench.datasets()}

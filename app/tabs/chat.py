"""Chat: one question, answered by the base and by tuned models side by side."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import chat_view
from app.markup import note
from app.tabs import pickers
from app.tabs.asking import wire_asking
from app.tabs.chat_layout import CHIPS, Layout
from app.wiring import Updates, Values, session_of, wire, wire_js
from app.words import Say
from engine.models.chat_template import has_chat_template
from engine.runs.summary import RunSummary
from engine.service.workbench import Workbench

_MOVE_MARK = "(strength) => Gatelight.ready.then(({ moveStrengthMark }) => moveStrengthMark(strength))"


@dataclass(frozen=True)
class Chat:
    """What another tab needs to lead to the chat with a run of its own.

    Attributes:
        run: The right column's menu.
        chosen: Whether somebody chose in it, so that it is not chosen for them again.
    """

    run: gr.Dropdown
    chosen: gr.State


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML, tab: gr.Tab) -> Chat:
    """Lay out the chat and wire it."""
    layout = Layout(say, workbench.limits)
    chosen = gr.State(False)
    _wire_sides(workbench, say, layout, chosen, [page.load, tab.select, top.change])
    wire_asking(workbench, say, layout)
    _wire_strength(workbench, say, layout)
    return Chat(layout.sides[1].run, chosen)


def _wire_sides(workbench: Workbench, say: Say, layout: Layout, chosen: gr.State, news: list[Any]) -> None:
    left, right, third = layout.sides
    asked = set(layout.asked)

    def refreshed(values: Values) -> Updates:
        wanted = {side: values[side.run] for side in (left, right, third)}
        if not values[chosen]:
            wanted[right] = pickers.most_interesting(workbench)
        return {
            **{side.run: pickers.runs_menu(workbench, say, run, values[side.run]) for side, run in wanted.items()},
            **{side.step: pickers.steps_menu(workbench, say, run, values[side.step]) for side, run in wanted.items()},
            **_asked(workbench, layout, {**values, **{side.run: run for side, run in wanted.items()}}),
        }

    def follow(values: Values) -> Updates:
        return _asked(workbench, layout, values)

    chosen_runs = {layout.third_shown, layout.alone, layout.alone_chosen, *(side.run for side in layout.sides)}
    wire(say, news, refreshed, {chosen, *chosen_runs, *layout.menus}, layout.menus | asked)
    wire(say, [layout.alone.input], lambda: True, None, [layout.alone_chosen])
    for side in layout.sides:
        wire(say, [side.run.change], lambda run: pickers.steps_menu(workbench, say, run), [side.run], [side.step])
    wire(say, [right.run.input], lambda: True, None, [chosen])
    wire(say, [side.run.change for side in layout.sides], follow, chosen_runs, asked)

    def toggled(values: Values) -> Updates:
        shown = not values[layout.third_shown]
        label = say("chat.no_third" if shown else "chat.third")
        third: Updates = {layout.third_row: gr.Row(visible=shown), layout.third: gr.Button(label)}
        return {layout.third_shown: shown, **third, **_asked(workbench, layout, {**values, layout.third_shown: shown})}

    third_column = {layout.third_shown, layout.third_row, layout.third}
    wire(say, [layout.third.click], toggled, chosen_runs, third_column | asked)


def _asked(workbench: Workbench, layout: Layout, values: Values) -> Updates:
    """With what one asks the run on the right: words and example questions, with a picture beside them, or a picture.

    A picture beside the words is taken as soon as one of the columns sees it, and a text as soon as one marks answers.
    """
    runs = {run.id: run for run in workbench.runs.summaries()}
    run = runs.get(values[layout.sides[1].run])
    seen = any(runs[name].sees_pictures for side in layout.shown(values) if (name := values[side.run]) in runs)
    marked = any(runs[name].marks for side in layout.shown(values) if (name := values[side.run]) in runs)
    dataset, pictures = (run.dataset, run.pictures) if run else ("town-qa", False)
    questions = run.chips if run else None
    if questions is None:
        questions = next((info.chips for info in workbench.datasets() if info.name == dataset), [])
    questions = [*questions, *[""] * CHIPS]
    alone = not (run and _talks(run))
    switched: Updates = {} if values[layout.alone_chosen] or alone == values[layout.alone] else {layout.alone: alone}
    return {
        **switched,
        **{chip: gr.Button(text, visible=bool(text)) for chip, text in zip(layout.chips, questions, strict=False)},
        layout.picture: gr.File(visible=pictures),
        layout.passage: gr.Textbox(visible=marked),
        layout.beside_row: gr.Row(visible=seen and not pictures),
        layout.prompt: gr.Textbox(visible=not pictures),
        layout.send: gr.Button(visible=not pictures),
        layout.halt: gr.Button(visible=not pictures),
    }


def _talks(run: RunSummary) -> bool:
    """Whether a run's model was made for conversations: it writes, and comes with a chat template."""
    return run.labels is None and not run.pictures and has_chat_template(run.model)


def _wire_strength(workbench: Workbench, say: Say, layout: Layout) -> None:
    """The curve belongs to the right column. It is computed on demand, once per run and step."""
    drawn: dict[tuple[str, int], list[tuple[float, float]]] = {}
    right = layout.sides[1]

    def known(run: str, step: int, strength: float) -> str:
        return chat_view.curve(say, drawn.get((run, step), []), strength)

    def computed(request: gr.Request, run: str, step: int, strength: float) -> str:
        if run == pickers.BASE:
            return note(say("chat.curve.base"))
        live = run == workbench.live().run
        points = workbench.ask(
            "strength", run, None if step == pickers.NEWEST else step, session=session_of(request)
        ).report
        if not live:
            drawn[run, step] = points
        return chat_view.curve(say, points, strength)

    inputs = [right.run, right.step, layout.strength]
    wire(say, [right.run.change, right.step.change], known, inputs, [layout.curve])
    wire(say, [layout.draw.click], computed, inputs, [layout.curve], show_progress="minimal", trigger_mode="once")
    wire_js([layout.strength.change], _MOVE_MARK, [layout.strength])

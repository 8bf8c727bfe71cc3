"""Chat: one question, answered by the base and by tuned models side by side."""

from dataclasses import dataclass

import gradio as gr

from app import chat_view
from app.markup import note
from app.tabs import pickers
from app.tabs.asking import Asker, wire_asking
from app.tabs.chat_layout import Layout
from app.tabs.columns import Columns
from app.tabs.keeping import Keeper
from app.wiring import session_of, wire, wire_js
from app.words import Say
from engine.service.workbench import Workbench

_MOVE_MARK = "(strength) => Gatelight.ready.then(({ moveStrengthMark }) => moveStrengthMark(strength))"


@dataclass(frozen=True)
class Chat:
    """What another tab needs to lead to the chat with a run of its own.

    Attributes:
        run: The right column's menu.
        chosen: Whether somebody chose in it, so that it is not chosen for them again; None until the page is filled.
    """

    run: gr.Dropdown
    chosen: gr.State


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML, tab: gr.Tab) -> Chat:
    """Lay out the chat and wire it."""
    layout = Layout(say, workbench.limits)
    asker = Asker(workbench, say, layout)
    columns = Columns(workbench, say, layout)
    toggled = columns.wire([tab.select, top.change])
    Keeper(say, layout, asker, columns).wire(page, [toggled, *wire_asking(say, layout, asker)])
    _wire_strength(workbench, say, layout)
    return Chat(layout.sides[1].run, columns.chosen)


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

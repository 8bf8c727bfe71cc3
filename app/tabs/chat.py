"""Chat: one question, answered by the base and by tuned models side by side."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import chat_view as talk
from app.markup import note
from app.tabs import pickers
from app.tabs.asking import wire_asking
from app.tabs.chat_layout import CHIPS, Layout
from app.wiring import wire, wire_js
from app.words import Say
from engine.service.workbench import Workbench

_MOVE_MARK = "(strength) => Gatelight.ready.then(({ moveStrengthMark }) => moveStrengthMark(strength))"


@dataclass(frozen=True)
class Chat:
    """What another place needs to lead to the chat with a run of its own."""

    run: gr.Dropdown
    own: gr.State


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML, tab: gr.Tab) -> Chat:
    """Lay out the chat and wire it."""
    layout = Layout(say)
    own = gr.State(False)  # whether the person chose the right column, so that it is not chosen for them again
    _wire_sides(page, workbench, say, layout, own, [page.load, tab.select, top.change])
    wire_asking(workbench, say, layout)
    _wire_strength(workbench, say, layout)
    return Chat(layout.sides[1].run, own)


def _wire_sides(
    page: gr.Blocks, workbench: Workbench, say: Say, layout: Layout, own: gr.State, news: list[Any]
) -> None:
    runs = [side.run for side in layout.sides]
    steps = [side.step for side in layout.sides]

    def refreshed(chosen: bool, *now: Any) -> list[Any]:  # noqa: ANN401 - menus' values
        wanted = list(now[:3])
        if not chosen:
            wanted[1] = pickers.most_interesting(workbench)
        menus = [pickers.runs_menu(workbench, say, run) for run in wanted]
        return [
            *menus,
            *(pickers.steps_menu(workbench, say, run, step) for run, step in zip(wanted, now[3:], strict=True)),
            *_asked(workbench, wanted[1]),
        ]

    wire(say, news, refreshed, [own, *runs, *steps], [*runs, *steps, *layout.asked])
    for side in layout.sides:
        wire(say, [side.run.change], lambda run: pickers.steps_menu(workbench, say, run), [side.run], [side.step])
    right = layout.sides[1].run
    wire(say, [right.input], lambda: True, None, [own])
    wire(say, [right.change], lambda run: _asked(workbench, run), [right], layout.asked)

    def toggled(now: bool) -> list[Any]:
        label = say("chat.third" if now else "chat.no_third")
        return [not now, gr.Row(visible=not now), gr.Button(label)]

    wire(say, [layout.third.click], toggled, [layout.third_shown], [layout.third_shown, layout.third_row, layout.third])


def _asked(workbench: Workbench, run: str) -> list[Any]:
    """With what one asks a run: words and example questions, or a picture."""
    known = next((known for known in workbench.runs.summaries() if known.id == run), None)
    dataset, pictures = (known.dataset, known.pictures) if known else ("town-qa", False)
    chips = known.chips if known else None
    if chips is None:
        chips = next((info.chips for info in workbench.datasets() if info.name == dataset), [])
    chips = [*chips, *[""] * CHIPS][:CHIPS]
    return [
        *(gr.Button(chip, visible=bool(chip)) for chip in chips),
        gr.File(visible=pictures),
        gr.Textbox(visible=not pictures),
        gr.Button(visible=not pictures),
        gr.Button(visible=not pictures),
    ]


def _wire_strength(workbench: Workbench, say: Say, layout: Layout) -> None:
    """The curve belongs to the right column. It is computed on demand, once per run and step."""
    drawn: dict[tuple[str, int], list[tuple[float, float]]] = {}
    right = layout.sides[1]

    def known(run: str, step: int, strength: float) -> str:
        return talk.curve(say, drawn.get((run, step), []), strength)

    def computed(run: str, step: int, strength: float) -> str:
        if run == pickers.BASE:
            return note(say("chat.curve.base"))
        live = run == workbench.live().run
        points = workbench.ask("strength", run, None if step == pickers.NEWEST else step).report
        if not live:
            drawn[run, step] = points
        return talk.curve(say, points, strength)

    inputs = [right.run, right.step, layout.strength]
    wire(say, [right.run.change, right.step.change], known, inputs, [layout.curve])
    wire(say, [layout.draw.click], computed, inputs, [layout.curve], show_progress="minimal", trigger_mode="once")
    wire_js([layout.strength.change], _MOVE_MARK, [layout.strength])

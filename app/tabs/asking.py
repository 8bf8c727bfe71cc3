"""Sending a question to all columns of the chat, and streaming what they answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from app import chat_view as talk
from app import forms
from app.chat_view import Turn
from app.tabs import pickers
from app.tabs.answers import Answers
from app.tabs.chat_layout import FIELDS, Layout
from app.wiring import wire
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.core.types import ChatRequest, ChatSide
from engine.data.pixels import thumbnail
from engine.service.workbench import Workbench

TURNS_KEPT = 40  # older questions leave the screen


def wire_asking(workbench: Workbench, say: Say, layout: Layout) -> None:
    """Connect the message box, Send, Stop and the example questions."""
    answers = Answers()
    turns = gr.State([])

    def ask(
        request: gr.Request,
        prompt: str,
        picture: str | None,
        past: list[Turn],
        *told: Any,  # noqa: ANN401
    ) -> Iterator[list[Any]]:
        prompt = prompt or ""  # a box that was never shown holds nothing
        if not prompt.strip() and not picture:
            raise WorkbenchError("no_prompt", "The message is empty: type a question.")
        question = _question(prompt, picture or "", *told)
        turn = Turn(question.prompt, _columns(workbench, say, question.sides), picture=small(question.picture))
        now = [*past, turn][-TURNS_KEPT:]
        session = str(request.session_hash)
        stop = answers.begin(session)
        try:
            yield [talk.conversation(say, now), gr.skip(), "", None, gr.skip(), *_buttons(answering=True)]
            for update in workbench.chat(question, stop):
                turn.answers, turn.done = list(update.texts), update.done
                turn.difference, turn.tokens_per_s = update.difference, update.tokens_per_s
                yield [talk.conversation(say, now), *[gr.skip()] * 6]
            turn.done = True
            yield [
                talk.conversation(say, now),
                now,
                gr.skip(),
                gr.skip(),
                talk.meter(say, turn.difference),
                *_buttons(),
            ]
        except Exception:
            yield [talk.conversation(say, past), gr.skip(), prompt, None, gr.skip(), *_buttons()]
            raise
        finally:
            answers.end(session)

    def halted(request: gr.Request) -> None:
        answers.stop(str(request.session_hash))

    menus = [menu for side in layout.sides for menu in (side.run, side.step)]
    inputs = [layout.prompt, layout.picture, turns, layout.third_shown, layout.strength, *menus, *layout.sampling]
    outputs = [layout.talk, turns, layout.prompt, layout.picture, layout.meter, layout.send, layout.halt]
    wire(
        say, [layout.send.click, layout.prompt.submit, layout.picture.upload], ask, inputs, outputs, trigger_mode="once"
    )
    for chip in layout.chips:
        taken = wire(say, [chip.click], lambda text: text, [chip], [layout.prompt], trigger_mode="once")
        wire(say, [], ask, inputs, outputs, after=taken, trigger_mode="once")
    wire(say, [layout.halt.click], halted, None, None, queue=False)


def small(picture: str) -> str:
    """A small copy of what was asked about; empty for words."""
    return thumbnail(Path(picture)) if picture else ""


def _question(prompt: str, picture: str, third: bool, strength: float, *told: Any) -> ChatRequest:  # noqa: ANN401
    menus, sampling = told[:6], told[6:]
    pairs = list(zip(menus[::2], menus[1::2], strict=True))
    sides = [pickers.side(run, step, strength) for run, step in (pairs if third else pairs[:2])]
    return ChatRequest(
        prompt=Path(picture).name if picture else prompt.strip(),
        sides=tuple(sides),
        sampling=Sampling.from_dict(forms.gathered(FIELDS, sampling)),
        picture=picture,
    )


def _columns(workbench: Workbench, say: Say, sides: tuple[ChatSide, ...]) -> list[tuple[str, bool]]:
    runs = {run.id: run for run in workbench.runs.summaries()}
    names = {run.id: run.name for run in runs.values()}
    live = workbench.live()
    now: dict[str | None, int] = {run.id: step for run in runs.values() if (step := pickers.kept(run)) is not None}
    now[live.run] = live.step
    heads = any(side.run in runs and runs[side.run].labels is not None for side in sides)
    heads = heads and not any(side.run in runs and runs[side.run].pictures for side in sides)
    return [_heading(say, side, names, now, beside_head=heads) for side in sides]


def _heading(
    say: Say, side: ChatSide, names: dict[str, str], now: dict[str | None, int], *, beside_head: bool
) -> tuple[str, bool]:
    if side.run is None:
        return say("common.base") + (f" · {say('chat.no_head')}" if beside_head else ""), False
    parts = [names.get(side.run, side.run)]
    step = now.get(side.run) if side.step is None else side.step
    if step is not None:
        parts.append(say("common.step", step=step))
    if side.strength != 1:
        parts.append(say("chat.at_strength", s=f"{side.strength:g}"))
    return " · ".join(parts), True


def _buttons(answering: bool = False) -> list[Any]:
    return [gr.Button(interactive=not answering), gr.Button(interactive=answering)]

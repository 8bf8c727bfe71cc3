"""Sending a question to all columns of the chat, and streaming what they answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr

from app import chat_view, forms
from app.chat_view import Turn
from app.gallery import image
from app.markup import note
from app.tabs import pickers
from app.tabs.answers import Answers
from app.tabs.chat_layout import Layout
from app.wiring import Updates, Values, session_of, wire
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.data.pixels import NoPictureError, look_at, thumbnail
from engine.inference.messages import ChatRequest, ChatSide
from engine.service.workbench import Workbench

TURNS_KEPT = 40  # older questions leave the screen


def wire_asking(workbench: Workbench, say: Say, layout: Layout) -> None:
    """Connect the message box, Send, Stop and the example questions."""
    answers = Answers()
    turns = gr.State([])
    buttons = {layout.send, layout.halt}

    def ask(request: gr.Request, values: Values) -> Iterator[Updates]:
        question = _question(workbench, layout, values)
        past: list[Turn] = values[turns]
        turn = Turn(question.prompt, _columns(workbench, say, question.sides), picture=small(question.picture))
        turn.blind = (
            columns_without_sight(workbench, question) if question.picture and not values[layout.picture] else ()
        )
        now = [*past, turn][-TURNS_KEPT:]
        session = session_of(request)
        stop = answers.begin(session)
        empty: Updates = {layout.prompt: "", layout.picture: None}
        try:
            yield {layout.conversation: chat_view.conversation(say, now), **empty, **_buttons(layout, answering=True)}
            for update in workbench.chat(question, stop, session=session):
                turn.answers, turn.done = list(update.texts), update.done
                turn.difference, turn.tokens_per_s = update.difference, update.tokens_per_s
                yield {layout.conversation: chat_view.conversation(say, now)}
            turn.done = True
            ended: Updates = {layout.conversation: chat_view.conversation(say, now), turns: now}
            yield {**ended, layout.meter: chat_view.meter(say, turn.difference), **_buttons(layout)}
        except Exception:
            before: Updates = {layout.conversation: chat_view.conversation(say, past), layout.picture: None}
            yield {**before, layout.prompt: values[layout.prompt] or "", **_buttons(layout)}
            raise
        finally:
            answers.end(session)

    def halted(request: gr.Request) -> None:
        answers.stop(str(request.session_hash))

    told = {layout.prompt, layout.picture, layout.beside, layout.third_shown, layout.strength}
    inputs = {*told, turns, *layout.menus, *layout.sampling.values()}
    outputs = {layout.conversation, layout.prompt, layout.picture, layout.meter, turns, *buttons}
    asked = [layout.send.click, layout.prompt.submit, layout.picture.upload]
    wire(say, asked, ask, inputs, outputs, trigger_mode="once")
    for chip in layout.chips:
        taken = wire(say, [chip.click], lambda text: text, [chip], [layout.prompt], trigger_mode="once")
        wire(say, [], ask, inputs, outputs, after=taken, trigger_mode="once")
    wire(say, [layout.halt.click], halted, None, None, queue=False)
    wire(say, [layout.beside.change], lambda picture: held(say, picture), [layout.beside], [layout.seen])


def held(say: Say, picture: str | None) -> str:
    """The picture that the next questions are about; in its place what is wrong with it; nothing without one."""
    if not picture:
        return ""
    try:
        several = look_at(Path(picture)).several
    except NoPictureError:
        return note(say("error.bad_picture", name=Path(picture).name), "wrong")
    more = note(say("chat.beside.several")) if several else ""
    return f'<div class="gl-seen">{image(picture, say("chat.beside.alt"))}{more}</div>'


def small(picture: str) -> str:
    """A small copy of what was asked about; empty for words."""
    return thumbnail(Path(picture)) if picture else ""


def _question(workbench: Workbench, layout: Layout, values: Values) -> ChatRequest:
    """What is asked, of whom and how. A picture beside the words counts only where a column sees it.

    Raises:
        WorkbenchError: Nothing is asked.
    """
    prompt = (values[layout.prompt] or "").strip()  # a box that was never shown holds nothing
    picture = values[layout.picture] or ""
    request = ChatRequest(
        prompt=Path(picture).name if picture else prompt,
        sides=layout.chosen_sides(values),
        sampling=Sampling.from_dict(forms.read(layout.sampling, values)),
        picture=picture,
    )
    if (
        not picture
        and (beside := values[layout.beside])
        and len(columns_without_sight(workbench, request)) < len(request.sides)
    ):
        request = replace(request, picture=beside)
    if not request.prompt and not request.picture:
        raise WorkbenchError("no_prompt", "The message is empty: type a question.")
    return request


def columns_without_sight(workbench: Workbench, request: ChatRequest) -> tuple[int, ...]:
    """The columns that see no picture beside the words, by their number."""
    seeing = {run.id for run in workbench.runs.summaries() if run.sees_pictures}
    return tuple(number for number, side in enumerate(request.sides) if side.run not in seeing)


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


def _buttons(layout: Layout, *, answering: bool = False) -> Updates:
    return {layout.send: gr.Button(interactive=not answering), layout.halt: gr.Button(interactive=answering)}

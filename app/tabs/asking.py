"""Sending a question to all columns of the chat, and streaming what they answer."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from app import chat_view
from app.gallery import image
from app.markup import note
from app.tabs import questions, talks
from app.tabs.answers import Answers
from app.tabs.chat_layout import Layout
from app.turns import Turn
from app.wiring import Updates, Values, session_of, wire, wire_js
from app.words import Say
from engine.data.pixels import NoPictureError, look_at
from engine.inference.messages import ChatRequest
from engine.service.workbench import Workbench

TURNS_KEPT = 40  # older questions leave the screen
_SAVE = "(text) => Gatelight.ready.then(({ saveText }) => saveText('chat.jsonl', text))"


def wire_asking(say: Say, layout: Layout, asker: "Asker") -> list[Dependency]:
    """Connect the message box, Send, Stop, the example questions, and what is done with a conversation.

    Returns:
        What changes the conversation.
    """
    told = {layout.prompt, layout.picture, layout.beside, layout.third_shown, layout.strength}
    how = {layout.passage, layout.alone, layout.system, layout.around, layout.editing}
    inputs = {*told, *how, asker.turns, *layout.menus, *layout.sampling.values()}
    news = {layout.conversation, layout.prompt, layout.picture, layout.meter, layout.editing, layout.editing_row}
    outputs = {*news, asker.turns, *asker.buttons}
    asked = [layout.send.click, layout.prompt.submit, layout.picture.upload]
    changes = [wire(say, asked, asker.ask, inputs, outputs, trigger_mode="once")]
    for chip in layout.chips:
        taken = wire(say, [chip.click], lambda text: text, [chip], [layout.prompt], trigger_mode="once")
        changes.append(wire(say, [], asker.ask, inputs, outputs, after=taken, trigger_mode="once"))
    changes.append(wire(say, [layout.again.click], asker.again, inputs, outputs, trigger_mode="once"))
    for asked_for in tuple(changes):
        changes.append(wire(say, [], asker.catch_up, inputs, outputs, after=asked_for, trigger_mode="multiple"))
    turned = [layout.strength.release, *(side.step.input for side in layout.sides)]
    changes.append(wire(say, turned, asker.follow, inputs, outputs, trigger_mode="always_last"))
    wire(say, [layout.halt.click], asker.halted, None, None, queue=False)
    wire(say, [layout.beside.change], lambda picture: held(say, picture), [layout.beside], [layout.seen])
    edited = {layout.editing, layout.editing_row, layout.edited, layout.prompt}
    wire(say, [layout.conversation.select], asker.edit, {asker.turns}, edited)
    wire(say, [layout.give_up.click], asker.give_up, None, edited)
    changes.append(wire(say, [layout.clear.click], asker.clear, None, outputs))
    saved = wire(say, [layout.save.click], functools.partial(talks.as_jsonl, say), [asker.turns], [layout.saved])
    wire_js([], _SAVE, [layout.saved], after=saved)
    return changes


class Asker:
    """What happens when something is asked, asked again, edited or cleared."""

    def __init__(self, workbench: Workbench, say: Say, layout: Layout) -> None:
        self._workbench, self._say, self._layout = workbench, say, layout
        self._answers = Answers()
        self.turns = gr.State([])
        self.buttons = {layout.send, layout.halt, layout.again, layout.clear, layout.save}

    def ask(self, request: gr.Request, values: Values) -> Iterator[Updates]:
        """Ask what stands in the box: behind the last question, or in place of the one that is edited."""
        turns: list[Turn] = values[self.turns]
        at = values[self._layout.editing]
        past = turns if at is None else turns[:at]
        question = questions.typed(self._workbench, self._layout, values, past)
        yield from self._answered(session_of(request), question, past, turns, values)

    def again(self, request: gr.Request, values: Values) -> Iterator[Updates]:
        """Ask the last question once more, with what the columns and the settings are now."""
        yield from self._repeated(session_of(request), values)

    def follow(self, request: gr.Request, values: Values) -> Iterator[Updates]:
        """The same when strength or step are others than at the last question.

        Nobody asked for that: what comes meanwhile takes its place. Where nothing can be asked now, the
        meter says that its number is an old one.
        """
        turns: list[Turn] = values[self.turns]
        session = session_of(request)
        busy, same = self._answers.turn(session), bool(turns) and turns[-1].sides == self._layout.chosen_sides(values)
        if turns and (busy or same or turns[-1].lost_picture):
            yield {self._layout.meter: self._meter(turns, old=busy or not same)}
        elif turns:
            yield from self._repeated(session, values, gives_way=True)

    def catch_up(self, request: gr.Request, values: Values) -> Iterator[Updates]:
        """`follow` behind an answer during which strength or step were changed."""
        if self._answers.outdated(session_of(request)):
            yield from self.follow(request, values)

    def _repeated(self, session: str, values: Values, *, gives_way: bool = False) -> Iterator[Updates]:
        turns: list[Turn] = values[self.turns]
        if turns:
            question = questions.repeated(self._layout, values, turns)
            yield from self._answered(session, question, turns[:-1], turns, values, gives_way=gives_way)

    def halted(self, request: gr.Request) -> None:
        """Stop the answer of this page."""
        self._answers.stop(str(request.session_hash))

    def edit(self, event: gr.EventData, values: Values) -> Updates:
        """Put a question back into the box."""
        turns: list[Turn] = values[self.turns]
        at = int(event.turn)
        if not 0 <= at < len(turns):
            return {}
        text = self._say("chat.editing", n=at + 1)
        shown: Updates = {self._layout.editing: at, self._layout.editing_row: gr.Row(visible=True)}
        return {**shown, self._layout.edited: note(text), self._layout.prompt: turns[at].question}

    def give_up(self) -> Updates:
        """Leave the question as it was."""
        return {**self._not_editing(), self._layout.prompt: ""}

    def clear(self) -> Updates:
        """Forget the conversation."""
        return {**self.shown([]), **self._not_editing()}

    def shown(self, turns: list[Turn], *, old: bool = False) -> Updates:
        """A conversation that is complete, as it stands on the screen; `old` as for the meter."""
        meter = self._meter(turns, old=old)
        return {**self._drawn(turns), self.turns: turns, self._layout.meter: meter, **self._buttons(turns)}

    def _meter(self, turns: list[Turn], *, old: bool = False) -> str:
        return chat_view.meter(self._say, turns[-1].difference if turns else None, old=old)

    def _answered(
        self,
        session: str,
        question: ChatRequest,
        past: list[Turn],
        shown: list[Turn],
        values: Values,
        *,
        gives_way: bool = False,
    ) -> Iterator[Updates]:
        """Stream the answers behind what is left of the conversation; after an error it is as it was."""
        layout, draw = self._layout, self._drawn
        turn = questions.turn_of(self._workbench, question, classified=bool(values[layout.picture]))
        now = [*past, turn][-TURNS_KEPT:]
        answer = self._answers.begin(session, gives_way=gives_way)
        empty: Updates = {layout.prompt: "", layout.picture: None, **self._not_editing()}
        try:
            begun = {**draw(now), **({} if gives_way else empty), **self._buttons(now, answering=True)}
            if shown:
                begun[layout.meter] = self._meter(shown, old=True)
            yield begun | ({layout.send: gr.Button(interactive=True)} if gives_way else {})
            for update in self._workbench.chat(question, answer.stop, session=session):
                turn.answers, turn.done = list(update.texts), update.done
                turn.difference, turn.tokens_per_s = update.difference, update.tokens_per_s
                turn.forgotten, turn.templates, turn.marks = update.forgotten, update.templates, update.marks
                if not answer.given_up:
                    yield draw(now)
            if answer.given_up:
                return
            turn.done, turn.reference = True, self.reference(turn)
            yield self.shown(now, old=answer.turned)
        except Exception:
            kept: Updates = {**draw(shown), layout.picture: None, layout.prompt: values[layout.prompt] or ""}
            kept[layout.meter] = self._meter(shown, old=answer.turned)
            yield {**kept, layout.editing: values[layout.editing], **self._buttons(shown)}
            raise
        finally:
            self._answers.end(session)

    def _drawn(self, turns: list[Turn]) -> Updates:
        return {self._layout.conversation: chat_view.conversation(self._say, turns)}

    def reference(self, turn: Turn) -> Any:  # noqa: ANN401 - see `engine.service.reference`
        """What the test rows of the columns' runs answer to a question, as far as it stands among them."""
        runs = [] if turn.picture else list(dict.fromkeys(side.run for side in turn.sides if side.run))
        found = (self._workbench.reference(run, turn.question) for run in runs)
        return next((each for each in found if each is not None), None)

    def _not_editing(self) -> Updates:
        return {self._layout.editing: None, self._layout.editing_row: gr.Row(visible=False)}

    def _buttons(self, turns: list[Turn], *, answering: bool = False) -> Updates:
        layout, some = self._layout, bool(turns) and not answering
        repeatable = some and not (turns[-1].classified or turns[-1].lost_picture)
        return {
            layout.send: gr.Button(interactive=not answering),
            layout.halt: gr.Button(interactive=answering),
            layout.again: gr.Button(interactive=repeatable),
            layout.clear: gr.Button(interactive=some),
            layout.save: gr.Button(interactive=some),
        }


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

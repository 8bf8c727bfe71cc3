"""Asks whether a run shall go on although its data or its base have changed since it began."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.errors import sentence
from app.markup import html, note
from app.wiring import Updates, session_of, wire
from app.words import Say
from engine.config.resuming import Resuming
from engine.core.errors import RunError
from engine.service.workbench import Workbench

ASKED = ("data_changed", "other_weights")
"""Errors that ask, and that `Resuming.accept_changed` answers."""


class Accepting:
    """A hidden row with the question and two buttons; `resume` shows it where there is something to ask.

    Args:
        workbench: Which resumes.
        say: The page's words.
        name: Of this row, for the ids of its parts.
    """

    def __init__(self, workbench: Workbench, say: Say, name: str) -> None:
        self._workbench, self._say = workbench, say
        with gr.Row(visible=False, elem_id=f"gl-accept-{name}") as self._row:
            self._question = html()
            self._yes = gr.Button(say("resume.accept"), variant="stop", min_width=110, elem_id=f"gl-accept-{name}-yes")
            self._no = gr.Button(say("resume.leave"), min_width=110, elem_id=f"gl-accept-{name}-no")
        self._run = gr.Textbox(visible="hidden")

    @property
    def parts(self) -> set[Any]:
        """What `resume` fills."""
        return {self._row, self._question, self._run}

    def resume(self, request: gr.Request, run: str, resuming: Resuming) -> Updates | None:
        """Resume a run; None when it goes on, else the parts that ask.

        Raises:
            WorkbenchError: It cannot be resumed.
        """
        try:
            self._workbench.resume(run, session=session_of(request), resuming=resuming)
        except RunError as error:
            if error.key not in ASKED:
                raise
            question = note(sentence(self._say, error), "wrong")
            return {self._row: gr.Row(visible=True), self._question: question, self._run: run}
        return None

    def wire(self, accepted: Callable[[str], Updates], outputs: set[Any]) -> None:
        """Wire both buttons.

        Args:
            accepted: What the page shows once a run goes on.
            outputs: The components in that.
        """
        hidden: Updates = {self._row: gr.Row(visible=False)}

        def yes(request: gr.Request, run: str) -> Updates:
            asked = self.resume(request, run, Resuming(accept_changed=True))
            return asked if asked is not None else {**hidden, **accepted(run)}

        wire(self._say, [self._yes.click], yes, [self._run], self.parts | outputs, trigger_mode="once")
        wire(self._say, [self._no.click], lambda: hidden, None, {self._row})

"""Asks whether to go on with a run, or to score it, although its data or its base have changed since it began."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.errors import sentence
from app.markup import html, note
from app.wiring import Updates, session_of, wire
from app.words import Say
from engine.config.resuming import AS_IT_WAS, Resuming
from engine.core.errors import WorkbenchError
from engine.service.workbench import Workbench

ASKED = ("data_changed", "other_weights", "other_processor")
"""Errors that ask, and that `accept_changed` answers."""


class Accepting:
    """A hidden row with the question and two buttons; `resume` shows it where there is something to ask.

    Args:
        workbench: Which resumes.
        say: The page's words.
        name: Of this row, for the ids of its parts.
    """

    def __init__(self, workbench: Workbench, say: Say, name: str) -> None:
        self._workbench, self._say = workbench, say
        with gr.Row(visible=False, elem_id=f"gl-accept-{name}", elem_classes="gl-question") as self._row:
            self._question = html()
            self._yes = gr.Button(say("resume.accept"), variant="stop", min_width=110, elem_id=f"gl-accept-{name}-yes")
            self._no = gr.Button(say("resume.leave"), min_width=110, elem_id=f"gl-accept-{name}-no")
        self.yes, self.run = self._yes.click, gr.Textbox(visible="hidden")
        self._training = gr.State({})  # the settings with which the run was to go on
        self.hidden: Updates = {self._row: gr.Row(visible=False)}

    @property
    def parts(self) -> set[Any]:
        """What `asks` and `resume` fill."""
        return {self._row, self._question, self.run, self._training}

    def asks(self, error: WorkbenchError, run: str, resuming: Resuming = AS_IT_WAS) -> Updates:
        """The parts with what an error asks about a run.

        Raises:
            WorkbenchError: It asks nothing.
        """
        if error.key not in ASKED:
            raise error
        question = note(sentence(self._say, error), "wrong")
        shown: Updates = {self._row: gr.Row(visible=True), self._question: question}
        return {**shown, self.run: run, self._training: dict(resuming.training)}

    def resume(self, request: gr.Request, run: str, resuming: Resuming) -> Updates | None:
        """Resume a run; None when it goes on, else the parts that ask.

        Raises:
            WorkbenchError: It cannot be resumed.
        """
        try:
            self._workbench.resume(run, session=session_of(request), resuming=resuming)
        except WorkbenchError as error:
            return self.asks(error, run, resuming)
        return None

    def wire(self, accepted: Callable[[str], Updates], outputs: set[Any]) -> None:
        """Wire both buttons.

        Args:
            accepted: What the page shows once a run goes on.
            outputs: The components in that.
        """

        def yes(request: gr.Request, run: str, training: dict[str, Any]) -> Updates:
            asked = self.resume(request, run, Resuming(training=training, accept_changed=True))
            return asked if asked is not None else {**self.hidden, **accepted(run)}

        wire(self._say, [self.yes], yes, [self.run, self._training], self.parts | outputs, trigger_mode="once")
        self.wire_no()

    def wire_no(self) -> None:
        """Wire the button that leaves it."""
        wire(self._say, [self._no.click], lambda: self.hidden, None, {self._row})

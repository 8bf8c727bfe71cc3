"""The row that drives a run: Start, Pause, Go on, One step, Stop and keep, Resume; and how far it is."""

import json
import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.markup import html
from app.wiring import wire, wire_js
from app.words import Say
from engine.core.types import RunSummary
from engine.service.workbench import Workbench

RESUMABLE = ("stopped", "failed", "interrupted")
_PROGRESS = (
    '<div class="gl-progress"><div class="gl-track"><i></i></div><span class="gl-track-text"></span>'
    '<button type="button" class="gl-track-next gl-link" hidden></button></div>'
)
TO_WATCH = "(run) => run && Gatelight.ready.then(({ openTab, follow }) => { openTab('watch'); follow(); })"


@dataclass(frozen=True)
class Bar:
    """The buttons, and a hidden text that names the run which was just started (the page then turns to Watch)."""

    start: gr.Button
    pause: gr.Button
    go_on: gr.Button
    one_step: gr.Button
    stop: gr.Button
    resume: gr.Button
    started: gr.Textbox

    @property
    def buttons(self) -> list[gr.Button]:
        """All buttons in order."""
        return [self.start, self.pause, self.go_on, self.one_step, self.stop, self.resume]


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML, ready: gr.State) -> Bar:
    """Lay out the row; wire everything but Start, which reads the form and waits until that is `ready`."""
    with gr.Row(elem_id="gl-controls"):
        start = gr.Button(say("train.start"), variant="primary", elem_id="gl-start", interactive=False, min_width=160)
        others = [
            gr.Button(say(f"train.{name}"), elem_id=f"gl-{name}", interactive=False, min_width=96)
            for name in ("pause", "go_on", "one_step", "stop", "resume")
        ]
    html(
        _PROGRESS,
        elem_id="gl-progress",
        js_on_load="Gatelight.ready.then(({ mountProgress }) => mountProgress(element, JSON.parse(props.words)));",
        words=json.dumps(say.part("train.progress"), ensure_ascii=False),
    )
    bar = Bar(start, *others, gr.Textbox(visible="hidden", elem_id="gl-started"))

    def then(act: Any) -> Any:  # noqa: ANN401 - a function of no arguments
        def handler() -> list[dict[str, Any]]:
            act()
            return states(workbench)

        return handler

    for button, act in (
        (bar.pause, workbench.pause),
        (bar.go_on, workbench.go_on),
        (bar.one_step, workbench.one_step),
        (bar.stop, workbench.stop),
    ):
        wire(say, [button.click], then(act), None, bar.buttons, trigger_mode="once")

    def resumed() -> tuple[Any, ...]:
        run = resumable(workbench)
        if run is None:
            return gr.skip(), *states(workbench)
        workbench.resume(run.id)
        return resumed_mark(run.id), *states(workbench)

    wire(say, [bar.resume.click], resumed, None, [bar.started, *bar.buttons], trigger_mode="once")
    wire(say, [page.load, top.change], lambda whole: states(workbench, whole_form=whole), [ready], bar.buttons)
    wire_js([bar.started.change], TO_WATCH, [bar.started])
    return bar


def resumed_mark(run: str) -> str:
    """A text that differs each time the run is resumed, so that the page turns to Watch each time."""
    return f"{run} {time.time_ns()}"


def resumable(workbench: Workbench) -> RunSummary | None:
    """The newest run that can go on."""
    return next((run for run in workbench.runs.summaries() if run.status in RESUMABLE and not run.recording), None)


def states(workbench: Workbench, *, whole_form: bool = True) -> list[dict[str, Any]]:
    """Which buttons make sense right now: start, pause, go on, one step, stop, resume."""
    live = workbench.live()
    status = live.status
    idle = status == "idle"
    return [
        gr.update(interactive=sense)
        for sense in (
            idle and whole_form and bool(live.model),
            status == "running",
            status == "paused",
            status in ("running", "paused"),
            status in ("loading", "running", "paused"),
            idle and resumable(workbench) is not None,
        )
    ]

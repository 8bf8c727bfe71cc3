"""The bar that drives a run: Start, Pause, Continue, One step, Stop, Resume; and how far it is. It stays in view."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from app.errors import SECONDS_SHOWN
from app.markup import html
from app.tabs import ways_out
from app.tabs.accepting import Accepting
from app.tabs.ways_out import WaysOut
from app.wiring import Updates, wire, wire_js
from app.words import Say
from engine.config.resuming import AS_IT_WAS, Resuming
from engine.runs.summary import RunSummary
from engine.service.status import LiveStatus
from engine.service.workbench import Workbench

MORE_STEPS = 200
"""Steps that a press of "more steps" adds to a finished run."""
RESUMABLE = ("stopped", "failed", "interrupted")
_PROGRESS = (
    '<div class="gl-progress"><div class="gl-track"><i></i></div><span class="gl-track-text"></span>'
    '<span class="gl-starting gl-track-text" role="status" hidden>{starting}</span>'
    '<button type="button" class="gl-track-next gl-link" hidden></button>'
    '<button type="button" class="gl-track-queue gl-link" hidden></button></div>'
)
TO_WATCH = (
    "(mark) => mark && Gatelight.ready.then(({ openTab, show, follow }) => "
    "{ openTab('watch'); show(mark.replace(/ \\d+$/, '')).then(follow); })"
)
"""Shows the run by its id: a short one may be over before the browser could ask which one is active."""
_STARTING = "() => Gatelight.ready.then(({ sayStarting }) => sayStarting())"


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
    ways_out: WaysOut
    say: Say

    @property
    def buttons(self) -> list[gr.Button]:
        """All buttons in order."""
        ways_out = [self.ways_out.lower, self.ways_out.frugal]
        return [self.start, self.pause, self.go_on, self.one_step, self.stop, self.resume, *ways_out]

    def states(self, workbench: Workbench) -> Updates:
        """Which buttons make sense right now, for whoever is being answered."""
        live, visitor = workbench.seen_live(), workbench.rights.who()
        status, drives = live.status, visitor.changes(workbench.active_owner())
        sense = {
            self.pause: status == "running" and drives,
            self.go_on: status == "paused" and drives,
            self.one_step: status in ("running", "paused") and drives,
            self.stop: status in ("loading", "running", "waiting", "paused") and drives,
            self.resume: status == "idle" and resumable(workbench) is not None,
        }
        pressable: Updates = {button: gr.Button(interactive=makes_sense) for button, makes_sense in sense.items()}
        does = "train.start" if workbench.live().status == "idle" else "train.start.queue"
        pressable[self.start] = gr.Button(self.say(does), interactive=visitor.starts)
        return {**pressable, **self.ways_out.states(live if visitor.starts else LiveStatus())}


def build(workbench: Workbench, say: Say, top: gr.HTML) -> Bar:
    """Lay out the row; wire everything but Start, which reads the form; the page says at once that it was pressed."""
    with gr.Column(elem_id="gl-drive"):
        accepting = Accepting(workbench, say, "train")
        bar = _layout(say)

    def then(act: Callable[[], None]) -> Callable[[], Updates]:
        def handler() -> Updates:
            act()
            return bar.states(workbench)

        return handler

    for button, act in (
        (bar.pause, workbench.pause),
        (bar.go_on, workbench.go_on),
        (bar.one_step, workbench.one_step),
        (bar.stop, workbench.stop),
    ):
        wire(say, [button.click], then(act), None, set(bar.buttons), trigger_mode="once")

    def goes_on(run: str) -> Updates:
        return {**shown_or_told(workbench, say, bar.started, run), **bar.states(workbench)}

    def resume(request: gr.Request) -> Updates:
        run = resumable(workbench)
        if run is None:
            return bar.states(workbench)
        return accepting.resume(request, run.id, AS_IT_WAS) or goes_on(run.id)

    def with_less_memory(request: gr.Request) -> Updates:
        run, resuming = ways_out.about(workbench.seen_live())
        return accepting.resume(request, run, resuming) or goes_on(run)

    wire_js([bar.start.click], _STARTING)
    shown = {bar.started, *bar.buttons}
    wire(say, [bar.resume.click], resume, None, shown | accepting.parts, trigger_mode="once")
    wire(say, [bar.ways_out.frugal.click], with_less_memory, None, shown | accepting.parts, trigger_mode="once")
    accepting.wire(goes_on, shown)
    _keep_true(workbench, bar, top)
    wire_js([bar.started.change], TO_WATCH, [bar.started])
    return bar


def _keep_true(workbench: Workbench, bar: Bar, top: gr.HTML) -> None:
    """Buttons follow the state of the runs; one answer after another, so that no older one comes after the newest."""

    def pressable() -> Updates:
        return bar.states(workbench)

    wire(bar.say, [top.load, top.change], pressable, None, set(bar.buttons), concurrency_limit=1)


def _layout(say: Say) -> Bar:
    """The buttons, of which Start can be pressed from the first moment on, and beside them how far the run is."""

    def button(name: str) -> gr.Button:
        return gr.Button(say(f"train.{name}"), elem_id=f"gl-{name}", interactive=False, min_width=96)

    with gr.Row(elem_id="gl-controls"):
        start = gr.Button(say("train.start"), variant="primary", elem_id="gl-start", min_width=160)
        pause, go_on, one_step = button("pause"), button("go_on"), button("one_step")
        stop, resume = button("stop"), button("resume")
    html(
        _PROGRESS.format(starting=say("train.starting")),
        elem_id="gl-progress",
        js_on_load="Gatelight.ready.then(({ mountProgress }) => mountProgress(element, JSON.parse(props.words)));",
        words=json.dumps(say.part("train.progress"), ensure_ascii=False),
    )
    with gr.Row(elem_id="gl-ways-out"):
        out = WaysOut(say)
    started = gr.Textbox(visible="hidden", elem_id="gl-started")
    return Bar(start, pause, go_on, one_step, stop, resume, started, out, say)


def more_steps(workbench: Workbench, run: str) -> Resuming:
    """How a finished run goes on for `MORE_STEPS`."""
    return Resuming(training={"steps": workbench.runs.config(run).of_training().steps + MORE_STEPS})


def resumed_mark(run: str) -> str:
    """A text that differs each time the run is resumed, so that the page turns to Watch each time."""
    return f"{run} {time.time_ns()}"


def shown_or_told(workbench: Workbench, say: Say, started: gr.Textbox, run: str) -> Updates:
    """Turns the page to a run that has begun; of one that waits in the queue, a toast says so."""
    if workbench.queue.waits(run):
        gr.Info(say("train.queued"), duration=SECONDS_SHOWN)
        return {}
    return {started: resumed_mark(run)}


def resumable(workbench: Workbench) -> RunSummary | None:
    """The newest run of this machine that can go on and has a checkpoint; where none has one, the newest of all."""
    visitor = workbench.rights.who()
    runs = [run for run in workbench.runs.summaries() if run.status in RESUMABLE and not (run.recording or run.place)]
    runs = [run for run in runs if visitor.changes(run.owner)]
    return next((run for run in runs if run.step > 0), runs[0] if runs else None)

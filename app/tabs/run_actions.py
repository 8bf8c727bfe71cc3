"""What can be done with one run: open it, chat with it, resume, rename, keep notes, export, delete."""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from app.markup import html, note, safe
from app.tabs import controls
from app.tabs.accepting import Accepting
from app.tabs.chat import Chat
from app.wiring import Updates, Values, session_of, wire, wire_js
from app.words import Say
from engine.config.resuming import AS_IT_WAS
from engine.exchange.forms import EXPORT_FORMATS
from engine.runs.summary import RunSummary
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench

LONGEST_NOTES = 20_000  # characters
_TO_WATCH = "(run) => Gatelight.ready.then(({ openTab, show }) => { openTab('watch'); show(run); })"
_TO_CHAT = "() => Gatelight.ready.then(({ openTab }) => openTab('chat'))"
_REFRESH = "() => Gatelight.ready.then(({ refreshRuns }) => refreshRuns())"


@dataclass(frozen=True)
class Actions:
    """The panel's components and how they show a choice of runs."""

    panel: gr.Column
    heading: gr.HTML
    name: gr.Textbox
    notes: gr.Textbox
    resume: gr.Button
    delete: gr.Button
    export: gr.Button
    confirm: gr.Row
    download: gr.DownloadButton
    why: gr.HTML
    one: gr.Textbox

    @property
    def parts(self) -> set[Any]:
        """The outputs that `shown` fills."""
        about = {self.panel, self.heading, self.name, self.notes, self.one}
        return about | {self.resume, self.delete, self.export, self.confirm, self.download, self.why}

    def shown(self, say: Say, runs: list[RunSummary], visitor: Visitor) -> Updates:
        """`parts` for a choice of runs, and what this visitor may do with it; the panel is there for exactly one."""
        if len(runs) != 1:
            return {self.panel: gr.Column(visible=False), self.one: ""}
        run = runs[0]
        may = visitor.changes(run.owner) and not run.recording
        editable = may and run.problem is None
        of = f" · {say('runs.owner', owner=run.owner)}" if run.owner and not visitor.owns(run.owner) else ""
        return {
            self.panel: gr.Column(visible=True),
            self.heading: f'<h3 class="gl-h3">{safe(run.name + of)}</h3>',
            self.name: gr.Textbox(run.name, interactive=editable),
            self.notes: gr.Textbox(run.notes, interactive=editable),
            self.resume: gr.Button(
                interactive=(editable and run.status in controls.RESUMABLE) or (may and startable(run))
            ),
            self.delete: gr.Button(interactive=may),
            self.export: gr.Button(interactive=visitor.exports(run.owner, shipped=run.recording)),
            self.confirm: gr.Row(visible=False),
            self.download: gr.DownloadButton(visible=False),
            self.why: gr.HTML(why := why_not(say, run, visitor), visible=bool(why)),
            self.one: run.id,
        }


def why_not(say: Say, run: RunSummary, visitor: Visitor) -> str:
    """Why this visitor may not change a run, in a line; empty where they may, or nobody may."""
    if (run.recording and visitor.starts) or visitor.changes(run.owner):
        return ""
    if not visitor.starts:
        return note(say("runs.why.watches"))
    return note(say("runs.why.owner", owner=run.owner) if run.owner else say("runs.why.nobody"))


def build(workbench: Workbench, say: Say, chat: Chat) -> Actions:
    """Lay out the panel, hidden until one run is chosen, and wire it."""
    with gr.Column(visible=False, elem_id="gl-run") as panel:
        heading = html()
        with gr.Row():
            watch = gr.Button(say("runs.watch"), variant="primary", min_width=110, elem_id="gl-run-watch")
            ask = gr.Button(say("runs.chat"), min_width=110, elem_id="gl-run-chat")
            resume = gr.Button(say("runs.resume"), min_width=110, elem_id="gl-run-resume")
            delete = gr.Button(say("runs.delete"), min_width=110, elem_id="gl-run-delete")
        with gr.Row(visible=False, elem_id="gl-confirm", elem_classes="gl-question") as confirm:
            html(f'<p class="gl-note">{say("runs.delete.sure")}</p>')
            sure = gr.Button(say("runs.delete.yes"), variant="stop", min_width=110, elem_id="gl-delete-yes")
            keep = gr.Button(say("runs.delete.no"), min_width=110, elem_id="gl-delete-no")
        why = html(visible=False, elem_id="gl-run-why")
        accepting = Accepting(workbench, say, "runs")
        with gr.Row():
            name = gr.Textbox(label=say("runs.name"), max_length=120, min_width=180, elem_id="gl-run-name")
            notes = gr.Textbox(
                label=say("runs.notes"), lines=1, max_lines=8, max_length=LONGEST_NOTES, scale=2, elem_id="gl-run-notes"
            )
            form = gr.Dropdown(
                [(say(f"runs.form.{key}"), key) for key in EXPORT_FORMATS],
                value=EXPORT_FORMATS[0], label=say("runs.export.as"),
                filterable=False, interactive=True, min_width=180, elem_id="gl-export-form",
            )  # fmt: skip
            with gr.Column(min_width=140):
                export = gr.Button(say("runs.export"), size="sm", elem_id="gl-export")
                download = gr.DownloadButton(say("runs.download"), visible=False, size="sm", elem_id="gl-download")
    one = gr.Textbox(visible="hidden", elem_id="gl-run-id")
    started = gr.Textbox(visible="hidden")
    actions = Actions(panel, heading, name, notes, resume, delete, export, confirm, download, why, one)
    wire_js([watch.click], _TO_WATCH, [one])
    chosen = wire(say, [ask.click], lambda run: {chat.run: run, chat.chosen: True}, [one], {chat.run, chat.chosen})
    wire_js([], _TO_CHAT, after=chosen)
    _wire_keeping(workbench, say, actions)
    _wire_deleting(workbench, say, actions, sure, keep)

    def goes_on(run: str) -> Updates:
        return {started: controls.resumed_mark(run)}

    def resumed(request: gr.Request, run: str) -> Updates:
        if any(one.id == run and startable(one) for one in workbench.runs.summaries()):
            return goes_on(workbench.start(workbench.runs.saved_config(run), run, session=session_of(request)))
        return accepting.resume(request, run, AS_IT_WAS) or goes_on(run)

    wire(say, [resume.click], resumed, [one], {started, *accepting.parts}, trigger_mode="once")
    accepting.wire(goes_on, {started})
    wire_js([started.change], controls.TO_WATCH, [started])

    def exported(request: gr.Request, values: Values) -> Any:  # noqa: ANN401 - a component's update
        made = workbench.export(values[one], values[form], session=session_of(request))
        copy = served(made, workbench.rights.who())
        return gr.DownloadButton(say("runs.download.file", file=made.name), value=str(copy), visible=True)

    wire(say, [export.click], exported, {one, form}, [download], show_progress="minimal", trigger_mode="once")
    wire(say, [form.input], lambda: gr.DownloadButton(visible=False), None, [download])
    return actions


def startable(run: RunSummary) -> bool:
    """Whether a damaged run can be started again from its run.yaml."""
    return (run.problem or {}).get("key") == "run_startable"


def served(made: Path, visitor: Visitor) -> Path:
    """A copy of a file where its visitor, and nobody else, can fetch it."""
    folder = visitor.uploads(Path(get_upload_folder())) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    return Path(shutil.copy(made, folder / made.name))


def _wire_keeping(workbench: Workbench, say: Say, actions: Actions) -> None:
    """The name and the notes are kept when their field is left, or on Enter."""

    def renamed(values: Values) -> str:
        name = values[actions.name]
        workbench.runs.rename(values[actions.one], name)
        return f'<h3 class="gl-h3">{safe(name.strip())}</h3>'

    def annotated(values: Values) -> None:
        workbench.runs.annotate(values[actions.one], values[actions.notes])

    wire(say, [actions.name.submit, actions.name.blur], renamed, {actions.one, actions.name}, [actions.heading])
    wire(say, [actions.notes.blur], annotated, {actions.one, actions.notes})


def _wire_deleting(workbench: Workbench, say: Say, actions: Actions, sure: gr.Button, keep: gr.Button) -> None:
    wire(say, [actions.delete.click], lambda: gr.Row(visible=True), None, [actions.confirm])
    wire(say, [keep.click], lambda: gr.Row(visible=False), None, [actions.confirm])

    def deleted(run: str) -> Updates:
        workbench.runs.delete(run)
        gr.Info(say("runs.deleted"))
        return actions.shown(say, [], workbench.rights.who())

    gone = wire(say, [sure.click], deleted, [actions.one], actions.parts, trigger_mode="once")
    wire_js([], _REFRESH, after=gone)

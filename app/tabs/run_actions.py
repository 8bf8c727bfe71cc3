"""What can be done with one run: open it, chat with it, resume, rename, keep notes, export, delete."""

import json
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from app.errors import sentence
from app.markup import html, note, safe
from app.tabs import controls
from app.tabs.accepting import Accepting
from app.tabs.chat import Chat
from app.tabs.pickers import ACTIVE
from app.wiring import Updates, Values, session_of, wire, wire_js
from app.words import Say
from engine.config.resuming import AS_IT_WAS
from engine.core.writing import writing
from engine.exchange.forms import EXPORT_FORMATS
from engine.runs.summary import RunSummary
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench

LONGEST_NOTES, LONGEST_TAGS = 20_000, 400  # characters
_TO_WATCH = "(run) => Gatelight.ready.then(({ openTab, show }) => { openTab('watch'); show(run); })"
_TO_TRAIN = "() => Gatelight.ready.then(({ openTab }) => openTab('train'))"
_TO_CHAT = "() => Gatelight.ready.then(({ openTab }) => openTab('chat'))"
_REFRESH = "() => Gatelight.ready.then(({ refreshRuns }) => refreshRuns())"


@dataclass(frozen=True)
class Actions:
    """The panel's components and how they show a choice of runs."""

    panel: gr.Column
    heading: gr.HTML
    name: gr.Textbox
    notes: gr.Textbox
    tags: gr.Textbox
    text: gr.Textbox
    resume: gr.Button
    more: gr.Button
    stop: gr.Button
    delete: gr.Button
    export: gr.Button
    confirm: gr.Row
    download: gr.DownloadButton
    why: gr.HTML
    one: gr.Textbox
    form: gr.Dropdown
    refused: gr.HTML

    @property
    def parts(self) -> set[Any]:
        """The outputs that `shown` fills."""
        about = {self.panel, self.heading, self.name, self.notes, self.tags, self.text, self.one, self.why}
        acts = {self.resume, self.more, self.stop, self.delete, self.form, self.export, self.confirm, self.download}
        return about | acts

    def shown(self, say: Say, runs: list[RunSummary], visitor: Visitor) -> Updates:
        """`parts` for a choice of runs, and what this visitor may do with it; the panel is there for exactly one.

        Its forms of export are those of `forms_of`, and cannot be opened before: a menu of Gradio's that loses choices
        while it is open breaks the page.
        """
        if len(runs) != 1:
            return {self.panel: gr.Column(visible=False), self.one: ""}
        run = runs[0]
        may = visitor.changes(run.owner) and not run.recording
        drivable = may and run.problem is None
        editable = drivable and not run.place
        of = f" · {say('runs.owner', owner=run.owner)}" if run.owner and not visitor.owns(run.owner) else ""
        of += f" · {say('runs.place', place=run.place)}" if run.place else ""
        return {
            self.panel: gr.Column(visible=True),
            self.heading: f'<h3 class="gl-h3">{safe(run.name + of)}</h3>',
            self.name: gr.Textbox(run.name, interactive=editable),
            self.notes: gr.Textbox(run.notes, interactive=editable),
            self.tags: gr.Textbox(", ".join(run.tags), interactive=editable),
            self.text: gr.Textbox(run.text, visible=bool(run.text)),
            self.resume: gr.Button(
                interactive=(drivable and run.status in controls.RESUMABLE) or (may and startable(run)),
                visible=run.status not in (*ACTIVE, "finished"),
            ),
            self.more: gr.Button(visible=drivable and run.status == "finished" and run.step >= run.steps),
            self.stop: gr.Button(visible=drivable and run.status in ACTIVE),
            self.delete: gr.Button(interactive=may and not run.place),
            self.form: gr.Dropdown(interactive=False),
            self.export: gr.Button(interactive=visitor.exports(run.owner, shipped=run.recording)),
            self.confirm: gr.Row(visible=False),
            self.download: gr.DownloadButton(visible=False),
            self.why: gr.HTML(why := why_not(say, run, visitor), visible=bool(why)),
            self.one: run.id,
        }


def forms_of(workbench: Workbench, say: Say, actions: Actions, values: Values) -> Updates:
    """The forms in which a run's adapter can be exported; below the menu, those in which it cannot, and why."""
    run = values[actions.one]
    refused = workbench.refused_exports(run) if run else {}
    lines = (
        f'<p class="gl-fact"><s>{safe(say(f"runs.form.{form}"))}</s> · {safe(sentence(say, error))}</p>'
        for form, error in refused.items()
        if error.key != "no_words"  # which nearly all are refused, and lose nothing by
    )
    choices = [(say(f"runs.form.{form}"), form) for form in EXPORT_FORMATS if form not in refused]
    chosen = EXPORT_FORMATS[0] if values[actions.form] in refused else values[actions.form]
    return {
        actions.form: gr.Dropdown(choices, value=chosen, interactive=True),
        actions.refused: gr.HTML("".join(lines), visible=bool(refused)),
    }


def why_not(say: Say, run: RunSummary, visitor: Visitor) -> str:
    """Why this visitor may not change a run, in a line; empty where they may, or nobody may."""
    if run.place and visitor.changes(run.owner):
        return note(say("runs.why.place", place=run.place))
    if (run.recording and visitor.starts) or visitor.changes(run.owner):
        return ""
    if not visitor.starts:
        return note(say("runs.why.watches"))
    return note(say("runs.why.owner", owner=run.owner) if run.owner else say("runs.why.nobody"))


def build(workbench: Workbench, say: Say, chat: Chat, former: gr.Textbox) -> Actions:
    """Lay out the panel, hidden until one run is chosen, and wire it.

    Args:
        workbench: Keeps the runs.
        say: The page's words.
        chat: Where a run can be asked.
        former: Fills Train's form with the config that it is given as JSON.
    """
    with gr.Column(visible=False, elem_id="gl-run") as panel:
        heading = html()
        with gr.Row():
            watch = gr.Button(say("runs.watch"), variant="primary", min_width=110, elem_id="gl-run-watch")
            ask = gr.Button(say("runs.chat"), min_width=110, elem_id="gl-run-chat")
            copy = gr.Button(say("runs.copy"), min_width=110, elem_id="gl-run-copy")
            resume = gr.Button(say("runs.resume"), min_width=110, elem_id="gl-run-resume")
            more = gr.Button(
                say("runs.more", n=controls.MORE_STEPS), visible=False, min_width=110, elem_id="gl-run-more"
            )
            stop = gr.Button(say("train.stop"), visible=False, min_width=110, elem_id="gl-run-stop")
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
            tags = gr.Textbox(
                label=say("runs.tags"), placeholder=say("runs.tags.hint"), max_length=LONGEST_TAGS, min_width=140,
                elem_id="gl-run-tags",
            )  # fmt: skip
            form, export, download = _export_fields(say)
        text = gr.Textbox(
            label=say("runs.text"), info=say("runs.text.info"), interactive=False, visible=False, buttons=["copy"],
            elem_id="gl-run-text",
        )  # fmt: skip
        refused = html(visible=False, elem_id="gl-export-refused")
    one = gr.Textbox(visible="hidden", elem_id="gl-run-id")
    asked = (resume, more, stop, delete, export, confirm, download, why)
    actions = Actions(panel, heading, name, notes, tags, text, *asked, one, form, refused)
    wire_js([watch.click], _TO_WATCH, [one])
    chosen = wire(say, [ask.click], lambda run: {chat.run: run, chat.chosen: True}, [one], {chat.run, chat.chosen})
    wire_js([], _TO_CHAT, after=chosen)
    copied = wire(say, [copy.click], lambda run: _config(workbench, run), [one], [former], trigger_mode="once")
    wire_js([], _TO_TRAIN, after=copied)
    _wire_keeping(workbench, say, actions)
    _wire_deleting(workbench, say, actions, sure, keep)

    _wire_resuming(workbench, say, actions, accepting)
    _wire_stopping(workbench, say, actions)
    _wire_exporting(workbench, say, actions)
    return actions


def _export_fields(say: Say) -> tuple[gr.Dropdown, gr.Button, gr.DownloadButton]:
    """The menu of formats, and the buttons that make a file and fetch it."""
    form = gr.Dropdown(
        [(say(f"runs.form.{key}"), key) for key in EXPORT_FORMATS],
        value=EXPORT_FORMATS[0], label=say("runs.export.as"),
        filterable=False, interactive=True, min_width=180, elem_id="gl-export-form",
    )  # fmt: skip
    with gr.Column(min_width=140):
        export = gr.Button(say("runs.export"), size="sm", elem_id="gl-export")
        download = gr.DownloadButton(say("runs.download"), visible=False, size="sm", elem_id="gl-download")
    return form, export, download


def _wire_resuming(workbench: Workbench, say: Say, actions: Actions, accepting: Accepting) -> None:
    started = gr.Textbox(visible="hidden")

    def goes_on(run: str) -> Updates:
        return controls.shown_or_told(workbench, say, started, run)

    def resumed(request: gr.Request, run: str) -> Updates:
        if any(one.id == run and startable(one) for one in workbench.runs.summaries()):
            return goes_on(workbench.start(workbench.runs.saved_config(run), run, session=session_of(request)))
        return accepting.resume(request, run, AS_IT_WAS) or goes_on(run)

    shown = {started, *accepting.parts}
    wire(say, [actions.resume.click], resumed, [actions.one], shown, trigger_mode="once")

    def lengthened(request: gr.Request, run: str) -> Updates:
        return accepting.resume(request, run, controls.more_steps(workbench, run)) or goes_on(run)

    wire(say, [actions.more.click], lengthened, [actions.one], shown, trigger_mode="once")
    accepting.wire(goes_on, {started})
    wire_js([started.change], controls.TO_WATCH, [started])


def _wire_stopping(workbench: Workbench, say: Say, actions: Actions) -> None:
    """A run that trains here is stopped; the process of any other one is asked to stop."""

    def stopped(run: str) -> gr.Button:
        if workbench.live().run == run:
            workbench.stop()
        else:
            workbench.runs.stop(run)
        gr.Info(say("runs.stop.asked"))
        return gr.Button(visible=False)

    wire(say, [actions.stop.click], stopped, [actions.one], [actions.stop], trigger_mode="once")


def _wire_exporting(workbench: Workbench, say: Say, actions: Actions) -> None:
    one, form, download = actions.one, actions.form, actions.download

    def exported(request: gr.Request, values: Values) -> Any:  # noqa: ANN401 - a component's update
        made = workbench.export(values[one], values[form], session=session_of(request))
        copy = served(made, workbench.rights.who())
        return gr.DownloadButton(say("runs.download.file", file=made.name), value=str(copy), visible=True)

    wire(say, [actions.export.click], exported, {one, form}, [download], show_progress="minimal", trigger_mode="once")
    wire(say, [form.input], lambda: gr.DownloadButton(visible=False), None, [download])


def _config(workbench: Workbench, run: str) -> str:
    """A run's config as JSON; no two texts are alike, so that the form follows each time."""
    plain = json.dumps(workbench.runs.config(run).to_dict(), ensure_ascii=False)
    return plain + " " * (time.monotonic_ns() // 10**6 % 997)


def startable(run: RunSummary) -> bool:
    """Whether a damaged run can be started again from its run.yaml."""
    return (run.problem or {}).get("key") == "run_startable"


def served(made: Path, visitor: Visitor) -> Path:
    """A copy of a file where its visitor, and nobody else, can fetch it.

    Raises:
        NotWrittenError: The disk is full, for instance.
    """
    folder = visitor.uploads(Path(get_upload_folder())) / secrets.token_hex(16)
    with writing(Path("exports", made.name)):
        folder.mkdir(parents=True)
        try:
            return Path(shutil.copy(made, folder / made.name))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _wire_keeping(workbench: Workbench, say: Say, actions: Actions) -> None:
    """The name, the notes and the tags are kept when their field is left, or on Enter."""

    def renamed(values: Values) -> str:
        name = values[actions.name]
        workbench.runs.rename(values[actions.one], name)
        return f'<h3 class="gl-h3">{safe(name.strip())}</h3>'

    def annotated(values: Values) -> None:
        workbench.runs.annotate(values[actions.one], values[actions.notes])

    wire(say, [actions.name.submit, actions.name.blur], renamed, {actions.one, actions.name}, [actions.heading])

    def tagged(values: Values) -> None:
        workbench.runs.tag(values[actions.one], values[actions.tags])

    wire(say, [actions.notes.blur], annotated, {actions.one, actions.notes})
    wire(say, [actions.tags.submit, actions.tags.blur], tagged, {actions.one, actions.tags})


def _wire_deleting(workbench: Workbench, say: Say, actions: Actions, sure: gr.Button, keep: gr.Button) -> None:
    wire(say, [actions.delete.click], lambda: gr.Row(visible=True), None, [actions.confirm])
    wire(say, [keep.click], lambda: gr.Row(visible=False), None, [actions.confirm])

    def deleted(run: str) -> Updates:
        workbench.runs.delete(run)
        gr.Info(say("runs.deleted"))
        return actions.shown(say, [], workbench.rights.who())

    gone = wire(say, [sure.click], deleted, [actions.one], actions.parts, trigger_mode="once")
    wire_js([], _REFRESH, after=gone)

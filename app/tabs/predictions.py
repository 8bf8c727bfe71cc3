"""Test rows of the run that is open in Runs, base beside tuned, the worst first."""

import csv
import functools
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import gallery
from app.markup import html, note
from app.tabs.accepting import Accepting
from app.tabs.answers import Answers
from app.wiring import Updates, session_of, wire, wire_js
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.evaluation.predicted import Predicted
from engine.service.workbench import Workbench

COLUMNS = ("right", "loss", "prompt", "reference", "base", "tuned")
UNSEEN = "right_unseen"
"""Whether a row's answer is right when its picture is withheld."""
SIGNS = {True: "✓", False: "✗", None: "–"}
WIDTHS: list[str | int] = ["6%", "8%", "24%", "20%", "22%", "20%"]
_SAVE = "(text, run) => Gatelight.ready.then(({ saveText }) => saveText(`${run}.csv`, text))"


@dataclass(frozen=True)
class Panel:
    """The parts, from top to bottom."""

    ask: gr.Button
    halt: gr.Button
    save: gr.Button
    progress: gr.HTML
    pictures: gr.HTML
    table: gr.Dataframe

    @property
    def parts(self) -> set[Any]:
        """What `shown` fills."""
        return {self.ask, self.halt, self.save, self.progress, self.pictures, self.table}

    def pressable(self, *, answering: bool, known: bool, may_ask: bool = True) -> Updates:
        """Which buttons make sense: while rows are being answered, once some are known, for whoever may ask."""
        return {
            self.ask: gr.Button(interactive=may_ask and not answering),
            self.halt: gr.Button(interactive=answering),
            self.save: gr.Button(interactive=known and not answering),
        }


@dataclass(frozen=True)
class Predictions:
    """The panel for whoever opens another run in it.

    Attributes:
        ask: Not to be pressed before `opened` has filled the parts.
        parts: What `opened` fills.
        opened: The parts for a run, given the request and the run's id; it ends what is being answered.
    """

    ask: gr.Button
    parts: set[Any]
    opened: Callable[[gr.Request, str], Updates]


def build(workbench: Workbench, say: Say, one: gr.Textbox) -> Predictions:
    """Lay out the panel and wire it to the id of the run that is open."""
    panel, accepting = _layout(workbench, say)
    text = gr.Textbox(visible="hidden")
    shown = functools.partial(_shown, workbench, say, panel)
    answers = Answers()

    def asked(request: gr.Request, run: str, *, accept_changed: bool = False) -> Iterator[Updates]:
        session = session_of(request)
        stop = answers.begin(session).stop
        predicted = None
        try:
            begun: Updates = {panel.progress: _bar(say, 0, 1), **accepting.hidden}
            yield {**begun, **panel.pressable(answering=True, known=False)}
            for predicted in workbench.predictions(run, session=session, accept_changed=accept_changed):
                if stop.is_set():  # maybe since another run was opened, whose parts stay as they are
                    yield {panel.ask: gr.Button(interactive=True), panel.halt: gr.Button(interactive=False)}
                    return
                yield shown(run, predicted, answering=True)
            yield shown(run, predicted)
        except WorkbenchError as error:
            yield shown(run, predicted)
            yield accepting.asks(error, run)
        finally:
            answers.end(session)

    def opened(request: gr.Request, run: str) -> Updates:
        answers.stop(str(request.session_hash))
        return {**accepting.hidden, **shown(run, workbench.runs.kept_predictions(run) if run else None)}

    def accepted(request: gr.Request, run: str) -> Iterator[Updates]:
        yield from asked(request, run, accept_changed=True)

    def halted(request: gr.Request) -> None:
        answers.stop(str(request.session_hash))

    parts = panel.parts | accepting.parts
    wire(say, [panel.ask.click], asked, [one], parts, trigger_mode="once")
    wire(say, [accepting.yes], accepted, [accepting.run], parts, trigger_mode="once")
    accepting.wire_no()
    wire(say, [panel.halt.click], halted, None, None, queue=False)
    saved = wire(say, [panel.save.click], lambda run: as_csv(workbench.runs.kept_predictions(run)), [one], [text], "")
    wire_js([], _SAVE, [text, one], after=saved)
    return Predictions(panel.ask, parts, opened)


def _layout(workbench: Workbench, say: Say) -> tuple[Panel, Accepting]:
    def button(name: str) -> gr.Button:
        label = say(f"runs.rows.{name}")
        return gr.Button(label, min_width=110, size="sm", interactive=False, elem_id=f"gl-rows-{name}")

    with gr.Accordion(say("runs.rows"), open=False, elem_id="gl-rows"):
        html(note(say("runs.rows.hint")))
        with gr.Row():
            ask, halt, save = button("ask"), button("stop"), button("save")
        accepting = Accepting(workbench, say, "rows")
        progress = html(elem_id="gl-rows-progress")
        pictures = html(elem_id="gl-rows-pictures")
        table = gr.Dataframe(
            headers=[say(f"runs.rows.{name}") for name in COLUMNS],
            datatype=["str", "number", "str", "str", "str", "str"],
            interactive=False, wrap=True, visible=False, show_search="filter", column_widths=WIDTHS, max_height=480,
            elem_id="gl-rows-table",
        )  # fmt: skip
    return Panel(ask, halt, save, progress, pictures, table), accepting


def _shown(
    workbench: Workbench, say: Say, panel: Panel, run: str, predicted: Predicted | None, *, answering: bool = False
) -> Updates:
    """The panel for what is known of a run's rows."""
    rows = worst_first(predicted.rows) if predicted else []
    may_ask = not run or workbench.may_take(run)
    return {
        panel.progress: progress(say, predicted) if predicted else "" if may_ask else note(say("runs.rows.why")),
        panel.pictures: gallery.worst(say, rows, workbench.runs.pictures(run)) if rows else "",
        panel.table: gr.Dataframe([cells(row) for row in rows], visible=True) if rows else gr.Dataframe(visible=False),
        **panel.pressable(answering=answering, known=bool(rows), may_ask=may_ask),
    }


def worst_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wrong rows before right ones, and of each the ones first that the model was least ready to say."""
    return sorted(rows, key=lambda row: (row["right"] is True, -row["loss"]))


def cells(row: dict[str, Any]) -> list[Any]:
    """A row as the table shows it."""
    return [SIGNS[row["right"]], round(row["loss"], 4), *(str(row[name]).strip() for name in COLUMNS[2:])]


def as_csv(predicted: Predicted | None) -> str:
    """All rows for a spreadsheet, in the order of the data, under the names that JSON has as well."""
    if predicted is None:
        return ""
    text = io.StringIO()
    known = any(row.get(UNSEEN) is not None for row in predicted.rows)
    columns = (*COLUMNS, UNSEEN) if known else COLUMNS
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(predicted.rows)
    return text.getvalue()


def progress(say: Say, predicted: Predicted) -> str:
    """How far it is; at the end, how many are right."""
    if len(predicted.rows) < predicted.total:
        return _bar(say, len(predicted.rows), predicted.total)
    judged = [row["right"] for row in predicted.rows if row["right"] is not None]
    if not judged:
        return note(say("runs.rows.done", n=predicted.total))
    share = f"{100 * sum(judged) / len(judged):.1f}"
    told = note(say("runs.rows.score", right=sum(judged), n=len(judged), share=share))
    unseen = [row[UNSEEN] for row in predicted.rows if row.get(UNSEEN) is not None]
    if not unseen:
        return told
    share = f"{100 * sum(unseen) / len(unseen):.1f}"
    return told + note(say("runs.rows.unseen", right=sum(unseen), n=len(unseen), share=share))


def _bar(say: Say, done: int, total: int) -> str:
    said = say("runs.rows.progress", done=done, total=total) if done else say("runs.rows.begin")
    return f'<progress class="gl-rows-bar" max="{total}" value="{done}"></progress>{note(said)}'

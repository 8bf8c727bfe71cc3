"""Held-out rows of the run that is open in Runs, base beside tuned, the worst first."""

import csv
import functools
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import gallery
from app.markup import html, note
from app.tabs.answers import Answers
from app.wiring import wire
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.core.types import Predicted
from engine.service.workbench import Workbench

COLUMNS = ("right", "loss", "prompt", "reference", "base", "tuned")
SIGNS = {True: "✓", False: "✗", None: "–"}
WIDTHS = ["6%", "8%", "24%", "20%", "22%", "20%"]
_SAVE = "(text, run) => Gatelight.ready.then(({ saveText }) => saveText(`${run}.csv`, text))"


@dataclass(frozen=True)
class Rows:
    """The panel, for whoever opens another run in it.

    Attributes:
        ask: Not to be pressed before `opened` has filled the parts.
        parts: What `opened` fills.
        opened: Values of the parts for a run, given the request and the run's id; it ends what is being answered.
    """

    ask: gr.Button
    parts: list[Any]
    opened: Callable[[gr.Request, str], list[Any]]


def build(workbench: Workbench, say: Say, one: gr.Textbox) -> Rows:
    """Lay out the panel and wire it to the id of the run that is open."""
    *_, ask, halt, save = parts = _layout(say)
    text = gr.Textbox(visible="hidden")
    shown = functools.partial(_shown, workbench, say)
    answers = Answers()

    def asked(request: gr.Request, run: str) -> Iterator[list[Any]]:
        session = str(request.session_hash)
        stop = answers.begin(session)
        found = None
        try:
            yield [_bar(say, 0, 1), gr.skip(), gr.skip(), *shown(run, None, answering=True)[3:]]
            for found in workbench.predictions(run):
                if stop.is_set():  # maybe since another run was opened, whose parts stay as they are
                    yield [*[gr.skip()] * 3, gr.Button(interactive=True), gr.Button(interactive=False), gr.skip()]
                    return
                yield shown(run, found, answering=True)
            yield shown(run, found)
        except WorkbenchError:
            yield shown(run, found)
            raise
        finally:
            answers.end(session)

    def opened(request: gr.Request, run: str) -> list[Any]:
        answers.stop(str(request.session_hash))
        return shown(run, workbench.runs.kept_predictions(run) if run else None)

    def halted(request: gr.Request) -> None:
        answers.stop(str(request.session_hash))

    wire(say, [ask.click], asked, [one], list(parts), trigger_mode="once")
    wire(say, [halt.click], halted, None, None, queue=False)
    saved = wire(say, [save.click], lambda run: as_csv(workbench.runs.kept_predictions(run)), [one], [text], "")
    saved.then(None, [text, one], None, js=_SAVE, api_visibility="private")
    return Rows(ask, list(parts), opened)


def _layout(say: Say) -> tuple[gr.HTML, gr.HTML, gr.Dataframe, gr.Button, gr.Button, gr.Button]:
    """Progress, pictures, table; the buttons that ask, stop and save."""
    with gr.Accordion(say("runs.rows"), open=False, elem_id="gl-rows"):
        html(note(say("runs.rows.hint")))
        with gr.Row():
            ask, halt, save = (
                gr.Button(
                    say(f"runs.rows.{name}"), min_width=110, size="sm", interactive=False, elem_id=f"gl-rows-{name}"
                )
                for name in ("ask", "stop", "save")
            )
        progress = html(elem_id="gl-rows-progress")
        pictures = html(elem_id="gl-rows-pictures")
        table = gr.Dataframe(
            headers=[say(f"runs.rows.{name}") for name in COLUMNS],
            datatype=["str", "number", "str", "str", "str", "str"],
            interactive=False, wrap=True, visible=False, show_search="filter", column_widths=WIDTHS, max_height=480,
            elem_id="gl-rows-table",
        )  # fmt: skip
    return progress, pictures, table, ask, halt, save


def _shown(workbench: Workbench, say: Say, run: str, found: Predicted | None, *, answering: bool = False) -> list[Any]:
    """Values of all parts for what is known of a run's rows."""
    rows = worst_first(found.rows) if found else []
    return [
        told(say, found) if found else "",
        gallery.worst(say, rows, workbench.runs.pictures(run)) if rows else "",
        gr.Dataframe([cells(row) for row in rows], visible=bool(rows)) if found else gr.Dataframe(visible=False),
        gr.Button(interactive=not answering),
        gr.Button(interactive=answering),
        gr.Button(interactive=bool(rows) and not answering),
    ]


def worst_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wrong rows before right ones, and of each the ones first that the model was least ready to say."""
    return sorted(rows, key=lambda row: (row["right"] is True, -row["loss"]))


def cells(row: dict[str, Any]) -> list[Any]:
    """A row as the table shows it."""
    return [SIGNS[row["right"]], round(row["loss"], 4), *(str(row[name]).strip() for name in COLUMNS[2:])]


def as_csv(found: Predicted | None) -> str:
    """All rows for a spreadsheet, in the order of the data, under the names that JSON has as well."""
    if found is None:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found.rows)
    return text.getvalue()


def told(say: Say, found: Predicted) -> str:
    """How far it is; at the end, how many are right."""
    if len(found.rows) < found.total:
        return _bar(say, len(found.rows), found.total)
    judged = [row["right"] for row in found.rows if row["right"] is not None]
    if not judged:
        return note(say("runs.rows.done", n=found.total))
    share = f"{100 * sum(judged) / len(judged):.1f}"
    return note(say("runs.rows.score", right=sum(judged), n=len(judged), share=share))


def _bar(say: Say, done: int, total: int) -> str:
    said = say("runs.rows.progress", done=done, total=total) if done else say("runs.rows.begin")
    return f'<progress class="gl-rows-bar" max="{total}" value="{done}"></progress>{note(said)}'

"""Runs beside each other: one plot of their losses, and a table of the settings that differ."""

import json
from typing import Any

from app import forms
from app.errors import sentence
from app.markup import note, safe
from app.method_names import method_title
from app.tabs.pickers import title
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.runs.summary import RunSummary
from engine.service.visitor import own_name
from engine.service.workbench import Workbench

MOST = 8  # runs in one plot
MOST_POINTS = 400  # of a training curve


def overlay(workbench: Workbench, say: Say, runs: list[RunSummary]) -> str:
    """Room for one plot of the losses of the runs, which the browser draws; the first ones, where they are many."""
    shown = lines(workbench, say, runs[:MOST])
    many = note(say("runs.compare.most", n=MOST, of=len(runs))) if len(runs) > MOST else ""
    words = json.dumps(say.part("runs.plot"), ensure_ascii=False)
    return (
        f'{many}<div data-lines="{safe(json.dumps(shown))}" data-words="{safe(words)}">'
        f'<div class="gl-overlay-plot" role="img" aria-label="{safe(say("runs.plot.y"))}"></div></div>'
    )


def lines(workbench: Workbench, say: Say, runs: list[RunSummary]) -> list[dict[str, Any]]:
    """Title, training and validation losses of each run that is not damaged, as pairs of step and loss."""
    told = []
    for run in (run for run in runs if run.problem is None):
        curves = workbench.runs.loss_curves(run.id)
        thin = curves.training[:: max(1, len(curves.training) // MOST_POINTS)]
        told.append({"name": safe(title(say, run)), "training": thin, "validation": curves.validation})
    return told


def settings_of(workbench: Workbench, run: str) -> dict[str, Any]:
    """Every setting of a run by name, defaults included; what a run of today cannot read is shown as it stands."""
    config = workbench.runs.config(run)
    try:
        method, training = config.of_method().to_dict(), config.of_training().to_dict()
    except WorkbenchError:
        method, training = config.method_settings, config.training
    return {"model": config.model, "dataset": own_name(config.dataset), "method": config.method, **method, **training}


def differences(workbench: Workbench, say: Say, runs: list[RunSummary]) -> str:
    """A table with only the settings in which the runs differ, below it what is wrong with damaged ones."""
    problems = "".join(note(notes(say, run), "wrong") for run in runs if run.problem is not None)
    return _difference_table(workbench, say, [run for run in runs if run.problem is None]) + problems


def notes(say: Say, run: RunSummary) -> str:
    """Notes of a run; of a damaged one, what is wrong with it."""
    return run.notes if run.problem is None else sentence(say, WorkbenchError.from_dict(run.problem))


def _difference_table(workbench: Workbench, say: Say, runs: list[RunSummary]) -> str:
    if len(runs) < 2:
        return note(say("runs.compare.more"))
    columns = [settings_of(workbench, run.id) for run in runs]
    differing = _differing(columns, [workbench.runs.config(run.id).method_settings for run in runs])
    if not differing:
        return note(say("runs.compare.same"))
    head = "".join(f"<th>{safe(title(say, run))}</th>" for run in runs)
    methods = {run.method for run in runs}
    scope = methods.pop() if len(methods) == 1 else ""
    rows = "".join(
        f"<tr><th>{safe(_label(say, name, scope))}</th>"
        + "".join(f"<td>{safe(_shown(say, name, column.get(name, _MISSING)))}</td>" for column in columns)
        + "</tr>"
        for name in differing
    )
    heading = f'<h3 class="gl-h3">{say("runs.compare.differ")}</h3>'
    return f'{heading}<table class="gl-table plain"><tr><td></td>{head}</tr>{rows}</table>'


_MISSING = "–"


def _differing(columns: list[dict[str, Any]], chosen: list[dict[str, Any]]) -> list[str]:
    """Settings in which the runs differ. What only some methods have counts when somebody chose it."""

    def counts(name: str) -> bool:
        values = {repr(column.get(name, _MISSING)) for column in columns}
        return len(values) > 1 and (
            all(name in column for column in columns) or any(name in settings for settings in chosen)
        )

    return [name for name in dict.fromkeys(name for column in columns for name in column) if counts(name)]


def _label(say: Say, name: str, scope: str) -> str:
    known = f"runs.column.{name}"
    return say(known) if known in say else forms.word(say, name, scope) if f"setting.{name}" in say else name


def _shown(say: Say, name: str, value: object) -> str:
    if name == "method":
        return method_title(say, str(value))
    if value is None:
        return say("form.auto")
    return f"{value:g}" if isinstance(value, float) else forms.choice(say, str(value))

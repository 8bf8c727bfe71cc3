"""Runs beside each other: one plot of their losses, and a table of the settings that differ."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from app import forms
from app.errors import own_name, sentence
from app.markup import note, safe
from app.method_names import method_title
from app.tabs.pickers import title
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.runs.summary import RunSummary
from engine.service.workbench import Workbench

MOST = 8  # runs in one plot
TOKENS = Path(__file__).resolve().parents[1] / "assets" / "css" / "tokens.css"
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 340
MOST_POINTS = 400  # of a training curve


@cache
def token(name: str) -> str:
    """The value of a variable of the page's style sheet, in the light theme.

    Raises:
        KeyError: There is no such variable.
    """
    match = re.search(rf"--gl-{name}:\s*([^;]+);", TOKENS.read_text(encoding="utf-8"))
    if match is None:
        raise KeyError(name)
    return match.group(1).strip()


def overlay(workbench: Workbench, say: Say, runs: list[RunSummary]) -> go.Figure:
    """Validation losses of the runs in bold, training losses faint behind them."""
    figure = go.Figure()
    for n, run in enumerate(run for run in runs if run.problem is None):
        colour, dash = (token("tuned"), token("base"))[n % 2], DASHES[n // 2 % len(DASHES)]
        curves = workbench.runs.loss_curves(run.id)
        thin = curves.training[:: max(1, len(curves.training) // MOST_POINTS)]
        common = {"legendgroup": run.id, "mode": "lines"}
        figure.add_scatter(
            x=[s for s, _ in thin], y=[v for _, v in thin], line={"color": colour, "width": 1, "dash": dash},
            opacity=0.3, showlegend=False, hoverinfo="skip", **common,
        )  # fmt: skip
        figure.add_scatter(
            x=[s for s, _ in curves.validation], y=[v for _, v in curves.validation],
            line={"color": colour, "width": 2.5, "dash": dash}, name=safe(title(say, run)),
            hovertemplate="%{y:.3f}", **common,
        )  # fmt: skip
    return _dressed(figure, say)


def _dressed(figure: go.Figure, say: Say) -> go.Figure:
    muted = token("muted")
    axis = {"gridcolor": token("line"), "zeroline": False, "linecolor": token("line")}
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 56, "r": 16, "t": 32, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": token("font"), "size": 13, "color": muted},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        xaxis={"title": {"text": say("runs.plot.x"), "font": {"size": 13}}, **axis},
        yaxis={"title": {"text": say("runs.plot.y"), "font": {"size": 13}}, "rangemode": "tozero", **axis},
        modebar={
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale", "toImage"]
        },
    )
    return figure


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

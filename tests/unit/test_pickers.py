"""How runs read in the chat's menus."""

import time
from types import SimpleNamespace
from typing import cast

import pytest

from app.tabs.pickers import steps_menu, title
from app.words import MAIN, Say
from engine.core.errors import WorkbenchError
from engine.runs.score import RunScore
from engine.runs.summary import RunSummary
from engine.service.workbench import Workbench

NOON = time.mktime((2026, 11, 28, 12, 5, 0, 0, 0, -1))
SCORE = RunScore(name="exact_match", value=0.5, baseline=0.0, against="untuned", rows=10)


def run(**facts):
    """A summary, as far as a menu looks at it."""
    whole = {"name": "LoRA", "recording": False, "status": "finished", "created": NOON, "score": None}
    return cast("RunSummary", SimpleNamespace(**{**whole, **facts}))


@pytest.mark.parametrize(
    ("later_s", "facts", "expected"),
    [
        (60, {}, "LoRA · 12:05"),
        (86_400, {}, "LoRA · 11-28 12:05"),
        (60, {"score": SCORE}, "LoRA · 12:05 · 50 % right"),
        (60, {"status": "running"}, "LoRA (live)"),
        (60, {"recording": True}, "LoRA (recording)"),
        (60, {"recording": True, "score": SCORE}, "LoRA (recording) · 50 % right"),
    ],
)
def test_a_run_of_another_day_says_which(monkeypatch, later_s, facts, expected):
    """Runs of one name are told apart by when they began."""
    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda seconds=NOON + later_s: real(seconds))
    assert title(Say(MAIN), run(**facts)).replace("\u00a0", " ") == expected


@pytest.mark.fault("damaged", "A chat that the browser kept names a run that was deleted: the rest comes back.")
def test_steps_of_a_run_that_was_deleted():
    """Its column is the base's, which has none."""

    def snapshots(run):
        raise WorkbenchError("no_run", f"There is no run {run}.")

    bench = cast("Workbench", SimpleNamespace(runs=SimpleNamespace(summaries=list, snapshots=snapshots)))
    menu = steps_menu(bench, Say(MAIN), "gone")
    assert (menu.choices, menu.interactive) == ([("newest", -1)], False)

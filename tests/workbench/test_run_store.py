"""What the page reads of run folders without the worker: updates page by page, whole loss curves."""

import json
import shutil

import pytest

from app.comparing import MOST, lines, overlay
from app.words import Say
from engine.runs import log
from engine.service import runs as run_store
from engine.service.workbench import Workbench

STEPS = 4000
MOST_PAGES = 20


@pytest.fixture
def workbench(tmp_path):
    """A workbench with one run, whose log has several pages."""
    folder = tmp_path / "home" / "runs" / "long"
    shutil.copytree(run_store.RECORDINGS / "lora", folder)
    losses = [{"kind": "loss", "step": step, "loss": 1 / step, "padding": "x" * 200} for step in range(1, STEPS + 1)]
    evals = [{"kind": "eval", "step": step, "validation_loss": 2 / step} for step in (1, STEPS)]
    events = [evals[0], *losses, evals[1]]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    bench = Workbench(tmp_path / "home")
    yield bench
    bench.close()


@pytest.fixture
def pages(monkeypatch):
    """The cursors from which a log was read; more than are needed are an error, so that no test reads for ever."""
    cursors = []

    def counted(path, cursor, read=log.read_events):
        cursors.append(cursor)
        assert len(cursors) <= MOST_PAGES
        return read(path, cursor)

    monkeypatch.setattr(log, "read_events", counted)
    monkeypatch.setattr(run_store, "read_events", counted)
    return cursors


def test_loss_curves_of_a_long_run_are_whole(workbench, pages):
    """From the first step to the last, every page read once; the plot in Runs ends at the last step."""
    curves = workbench.runs.loss_curves("long")
    assert [step for step, _ in curves.validation] == [1, STEPS]
    assert curves.training[0] == (1, 1.0)
    assert curves.training[-1] == (STEPS, 1 / STEPS)
    assert len(pages) == len(set(pages)) > 3


def test_a_long_run_can_be_plotted(workbench, pages):
    """The page's plot of its losses needs each page of the log once."""
    (run,) = [summary for summary in workbench.runs.summaries() if summary.id == "long"]
    (line,) = lines(workbench, Say("en"), [run])
    last = [max(step for step, _ in line[kind]) for kind in ("training", "validation")]
    assert last == [pytest.approx(STEPS, rel=0.05), STEPS]
    assert len(pages) == len(set(pages)) > 3


def test_runs_that_have_no_place_in_the_plot_are_said(workbench):
    """It has room for eight."""
    (run,) = [summary for summary in workbench.runs.summaries() if summary.id == "long"]
    assert "shown" not in overlay(workbench, Say("en"), [run] * MOST)
    assert "The first 8 of 9 runs are shown" in overlay(workbench, Say("en"), [run] * (MOST + 1))


def test_updates_lead_from_page_to_page_to_the_end(workbench, pages):
    """`more` says that there is a next page, and a cursor of another epoch begins at the start again."""
    update = workbench.runs.since("long", 0, None)
    assert update.more
    while update.more:
        update = workbench.runs.since("long", update.cursor, update.epoch)
    assert update.events[-1]["kind"] == "eval"
    assert workbench.runs.since("long", update.cursor, update.epoch).events == []
    assert workbench.runs.since("long", update.cursor, update.epoch + 1).events[0]["step"] == 1


def test_a_page_of_thinned_losses_is_not_the_end(workbench, monkeypatch):
    """Of a very long run whole pages of losses are left out; what comes behind them is still read."""
    monkeypatch.setattr(log, "is_curve_step", lambda step: step == 1)
    monkeypatch.setattr(log, "SCAN_BYTES", log.PAGE_BYTES)
    update = workbench.runs.since("long", 0, None)
    update = workbench.runs.since("long", update.cursor, update.epoch)
    assert update.events == []
    assert update.more

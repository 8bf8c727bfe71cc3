"""The queue from a terminal: the same file as the page's, trained without it."""

import json

import pytest

from engine.core.paths import runs_root
from engine.runs.queue import RunQueue
from engine.runs.scan import run_folders
from tests.cli.test_cli import few_rows
from tests.tiny import save_tiny


def asked(result):
    status, out, err = result
    assert status == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture
def add(engine, tmp_path):
    """Adds a run of a tiny model; gives its id."""
    save_tiny(tmp_path / "tiny")
    flags = (
        "--model",
        tmp_path / "tiny",
        "--dataset",
        few_rows(tmp_path),
        "--batch-size",
        2,
        "--score-rows",
        0,
        "--json",
    )
    return lambda *more: asked(engine("queue", "add", *flags, *more))["run"]


def test_add_list_move_remove_run(engine, add):
    """Runs are added, put in another order, taken out, and trained in that order; the list then is empty."""
    first, second = (add("--method", "lora", "--steps", steps) for steps in (1, 2))
    urgent = add("--method", "ia3", "--steps", 1, "--first", "--name", "Urgent", "--tag", "mine")
    listed = asked(engine("queue", "list", "--json"))
    assert [row["run"] for row in listed] == [urgent, first, second]
    assert [row["place"] for row in listed] == [0, 1, 2]
    asked(engine("queue", "move", second, 0, "--json"))
    asked(engine("queue", "remove", first, "--json"))
    ended = asked(engine("queue", "run", "--quiet", "--json"))
    assert [(row["run"], row["status"]) for row in ended] == [(second, "finished"), (urgent, "finished")]
    assert asked(engine("queue", "list", "--json")) == []
    assert "(nothing yet)" in engine("queue", "list")[1]
    assert {row["name"] for row in asked(engine("runs", "--json"))} >= {"Urgent"}


@pytest.mark.fault("load", "`queue run` beside an open page that trains the queue: one sentence, the page goes on.")
def test_one_of_two_trains(engine, add):
    add("--steps", 1)
    page = RunQueue(runs_root())
    assert page.take()
    status, _, err = engine("queue", "run")
    assert (status, "Another process trains the queue" in err) == (2, True)
    begun = page.begin_next()
    assert "stop it instead" in engine("queue", "remove", begun.run)[2]
    page.release()


@pytest.mark.fault("code", "A run that would trust a model's authors is added to the queue: refused, nobody is there.")
def test_trust_does_not_wait(engine, add):
    status, _, err = engine("queue", "add", "--trust-remote-code", "true")
    assert (status, "cannot wait in the queue" in err) == (2, True)
    assert "not in the queue" in engine("queue", "move", "nothing", 0)[2]


def test_search(engine, tmp_path):
    """A search trains its trials, says which are not beaten, and keeps them as runs."""
    save_tiny(tmp_path / "tiny")
    flags = ("--model", tmp_path / "tiny", "--dataset", few_rows(tmp_path), "--batch-size", 2, "--steps", 10)
    told = asked(engine("search", *flags, "--methods", "ia3,lora", "--trials", 2, "--quiet", "--json"))
    assert (told["state"], [point["state"] for point in told["points"]]) == ("finished", ["done", "done"])
    assert {point["method"] for point in told["points"]} == {"ia3", "lora"}
    text = engine("search", "--resume", told["id"], "--quiet")[1]
    assert "search-1 finished: 2 trials" in text
    status, _, err = engine("search", "--methods", "lorra")
    assert (status, "there is no method 'lorra'" in err) == (2, True)


def test_ladder(engine, tmp_path, monkeypatch):
    """A rate is tried, goes on twice, and is named; its run carries the ladder's tag. One instead of five, for time."""
    monkeypatch.setattr("engine.tuning.ladder.RATES", 1)
    model, data = save_tiny(tmp_path / "tiny"), few_rows(tmp_path)
    flags = ("--model", model, "--dataset", data, "--method", "ia3", "--batch-size", 1, "--trial-steps")
    found = asked(engine("ladder", *flags, 10, "--quiet", "--json"))
    assert (found["state"], found["rungs"], found["best"], found["usual"]) == ("finished", [1, 3, 10], 0.03, 0.03)
    (rate,) = found["rates"]
    assert [step for step, _ in rate["training"]] == list(range(1, 11))
    (folder,) = run_folders(runs_root())
    assert (folder.facts().tags, folder.facts().epoch) == ([found["tag"]], 2)
    status, _, err = engine("ladder", *flags, 9)
    assert (status, "at least 10" in err) == (2, True)

"""The learning-rate ladder: which rates, who goes on, and what a file of it may hold."""

import dataclasses
import json
import math

import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench
from engine.tuning.ladder import Ladder, after_rung, better_half, rates_around, rungs_of
from engine.tuning.store import Ladders

LADDER = Ladder(
    tag="ladder-x",
    config={"method": "lora", "training": {"steps": 300}},
    usual=0.01,
    rates=rates_around(0.01),
    runs=list("abcde"),
    rungs=rungs_of(80),
)


def test_rates_and_rungs():
    """Five rates a factor three apart, within what a setting may be; rungs at a tenth, three tenths and the end."""
    assert rates_around(0.01) == [0.0011, 0.0033, 0.01, 0.03, 0.09]
    assert rates_around(2.0) == [0.22, 0.67, 2.0, 6.0, 10.0]
    assert rungs_of(80) == [8, 24, 80]
    assert rungs_of(19) == [1, 3, 10]
    with pytest.raises(SettingError, match="at least 10"):
        rungs_of(9)


def test_a_rates_run():
    """It differs from the run that was asked for in its rate, its steps and when it is validated."""
    config = LADDER.of_rate(4).of_training()
    assert (config.learning_rate, config.steps, config.eval_every, config.score_rows) == (0.09, 80, 8, 0)


def test_the_better_half_goes_on():
    """Five, three, two; what has no finite loss goes first, and where nothing has one, the ladder has failed."""
    assert better_half({0: 3.0, 1: 1.0, 2: 2.0, 3: math.nan, 4: None}) == [1, 2, 0]
    ladder = after_rung(LADDER, [None] * 5)
    assert (ladder.rung, ladder.alive) == (1, [0, 1, 2, 3, 4])
    ladder = after_rung(ladder, [5.0, 4.0, 3.0, 2.0, math.inf])
    assert (ladder.rung, ladder.alive) == (2, [3, 2, 1])
    ladder = after_rung(ladder, [0.1, 1.0, 2.0, 3.0, 0.1])
    assert (ladder.rung, ladder.alive) == (3, [1, 2])
    ended = after_rung(ladder, [0.1, 1.0, 0.5, 3.0, 0.1])
    assert (ended.state, ended.best) == ("finished", 2)
    assert after_rung(ladder, [None] * 5).state == "failed"


@pytest.mark.fault("damaged", "The file of a ladder holds anything else: it is passed over, and no run is touched.")
@pytest.mark.parametrize(
    "change",
    [
        {"rates": []},
        {"runs": ["a"]},
        {"rungs": []},
        {"rung": 9},
        {"state": "x"},
        {"best": 7},
        {"alive": [9]},
        {"tag": 3},
    ],
)
def test_a_damaged_ladder(tmp_path, change):
    ladders = Ladders(tmp_path / "runs")
    ladders.keep(LADDER)
    path = ladders.folder / "ladder-x.json"
    assert ladders.all() == [LADDER]
    path.write_text(json.dumps(dataclasses.asdict(LADDER) | change))
    assert ladders.all() == []
    with pytest.raises(RunError, match="no ladder"):
        ladders.find("ladder-x")


class Bench:
    """A queue that nobody trains: the test says what each run has reached."""

    def __init__(self, root):
        self.visitor = Visitor()
        workbench = Workbench(root, who=lambda: self.visitor)
        workbench._worker.closing.set()  # nothing begins
        self.queue, self.ladders = workbench.queue, workbench.ladders

    def reach(self, rung, losses):
        """All runs of the queue have made so many steps, with these losses by run; then the queue looks on."""
        for entry in self.queue.file.waiting():
            folder = RunFolder(self.queue.file.root / entry.run)
            if not folder.is_run():
                RunFolder.create(folder.path, RunConfig(), RunFacts(steps=80))
            folder.update(step=rung)
            with folder.events_path.open("a") as log:
                if log.tell() == 0:
                    log.write(json.dumps({"kind": "eval", "step": 0, "base_ability_loss": 2.0}) + "\n")
                for kind, value in (("loss", 9.0), ("eval", losses.get(entry.run))):
                    name = "validation_loss" if kind == "eval" else "loss"
                    plain = {"base_ability_loss": 2 + rung / 80} if kind == "eval" else {}
                    log.write(json.dumps({"kind": kind, "step": rung, name: value, **plain}) + "\n")
            self.queue.file.remove(entry.run)
        self.ladders._advance()

    @property
    def waiting(self):
        return [(entry.run, entry.until) for entry in self.queue.file.waiting()]


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.ladders._climb(LADDER)
    return made


def test_a_ladder_in_the_queue(bench):
    """Five runs to the first rung; three and then two go on before all others; the view has their curves."""
    assert bench.waiting == [(run, 8) for run in "abcde"]
    bench.reach(8, {"a": 3.0, "b": 2.0, "c": 1.0, "d": 4.0, "e": math.nan})
    assert bench.waiting == [("c", 24), ("b", 24), ("a", 24)]
    bench.reach(24, {"a": 3.0, "b": 0.5, "c": 1.0})
    assert bench.waiting == [("b", None), ("c", None)]
    bench.reach(80, {"b": 0.4, "c": 0.3})
    assert bench.waiting == []
    view = bench.ladders.view()
    assert (view.state, view.best, view.usual) == ("finished", 0.01, 0.01)
    assert [rate.state for rate in view.rates] == ["out", "done", "best", "out", "out"]
    assert view.rates[1].losses == [(8, 2.0), (24, 0.5), (80, 0.4)]
    assert [rate.forgetting for rate in view.rates] == [0.3, 1.0, 1.0, 0.1, 0.1]


@pytest.mark.fault(
    "killed", "A kill between queueing a rung and noting it: no run makes a step twice, none is left out."
)
def test_a_crash_between_two_files(bench):
    bench.reach(8, {"a": 3.0, "b": 2.0, "c": 1.0, "d": 4.0, "e": 5.0})
    noted = bench.ladders.file.find("ladder-x")
    bench.ladders.file.keep(dataclasses.replace(noted, rung=1, alive=[0, 1, 2, 3, 4]))  # as it was before the kill
    bench.ladders._advance()
    assert bench.waiting == [("c", 24), ("b", 24), ("a", 24)]
    bench.reach(24, {"a": 3.0, "b": 0.5, "c": 1.0})
    assert bench.waiting == [("b", None), ("c", None)]


@pytest.mark.fault("load", "The runs of a ladder fail, are stopped by hand or taken out: the others are compared.")
def test_runs_that_fall_out(bench):
    bench.queue.file.remove("b", "c")
    bench.reach(8, {"a": 3.0, "d": 4.0})
    assert bench.waiting == [("a", 24), ("d", 24)]
    bench.queue.file.remove("a", "d")
    bench.ladders._advance()
    assert bench.ladders.view().state == "failed"


@pytest.mark.fault("hand", "Somebody else's ladder is stopped, or looked for on a Space: refused, or not there.")
def test_rights_of_a_ladder(bench):
    bench.ladders.file.keep(dataclasses.replace(bench.ladders.file.find("ladder-x"), owner="guest-1"))
    bench.visitor = Visitor("guest-2", "guest")
    assert bench.ladders.view() is None
    with pytest.raises(RunError, match="no run"):
        bench.ladders.stop("ladder-x")
    bench.visitor = Visitor("guest-1", "guest")
    bench.ladders.stop("ladder-x")
    assert (bench.ladders.view().state, bench.waiting) == ("stopped", [])


def test_words_have_no_rate(bench):
    """A method that only finds words is refused, with a sentence, and nothing waits in the queue."""
    before = bench.waiting
    with pytest.raises(SettingError, match="AutoPrompt trains no weights, so it has no learning rate") as refused:
        bench.ladders.start(RunConfig(method="autoprompt"))
    assert refused.value.key == "no_rate"
    assert bench.waiting == before

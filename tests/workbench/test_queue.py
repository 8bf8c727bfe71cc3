"""Several runs wait in line: one after another, over failures, restarts and whoever else uses the server."""

import threading
import time

import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.runs.queue import QueueEntry, RunQueue
from engine.service.limits import SPACE, UNLIMITED, Limits
from engine.service.queueing import Queueing
from engine.service.rights import Rights
from engine.service.status import LiveStatus
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench
from tests.cli.test_cli import few_rows
from tests.tiny import save_tiny

LONG = 100_000
"""Steps of a run that does not end by itself."""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Makes the config of a short run of a tiny model."""
    folder = tmp_path_factory.mktemp("tiny")
    usual = {"model": str(save_tiny(folder / "tiny")), "dataset": str(few_rows(folder)), "method": "ia3"}

    def make(steps=2, **values):
        training = {"steps": steps, "batch_size": 1, "eval_every": LONG, "score_rows": 0}
        return RunConfig(**(usual | values), training=training)

    return make


def wait(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def idle(workbench):
    return lambda: workbench.live().run is None and not workbench.queue.file.waiting()


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


@pytest.mark.fault("load", "A run in the queue cannot begin: its entry says why, and the next one begins.")
def test_one_after_another(workbench, config, tmp_path):
    first = workbench.start(config(LONG))
    rows = tmp_path / "rows.csv"
    rows.write_text("prompt,response\n" + "".join(f"a{n},b\n" for n in range(40)))
    broken = workbench.start(config(dataset=str(rows)))
    second, third = workbench.start(config(3), "second"), workbench.start(config(4), tags=("x",))
    rows.unlink()
    assert [row.run for row in workbench.queue.shown()] == [broken, second, third]
    workbench.queue.move(third, 0)
    workbench.stop()
    wait(idle(workbench))
    runs = {run.id: run for run in workbench.runs.summaries() if not run.recording}
    assert {run: runs[run].status for run in runs} == {first: "stopped", second: "finished", third: "finished"}
    assert runs[third].created < runs[second].created
    assert (runs[second].name, runs[third].tags) == ("second", ["x"])
    (left,) = workbench.queue.shown()
    assert (left.run, left.state, left.removable) == (broken, "failed", True)
    assert str(rows) in left.message
    workbench.queue.remove(broken)
    assert workbench.queue.shown() == []


def test_what_cannot_work_does_not_wait(workbench, config):
    """The sentences of a start come when it is pressed, not when its turn comes."""
    workbench.start(config(LONG))
    for bad in (config(model="./nowhere"), config(dataset="nothing"), config(method_settings={"layers": 9})):
        with pytest.raises(WorkbenchError):
            workbench.start(bad)
    with pytest.raises(SettingError, match="trust"):
        workbench.start(RunConfig(training={"trust_remote_code": True}))
    assert workbench.queue.shown() == []


@pytest.mark.fault("killed", "The server is killed while a run of the queue trains and others wait: the next goes on.")
def test_over_a_restart(tmp_path, config):
    first = Workbench(tmp_path / "home")
    runs = [first.start(config(LONG)), first.start(config(6)), first.start(config(3))]
    assert [row.state for row in first.queue.shown()] == ["waiting", "waiting"]
    first.stop()
    wait(lambda: first.live().run == runs[1])
    first.close()  # what is kept of the queue is the same as after a kill
    kept = RunQueue(tmp_path / "home" / "runs").entries()
    assert [(entry.run, entry.state) for entry in kept] == [(runs[1], "begun"), (runs[2], "waiting")]
    second = Workbench(tmp_path / "home")
    wait(idle(second))
    assert {run.id: run.status for run in second.runs.summaries() if not run.recording} == {
        runs[0]: "stopped", runs[1]: "finished", runs[2]: "finished"
    }  # fmt: skip
    second.close()


def test_until_a_step_and_on(workbench, config):
    """An entry may end before its run does; resumed by another entry, the run goes on."""
    queue = workbench.queue
    plain = config(8).checked().to_dict()
    queue.enter([QueueEntry(run="rung", config=plain, until=3)])
    wait(idle(workbench))
    folder = workbench.runs.folder("rung")
    assert (folder.facts().status, folder.facts().step) == ("stopped", 3)
    queue.enter([QueueEntry(run="rung", config=plain)])
    wait(idle(workbench))
    assert (folder.facts().status, folder.facts().step) == ("finished", 8)


def test_resumed_while_another_trains(workbench, config):
    """A stopped run waits, too; what trains cannot be taken out of the queue."""
    run = workbench.start(config(LONG))
    wait(lambda: workbench.live().step > 0)
    workbench.stop()
    active = workbench.start(config(LONG - 1))
    workbench.resume(run)
    workbench.resume(run)
    (row,) = workbench.queue.shown()
    assert (row.run, row.state) == (run, "waiting")
    workbench.stop()
    wait(lambda: workbench.live().run == run)
    with pytest.raises(RunError, match="stop it instead"):
        workbench.queue.remove(run)
    workbench.stop()
    assert workbench.queue.shown() == []
    assert workbench.runs.folder(active).facts().status == "stopped"


class Shared:
    """A queue of several people, of whom one asks; nothing trains."""

    def __init__(self, root, limits=UNLIMITED):
        self.visitor = Visitor()
        live = LiveStatus(status="running", run="x")
        ended = threading.Event()
        ended.set()
        rights = Rights(lambda: self.visitor)
        self.queue = Queueing(
            RunQueue(root / "runs"), lambda: live, rights, limits, lambda _: None, threading.Lock(), ended
        )

    def asks(self, name, role="member"):
        self.visitor = Visitor(name, role)
        return self.queue

    def add(self, run, owner):
        self.queue.enter([QueueEntry(run=run, config={"method": "lora"}, owner=owner)])


@pytest.mark.fault("hand", "A member takes out, or goes before, somebody else's waiting run: refused in a sentence.")
def test_rights(tmp_path):
    shared = Shared(tmp_path)
    for run, owner in (("a", "ben"), ("b", "dana"), ("c", "ben"), ("d", "ben")):
        shared.add(run, owner)
    ben = shared.asks("ben")
    assert [(row.removable, row.up, row.down) for row in ben.shown()] == [
        (True, False, True), (False, False, False), (True, False, True), (True, True, False)
    ]  # fmt: skip
    for forbidden in (lambda: ben.move("c", 0), lambda: ben.move("d", 1), lambda: ben.move("d", -5)):
        with pytest.raises(RunError, match="before somebody else"):
            forbidden()
    with pytest.raises(RunError, match="belongs to dana"):
        ben.remove("b")
    ben.move("a", 9)
    ben.move("d", 1)
    assert [row.run for row in ben.shown()] == ["b", "d", "c", "a"]
    watcher = shared.asks("cleo", "watcher")
    assert [(row.removable, row.up, row.down) for row in watcher.shown()] == [(False, False, False)] * 4
    with pytest.raises(SettingError, match="only watches"):
        watcher.remove("b")
    driver = shared.asks("anna", "driver")
    driver.move("a", 0)
    driver.remove("b")
    assert [row.run for row in driver.shown()] == ["a", "d", "c"]


@pytest.mark.fault("hand", "On a Space, a guest looks for others' waiting runs: they see their own, at its true place.")
def test_guests_see_their_own(tmp_path):
    shared = Shared(tmp_path)
    shared.add("a", "guest-1")
    shared.add("b", "guest-2")
    (row,) = shared.asks("guest-2", "guest").shown()
    assert (row.run, row.place, row.up) == ("b", 1, False)
    with pytest.raises(RunError, match="no run 'a'"):
        shared.queue.remove("a")


@pytest.mark.fault("load", "On a Space, a guest lets more runs wait than each may, or all do: refused with the limit.")
def test_limits(tmp_path):
    shared = Shared(tmp_path / "one", SPACE)
    for run in ("a", "b"):
        shared.add(run, "guest-1")
    with pytest.raises(RunError, match="At most 2 runs"):
        shared.add("c", "guest-1")
    shared.add("c", "guest-2")
    shared = Shared(tmp_path / "all", Limits(all_waiting=1))
    shared.add("a", "guest-1")
    with pytest.raises(RunError, match="1 runs of all visitors"):
        shared.add("b", "guest-2")

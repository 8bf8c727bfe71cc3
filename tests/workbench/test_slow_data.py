"""Data that take long to read keep nobody waiting but the one who asks: neither a chat nor a training step."""

import shutil
import threading
from contextlib import nullcontext

import pytest

from engine.config.resuming import Resuming
from engine.core.errors import WorkbenchError
from engine.data import load_source
from engine.inference.messages import ChatSide
from engine.runs.folder import RunFolder
from engine.service.answer import WITHOUT_DATA
from engine.service.curves import KEPT, Curves
from engine.service.queries import QUERIES
from engine.service.rows import RECORDINGS
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench
from tests.workbench.test_workbench import chat, config, wait

ROWS = "question,answer\n" + "".join(f"Where is {n}?,Behind {n}.\n" for n in range(40))
SLOW = {"template": "own", "own_template": "Say: {{ question }}", "prompt": "question", "response": "answer"}


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


class Slow:
    """The templates of users take until they are let go; each is noted with the thread that waits for it."""

    def __init__(self, monkeypatch):
        self.goes, self.threads, self._filled = threading.Event(), [], load_source.filled
        load_source._open.cache_clear()
        monkeypatch.setattr(load_source, "filled", self)

    def __call__(self, *args):
        self.threads.append(threading.current_thread().name)
        assert self.goes.wait(60)
        return self._filled(*args)

    def again(self):
        """As if the data were read for the first time."""
        load_source._open.cache_clear()
        self.goes.clear()
        self.threads.clear()


def rows_at(path):
    path.write_text(ROWS)
    return {"dataset": str(path), "data": SLOW, "method": "lora"}


def in_thread(act):
    """Somebody asks for something that takes long."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def others_go_on(workbench, slow):
    """A query and a chat are answered, and a run can be started, while somebody's data are read."""
    wait(lambda: slow.threads)
    assert workbench.ask("probe", "lora", sentence="Ivan Marsh lives").report
    assert chat(workbench, ChatSide(), ChatSide(run="lora"))[-1].done
    assert not workbench._starting.lock.locked()


@pytest.mark.fault("load", "A slow template at a run's start: chats and others' starts do not wait for it.")
def test_a_slow_template_at_a_start(workbench, tmp_path, monkeypatch):
    workbench.ask("probe", "lora", sentence="Ivan")  # the worker is there
    slow, begun = Slow(monkeypatch), []
    starting = in_thread(lambda: begun.append(workbench.start(config(steps=400, **rows_at(tmp_path / "rows.csv")))))
    others_go_on(workbench, slow)
    assert [each["dataset"] for each in workbench._starting.configs()] == [str(tmp_path / "rows.csv")]
    slow.goes.set()
    starting.join(60)
    wait(lambda: workbench.live().step >= 1)
    (run,) = begun
    assert "gatelight-worker" not in slow.threads
    workbench.stop()

    slow.again()
    starting = in_thread(lambda: workbench.resume(run))
    others_go_on(workbench, slow)
    slow.goes.set()
    starting.join(60)
    wait(lambda: workbench.live().step >= 1)
    assert "gatelight-worker" not in slow.threads

    slow.again()
    asking = in_thread(lambda: workbench.ask("strength", run))
    step = workbench.live().step
    others_go_on(workbench, slow)
    wait(lambda: workbench.live().step > step)
    slow.goes.set()
    asking.join(60)
    assert not asking.is_alive()
    assert "gatelight-worker" not in slow.threads


@pytest.mark.fault("load", "A slow template of a run in the queue: chats and others' starts do not wait for it.")
def test_a_slow_template_in_the_queue(workbench, tmp_path, monkeypatch):
    first = workbench.start(config(steps=400))
    slow = Slow(monkeypatch)
    slow.goes.set()
    waits = workbench.start(config(steps=3, **rows_at(tmp_path / "rows.csv")))
    assert workbench.queue.waits(waits)
    slow.again()
    workbench.stop()
    others_go_on(workbench, slow)
    slow.goes.set()
    wait(lambda: workbench.live().run is None and not workbench.queue.shown())
    assert workbench.runs.folder(waits).facts().status == "finished"
    assert workbench.runs.folder(first).facts().status == "stopped"
    assert "gatelight-worker" not in slow.threads


@pytest.mark.fault("load", "The data of a run in the queue have gone bad when it begins: its entry says why.")
def test_data_that_fail_in_the_queue(workbench, tmp_path):
    workbench.start(config(steps=400))
    rows = rows_at(tmp_path / "rows.csv")
    waits = workbench.start(config(steps=3, **rows))
    (tmp_path / "rows.csv").write_text("question,answer\n")
    workbench.stop()
    wait(lambda: any(row.state == "failed" for row in workbench.queue.shown()))
    (row,) = workbench.queue.shown()
    assert (row.run, row.problem["key"]) == (waits, "empty_file")
    assert workbench.live().run is None


def test_a_finished_run_is_refused_unread(workbench, tmp_path):
    """What a finished run learned from may be gone: that it is finished is said all the same."""
    run = workbench.start(config(steps=2, **rows_at(tmp_path / "rows.csv")))
    wait(lambda: workbench.live().run is None)
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(WorkbenchError, match="finished"):
        workbench.resume(run)
    with pytest.raises(WorkbenchError, match=r"rows\.csv"):
        workbench.resume(run, resuming=Resuming(training={"steps": 4}))
    assert workbench.live().run is None


@pytest.mark.fault("load", "Uploads, pictures, exports and curves of one visitor, many at once: each waits for a turn.")
def test_what_takes_long_has_turns(tmp_path, monkeypatch):
    """The visitor's only turn is taken: each waits until it is given back, and the curves that were read do not."""
    workbench = Workbench(tmp_path / "home", who=lambda: Visitor("ben", "driver"))
    (tmp_path / "rows.csv").write_text(ROWS)
    shutil.copytree(RECORDINGS / "lora", workbench.runs.root / "mine")
    RunFolder(workbench.runs.root / "mine").update(pictures=True)
    monkeypatch.setattr("engine.service.deferred.refused_exports", lambda *_: {})
    asked = {
        "upload": lambda: workbench.keep_upload(tmp_path / "rows.csv"),
        "pictures": lambda: workbench.runs.pictures("mine"),
        "exports": lambda: workbench.refused_exports("mine"),
        "curves": lambda: workbench.runs.loss_curves("mine"),
    }
    done = []
    with workbench._turns.turn("ben"):
        threads = [in_thread(lambda name=name, ask=ask: (ask(), done.append(name))) for name, ask in asked.items()]
        wait(lambda: len(workbench._turns._waiting["ben"]) == len(asked))
        assert done == []
    for thread in threads:
        thread.join(60)
    assert sorted(done) == sorted(asked)
    with workbench._turns.turn("ben"):
        assert len(workbench.runs.loss_curves("mine").training) == 300
    workbench.close()


def test_curves_are_read_again_when_the_log_has_grown(tmp_path):
    log, turns = tmp_path / "events.jsonl", []
    curves = Curves(lambda: nullcontext(turns.append(1)))
    assert curves.of(log).training == []
    log.write_text('{"kind": "loss", "step": 1, "loss": 2.0}\n')
    assert curves.of(log).training == curves.of(log).training == [(1, 2.0)]
    assert len(turns) == 1
    with log.open("a") as file:
        file.write('{"kind": "loss", "step": 2, "loss": 1.0}\n')
    assert curves.of(log).training == [(1, 2.0), (2, 1.0)]
    for number in range(KEPT):
        (tmp_path / f"{number}.jsonl").write_text("")
        curves.of(tmp_path / f"{number}.jsonl")
    assert len(curves._kept) == KEPT
    assert log not in curves._kept


def test_queries_that_need_no_data_are_known():
    assert {name for name, row in QUERIES.items() if not {"data", "pictures"} & {*row.needs}} == WITHOUT_DATA

"""The queue file: an order of runs that survives crashes, other processes and damage."""

import json
import os
import threading

import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.runs.pace import seconds_per_step
from engine.runs.queue import MOST_FAILED, MOST_TRIES, QueueEntry, RunQueue
from engine.service.queued import listed
from engine.service.status import LiveStatus

CONFIG = {"model": "town", "dataset": "town-qa", "method": "lora", "training": {"steps": 10}}


def entry(run, **values):
    return QueueEntry(run=run, config=CONFIG, **values)


def order(queue):
    return [one.run for one in RunQueue(queue.root).entries()]


@pytest.fixture
def queue(tmp_path):
    filled = RunQueue(tmp_path / "runs")
    filled.add([entry(name) for name in "abc"])
    return filled


def test_order(queue):
    """Runs are moved among those that wait, and taken out; the last place holds whatever number is asked for."""
    queue.move("c", 0)
    assert order(queue) == ["c", "a", "b"]
    queue.move("c", 99)
    queue.remove("a", "nothing")
    assert order(queue) == ["b", "c"]
    queue.add([entry("d"), entry("e")], first=True)
    assert order(queue) == ["d", "e", "b", "c"]
    queue.add([entry("d", name="again")])
    assert order(queue) == ["e", "b", "c", "d"]
    assert queue.find("d").name == "again"
    with pytest.raises(RunError, match="not in the queue"):
        queue.move("x", 0)


def test_a_run_that_trains_stays_in_front(queue):
    """It cannot be moved, and nothing goes before it."""
    begun = queue.begin_next()
    assert (begun.run, begun.state) == ("a", "begun")
    with pytest.raises(RunError, match="begun"):
        queue.move("a", 2)
    queue.move("c", 0)
    queue.add([entry("d")], first=True)
    assert order(queue) == ["a", "d", "c", "b"]


@pytest.mark.fault("killed", "The process that trains the queue is killed: the run that it trained is the next one.")
def test_what_was_cut_off_comes_first(queue):
    queue.begin_next()
    queue.move("c", 0)
    assert RunQueue(queue.root).begin_next().run == "a"


@pytest.mark.fault("killed", "A run of the queue takes its process down at every try: it is given up, others go on.")
def test_a_run_that_kills_is_given_up(queue):
    for _ in range(MOST_TRIES):
        assert queue.begin_next().run == "a"
    assert queue.begin_next().run == "b"
    failed = queue.find("a")
    assert (failed.state, failed.problem["key"]) == ("failed", "queue_gave_up")


def test_a_run_that_gets_further_between_two_kills_is_not_given_up(queue):
    """Only tries without a step count."""
    facts = RunFacts(steps=10)
    folder = RunFolder.create(queue.root / "a", RunConfig.from_dict(CONFIG), facts)
    for step in range(1, MOST_TRIES + 3):
        assert queue.begin_next().run == "a"
        folder.update(step=step)


@pytest.mark.fault("damaged", "queue.json holds anything but a queue: whole entries stay, the file is kept aside.")
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{", []),
        ("[]", []),
        ('{"entries": {"run": "a"}}', []),
        (json.dumps({"entries": [{"run": "../a", "config": {}}, {"run": 3}, {"run": "b", "config": {}}]}), ["b"]),
        (json.dumps({"entries": [{"run": "b", "config": {}}, {"run": "b", "config": {}}, None]}), ["b"]),
    ],
)
def test_a_damaged_file(tmp_path, text, left):
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "queue.json").write_text(text)
    queue = RunQueue(tmp_path / "runs")
    assert order(queue) == left
    queue.add([entry("z")])
    assert order(queue) == [*left, "z"]
    assert (tmp_path / "queue" / "queue.json.damaged").read_text() == text


@pytest.mark.fault("load", "Many threads and processes change the queue at once: every change is in it.")
def test_changes_at_once(tmp_path):
    queues = [RunQueue(tmp_path / "runs") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda queue, n: [queue.add([entry(f"{n}-{i}")]) for i in range(5)], args=(queue, n))
        for n, queue in enumerate(queues)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(order(queues[0])) == {f"{n}-{i}" for n in range(4) for i in range(5)}


@pytest.mark.fault("load", "A page and `python -m engine queue run` would train the same queue: one of them does.")
def test_one_process_trains(queue):
    other = RunQueue(queue.root)
    assert queue.take()
    assert queue.take()
    assert not other.take()
    queue.release()
    assert other.take()
    other.release()


def test_failures_are_kept_but_not_for_ever(queue):
    """One that could not begin stays readable; the oldest of very many go."""
    queue.add([entry(f"f{n}").failed(ValueError("x")) for n in range(MOST_FAILED + 3)])
    failed = [one.run for one in queue.entries() if not one.ready]
    assert failed == [f"f{n}" for n in range(3, MOST_FAILED + 3)]
    assert [one.run for one in queue.waiting()] == ["a", "b", "c"]
    assert queue.entries()[-1].message == "ValueError: x"


def test_when_each_begins(queue):
    """After what trains now and all before it; unknown where one of these is."""
    live = LiveStatus(status="running", run="x", eta_s=5.0, steps_per_s=2.0)
    queue.put(entry("b", seconds=60.0))
    assert [row.begins_s for row in listed(queue.entries(), live)] == [5.0, 10.0, 70.0]
    assert [row.begins_s for row in listed(queue.entries())] == [0.0, None, None]
    paused = LiveStatus(status="paused", run="x")
    assert [row.begins_s for row in listed(queue.entries(), paused)] == [None] * 3


def test_pace_of_former_runs(tmp_path):
    """The fastest of the latest that ended in one go; runs of the same data count before others."""
    config = RunConfig.from_dict(CONFIG)

    def run(name, seconds, **facts):
        made = RunFolder.create(tmp_path / name, config, RunFacts(created=1000.0, status="finished", step=10, **facts))
        made.events_path.touch()
        os.utime(made.events_path, (1000 + seconds, 1000 + seconds))
        return made

    folders = [run("a", 30), run("b", 20), run("c", 1, epoch=1), run("d", 400)]
    assert seconds_per_step(folders, config) == 2.0
    other = RunConfig.from_dict(CONFIG | {"dataset": "town-facts"})
    assert seconds_per_step(folders, other) == 2.0
    assert seconds_per_step(folders, RunConfig.from_dict(CONFIG | {"method": "ia3"})) is None

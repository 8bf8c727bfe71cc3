"""The event log: torn lines, pages, thinning, and going back to a step."""

import json
import os
import resource

import pytest

from engine.runs.log import PAGE_BYTES, LogWriter, all_events, cut_back, read_events
from engine.telemetry.events import LossEvent, StatusEvent


def loss(step, value=1.0):
    return LossEvent(step=step, loss=value, lr=0.1, grad_norm=1.0, tokens_per_s=1.0, wall_s=1.0)


def written(path, steps):
    """A log with a loss for every step."""
    writer = LogWriter(path)
    for step in steps:
        writer.publish(loss(step))
    writer.close()
    return path


def test_torn_last_line_waits(tmp_path):
    """A reader never sees half an event; when the rest arrives it is read once."""
    path = written(tmp_path / "events.jsonl", [1, 2])
    line = json.dumps({"kind": "status", "step": 3, "status": "running", "message": ""})
    with path.open("a") as file:
        file.write(line[:20])
    events, cursor = read_events(path, 0)
    assert [event["step"] for event in events] == [1, 2]
    assert read_events(path, cursor) == ([], cursor)
    with path.open("a") as file:
        file.write(line[20:] + "\n")
    events, after = read_events(path, cursor)
    assert [event["step"] for event in events] == [3]
    assert after == path.stat().st_size


def test_writer_drops_a_torn_line(tmp_path):
    """After a crash, the next event does not stick to the torn line."""
    path = written(tmp_path / "events.jsonl", [1])
    with path.open("ab") as file:
        file.write(b'{"kind": "loss", "st')
    written(path, [2])
    assert [event["step"] for event in all_events(path)] == [1, 2]
    path.write_bytes(b'{"only": "torn')
    written(path, [3])
    assert [event["step"] for event in all_events(path)] == [3]


def test_cut_back_keeps_what_was_said_before(tmp_path):
    """Everything up to the step stays, in order; what came later, and a torn line, goes."""
    path = written(tmp_path / "events.jsonl", range(6))
    with path.open("a") as file:
        file.write("not json\n[1]\n" + '{"no step": 1}\n' + '{"kind": "loss", "step"')
    cut_back(path, 3)
    assert [event["step"] for event in all_events(path)] == [0, 1, 2, 3]
    assert path.read_bytes().count(b"\n") == 4
    cut_back(path, -1)
    assert path.read_bytes() == b""
    cut_back(tmp_path / "absent", 3)
    assert not (tmp_path / "absent").exists()


@pytest.mark.fault("load", "A log of many pages, one line longer than a page: each event is read once.")
def test_long_logs_are_read_in_pages(tmp_path):
    """One reading is bounded; cursors lead through all of it, nothing twice; behind the end there is nothing."""
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    for step in range(600):
        writer.publish(StatusEvent(step=step, status="running", message="x" * 1000))
    writer.publish(StatusEvent(step=600, status="running", message="y" * 2 * PAGE_BYTES))  # longer than a page
    writer.publish(StatusEvent(step=601, status="finished"))
    writer.close()
    steps, cursor, pages = [], 0, 0
    while True:
        events, after = read_events(path, cursor)
        if after == cursor:
            break
        steps, cursor, pages = steps + [event["step"] for event in events], after, pages + 1
        assert len(events) < 300
    assert steps == list(range(602))
    assert pages >= 4
    assert read_events(path, cursor + 999) == ([], cursor + 999)
    assert read_events(tmp_path / "absent", 0) == ([], 0)


def test_losses_of_long_runs_are_thinned(tmp_path):
    """Beyond 1,024 steps only curve steps come, by the step alone; other news always."""
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    for step in range(5000):
        writer.publish(loss(step))
    writer.publish(StatusEvent(step=4999, status="finished"))
    writer.close()
    events = list(all_events(path))
    assert len([event for event in events if event["kind"] == "loss"]) == 1024 + 512 + 512 + 113
    assert events[-1]["kind"] == "status"


@pytest.fixture
def disk():
    """Sets how large a file may grow, as a disk that fills up; at the end it is as it was."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda room: resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if room is None else room, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.fault("killed", "The disk is full for some steps: no event is lost, none stands half, the order is kept.")
def test_a_full_disk_delays_events(tmp_path, disk):
    """What could not be written comes as soon as there is room, before what is new."""
    path = tmp_path / "events.jsonl"
    writer = LogWriter(path)
    for step in range(60):
        if step == 20:
            disk(path.stat().st_size + 30)  # a part of the next line fits
        if step == 40:
            assert path.read_bytes().endswith(b"\n")
            disk(None)
        writer.publish(loss(step))
    writer.close()
    assert [event["step"] for event in all_events(path)] == list(range(60))
    assert len(path.read_bytes().splitlines()) == 60


@pytest.mark.fault("killed", "The disk is full until after the last step: closing the log waits, but not for ever.")
def test_closing_a_log_on_a_full_disk_ends(tmp_path, disk, monkeypatch):
    """Every line that is there is whole."""
    monkeypatch.setattr("engine.runs.log.CLOSE_PATIENCE_S", 0.1)
    path = written(tmp_path / "events.jsonl", [1])
    writer = LogWriter(path)
    disk(path.stat().st_size + 30)
    writer.publish(loss(2))
    writer.close()
    writer.publish(loss(3))
    disk(None)
    assert [event["step"] for event in all_events(path)] == [1]
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.fault(
    "damaged", "A pipe or a folder stands where the event log should be: reading gives nothing, at once."
)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.timeout(20)
def test_no_log_but_a_pipe_or_a_folder(tmp_path, make, caplog):
    """Readers, the writer and the resumed run go on."""
    path = tmp_path / "events.jsonl"
    make(path)
    with caplog.at_level("WARNING"):
        assert read_events(path, 0) == read_events(path, 0) == ([], 0)
    assert [str(path) in said for said in caplog.messages] == [True], "why is said, once"
    cut_back(path, 3)
    writer = LogWriter(path)
    writer.publish(loss(1))
    writer._waiting.clear()
    writer.close()


def test_any_cursor_is_answered(tmp_path):
    """A negative one is the start, one beyond all files the end; a line without end is passed over in parts."""
    path = written(tmp_path / "events.jsonl", [1, 2])
    assert [event["step"] for event in read_events(path, -5)[0]] == [1, 2]
    assert read_events(path, 2**80) == ([], 2**80)

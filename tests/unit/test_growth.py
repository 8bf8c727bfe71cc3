"""What grows no faster than the work: of twice the steps, runs or rows, at most twice the function calls.

Calls are counted, not seconds, so that a busy machine changes nothing. `docs/performance.md` has the seconds.
"""

import sys

import pytest

from benchmarks.many_runs import make_runs
from engine.cli.parser import build_parser
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.runs.log import LogWriter, read_events
from engine.service.runs import RunStore
from engine.service.status import LiveStatus
from engine.telemetry.events import LossEvent

DOUBLED = 2.1
"""Twice as much, and what is counted once."""


def calls(work):
    """Function calls that some work makes in this thread, of Python's and of built-in ones."""
    count = 0

    def counted(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def grown(work, small):
    """How many times the calls are those of half the work; both were done once before, so that nothing is new."""
    counts = []
    for size in (small, 2 * small):
        work(size)
        counts.append(calls(lambda size=size: work(size)))
    assert counts[0] > 100
    return counts[1] / counts[0]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Logs of runs by their number of steps."""
    paths = {}
    for steps in (6000, 12000):
        paths[steps] = tmp_path_factory.mktemp("logs") / "events.jsonl"
        writer = LogWriter(paths[steps])
        for step in range(1, steps + 1):
            writer.publish(LossEvent(step=step, loss=1 / step, lr=0.0, grad_norm=1.0, tokens_per_s=1.0, wall_s=0.1))
        writer.close()
    return paths


def read_whole(path):
    """Ask for a log until there is no more; returns the events and how often was asked."""
    cursor, events, asked = 0, [], 0
    while True:
        more, after = read_events(path, cursor)
        if after == cursor:
            return events, asked
        events, cursor, asked = events + more, after, asked + 1


def test_a_run_of_many_steps(logs):
    """Reading a run; what it hands over grows with the logarithm of its steps, and few answers hold all of it."""
    assert grown(lambda steps: read_whole(logs[steps]), 6000) < DOUBLED
    (half, _), (whole, asked) = read_whole(logs[6000]), read_whole(logs[12000])
    assert len(whole) - len(half) <= 512
    assert asked <= 3


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Folders of so many runs each."""
    folders = {}
    for number in (20, 40):
        folders[number] = tmp_path_factory.mktemp("home")
        make_runs(folders[number] / "runs", number)
    return folders


def test_a_list_of_many_runs(homes, monkeypatch, capsys):
    """The list as the page and the terminal make it, read anew and again."""
    assert grown(lambda runs: RunStore(homes[runs] / "runs", LiveStatus).news(""), 20) < DOUBLED
    stores = {runs: RunStore(homes[runs] / "runs", LiveStatus) for runs in homes}
    versions = {runs: stores[runs].news("").version for runs in homes}
    assert grown(lambda runs: stores[runs].news(versions[runs]), 20) < DOUBLED

    def in_the_terminal(runs):
        monkeypatch.setenv("GATELIGHT_HOME", str(homes[runs]))
        asked = build_parser().parse_args(["runs"])
        asked.run(asked)

    assert grown(in_the_terminal, 20) < DOUBLED
    assert capsys.readouterr().out.count("Run 39") == 2


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_of_many_rows(tmp_path, form):
    """Reading and splitting a file; of rows beyond the limit only a sample is kept."""
    paths = {rows: tmp_path / f"{rows}.{form}" for rows in (2000, 4000)}
    for rows, path in paths.items():
        lines = {
            "csv": ["prompt,response", *(f"question {row},answer {row}" for row in range(rows))],
            "jsonl": [f'{{"prompt": "question {row}", "response": "answer {row}"}}' for row in range(rows)],
        }
        path.write_text("\n".join(lines[form]) + "\n")
    asked = DataSettings(row_limit=1000)
    kept = [len(load_dataset(str(path), asked).rows("train")) for path in paths.values()]
    assert kept[0] == kept[1] > 500

    def read(rows):
        paths[rows].touch()  # a file that is as it was is not read again
        load_dataset(str(paths[rows]), asked).rows("train")

    assert grown(read, 2000) < DOUBLED

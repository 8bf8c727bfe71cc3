"""Run folders with anything in them: damaged ones are listed as such, the others stay usable, nothing hangs."""

import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.comparing import differences, lines
from app.tabs.controls import resumable
from app.tabs.run_actions import startable
from app.words import Say
from engine.__main__ import build_parser
from engine.config.run import RunConfig
from engine.core.errors import RunError, WorkbenchError
from engine.runs.facts import RunFacts
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.runs.scan import new_run_path, run_folders
from engine.service import runs as run_store
from engine.service.adapters import list_adapters
from engine.service.runs import RunStore
from engine.service.workbench import Workbench

DEEP = "[" * 100_000 + "]" * 100_000
NESTED = '{"config": ' + '{"a":' * 500 + "1" + "}" * 501
TEXTS = ["[]", "null", "7", '"run"', DEEP, NESTED, "", "{", '{"config": null}', "\ufeff{}", "1" * 5000]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = sorted(RunFacts().to_json())
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def root(tmp_path):
    """The folder of runs, with one good run of today."""
    root = tmp_path / "home" / "runs"
    RunFolder.create(root / "good", RunConfig(), RunFacts(name="Good", steps=300, step=30, status="stopped"))
    return root


@pytest.fixture
def store(root):
    return RunStore(root, lambda: _NOTHING_LIVE)


class _NothingLive:
    run = None
    status = "idle"
    step = 0


_NOTHING_LIVE = _NothingLive()


def own(store):
    """Status of each run that is no recording."""
    return {run.id: run.status for run in store.summaries() if not run.recording}


def damage(root, kind):
    """A run whose run.json is `kind`: a text, or what stands in its place."""
    folder = root / "bad"
    folder.mkdir()
    (folder / "run.yaml").write_text("model: town\n")
    if kind == "pipe":
        os.mkfifo(folder / "run.json")
    elif kind == "folder":
        (folder / "run.json").mkdir()
    elif kind == "loop":
        (folder / "run.json").symlink_to("run.json")
    elif kind == "bytes":
        (folder / "run.json").write_bytes(b"\xff\x00\xfe")
    else:
        (folder / "run.json").write_text(kind)


@pytest.mark.fault(
    "damaged", "A run.json with [], null, deep nesting, or a pipe or folder in its place: it is listed as damaged."
)
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "bytes", *TEXTS])
@pytest.mark.timeout(30)
def test_one_bad_run_hides_no_other(root, store, capsys, kind):
    """On the page and on the command line: with the reason and what can be saved; it can be deleted."""
    damage(root, kind)
    assert own(store) == {"good": "stopped", "bad": "damaged"}
    (bad,) = [run for run in store.summaries() if run.status == "damaged"]
    assert "run.yaml" in bad.notes
    for call in (store.folder, store.config, store.loss_curves, store.snapshots, store.kept_predictions):
        with pytest.raises(RunError, match="damaged"):
            call("bad")
    args = build_parser().parse_args(["runs", "--root", str(root), "--json"])
    args.run(args)
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["status"] for row in rows] == ["stopped", "damaged"]
    assert "is damaged" in rows[1]["problem"]
    store.delete("bad")
    assert own(store) == {"good": "stopped"}


@pytest.mark.fault("damaged", "A run's run.json is gone or cannot be read, its run.yaml is whole: it is started again.")
@pytest.mark.parametrize("kind", ["", "[]"])
def test_a_damaged_run_is_started_again(root, kind):
    """From the page under its former name, and on the command line with the command that the sentence names."""
    damage(root, kind)
    if not kind:
        (root / "bad" / "run.json").unlink()
    bench = Workbench(root.parent)
    (bad,) = [run for run in bench.runs.summaries() if run.id == "bad"]
    assert (bad.status, startable(bad)) == ("damaged", True)
    assert "python -m engine train" in bad.notes
    assert "Resume" in Say("en")("error.run_startable", **bad.problem["values"])
    assert bench.runs.saved_config("bad") == RunConfig(model="town")
    (root / "bad" / "run.yaml").write_text("model: [")
    (bad,) = [run for run in bench.runs.summaries() if run.id == "bad"]
    assert not startable(bad)
    with pytest.raises(RunError, match="damaged"):
        bench.runs.saved_config("bad")
    bench.close()


def test_a_damaged_run_is_said_on_the_page(root):
    """In the table and beside the plot, in the page's language; nothing is plotted of it."""
    damage(root, "[]")
    bench = Workbench(root.parent)
    runs = [run for run in bench.runs.summaries() if not run.recording]
    for language, word in (("en", "is damaged"), ("zh", "已损坏")):
        say = Say(language)
        assert word in differences(bench, say, runs)
        assert len(lines(bench, say, runs)) == 1
    bench.close()


@pytest.mark.fault("damaged", "A run.json lacks one of its entries: the run opens, with a default in its place.")
@pytest.mark.parametrize("entry", sorted(RunFacts().to_json()))
def test_each_entry_may_be_missing(root, store, entry):
    """All but the config, without which nothing is known."""
    path = root / "good" / "run.json"
    values = json.loads(path.read_text())
    del values[entry]
    path.write_text(json.dumps(values))
    if entry == "config":
        assert own(store) == {"good": "damaged"}
        return
    (run,) = [run for run in store.summaries() if run.id == "good"]
    assert run.name
    assert run.steps == 300
    assert store.since("good", 0, None).name


def probe(store, root):
    """Everything that reads a run; only a WorkbenchError may come of it."""
    json.dumps([str(run) for run in store.summaries()]).encode()
    list_adapters(root)
    for call in (
        store.folder,
        store.config,
        store.loss_curves,
        store.snapshots,
        store.kept_predictions,
        lambda run: store.since(run, 0, None),
        lambda run: store.annotate(run, "seen"),
    ):
        try:
            call("good")
        except WorkbenchError:
            continue


@pytest.mark.fault("input", "Random JSON at random entries of run.json: listing and opening give a run or a sentence.")
@QUIET
@given(entry=st.sampled_from(ENTRIES), inner=st.sampled_from(["", "model", "training"]), value=ANY_JSON)
def test_random_entries(tmp_path_factory, entry, inner, value):
    """The other run is listed every time."""
    root = tmp_path_factory.mktemp("runs")
    RunFolder.create(root / "good", RunConfig(), RunFacts(name="Good", steps=300))
    RunFolder.create(root / "other", RunConfig(), RunFacts(name="Other", steps=300))
    path = root / "good" / "run.json"
    values = json.loads(path.read_text())
    if entry == "config" and inner:
        values[entry][inner] = value
    else:
        values[entry] = value
    path.write_text(json.dumps(values))
    store = RunStore(root, lambda: _NOTHING_LIVE)
    probe(store, root)
    assert set(own(store)) == {"good", "other"}
    shutil.rmtree(root)


@pytest.mark.fault(
    "input", "Random bytes in a run's files, files cut off anywhere: a run, a damaged run, or a sentence."
)
@QUIET
@given(
    name=st.sampled_from(["run.json", "events.jsonl", "predictions.json", "adapter/adapter.json"]),
    cut=st.floats(0, 1),
    noise=st.binary(max_size=60),
    line=ANY_JSON,
)
def test_random_bytes(tmp_path_factory, name, cut, noise, line):
    """A real run of the shipped ones is cut, and goes on with noise and a line of any JSON."""
    root = tmp_path_factory.mktemp("runs")
    shutil.copytree(run_store.RECORDINGS / "lora", root / "good")
    path = root / "good" / name
    path.parent.mkdir(exist_ok=True)
    data = path.read_bytes() if path.exists() else b'{"step": 1, "rows": []}'
    path.write_bytes(data[: int(cut * len(data))] + noise + b"\n" + json.dumps(line).encode() + b"\n")
    store = RunStore(root, lambda: _NOTHING_LIVE)
    probe(store, root)
    list(all_events(root / "good" / "events.jsonl"))
    assert set(own(store)) == {"good"}
    shutil.rmtree(root)


@pytest.mark.fault("paths", "Run folders with spaces or other signs in their names are listed and can be opened.")
@pytest.mark.parametrize("name", ["my first run", "说明 1", "a+b (2)", "x" * 200])
def test_every_name_that_is_listed_can_be_opened(root, store, name):
    """And renamed, and deleted."""
    RunFolder.create(root / name, RunConfig(), RunFacts(name="Named"))
    assert name in own(store)
    store.rename(name, "Other")
    assert store.since(name, 0, None).name == "Other"
    store.delete(name)
    assert name not in own(store)


@pytest.mark.fault("paths", "A run id leads upwards, holds NUL, half a character or 4,000 signs: there is no such run.")
@pytest.mark.parametrize("name", ["..", ".", "", "../runs/good", "/etc", "a\0b", "\ud800", "x" * 4000, ".good"])
def test_no_id_leads_elsewhere(store, name):
    """One sentence each."""
    for call in (store.folder, store.delete):
        with pytest.raises(RunError, match="no run"):
            call(name)


@pytest.mark.fault("load", "Two runs are started in one second: each has its own folder.")
def test_two_runs_of_one_second(tmp_path):
    """Also before either folder exists."""
    assert len({new_run_path(tmp_path, RunConfig()) for _ in range(20)}) == 20


@pytest.mark.fault("killed", "A run was killed while loading: Resume takes the newest run that has a checkpoint.")
def test_resume_passes_over_a_run_without_a_step(root):
    """Where no run has one, the newest."""
    RunFolder.create(root / "later", RunConfig(), RunFacts(name="Later", steps=300, status="loading"))
    bench = Workbench(root.parent)
    assert resumable(bench).id == "good"
    bench.runs.delete("good")
    assert resumable(bench).id == "later"
    bench.close()


@pytest.mark.fault("killed", "Killed between the last checkpoint and the word finished: the run is finished.")
def test_a_run_with_all_steps_is_finished(root):
    """One with a step less is interrupted."""
    folder = RunFolder(root / "good")
    folder.update(status="running", step=299)
    assert folder.status() == "interrupted"
    folder.update(step=300)
    assert folder.status() == "finished"


@pytest.mark.fault("load", "A thousand runs are listed again: no run.json that has not changed is read again.")
def test_a_list_reads_only_what_has_changed(root, store, monkeypatch):
    """A changed one is read anew, at once."""
    for n in range(20):
        RunFolder.create(root / f"run {n}", RunConfig(), RunFacts(name="Some", steps=300))
    for path in root.glob("*/run.json"):
        os.utime(path, (1e9, 1e9))
    assert len(own(store)) == 21
    reads = []
    monkeypatch.setattr(
        "engine.runs.folder.read_json", lambda path: (reads.append(path.parent.name), read_json(path))[1]
    )
    assert len(own(store)) == 21
    assert not reads
    RunFolder(root / "run 3").update(name="New")
    reads.clear()
    assert [folder.facts().name for folder in run_folders(root) if folder.id == "run 3"] == ["New"]
    assert set(reads) == {"run 3"}

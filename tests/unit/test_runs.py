"""A run folder after everything that can happen to it: crashes, torn lines, two owners, too many snapshots."""

import errno
import json
import multiprocessing
import shutil
import threading

import pytest
from filelock import FileLock

from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.core.errors import RunError, SettingError
from engine.core.writing import NotWrittenError
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.runs.scan import free_name, new_run_path, run_folders
from engine.service.runs import RECORDINGS


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs" / "a", RunConfig(), RunFacts(name="A run", steps=300))


def test_runs_that_nobody_names_can_be_told_apart():
    """The first is called by its method and data, further ones have a number; a deleted one's name is free again."""
    taken = ["another"]
    for wanted in ("LoRA · town-qa", "LoRA · town-qa (2)", "LoRA · town-qa (3)"):
        taken.append(free_name(RunConfig(method="lora"), taken))
        assert taken[-1] == wanted
    taken.remove("LoRA · town-qa (2)")
    assert free_name(RunConfig(method="lora"), taken) == "LoRA · town-qa (2)"


def test_recordings_have_what_a_finished_run_has():
    """Score, forgetting, time and rate stand in the table of runs for them too."""
    for recorded in run_folders(RECORDINGS):
        facts = recorded.facts()
        assert facts.score is not None, recorded.id
        assert None not in (facts.forgetting, facts.wall_s, facts.learning_rate, facts.kept_step), recorded.id


def hold(path, ready, leave):
    """What another process does: own a run until told to leave."""
    with RunFolder(path).owned():
        ready.set()
        leave.wait(60)


def test_lock_and_interrupted_status(folder):
    """A run that some process trains is busy; when that process dies without a word, it is interrupted."""
    folder.update(status="running")
    assert folder.status() == "interrupted"
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(folder.path, ready, leave))
    other.start()
    assert ready.wait(60)
    assert folder.busy()
    assert folder.status() == "running"
    with pytest.raises(RunError, match="another process"), folder.owned():
        pass
    with pytest.raises(RunError, match="another process"):
        folder.delete()
    other.kill()
    other.join()
    assert not folder.busy()
    assert folder.status() == "interrupted"
    folder.update(status="finished")
    assert folder.status() == "finished"


def test_a_run_may_begin_while_others_ask_for_it(folder):
    """Whoever asks whether a run is active holds its lock for a moment: a trainer that comes then waits that long."""
    asked, leave = threading.Event(), threading.Event()

    def ask():
        with FileLock(folder.path / "lock"):
            asked.set()
            leave.wait(60)

    other = threading.Thread(target=ask)
    other.start()
    assert asked.wait(60)
    threading.Timer(0.2, leave.set).start()
    with folder.owned():
        assert folder.busy()
    other.join()


def test_files_are_written_whole_or_not_at_all(tmp_path):
    """A value that cannot be written leaves the old file as it was."""
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"a": "é"})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "é"}


@pytest.mark.parametrize("crash", ["before", "between", "after"])
def test_checkpoint_survives_a_crash_at_any_moment(folder, monkeypatch, crash):
    """At every moment of a replacement, the first of `checkpoint_paths` is whole: the old one or the new one."""
    for name in ("first", "second"):
        fresh = folder.path / "checkpoint.new"
        fresh.mkdir()
        (fresh / "trainer.json").write_text(name)
        if name == "first":
            folder.replace_checkpoint(fresh)
            assert (folder.checkpoint_paths[0] / "trainer.json").read_text() == "first"
    renames = []
    rename = type(folder.path).rename

    def crashing(self, target):
        renames.append(self.name)
        if len(renames) == {"before": 1, "between": 2, "after": 3}[crash]:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(type(folder.path), "rename", crashing)
    monkeypatch.setattr(shutil, "rmtree", lambda *_a, **_k: None)  # nothing is tidied after a crash
    if crash == "after":
        folder.replace_checkpoint(folder.path / "checkpoint.new")
    else:
        with pytest.raises(KeyboardInterrupt):
            folder.replace_checkpoint(folder.path / "checkpoint.new")
    monkeypatch.undo()
    expected = "second" if crash == "after" else "first"
    assert (folder.checkpoint_paths[0] / "trainer.json").read_text() == expected
    third = folder.path / "checkpoint.third"
    third.mkdir()
    (third / "trainer.json").write_text("third")
    folder.replace_checkpoint(third)
    assert (folder.checkpoint_paths[0] / "trainer.json").read_text() == "third"
    assert [(path / "trainer.json").read_text() for path in folder.checkpoint_paths] == ["third", expected]


def test_snapshots_stay_within_their_budget(folder):
    """Over the budget every second one goes; the first and the newest stay, the rest stays spread out."""
    folder.trim_snapshots(1)  # none yet
    for step in range(40):
        path = folder.snapshot_path(step)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 100)
        folder.trim_snapshots(1000)
        assert len(folder.snapshots()) <= 10
        assert folder.snapshots()[0] == 0
        assert folder.snapshots()[-1] == step
    assert folder.snapshots() == sorted(folder.snapshots())
    folder.trim_snapshots(0)
    assert folder.snapshots() == [0, 39]
    folder.drop_snapshots_after(20)
    assert folder.snapshots() == [0]


def test_folder_is_made_once(folder):
    """A folder with anything in it is never taken over."""
    with pytest.raises(RunError, match="not empty"):
        RunFolder.create(folder.path, RunConfig(), RunFacts(name="again"))
    assert folder.facts().name == "A run"
    (folder.path.parent / "file").write_text("")
    with pytest.raises(NotWrittenError, match="could not be written: Not a directory"):
        RunFolder.create(folder.path.parent / "file" / "run", RunConfig(), RunFacts())


def test_damaged_runs_are_passed_over(folder):
    """A list of runs shows the ones that can be read, newest first; opening a damaged one is a sentence."""
    root = folder.path.parent
    newer = RunFolder.create(root / "b", RunConfig(), RunFacts(created=folder.facts().created + 5))
    (root / "torn").mkdir()
    (root / "torn" / "run.json").write_text("{")
    (root / "empty").mkdir()
    assert [listed.id for listed in run_folders(root)] == [newer.id, folder.id]
    for name in ("torn", "empty", "absent"):
        with pytest.raises(RunError, match="damaged" if name == "torn" else "holds no run"):
            RunFolder.open(root / name)


def test_facts_of_older_and_newer_files(folder):
    """What an older file lacks has a default; what a newer one says beside it is still there after an update."""
    config = RunConfig().to_dict()
    write_json(folder.path / "run.json", {"name": "Old", "config": config, "from_the_future": [1]})
    facts = folder.facts()
    assert (facts.name, facts.step, facts.chips, facts.stopped_early, facts.head) == ("Old", 0, None, False, None)
    assert (facts.model, facts.dataset, facts.method) == ("town", "town-qa", "llama_adapter")
    folder.update(step=3)
    plain = json.loads((folder.path / "run.json").read_text(encoding="utf-8"))
    assert (plain["step"], plain["from_the_future"], plain["config"]) == (3, [1], config)
    with pytest.raises(TypeError):
        folder.update(stepp=3)
    written = (folder.path / "run.json").stat().st_mtime_ns
    folder.update(step=3)
    assert (folder.path / "run.json").stat().st_mtime_ns == written


@pytest.mark.parametrize("text", ["[]", "{}", '{"config": {}}', '{"config": {"model": "town"}}', '"run"'])
def test_what_is_no_description_of_a_run(folder, text):
    """Valid JSON that says nothing about a run is refused like a torn file, and passed over in a list."""
    (folder.path / "run.json").write_text(text)
    with pytest.raises(RunError, match="is damaged"):
        RunFolder.open(folder.path)
    assert not run_folders(folder.path.parent)


def test_deleted_run_is_gone(folder):
    """Deleting leaves nothing, and an update does not bring it back."""
    folder.delete()
    assert not list(folder.path.parent.iterdir())
    with pytest.raises(RunError):
        folder.update(status="running")
    assert not folder.path.exists()


@pytest.mark.fault("killed", "The disk is full when a run is started: no half folder stays in the list.")
def test_what_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.runs.folder.write_json", full)
    with pytest.raises(NotWrittenError, match="disk is full"):
        RunFolder.create(tmp_path / "runs" / "a", RunConfig(), RunFacts())
    assert not (tmp_path / "runs" / "a").exists()


def test_new_names_are_not_taken(tmp_path):
    """Two runs of the same second get two folders."""
    config = RunConfig()
    first = new_run_path(tmp_path, config)
    first.mkdir()
    assert new_run_path(tmp_path, config) != first
    assert "llama_adapter-town-qa" in first.name


def test_yaml_brings_the_run_back():
    """The file that reproduces a run holds what differs from the defaults, and reads back to the same config."""
    config = RunConfig(method="lora", method_settings={"rank": "4"}, training={"steps": 300, "learning_rate": "1e-3"})
    checked = config.checked()
    assert checked.method_settings == {"rank": 4}
    assert checked.training == {"learning_rate": 1e-3}
    assert RunConfig.from_yaml(checked.to_yaml()) == checked
    assert "--set rank=4" in checked.command()
    assert "--learning-rate 0.001" in checked.command()


@pytest.mark.parametrize(
    "text",
    [
        *("a: [", "just words", "model: 3", "training: fast", "stranger: 1", "method: alchemy", "training: {steps: 0}"),
        "data: " + "[" * 2000 + "]" * 2000,
    ],
)
def test_bad_run_files_are_sentences(text):
    """Whatever is wrong with a run file, it is a SettingError."""
    with pytest.raises(SettingError):
        RunConfig.from_yaml(text)


@pytest.mark.parametrize("text", ["a: [", "data: " + "[" * 2000 + "]" * 2000])
def test_files_that_are_no_yaml_ask_for_no_trust(text):
    """Neither trust nor former names are looked for in what cannot be read; that is a SettingError, too."""
    for asked in (RunConfig.trust_asked_in, RunConfig.renamed_in):
        with pytest.raises(SettingError):
            asked(text)


def count_up(path, entry, times):
    """What a page or a trainer does: change one entry of run.json again and again."""
    for n in range(times):
        RunFolder(path).update(**{entry: n + 1 if entry == "step" else str(n + 1)})


@pytest.mark.fault("killed", "Page and trainer change one run's description in a tight loop: no change is lost.")
def test_two_writers_of_run_json_lose_nothing(folder):
    """After each change the other entry is what its writer wrote last."""
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=count_up, args=(folder.path, "name", 150))
    other.start()
    for n in range(150):
        folder.update(step=n + 1)
        assert folder.facts().step == n + 1
    other.join()
    assert other.exitcode == 0
    assert (folder.facts().step, folder.facts().name) == (150, "150")


@pytest.mark.fault(
    "killed", "Power is cut after a checkpoint: all of its files were on the disk before it took its place."
)
def test_checkpoints_reach_the_disk_before_their_name(folder, monkeypatch):
    """Files and folder of the new one first, then the rename, then the run folder."""
    done = []
    monkeypatch.setattr("engine.runs.folder.sync_tree", lambda path: done.append(path.name))
    monkeypatch.setattr("engine.runs.folder.sync", lambda path: done.append(path.name))
    rename = type(folder.path).rename
    monkeypatch.setattr(type(folder.path), "rename", lambda self, to: (done.append("rename"), rename(self, to))[1])
    fresh = folder.path / "checkpoint.new"
    fresh.mkdir()
    folder.replace_checkpoint(fresh)
    assert done == ["checkpoint.new", "rename", folder.id]


@pytest.mark.fault("killed", "Killed while a run is deleted: what is left hinders nobody and goes with the next one.")
def test_what_a_cut_off_deletion_left_goes_later(folder, monkeypatch):
    """Neither an older version's leftover nor one of today stops a deletion."""
    root = folder.path.parent
    second = RunFolder.create(root / "b", RunConfig(), RunFacts())
    (root / "a.deleted" / "sub").mkdir(parents=True)
    with monkeypatch.context() as crash:
        crash.setattr(shutil, "rmtree", lambda *_a, **_k: None)
        folder.delete()
    assert [found.id for found in run_folders(root)] == ["b"]
    second.delete()
    assert [path.name for path in root.iterdir()] == ["a.deleted"]


def test_a_run_keeps_its_steps_when_its_dataset_says_more(tmp_path):
    """complaints once said nothing of steps; a run of that time that left them out had 300 and has them still."""
    config = {"model": "town", "dataset": "complaints", "method": "lora", "training": {"seed": 3}}
    facts = RunFacts.from_json({"config": config, "steps": 300, "step": 300, "status": "finished"})
    assert RunConfig.from_dict(facts.config).of_training().steps == 300
    assert facts.config["training"] == {"seed": 3, "steps": 300}
    assert RunConfig.from_dict(config).of_training().steps == 500
    on_town = {**config, "dataset": "town-qa"}
    assert RunFacts.from_json({"config": on_town, "steps": 300}).config == on_town

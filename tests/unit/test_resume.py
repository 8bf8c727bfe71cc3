"""The same config gives the same run, however often it was stopped, killed and resumed."""

import itertools
import json
import shutil
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from engine.core.errors import RunError
from engine.methods import METHODS
from engine.runs.folder import RunFolder
from engine.training.checkpoint import CHECKSUMS, PARTS
from tests.tiny import randomise
from tests.unit.making import events_of, finish, kill_at, losses, make_dataset, train_to

METHOD_NAMES = list(METHODS)


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_same_seed_same_losses(maker, shelf, method):
    """The config decides every loss to the last digit; another seed gives another run."""
    first = losses(shelf.finished(method))
    assert len(first) == 8
    assert losses(finish(maker.start("again", method))) == first
    assert losses(train_to(maker.start("other", method, seed=1), 2)) != first[:2]


RESUMED = [
    *((name, dict(spec.examples[0]), {}) for name, spec in METHODS.items()),
    ("lora", {"rank": 2, "dropout": 0.5}, {}),
    ("lora", {"rank": 2, "dropout": 0.5}, {"micro_batches": 2}),
    ("llama_adapter", {}, {"micro_batches": 3, "weight_decay": 0.1, "schedule": "linear", "warmup_ratio": 0.3}),
]


KILLED = [row for row in RESUMED if row[0] in ("adamix", "side") or row[2] or row[1].get("dropout")]
"""A kill costs a process: those whose steps draw random numbers, warm up, or are split."""


@pytest.mark.parametrize(
    ("method", "settings", "training", "way"),
    [*((*row, "stopped") for row in RESUMED), *((*row, "killed") for row in KILLED)],
)
def test_resumed_run_is_the_uninterrupted_one(maker, shelf, method, settings, training, way):
    """Stopped after five steps, or killed there and set back to the checkpoint of step 3: the same losses, the same
    adapter to the bit, every step recorded exactly once."""
    whole = shelf.finished(method, settings, **training)
    start = partial(maker.start, "broken", method, settings, **training)
    if way == "stopped":
        broken = train_to(start(), 5)
        assert broken.folder.facts().status == "stopped"
        expected = 5
    else:
        tear_last_line(kill_at(5, start))
        expected = 3
    torch.manual_seed(99)  # what the process did meanwhile must not matter
    resumed = maker.resume("broken")
    assert resumed.position.step == expected
    assert losses(finish(resumed)) == losses(whole)
    mine, its = (load_file(trainer.folder.adapter_path / "adapter.safetensors") for trainer in (resumed, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)
    evals = [[(e["step"], e["validation_loss"]) for e in events_of(trainer, "eval")] for trainer in (resumed, whole)]
    assert evals[0] == evals[1]
    assert resumed.folder.facts().epoch == 1
    assert resumed.folder.facts().best_validation == whole.folder.facts().best_validation
    assert resumed.folder.snapshots() == whole.folder.snapshots()


def tear_last_line(folder):
    """What a kill in the middle of a write leaves."""
    with folder.events_path.open("ab") as file:
        file.write(b'{"kind": "loss", "step": 6, "lo')


def test_killed_before_the_first_checkpoint_after_zero(maker, shelf):
    """Killed at step 2 with checkpoints every 3: the run goes back to step 0, and step 0 is recorded once."""
    whole = shelf.finished()
    tear_last_line(kill_at(2, partial(maker.start, "broken")))
    resumed = maker.resume("broken")
    assert resumed.position.step == 0
    assert losses(finish(resumed)) == losses(whole)
    for kind in ("eval", "gates", "sample", "snapshot", "moved"):
        mine, its = ([event["step"] for event in events_of(trainer, kind)] for trainer in (resumed, whole))
        assert mine == its, kind


def test_what_happens_between_steps_does_not_matter(maker, shelf):
    """Chat between steps draws random numbers and turns a twin's dials: the losses stay."""
    settings = {"rank": 2, "dropout": 0.5}
    quiet = losses(shelf.finished("lora", settings))
    trainer = maker.start("noisy", "lora", settings)
    for _ in trainer.run():
        torch.rand(1000)
        trainer.method.sharing_copy().control.strength = 0.0
    assert losses(trainer) == quiet


def test_dropout_differs_in_every_step(maker):
    """On equal rows and with next to no learning, only dropout makes losses differ; it does, in every step."""
    make_dataset(maker.folder / "data", rows=[("cat", "dog")] * 12)
    settings = {"rank": 2, "dropout": 0.5}
    trainer = maker.start("a", "lora", settings, learning_rate=1e-8)
    randomise(trainer.method)
    assert len(set(losses(finish(trainer)))) == 8
    still = maker.start("b", "lora", {"rank": 2}, learning_rate=1e-8)
    randomise(still.method)
    assert len(set(losses(finish(still)))) == 1


def test_finished_run_does_not_go_on(maker):
    """There is nothing to resume after the last step."""
    trainer = finish(maker.start("a"))
    with pytest.raises(RunError, match="finished"):
        maker.resume("a")
    assert RunFolder.open(trainer.folder.path).facts().step == 8


@pytest.mark.fault("killed", "A run is killed before its first checkpoint: resume begins at step 0.")
def test_resume_without_a_checkpoint_begins_anew(maker, shelf):
    whole = shelf.finished()
    maker.start("broken")
    resumed = maker.resume("broken")
    assert resumed.position.step == 0
    assert losses(finish(resumed)) == losses(whole)
    assert resumed.folder.facts().status == "finished"


@pytest.mark.fault("killed", "A run is killed after its last checkpoint, before it says finished: resume finishes it.")
def test_resume_after_the_last_step_finishes(maker):
    trainer = finish(maker.start("a"))
    kept = load_file(trainer.folder.adapter_path / "adapter.safetensors")
    trainer.folder.update(status="running", memory=None)
    resumed = finish(maker.resume("a"))
    assert (resumed.folder.facts().status, resumed.position.step) == ("finished", 8)
    assert losses(resumed) == losses(trainer)
    again = load_file(resumed.folder.adapter_path / "adapter.safetensors")
    assert all(torch.equal(again[name], tensor) for name, tensor in kept.items())


def flipped(path):
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "flipped bit": flipped,
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "other type": lambda path: path.write_text("[1, 2]"),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
HARMLESS = {(CHECKSUMS, "gone")}
"""Older versions wrote none."""


@pytest.mark.fault(
    "damaged", "The newest checkpoint is damaged in any file and way: resume says so and takes the one before."
)
@pytest.mark.parametrize(
    ("part", "damage"), [case for case in itertools.product([*PARTS, CHECKSUMS], DAMAGES) if case not in HARMLESS]
)
def test_damaged_checkpoint_is_passed_over(maker, shelf, part, damage):
    """From the checkpoint of step 3 the run goes on as if never stopped, beyond where it was, and to the same end; the
    damaged one is never put before it."""
    broken = shelf.stopped(maker.folder)
    DAMAGES[damage](broken.path / "checkpoint" / part)
    resumed = maker.resume("broken")
    assert resumed.position.step == 3
    assert (broken.path / "checkpoint.damaged").exists()
    whole = losses(shelf.finished())
    if damage == "flipped bit":
        assert losses(finish(resumed)) == whole
    else:
        assert losses(train_to(resumed, 6)) == whole[:6]
    said = [event["message"] for event in events_of(resumed, "status") if event["message"]]
    assert [message for message in said if "goes on from step 3" in message]


@pytest.mark.fault(
    "damaged", "A checkpoint without checksums says a step that nobody trained: it is refused, not finished."
)
@pytest.mark.parametrize("step", [1_000_000_000, -1, "5", None, 2.5])
def test_steps_that_were_never_made_are_refused(maker, shelf, step):
    stopped = shelf.stopped(maker.folder, "a")
    shutil.rmtree(stopped.path / "checkpoint.old")
    (stopped.path / "checkpoint" / CHECKSUMS).unlink()
    path = stopped.path / "checkpoint" / "trainer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"step": step}))
    with pytest.raises(RunError, match=r"run\.yaml") as refused:
        maker.resume("a")
    assert refused.value.key == "checkpoint_damaged"
    assert path.exists()


@pytest.mark.fault("memory", "Memory runs out while a good checkpoint is read: it is not taken for damaged.")
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("out of memory"), MemoryError(), PermissionError()])
def test_what_is_no_damage_is_raised(maker, shelf, monkeypatch, error):
    shelf.stopped(maker.folder, "a")

    def fails(_):
        raise error

    monkeypatch.setattr("engine.training.checkpoint.load_file", fails)
    with pytest.raises(type(error)):
        maker.resume("a")
    monkeypatch.undo()
    assert maker.resume("a").position.step == 5


@pytest.mark.fault("damaged", "The only checkpoint has lost its description: the run is not silently begun anew.")
def test_a_broken_only_checkpoint_loses_nothing(maker, shelf):
    stopped = shelf.stopped(maker.folder, "a")
    shutil.rmtree(stopped.path / "checkpoint.old")
    (stopped.path / "checkpoint" / "trainer.json").unlink()
    events, snapshots = stopped.events_path.read_bytes(), stopped.snapshots()
    with pytest.raises(RunError) as refused:
        maker.resume("a")
    assert refused.value.key == "checkpoint_damaged"
    assert (stopped.events_path.read_bytes(), stopped.snapshots()) == (events, snapshots)

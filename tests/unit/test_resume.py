"""The same config gives the same run, however often it was stopped, killed and resumed."""

import itertools
import json
import shutil
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from engine.config.resuming import Resuming
from engine.core.errors import RunError, SettingError
from engine.data.batching import batches_from
from engine.methods import METHODS
from engine.runs.folder import RunFolder
from engine.training.checkpoint import CHECKSUMS, PARTS
from engine.training.launch import resume_run
from tests.tiny import randomise
from tests.unit.making import events_of, finish, kill_at, load, losses, make_dataset, train_to

METHOD_NAMES = list(METHODS)


def test_same_seed_same_losses(maker, shelf):
    """The config decides every loss to the last digit; for each method a resumed run says so below."""
    first = losses(shelf.finished())
    assert len(first) == 8
    assert losses(finish(maker.start("again"))) == first


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_another_seed_gives_another_run(maker, shelf, method):
    first = losses(shelf.finished(method, dict(METHODS[method].examples[0])))
    other = maker.start("other", method, dict(METHODS[method].examples[0]), seed=1)
    assert losses(train_to(other, 2)) != first[:2]


RESUMED = [
    *((name, dict(spec.examples[0]), {}) for name, spec in METHODS.items()),
    ("adamix+prefix", {"adamix_width": 3, "prefix_prompt_len": 3, "prefix_mlp_width": 5}, {}),
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


def test_a_run_keeps_how_its_batches_are_sorted(maker, monkeypatch):
    """What a later version sorts together is nothing to a run that began before."""
    monkeypatch.setattr("engine.data.batching.SORTED_BATCHES", (2, 2))
    begun = maker.start("a")
    monkeypatch.undo()
    assert begun.folder.facts().sorted_batches == 2
    wanted = batches_from(begun.examples, 4, 0, 0, 2)
    resumed = maker.resume("a")._batches(0)
    assert [next(resumed) for _ in range(6)] == [next(wanted) for _ in range(6)]


@pytest.mark.parametrize("method", ["llama_adapter", "adalora"])
def test_more_steps(maker, method):
    """A finished run goes on for more steps: nothing of before changes, the rate is the longer schedule's at once, and
    a stop on the way changes nothing."""
    first = finish(maker.start("b", method, steps=6))
    before, kept = losses(first), first.folder.facts().score
    longer = resume_run(first.folder, load, Resuming(training={"steps": 10}))
    assert (longer.position.step, longer.folder.facts().steps, longer.folder.facts().score) == (6, 10, None)
    usual = longer.state.scheduler.base_lrs[0]
    assert longer.state.optimiser.param_groups[0]["lr"] == usual * longer.state.scheduler.lr_lambdas[0](6) > 0
    shutil.copytree(first.folder.path, maker.folder / "c")
    killed = RunFolder.open(maker.folder / "c")  # as a kill leaves it before the first of the new steps
    stopped = train_to(resume_run(killed, load), 8)
    finish(longer)
    assert losses(longer)[:6] == before
    assert len(losses(longer)) == 10
    assert losses(longer)[6] != losses(longer)[7]
    facts = longer.folder.facts()
    assert (facts.status, facts.step, facts.config["training"]["steps"]) == ("finished", 10, 10)
    assert kept is None or facts.score is not None
    said = [event["message"] for event in events_of(longer, "status")]
    assert any("From step 6 on the learning rate follows the schedule of 10 steps." in message for message in said)
    assert losses(finish(resume_run(stopped.folder, load))) == losses(longer)
    with pytest.raises(RunError, match="name more steps"):
        resume_run(longer.folder, load)
    with pytest.raises(SettingError, match="steps is 9, but the run has 10"):
        resume_run(longer.folder, load, Resuming(training={"steps": 9}))


def test_a_run_keeps_its_usual_rate(maker, monkeypatch):
    """What an empty rate meant when the run began, whatever it means in a later version."""
    begun = maker.start("a", learning_rate=None)
    rate = begun.state.scheduler.base_lrs[0]
    monkeypatch.setattr(type(begun.method.spec), "usual_rate", lambda *_: 2 * rate)
    assert maker.resume("a").state.scheduler.base_lrs[0] == rate
    assert maker.start("b", learning_rate=None).state.scheduler.base_lrs[0] == 2 * rate

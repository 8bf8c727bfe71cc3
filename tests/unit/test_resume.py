"""The same config gives the same run, however often it was stopped, killed and resumed."""

from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from engine.core.errors import RunError
from engine.methods import METHODS
from engine.runs.folder import RunFolder
from tests.tiny import randomise
from tests.unit.making import Maker, events_of, finish, kill_at, losses, make_dataset

METHOD_NAMES = list(METHODS)


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_same_seed_same_losses(maker, method):
    """The config decides every loss to the last digit; another seed gives another run."""
    first, again = (losses(finish(maker.start(name, method))) for name in ("a", "b"))
    assert first == again
    assert len(first) == 8
    assert losses(finish(maker.start("c", method, seed=1))) != first


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
def test_resumed_run_is_the_uninterrupted_one(maker, method, settings, training, way):
    """Stopped after five steps, or killed there and set back to the checkpoint of step 3: the same losses, the same
    adapter to the bit, every step recorded exactly once."""
    whole = finish(maker.start("whole", method, settings, **training))
    start = partial(maker.start, "broken", method, settings, **training)
    if way == "stopped":
        broken = start()
        progress = broken.run()
        for _ in range(5):
            next(progress)
        progress.close()
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


def test_killed_before_the_first_checkpoint_after_zero(maker):
    """Killed at step 2 with checkpoints every 3: the run goes back to step 0, and step 0 is recorded once."""
    whole = finish(maker.start("whole"))
    tear_last_line(kill_at(2, partial(maker.start, "broken")))
    resumed = maker.resume("broken")
    assert resumed.position.step == 0
    assert losses(finish(resumed)) == losses(whole)
    for kind in ("eval", "gates", "sample", "snapshot", "moved"):
        mine, its = ([event["step"] for event in events_of(trainer, kind)] for trainer in (resumed, whole))
        assert mine == its, kind


def test_what_happens_between_steps_does_not_matter(maker):
    """Chat between steps draws random numbers and turns a twin's dials: the losses stay."""
    settings = {"rank": 2, "dropout": 0.5}
    quiet = losses(finish(maker.start("quiet", "lora", settings)))
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
    """There is nothing to resume after the last step, nor without a checkpoint."""
    trainer = finish(maker.start("a"))
    with pytest.raises(RunError, match="finished"):
        maker.resume("a")
    maker.start("b")
    with pytest.raises(RunError, match="no checkpoint"):
        maker.resume("b")
    assert RunFolder.open(trainer.folder.path).facts().step == 8

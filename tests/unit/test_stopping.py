"""Early stopping and the best state: the rule by itself, and what a run does with it."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from engine.core.errors import RunError
from engine.exchange.native import read_facts
from engine.training import recorder
from engine.training.early_stopping import BestValidation
from engine.training.validation import ValidationResult
from tests.unit.making import Maker, events_of, finish, kill_at, losses

LOSSES = st.lists(st.floats(0, 10, allow_nan=False) | st.just(float("nan")), max_size=12)


def after(validation_losses, min_delta=0.0):
    """The state after validations at steps 0, 1, 2 …"""
    best = BestValidation()
    for step, loss in enumerate(validation_losses):
        best = best.after(step, loss, min_delta)
    return best


@given(LOSSES)
def test_best_is_the_first_of_the_lowest(validation_losses):
    """What is no number never counts."""
    numbers = [(loss, step) for step, loss in enumerate(validation_losses) if loss == loss]
    best = after(validation_losses)
    if not numbers:
        assert best.loss is None
        assert best.bad_evals == len(validation_losses)
    else:
        assert (best.loss, best.step) == min(numbers)
        assert best.bad_evals == len(validation_losses) - 1 - best.step


@given(LOSSES, st.integers(1, 12))
def test_patience_is_the_length_of_the_tail(validation_losses, patience):
    """A run ends exactly when the last `patience` validations brought nothing; without patience never."""
    best = after(validation_losses)
    assert best.patience_exhausted(patience) == (best.bad_evals >= patience)
    assert not best.patience_exhausted(None)


def test_small_steps_down_add_up():
    """Falls of 0.04 do not reach 0.1 one by one; three of them do. The lowest is the plain one all the while."""
    assert [after([1.0, 0.96, 0.92, 0.88][: n + 1], 0.1).bad_evals for n in range(4)] == [0, 1, 2, 0]
    assert after([1.0, 0.96], 0.1).loss == 0.96


@given(LOSSES)
def test_survives_a_checkpoint(validation_losses):
    """As JSON and back, and from the bare number that older versions wrote."""
    best = after([loss for loss in validation_losses if loss == loss])
    assert BestValidation.from_dict(best.to_dict()) == best
    assert BestValidation.from_dict(best.loss).loss == best.loss
    former = {"loss": best.loss, "step": best.step, "mark": best.reference, "waited": best.bad_evals}
    assert BestValidation.from_dict(former) == best


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def scripted(trainer, by_step):
    """Let validation measure these losses, by step."""

    def measure():
        yield
        return ValidationResult(by_step[trainer.position.step])

    trainer.validation.measure = measure
    return trainer


def scripted_start(maker, by_step, **training):
    """A run with such losses."""
    return scripted(maker.start("a", **training), by_step)


SCRIPT = [5.0, 4.0, 3.0, 3.5, 3.2, 3.9, 4.0, 4.1, 4.2]


def test_run_ends_when_patience_does(maker):
    """The lowest is at step 2; three validations later the run ends, finished and not to be resumed."""
    trainer = finish(scripted(maker.start("a", eval_every=1, patience=3), SCRIPT))
    facts = trainer.folder.facts()
    assert (facts.status, facts.step, facts.stopped_early, facts.kept_step) == ("finished", 5, True, 5)
    assert facts.best_validation == 3.0
    assert len(losses(trainer)) == 5
    assert trainer.folder.snapshots()[-1] == 5
    with pytest.raises(RunError, match="patience ended it at step 5"):
        maker.resume("a")


def test_without_patience_it_goes_to_the_end(maker):
    """And its newest state is given away."""
    facts = finish(scripted(maker.start("a", eval_every=1), SCRIPT)).folder.facts()
    assert (facts.step, facts.stopped_early, facts.kept_step) == (8, False, 8)


def test_best_state_is_given_away(maker):
    """The adapter is, to the bit, what a run of two steps would have made; the older bests are gone."""
    trainer = finish(scripted(maker.start("a", eval_every=1, keep="best", schedule="constant"), SCRIPT))
    short = finish(maker.start("b", steps=2, schedule="constant"))
    mine, wanted = (load_file(t.folder.adapter_path / "adapter.safetensors") for t in (trainer, short))
    assert all((mine[name] == wanted[name]).all() for name in wanted)
    assert trainer.folder.facts().kept_step == read_facts(trainer.folder.adapter_path)["step"] == 2
    assert [path.name for path in (trainer.folder.path / "best").iterdir()] == ["step-00000002"]
    assert trainer.folder.facts().step == 8


@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_resumed_run_stops_where_the_whole_one_does(maker, stop_at):
    """Patience and the best state are part of the checkpoint."""
    training = {"eval_every": 1, "patience": 3, "keep": "best"}
    whole = finish(scripted(maker.start("whole", **training), SCRIPT))
    broken = scripted(maker.start("broken", **training), SCRIPT)
    progress = broken.run()
    for _ in range(stop_at):
        next(progress)
    progress.close()
    resumed = finish(scripted(maker.resume("broken"), SCRIPT))
    assert losses(resumed) == losses(whole)
    names = ("step", "kept_step", "stopped_early", "best_validation", "status")
    mine, its = (trainer.folder.facts() for trainer in (resumed, whole))
    assert [getattr(mine, name) for name in names] == [getattr(its, name) for name in names]
    mine, its = (load_file(t.folder.adapter_path / "adapter.safetensors") for t in (resumed, whole))
    assert all((mine[name] == its[name]).all() for name in its)


def test_killed_before_the_checkpoint_knew_the_best(maker):
    """BestValidation at step 4, checkpoint at step 3: the run goes back, and gives away what it then finds best."""
    script = [5.0, 4.0, 3.0, 3.5, 1.0, 3.9, 4.0, 4.1, 4.2]
    folder = kill_at(4, partial(scripted_start, maker, script, eval_every=1, keep="best", save_every=3))
    assert folder.best_path(4).exists()
    resumed = scripted(maker.resume("a"), [9.0] * 9)
    assert resumed.position.step == 3
    finish(resumed)
    assert resumed.folder.facts().kept_step == 2
    assert not folder.best_path(4).exists()


def test_a_best_state_that_could_not_be_kept(maker, monkeypatch):
    """The run goes on, says so, and gives away its newest state."""
    trainer = scripted(maker.start("a", eval_every=4, keep="best"), SCRIPT)
    save = recorder.save_adapter

    def full(method, base, folder, **facts):
        if folder.parent.name == "best":
            raise OSError("no space left")
        save(method, base, folder, **facts)

    monkeypatch.setattr(recorder, "save_adapter", full)
    finish(trainer)
    assert trainer.folder.facts().kept_step == 8
    assert any("no space left" in event["message"] for event in events_of(trainer, "status"))

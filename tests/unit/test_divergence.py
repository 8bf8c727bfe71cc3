"""Divergence: said when it happens and never of an ordinary run; the best state is kept, a lower rate is named."""

import json
import math
import random

import pytest

from engine.config.run import RunConfig
from engine.exchange.native import read_facts
from engine.models.loading import load_base
from engine.training.divergence import WINDOW, Stability, lower_rate
from engine.training.launch import resume_run, start_run
from tests.unit.making import Maker, events_of, finish


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def judged(values, steps=300, initial=1.8):
    """The stability after these losses."""
    stability = Stability().begun(initial)
    for step, loss in enumerate(values, 1):
        stability = stability.after(step, loss, steps)
    return stability


def test_criterion():
    """Half a window far above the first loss is divergence; noise, spikes, overfitting and slow starts are not."""
    noise = random.Random(0)
    assert judged([1.8] * 30 + [20.0] * WINDOW).diverged == 30 + WINDOW // 2 + 1
    assert judged([1.8 + 0.05 * step for step in range(100)]).diverged
    ordinary = [1.8 * math.exp(noise.gauss(0, 0.7)) for _ in range(3000)]
    assert judged(ordinary, 3000).diverged is None
    assert judged([1.5] * 40 + [90.0] * 8 + [1.5] * 40).diverged is None
    assert judged([1.8 * 0.97**step for step in range(300)]).diverged is None
    assert judged([2.7] * 300).diverged is None
    assert judged([0.2, *[0.9] * 100], initial=0.1).diverged is None  # doubled, but by less than a nat
    assert judged([9.0] * 4, steps=4).diverged is None
    assert judged([1.8, 1.9, *[30.0] * 6], steps=8).diverged == 8


def test_the_first_batch_may_be_harder_than_the_validation_rows():
    """The higher of both losses is where the run began."""
    assert judged([4.0] * 100, initial=1.0).diverged is None


def test_survives_a_checkpoint():
    """Also one of a version that had none."""
    stability = judged([1.8] * 30 + [20.0] * 12)
    assert Stability.from_dict(json.loads(json.dumps(stability.to_dict()))) == stability
    assert Stability.from_dict(None) == Stability()


@pytest.mark.parametrize(
    ("rate", "usual", "lower"),
    [(10.0, 0.005, "0.005"), (0.005, 0.005, "0.002"), (0.01, 0.005, "0.003"), (0.001, 0.005, "0.0003")],
)
def test_the_next_rung(rate, usual, lower):
    """The usual rate where that is far below, else a third."""
    assert lower_rate(rate, usual) == lower


@pytest.mark.fault("input", "A learning rate of 10: the run says when it diverges and keeps its best state.")
@pytest.mark.parametrize("keep", ["newest", "best"])
def test_a_run_that_diverges(tmp_path, keep):
    """In run.json and the log, with a lower rate; the adapter is the state with the lowest validation loss."""
    training = {"steps": 30, "batch_size": 4, "eval_every": 5, "learning_rate": 10.0, "save_every": 10, "keep": keep}
    config = RunConfig(method="lora", training=training)
    trainer = finish(start_run(tmp_path / "a", config, load_base))
    facts = trainer.folder.facts()
    assert (facts.status, facts.step) == ("finished", 30)
    assert (facts.problem["key"], facts.problem["values"]["lower"]) == ("diverged", "0.005")
    assert "--learning-rate 0.005" in facts.message
    told = [event["step"] for event in events_of(trainer, "status") if "diverged" in event["message"]]
    assert told == [facts.problem["values"]["step"], 30]
    best = min(events_of(trainer, "eval"), key=lambda event: event["validation_loss"])["step"]
    assert facts.kept_step == read_facts(trainer.folder.adapter_path)["step"] == best < 30


@pytest.mark.fault("killed", "A run that has diverged is stopped and resumed: it still says so and keeps its best.")
def test_a_run_that_has_diverged_is_resumed(tmp_path):
    training = {"steps": 40, "batch_size": 4, "eval_every": 5, "learning_rate": 10.0}
    steps = (trainer := start_run(tmp_path / "a", RunConfig(method="lora", training=training), load_base)).run()
    for _ in range(25):
        next(steps)
    steps.close()
    assert trainer.folder.facts().problem["key"] == "diverged"
    resumed = resume_run(trainer.folder, load_base)
    assert str(resumed.notice) == str(trainer.notice)
    facts = finish(resumed).folder.facts()
    assert (facts.status, facts.problem["key"]) == ("finished", "diverged")
    assert facts.kept_step < 25

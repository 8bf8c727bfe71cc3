"""Validations of a run whose settings do not say how many: they take at most a tenth of its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.parts import whole
from engine.training import telemetry_time
from engine.training.telemetry_time import Stopwatch, TelemetryTime
from tests.unit.making import events_of, finish

SHIPPED = telemetry_time.PER_TRAINING_S


@pytest.fixture(autouse=True)
def limited(brief, monkeypatch):
    """Unlike in the other tests, the time counts."""
    monkeypatch.setattr(telemetry_time, "PER_TRAINING_S", SHIPPED)


def validated(steps, step_s, cost_s, every=1):
    """The steps at which a run would be validated whose steps and validations always take as long."""
    spent, at = TelemetryTime().with_validation(0, cost_s), [0]
    for step in range(every, steps, every):
        if spent.affords(step, steps, step * step_s):
            spent, at = spent.with_validation(step, cost_s), [*at, step]
    return [*at, steps], spent.with_validation(steps, cost_s).spent_s


@given(st.integers(2, 2000), st.floats(1e-4, 10), st.floats(1e-5, 100))
def test_a_tenth_of_the_time(steps, step_s, cost_s):
    """Beyond the first and the last, which are always made, validations fit into a tenth of all seconds."""
    at, spent = validated(steps, step_s, cost_s, max(1, steps // 15))
    total = steps * step_s + spent
    assert len(at) == 2 or spent <= 0.1 * total * (1 + 1e-9)
    assert (at[0], at[-1]) == (0, steps)
    assert len(at) <= 31


def test_spread_over_the_run():
    """What can be paid for is not spent at the beginning: four between the first and the last, evenly."""
    at, spent = validated(900, 0.1, 1.7, 60)
    assert at == [0, 240, 420, 600, 900]
    assert spent == pytest.approx(5 * 1.7)


def test_all_where_they_cost_nothing():
    assert validated(30, 1.0, 1e-6, 2)[0] == list(range(0, 31, 2))


def evals(trainer):
    return [event["step"] for event in events_of(finish(trainer), "eval")]


@pytest.mark.parametrize(("every", "steps"), [(None, [0, 4]), (2, [0, 2, 4])])
def test_a_run_that_cannot_pay(maker, monkeypatch, every, steps):
    """Validations that are too dear are left out, but those that somebody asked for."""
    monkeypatch.setattr(telemetry_time, "PER_TRAINING_S", 1e-9)
    assert evals(maker.start("a", steps=4, eval_every=every)) == steps


def test_what_was_spent_is_kept(maker):
    """A run that goes on knows what its validations and frames have taken."""
    trainer = maker.start("a", steps=4)
    generator = trainer.run()
    next(generator), next(generator)
    generator.close()
    resumed = maker.resume("a")
    assert resumed.position.telemetry == trainer.position.telemetry
    assert resumed.position.telemetry.spent_s > resumed.position.telemetry.newest_s > 0


def test_only_the_parts_count(monkeypatch):
    """What is done between two parts takes none of the telemetry's time."""
    clock = iter([0.0, 1.0, 50.0, 52.0])
    monkeypatch.setattr(telemetry_time.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()

    def work():
        yield
        return "done"

    assert whole(watch.of(work())) == "done"
    assert watch.seconds == 3.0

"""Events and the rule of frames."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.resolve import ASSETS
from engine.runs.log import all_events
from engine.telemetry.events import LossEvent, StatusEvent
from engine.telemetry.schedule import is_curve_step, is_frame_step
from engine.telemetry.serialise import EVENTS, from_json, to_json


@pytest.mark.parametrize(("steps", "frames"), [(1_000, 191), (10_000, 296), (100_000, 401)])
def test_number_of_frames(steps, frames):
    """64 early ones and 32 per doubling: a long run has few more than a short one."""
    assert sum(is_frame_step(step) for step in range(steps)) == frames


@given(st.integers(0, 10**7))
def test_frames_are_dense_early_and_on_the_curve(step):
    """The first 64 steps are frames, every frame is a curve step, and 32 of each doubling are kept."""
    if step < 64:
        assert is_frame_step(step)
    if is_frame_step(step):
        assert is_curve_step(step)


@pytest.mark.parametrize("power", range(6, 14))
def test_each_doubling_has_as_many(power):
    """Append-stable: what was kept stays, and each doubling adds 32 frames, and 512 curve steps from 1,024 on."""
    doubling = range(1 << power, 2 << power)
    assert sum(is_frame_step(step) for step in doubling) == 32
    assert sum(is_curve_step(step) for step in doubling) == (512 if power >= 10 else 1 << power)


@pytest.mark.parametrize("name", ["llama_adapter", "lora", "prompt"])
def test_recorded_runs_read_as_events(name):
    """Every line of the recordings that ship is an event of today's types, and nothing of it is lost in reading."""
    events = list(all_events(ASSETS / "recordings" / name / "events.jsonl"))
    assert len(events) > 300
    for values in events:
        event = from_json(values)
        again = json.loads(json.dumps(to_json(event)))
        assert again == again | values  # fields that came later have their defaults
    assert {"started", "loss", "eval", "moved", "sample", "status"} <= {values["kind"] for values in events}


def test_unknown_news_are_errors():
    """An unknown kind or field is not taken for something else, and reading leaves the values alone."""
    values = to_json(StatusEvent(step=1, status="running"))
    kept = dict(values)
    assert from_json(values) == StatusEvent(step=1, status="running")
    assert values == kept
    with pytest.raises(KeyError):
        from_json({**values, "kind": "gossip"})
    with pytest.raises(TypeError):
        from_json({**values, "stranger": 1})


def test_every_kind_is_listed_once():
    """The table's names are the classes' own."""
    assert all(cls.kind == kind for kind, cls in EVENTS.items())
    assert EVENTS["loss"] is LossEvent

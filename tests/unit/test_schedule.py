"""Which steps have a frame, and which a point of a curve."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telemetry.schedule import is_curve_step, is_frame_step


@pytest.mark.parametrize(("steps", "frames"), [(1_000, 191), (10_000, 296), (100_000, 401)])
def test_number_of_frames(steps, frames):
    """64 early ones and 32 per doubling: a long run has few more than a short one."""
    assert sum(is_frame_step(step) for step in range(steps)) == frames


@given(st.integers(0, 10**7))
def test_frames_are_dense_early_and_on_the_curve(step):
    """The first 64 steps have frames, and every step with a frame has a point on the curve."""
    if step < 64:
        assert is_frame_step(step)
    if is_frame_step(step):
        assert is_curve_step(step)


@pytest.mark.parametrize("power", range(6, 14))
def test_each_doubling_has_as_many(power):
    """Steps never lose their frame as the run goes on: each doubling adds 32, and from 1,024 on 512 curve steps."""
    doubling = range(1 << power, 2 << power)
    assert sum(is_frame_step(step) for step in doubling) == 32
    assert sum(is_curve_step(step) for step in doubling) == (512 if power >= 10 else 1 << power)

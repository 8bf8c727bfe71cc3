"""Train: memory, one's own data, what will be trained on, models."""

import pytest

from tests.ui.conftest import goto, ready_form, start, wait_idle

pytestmark = pytest.mark.ui


def needed(page):
    """Bytes that the memory bar tells."""
    return int(page.get_attribute(".gl-memory:visible", "data-total"))


def test_memory_bar_moves_with_the_batch(visit):
    """More rows at once need more; every part has a number and a size; a bad value is said."""
    page = visit()
    ready_form(page)
    page.wait_for_selector(".gl-memory:visible")
    before = needed(page)
    page.fill("#gl-set-batch_size input", "256")
    page.wait_for_function("was => Number(document.querySelector('.gl-memory').dataset.total) > 4 * was", arg=before)
    entries = page.locator(".gl-memory li").all_inner_texts()
    assert len(entries) == page.locator(".gl-memory-bar i").count() + 1
    assert all(any(unit in entry for unit in (" B", "kB", "MB", "GB")) for entry in entries)
    page.fill("#gl-set-batch_size input", "0")
    page.wait_for_selector("#gl-memory >> text=must be between")
    assert page.is_enabled("#gl-start")


def test_what_a_run_held_stands_beside_its_estimate(visit):
    """After a run, Train tells what its highest step really took."""
    page = visit()
    start(page, 3)
    wait_idle(page)
    goto(page, "train")
    page.wait_for_selector("#gl-memory-last >> text=/Measured in .*[kMG]B at the highest moment; the estimate/")

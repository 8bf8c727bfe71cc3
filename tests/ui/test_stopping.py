"""Early stopping on the page: a run that gets worse ends by itself, and its best state is what answers in the chat."""

import json

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import WAIT_MS, goto, ready_form, start, wait_idle

pytestmark = pytest.mark.ui
expect.set_options(timeout=WAIT_MS)


def choose(page, name, text):
    """Pick an entry of a setting's menu."""
    page.click(f"#gl-set-{name} input")
    page.locator(f"[role=listbox] [role=option]:visible >> text=/{text}/").click()


def test_run_that_gets_worse_ends_and_keeps_its_best(visit, app):
    """With far too large a rate validation soon gets worse; patience ends the run, Watch
    says why and rings the lowest, Runs and Chat name the state that is kept.
    """
    page, before = visit(), set(app.runs())
    ready_form(page)
    page.click("#gl-all > button")
    values = {"learning_rate": 3, "patience": 2, "eval_every": 1, "warmup_ratio": 0}
    for name, value in values.items():
        page.fill(f"#gl-set-{name} input, #gl-set-{name} textarea", str(value))
    choose(page, "keep", "the best on validation")
    start(page, 40)
    expect(page.locator(".gl-state")).to_contain_text("Stopped early")
    wait_idle(page)
    (folder,) = set(app.runs()) - before
    facts = json.loads((folder / "run.json").read_text())
    last, kept = facts["step"], facts["kept_step"]
    assert (facts["status"], facts["stopped_early"]) == ("finished", True)
    assert kept == last - 2 < 10
    expect(page.locator(".gl-state")).to_contain_text(f"Stopped early at step {last}")
    expect(page.locator(".gl-state")).to_contain_text(f"Kept is step {kept}")
    expect(page.locator("[data-panel=loss] .gl-readout")).to_contain_text("lowest validation (ring)")
    expect(page.locator("[data-panel=loss] .gl-readout")).to_contain_text(f"at step {kept}")
    goto(page, "runs")
    expect(page.locator("#gl-runs")).to_contain_text(f"{last}/40 (best: {kept})")
    goto(page, "chat")
    expect(page.locator("#gl-step-right input")).to_have_value(f"best ({kept})")

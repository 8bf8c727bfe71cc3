"""Runs: test rows of a run, answered on demand, the worst first."""

import re

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import WAIT_MS, copied, goto

pytestmark = pytest.mark.ui
expect.set_options(timeout=WAIT_MS)


def opened(page, run):
    """The panel of a run."""
    goto(page, "runs")
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.click(f"tr[data-run={run}]")
    page.wait_for_selector("#gl-run")
    page.click("#gl-rows button.label-wrap")


def test_rows_are_answered_and_stay(app, visit):
    """A press answers all rows and counts the right ones; after a reload they are there, and can be saved."""
    copied(app, "answered")
    page = visit()
    opened(page, "answered")
    page.click("#gl-rows-ask:not([disabled])")
    expect(page.locator("#gl-rows-progress")).to_contain_text(re.compile(r"\d+ of 192 rows answered"))
    page.click("#gl-rows-stop:not([disabled])")
    page.click("#gl-rows-ask:not([disabled])")
    expect(page.locator("#gl-rows-progress")).to_contain_text("192 of 192 rows right (100.0 %)")
    expect(page.locator("#gl-rows-table")).to_contain_text("✓")
    page.reload()
    page.wait_for_selector(".gl-header")
    opened(page, "answered")
    expect(page.locator("#gl-rows-progress")).to_contain_text("192 of 192")
    with page.expect_download() as saved:
        page.click("#gl-rows-save:not([disabled])")
    text = saved.value.path().read_text(encoding="utf-8")
    assert text.startswith("right,loss,prompt,reference,base,tuned\nTrue,")
    assert text.count("\nTrue,") == 192

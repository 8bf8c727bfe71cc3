"""Runs: compare, rename, export, delete."""

import json
import re
import shutil
import zipfile

import pytest

from tests.ui.conftest import Visitor, copied, goto, wait_idle

pytestmark = pytest.mark.ui
RECORDED = "tr[data-run=llama_adapter]"
NAME = "#gl-run-name input, #gl-run-name textarea"


@pytest.fixture(scope="module")
def page(app, tabs):
    """Runs, opened once for all tests."""
    visitor = Visitor(tabs, app.url, app.token)
    page = visitor()
    goto(page, "runs")
    page.wait_for_selector(RECORDED)
    yield page
    visitor.leave()


@pytest.fixture
def run_card(page, app, request):
    """The row of a run of one's own, which had 200 steps; nothing is picked."""
    run = re.sub(r"\W+", "-", request.node.name).strip("-")
    folder = copied(app, run)
    facts = json.loads((folder / "run.json").read_text())
    facts["config"]["training"]["steps"] = 200
    (folder / "run.json").write_text(json.dumps(facts | {"name": "my run"}))
    goto(page, "runs")
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    row = f"tr[data-run={run}]"
    page.wait_for_selector(row)
    yield row
    shutil.rmtree(folder, ignore_errors=True)
    goto(page, "runs")
    page.fill(".gl-filter", "")
    while page.locator("tr.picked").count():
        page.evaluate("document.querySelector('tr.picked input')?.click()")  # the table may be drawn anew meanwhile
        page.wait_for_timeout(200)
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.wait_for_selector(row, state="detached")


def test_compare_two_runs(page, run_card):
    """Two ticks: one plot with both curves, and only the settings that differ."""
    page.click(f"{run_card} input")
    page.click(f"{RECORDED} input")
    page.wait_for_selector("#gl-overlay .scatterlayer .trace >> nth=3")
    rows = page.inner_text("#gl-differences")
    assert "Steps" in rows
    assert "Batch" not in rows


def test_sort_and_filter(page, run_card):
    """A click on a heading sorts; the filter keeps what matches."""
    page.click(".gl-table th button[data-column=trainable]")
    numbers = page.eval_on_selector_all("tr[data-run]", "all => all.map(r => +r.cells[8].innerText.replace(/,/g, ''))")
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 2
    page.fill(".gl-filter", "lora")
    assert page.locator("tr[data-run]").count() == 1
    page.fill(".gl-filter", "")
    page.wait_for_selector(run_card)


def test_an_idle_table_is_left_alone(page, run_card):
    """Asked again when nothing has changed, the server sends some bytes, and no row is touched; one change, one row."""
    page.evaluate("""() => {
      window.rowsDrawn = 0;
      const drawn = (records) => { for (const record of records) window.rowsDrawn += record.addedNodes.length; };
      new MutationObserver(drawn).observe(document.querySelector(".gl-table"), {childList: true});
    }""")
    for _ in range(2):
        with page.expect_response(lambda response: "component_server" in response.url and is_list(response)) as answer:
            page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    assert len(answer.value.body()) < 100
    assert page.evaluate("rowsDrawn") == 0
    page.click(run_card)
    page.fill(NAME, "another name")
    page.press(NAME, "Enter")
    page.wait_for_selector(f"{run_card} >> text=another name")
    assert page.evaluate("rowsDrawn") == 1


def is_list(response):
    return "order" in response.text()


def test_rename_keep_notes_and_lead_on(page, run_card):
    """A name with markup stays text, notes survive a reload, and the run opens in Watch and Chat."""
    page.click(run_card)
    page.fill(NAME, "<b>小镇</b> one")
    page.press(NAME, "Enter")
    page.wait_for_selector("#gl-run h3 >> text=<b>小镇</b> one")
    page.fill("#gl-run-notes textarea", "first try")
    page.click("#gl-run h3")
    page.wait_for_selector(f"{run_card}:has(td[title='first try']) >> text=<b>小镇</b> one")
    page.reload()
    goto(page, "runs")
    page.click(f"{run_card} >> text=<b>小镇</b> one")
    page.wait_for_function("document.querySelector('#gl-run-notes textarea')?.value === 'first try'")
    page.click("#gl-run-chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('小镇')")
    goto(page, "runs")
    page.click("#gl-run-watch")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_function("document.querySelector('.gl-select option:checked')?.innerText.includes('小镇')")


@pytest.mark.parametrize("form", ["Gatelight adapter", "official LLaMA-Adapter checkpoint"])
def test_export(page, run_card, tmp_path, form):
    """Each form that can hold a LLaMA-Adapter of this shape downloads as a zip."""
    page.click(run_card)
    page.click("#gl-export-form input")
    page.click(f"[role=option] >> text={form}")
    page.click("#gl-export")
    page.wait_for_selector("#gl-download")
    with page.expect_download() as saved:
        page.click("#gl-download")
    saved.value.save_as(tmp_path / "adapter.zip")
    assert zipfile.ZipFile(tmp_path / "adapter.zip").namelist()


def test_export_that_would_lose_something_is_refused(page, run_card):
    """HF peft has one gate per layer: a sentence says so and names the way out."""
    page.click(run_card)
    page.click("#gl-export-form input")
    page.click("[role=option] >> text=HF peft adapter")
    page.click("#gl-export")
    page.wait_for_selector(".toast-body >> text=cannot be exchanged with HF peft")


def test_delete_asks_first(page, run_card):
    """Keep keeps; Delete removes the run for good. Recordings cannot be deleted."""
    page.click(run_card)
    page.click("#gl-run-delete")
    page.click("#gl-delete-no")
    page.wait_for_selector("#gl-delete-no", state="hidden")
    assert page.locator(run_card).count() == 1
    page.click("#gl-run-delete")
    page.click("#gl-delete-yes")
    page.wait_for_selector(run_card, state="detached")
    page.click(RECORDED)
    page.wait_for_selector("#gl-run-delete[disabled]")


def facts_of(app):
    """What the run.json of each run says, where it says something."""
    told = [(folder, json.loads((folder / "run.json").read_text())) for folder in app.runs()]
    return [(folder, facts) for folder, facts in told if facts]


def test_a_damaged_run_is_started_again(page, app, run_card):
    """Its run.json cannot be read: Resume begins it anew from its run.yaml, as a run of its own."""
    damaged = app.home / "runs" / re.search(r"data-run=([\w-]+)", run_card)[1]
    (damaged / "run.yaml").write_text("method: bias\ntraining: {steps: 2}\n")
    (damaged / "run.json").write_text("[]")
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.click(f"{run_card} >> text=/damaged/i")
    page.click("#gl-run-resume:not([disabled])")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    for _ in range(600):
        told = [(folder, facts["name"], facts["status"]) for folder, facts in facts_of(app)]
        if again := [folder for folder, *what in told if what == [damaged.name, "finished"]]:
            break
        page.wait_for_timeout(100)
    wait_idle(page)
    (folder,) = again
    shutil.rmtree(folder)

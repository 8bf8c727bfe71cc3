"""Runs: compare, rename, export, delete."""

import json
import re
import shutil
import zipfile

import pytest

from engine.config.run import RunConfig
from engine.models.loading import load_base
from engine.training.launch import start_run
from tests.ui.conftest import Visitor, copied, goto, wait_idle

pytestmark = pytest.mark.ui
RECORDED = "tr[data-run=llama_adapter]"
CUT = """(plot) => {
  const edge = plot.querySelector(".main-svg").getBoundingClientRect();
  return [...plot.querySelectorAll(".annotation-text")].filter((name) => {
    const { right, top } = name.getBoundingClientRect();
    return right > edge.right + 1 || top < edge.top - 1;
  }).map((name) => name.textContent);
}"""
"""Names beside marks that end outside of the picture."""
NOTE_STARTING = """() => {
  const sign = document.querySelector(".gl-starting");
  const chip = document.querySelector(".gl-chip");
  const note = () => window.starting.push([sign.offsetParent !== null, chip.dataset.state]);
  window.starting = [];
  new MutationObserver(note).observe(sign, { attributes: true });
}"""
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
    made = copied(app, f"../{run}")  # moved in when it is whole, so that its row is drawn once
    facts = json.loads((made / "run.json").read_text())
    facts["config"]["training"]["steps"] = 200
    (made / "run.json").write_text(json.dumps(facts | {"name": "my run"}))
    folder = made.rename(app.home / "runs" / run)
    goto(page, "runs")
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    row = f"tr[data-run={run}]"
    page.wait_for_selector(row)
    yield row
    shutil.rmtree(folder, ignore_errors=True)
    goto(page, "runs")
    page.evaluate("document.querySelector('.gl-large-switch[aria-pressed=true]')?.click()")  # the browser keeps it
    page.fill(".gl-filter", "")
    while page.locator("tr.picked").count():
        page.evaluate("document.querySelector('tr.picked input')?.click()")  # the table may be drawn anew meanwhile
        page.wait_for_timeout(200)
    page.wait_for_selector("#gl-run", state="hidden")  # else the next test may press a button of this run
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.wait_for_selector(row, state="detached")


def test_compare_two_runs(page, run_card):
    """Two ticks: one plot with both curves, and only the settings that differ."""
    for row in (run_card, RECORDED):
        page.click(f"{row} input")
        page.wait_for_selector(f"{row}.picked")
    page.wait_for_selector("#gl-overlay .scatterlayer .trace >> nth=3")
    rows = page.inner_text("#gl-differences")
    assert "Steps" in rows
    assert "Batch" not in rows
    log, shown = page.locator("#gl-overlay .gl-tick"), "(plot) => plot._fullLayout.yaxis.type"
    assert log.is_checked() == (page.locator(".gl-overlay-plot").evaluate(shown) == "log")
    for kind in ("log", "linear"):
        log.set_checked(kind == "log")
        page.wait_for_function(f"kind => ({shown})(document.querySelector('.gl-overlay-plot')) === kind", arg=kind)
    assert log.evaluate("(box) => getComputedStyle(box).appearance") == "auto", "a tick as the browser draws it is seen"
    page.click("#gl-overlay .gl-stroke >> nth=0")
    page.wait_for_function("document.querySelectorAll('#gl-overlay .scatterlayer .trace').length === 2")
    page.click("#gl-overlay .gl-stroke >> nth=0")
    page.wait_for_selector("#gl-overlay .scatterlayer .trace >> nth=3")
    zooms_where_it_is_dragged(page)
    page.click(".gl-large-switch")
    page.wait_for_function("document.querySelector('.gl-overlay-plot')._fullLayout.font.size > 15")
    zooms_where_it_is_dragged(page)
    page.click(".gl-large-switch")


def zooms_where_it_is_dragged(page):
    """The middle half of the plot's steps, and by a double click all of them again."""
    plot, steps = page.locator(".gl-overlay-plot"), "(plot) => plot._fullLayout.xaxis.range"
    plot.scroll_into_view_if_needed()
    first, last = plot.evaluate(steps)
    box = plot.locator(".nsewdrag").bounding_box()
    across, down = [box["x"] + share * box["width"] for share in (0.25, 0.75)], box["y"] + box["height"] / 2
    page.mouse.move(across[0], down)
    page.mouse.down()
    page.mouse.move(across[1], down, steps=5)
    page.mouse.up()
    quarter = (last - first) / 4
    near = (
        f"(wanted) => ({steps})(document.querySelector('.gl-overlay-plot'))"
        ".every((one, i) => Math.abs(one - wanted[i]) < 5)"
    )
    page.wait_for_function(near, arg=[first + quarter, last - quarter])
    page.wait_for_timeout(500)  # of presses within 300 ms Plotly counts the drag's as the first
    page.mouse.dblclick(across[0], down)
    page.wait_for_function(near, arg=[first, last])


def test_sort_and_filter(page, run_card):
    """A click on a heading sorts; the filter keeps what matches, and says when nothing does. Keys show where one is."""
    page.click(".gl-table th button[data-column=trainable]")
    numbers = page.eval_on_selector_all("tr[data-run]", "all => all.map(r => +r.cells[8].innerText.replace(/,/g, ''))")
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 2
    page.fill(".gl-filter", "lora")
    assert page.locator("tr[data-run]").count() == 1
    page.fill(".gl-filter", "xyzzy")
    assert page.locator("tr[data-run]").count() == 0
    assert "xyzzy" in page.inner_text(".gl-table-count")
    page.fill(".gl-filter", "")
    page.wait_for_selector(run_card)
    assert "xyzzy" not in page.inner_text(".gl-table-count")
    page.focus(".gl-table th:last-child button")
    page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"[document.activeElement.type, {style}.outlineStyle, {style}.outlineWidth]") == [
        "checkbox",
        "solid",
        "2px",
    ]
    assert page.evaluate("getComputedStyle(document.querySelector('.gl-zoo-axis')).appearance") == "auto"  # its caret


def test_choose_columns(page, run_card):
    """What a run came to stands in its row; other columns come by a tick, stay in this browser, and go again."""
    heads = ".gl-table th button"
    assert "Test score" in page.locator(heads).all_inner_texts()
    assert "Random seed" not in page.locator(heads).all_inner_texts()
    page.click(".gl-columns summary")
    page.check(".gl-columns >> text=Random seed")
    place = page.locator(heads).all_inner_texts().index("Random seed")
    assert page.locator(f"{run_card} td").nth(place + 1).inner_text() == "0"
    assert page.evaluate("JSON.parse(localStorage['gatelight.columns']).includes('seed')")
    page.click(".gl-columns button")
    assert "Random seed" not in page.locator(heads).all_inner_texts()
    page.click(".gl-columns summary")


def test_an_idle_table_is_left_alone(page, run_card):
    """Asked again when nothing has changed, the server sends some bytes, and no row is touched; one change, one row."""
    page.evaluate("""() => {
      window.rowsDrawn = [];
      const rowsOf = (record) => [...record.addedNodes].map((row) => row.dataset.run);
      const drawn = (records) => window.rowsDrawn.push(...records.flatMap(rowsOf));
      new MutationObserver(drawn).observe(document.querySelector(".gl-table"), {childList: true});
    }""")
    for _ in range(2):
        with page.expect_response(lambda response: "component_server" in response.url and is_list(response)) as answer:
            page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    assert len(answer.value.body()) < 100
    assert page.evaluate("rowsDrawn") == []
    page.click(run_card)
    page.fill(NAME, "another name")
    page.press(NAME, "Enter")
    page.wait_for_selector(f"{run_card} >> text=another name")
    assert page.evaluate("rowsDrawn") == [page.get_attribute(run_card, "data-run")]


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
    page.fill("#gl-run-tags input, #gl-run-tags textarea", "class, <i>x</i>")
    page.click("#gl-run h3")
    page.wait_for_selector(f"{run_card} .gl-tag >> text=<i>x</i>")
    page.click(f"{run_card} .gl-tag >> text=class")
    page.wait_for_selector(f"{run_card} >> text=<b>小镇</b> one")
    page.reload()
    goto(page, "runs")
    page.wait_for_selector(f"{run_card} >> text=<b>小镇</b> one")
    page.click(f"{run_card} input")
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


def test_export_that_would_lose_something_is_no_choice(page, run_card):
    """HF peft has one gate per layer: a sentence says so before anything is pressed, and names the way out."""
    page.click(run_card)
    page.wait_for_selector("#gl-export-refused >> text=cannot be exchanged with HF peft")
    page.click("#gl-export-form input")
    forms = page.locator("[role=option]:visible").all_inner_texts()
    assert [form.strip(" ✓\n") for form in forms] == ["Gatelight adapter", "official LLaMA-Adapter checkpoint"]
    page.keyboard.press("Escape")


def test_copy_into_train(page, run_card):
    """The form then has the settings of the run, whatever stood there, each time."""
    for _ in range(2):
        goto(page, "runs")
        page.locator(run_card).click() if not page.is_visible("#gl-run-copy") else None
        page.click("#gl-run-copy")
        page.wait_for_selector("#gl-tab-train-button[aria-selected=true]", state="attached")
        page.wait_for_function("document.querySelector('#gl-set-steps input').value === '200'")
        page.fill("#gl-set-steps input", "7")
    goto(page, "runs")


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


def test_more_steps(page, app, run_card):
    """A finished run of one's own goes on for 200 steps from its checkpoint; Watch continues and stops are as ever."""
    run = re.search(r"data-run=([\w-]+)", run_card)[1]
    shutil.rmtree(app.home / "runs" / run)
    config = RunConfig(method="bias", training={"steps": 2, "batch_size": 2, "eval_every": 2, "score_rows": 0})
    for _ in start_run(app.home / "runs" / run, config, load_base).run():
        pass
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.wait_for_selector(f"{run_card} >> text=2/2")
    page.click(run_card)
    page.click("#gl-run-more")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.click("#gl-pause:not([disabled])")
    page.wait_for_selector(".gl-chip[data-state=paused]")
    page.wait_for_selector("#gl-go_on:visible")
    page.wait_for_selector("#gl-pause", state="hidden")
    goto(page, "watch")
    page.click(".gl-go-on >> text=Continue")
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)
    assert json.loads((app.home / "runs" / run / "run.json").read_text())["steps"] == 202
    goto(page, "watch")
    page.wait_for_selector(".gl-go-on >> text=Resume from checkpoint")


def test_start_says_at_once_that_it_was_pressed(page, run_card):
    """Also while rows of a run are answered, and while another run is active: until the run is shown, or a toast says
    that it waits."""
    page.click(run_card)
    page.click("#gl-rows button.label-wrap")
    page.click("#gl-rows-ask:not([disabled])")
    page.wait_for_selector("#gl-rows-progress >> text=/\\d+ of 192 rows answered/")
    goto(page, "train")
    page.fill("#gl-set-steps input", "100000")
    page.evaluate(NOTE_STARTING)
    page.click("#gl-start:not([disabled])")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_selector(".gl-starting", state="hidden")
    assert page.evaluate("starting[0]") == [True, "idle"]
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.fill("#gl-set-steps input", "99999")  # the same once more, so soon, would be a double click
    page.click("#gl-start:not([disabled])")
    page.wait_for_selector(".toast-body >> text=waits in the queue")
    page.wait_for_selector(".gl-starting", state="hidden")
    assert len(page.evaluate("starting")) == 4
    goto(page, "runs")
    page.click("[data-queued] [data-does=remove]:not([disabled])")
    goto(page, "train")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)


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


def test_the_zoo_opens_on_score_against_forgetting(page):
    """Both axes are named, an arrow says what is better, and other axes can be chosen."""
    plot = page.locator(".gl-zoo-plot")
    axes = "(plot) => ['xaxis', 'yaxis'].map((name) => plot._fullLayout[name].title.text)"
    page.wait_for_selector(".gl-zoo-plot .annotation")
    assert plot.evaluate(axes) == ["forgetting (nats/token)", "test score"]
    assert plot.locator(".ytick").all_text_contents()[-1] == "100%"
    named = plot.locator(".annotation").all_text_contents()
    assert {"better", "LoRA", "Prompt tuning"} <= set(named)
    page.hover(".gl-zoo-name >> text=Prompt tuning")
    assert re.search(r"complaints \d+\.\d %, manners \d+\.\d %", page.inner_text(".gl-zoo-readout"))
    page.locator("[data-source]").select_option("town-qa")
    page.wait_for_function("!document.querySelector('.gl-zoo-readout').innerText.includes('menu-to-text')")
    arrow = "(plot) => plot.layout.annotations.filter((one) => one.showarrow).map((one) => [one.ax > 0, one.ay > 0])"
    assert plot.evaluate(arrow) == [[True, True]]
    page.locator("[data-axis=x]").select_option("exact_match")
    page.locator("[data-axis=y]").select_option("seconds")
    page.wait_for_function(
        f"String(({axes})(document.querySelector('.gl-zoo-plot'))) === 'test score,training time (s)'"
    )
    assert plot.evaluate(arrow) == [[False, False]]
    assert plot.evaluate(CUT) == []
    assert all(len(tick) <= 6 for tick in plot.locator(".ytick").all_text_contents())
    assert page.locator("[data-axis=x] [value=memory_gb]").is_disabled()
    page.locator("[data-source]").select_option("peft")
    page.wait_for_selector(".gl-zoo-name >> text=lora--rank64-rslora")
    page.locator("[data-axis=x]").select_option("forgetting")
    page.locator("[data-axis=y]").select_option("exact_match")
    page.wait_for_selector(".gl-zoo-plot .annotation >> text=lora--rank10-target")  # on the Pareto line
    assert page.locator(".gl-zoo-name").count() == 63
    page.click(".gl-zoo-name >> text=lora--rank64-rslora")
    assert "51.3 %" in page.inner_text(".gl-zoo-readout")
    page.wait_for_selector(".gl-zoo-card >> text=Low-Rank Adaptation")
    assert page.is_visible("[data-caption=peft] a")
    assert not page.is_visible("[data-caption=here]")

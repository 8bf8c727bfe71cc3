"""Watch in a real browser, on the recordings and on copies of them that pretend to be live."""

import dataclasses
import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import WAIT_MS, WIDE, Visitor
from tests.ui.watch_harness import keep, serve

# Gradio leaves sockets of its port search to the garbage collector.
ignore_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
pytestmark = [pytest.mark.ui, ignore_sockets]

COLOURFUL = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.slice(i, i + 4);
    if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 40) found += 1;
  }
  return found / (data.length / 4);
}"""
NOTE_STEPS = """
window.noted = [];
new MutationObserver(() => {
  const text = document.querySelector(".gl-step")?.textContent;
  if (text && window.noted.at(-1) !== text) window.noted.push(text);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
FIRST = "llama_adapter"
expect.set_options(timeout=WAIT_MS)
SCRUB = """(slider, place) => { slider.value = place; slider.dispatchEvent(new Event("input", { bubbles: true })); }"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    harness = serve(tmp_path_factory.mktemp("home"))
    yield harness
    harness.page.close(verbose=False)
    harness.stage.close()


@pytest.fixture
def visit(tabs, served):
    """Opens Watch alone, by default for a person who does not want things to move."""
    visitor = Visitor(tabs, served.url)

    def opened(*, motion: bool = False, size=WIDE, url: str = "", script: str = "") -> Page:
        page = visitor("", url=url, motion=motion, size=size, script=script)
        page.locator("[data-panel=loss] .main-svg").first.wait_for()
        return page

    yield opened
    served.stage.pretend(None)
    visitor.leave()


def show(page: Page, run: str) -> None:
    page.evaluate("(run) => Gatelight.ready.then(({ show }) => show(run))", run)


def scrub(page: Page, place: int) -> None:
    page.locator(".gl-scrub").evaluate(SCRUB, place)


def drag(page: Page) -> list[float]:
    """Zooms the loss by the mouse; returns the range of steps that is then shown."""
    shown = "(plot) => plot._fullLayout.xaxis.range.slice()"
    plot = page.locator(".gl-loss-plot")
    before = plot.evaluate(shown)
    box = page.locator("[data-panel=loss] .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 150, steps=5)
    page.mouse.up()
    page.wait_for_function(
        f"before => String(({shown})(document.querySelector('.gl-loss-plot'))) !== String(before)", arg=before
    )
    return plot.evaluate(shown)


def gates(page: Page):
    return page.locator("[data-panel=gates] .gl-heat").first


def test_first_visit_plays_the_recording_once(visit):
    page = visit(motion=True, script=NOTE_STEPS)
    expect(page.locator(".gl-intro")).to_contain_text("A frozen model, 9,630 new numbers.")
    expect(page.locator(".gl-step")).to_have_text("step 300 / 300")
    expect(page.get_by_label("Play (space)")).to_be_visible()
    steps = [int(text.split()[1]) for text in page.evaluate("window.noted")]
    steps = steps[steps.index(0, 1) if 0 in steps[1:] else 0 :]
    assert len(steps) > 5
    assert steps == sorted(steps)


def test_nothing_moves_for_those_who_do_not_want_it(visit):
    page = visit()
    seen = page.evaluate(
        """async () => {
          const seen = new Set();
          for (let frame = 0; frame < 20; frame += 1) {
            seen.add(document.querySelector(".gl-step").textContent);
            await new Promise(requestAnimationFrame);
          }
          return [...seen];
        }"""
    )
    assert seen == ["step 300 / 300"]


def test_gates_are_white_at_step_0_and_coloured_at_the_end(visit):
    page = visit()
    expect(page.locator(".gl-step")).to_have_text("step 300 / 300")
    assert gates(page).evaluate(COLOURFUL) > 0.3
    scrub(page, 0)
    expect(page.locator(".gl-step")).to_have_text("step 0 / 300")
    assert gates(page).evaluate(COLOURFUL) == 0


def test_zoomed_colour_says_its_scale(visit):
    page = visit()
    scrub(page, 5)
    expect(page.locator(".gl-step")).to_have_text("step 5 / 300")
    pale, zoom = gates(page).evaluate(COLOURFUL), page.get_by_role("button", name="zoom colour")
    before = gates(page).bounding_box(), zoom.bounding_box()
    zoom.click()
    expect(page.locator("[data-panel=gates] .gl-legend")).not_to_contain_text("1.0")
    expect(page.locator("[data-panel=gates] .gl-legend")).to_contain_text("0.0")
    assert gates(page).evaluate(COLOURFUL) > pale + 0.1
    assert (gates(page).bounding_box(), zoom.bounding_box()) == before, "the longer numbers shift the panel"


def test_scrubbing_moves_every_panel(visit):
    page = visit()
    scrub(page, 1)
    expect(page.locator("[data-panel=gates] .gl-readout")).to_contain_text("at step 1.")
    expect(page.locator("[data-panel=loss] .gl-readout")).to_contain_text("Step 1:")
    expect(page.locator("[data-panel=moved]")).to_contain_text("The prompts' gradient is exactly 0")
    moved = page.locator("[data-panel=moved]")
    expect(moved.locator("tbody th")).to_have_text(["prompts", "gates"])
    assert min(moved.locator("canvas").evaluate_all(f"(all) => all.map({COLOURFUL})")) > 0.005
    expect(page.locator("[data-panel=sample] .gl-said-tuned")).not_to_contain_text("April")
    expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("at step 0")
    before = page.locator(".gl-cursor-line").evaluate("(line) => line.style.transform")
    page.keyboard.press("End")
    expect(page.locator("[data-panel=sample] .gl-said-tuned")).to_contain_text("Ivan Marsh was born in April.")
    expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("at step 300")
    assert page.locator(".gl-cursor-line").evaluate("(line) => line.style.transform") != before


def test_a_click_in_the_loss_goes_to_that_step(visit):
    page = visit()
    box = page.locator("[data-panel=loss] .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    expect(page.locator(".gl-step")).not_to_have_text("step 300 / 300")


def test_hover_previews_click_locks_escape_releases(visit):
    page = visit()
    readout = page.locator("[data-panel=gates] .gl-readout")
    box = gates(page).bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 15)
    expect(readout).to_contain_text("Layer 5, head")
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("Mean |gate|")
    page.mouse.click(box["x"] + 120, box["y"] + 15)
    page.mouse.move(5, 5)
    expect(readout).to_contain_text("Layer 5, head")
    expect(page.locator("[data-panel=asks]")).to_contain_text("(head")
    page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("Layer 4, head")
    page.keyboard.press("Escape")
    expect(readout).to_contain_text("Mean |gate|")


def test_panels_appear_as_the_run_emits(visit):
    page = visit()
    for run, panel, hidden in (
        ("lora", "updates", "gates"),
        ("prompt", "prompt", "updates"),
        (FIRST, "gates", "prompt"),
    ):
        show(page, run)
        expect(page.locator(f"[data-panel={panel}]")).to_be_visible()
        expect(page.locator(f"[data-panel={hidden}]")).to_be_hidden()
        expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("at step")
        assert page.locator("[data-panel=asks] .gl-heat").first.evaluate(COLOURFUL) > 0.05
        expect(page.locator("[data-panel=asks] .gl-legend").first).to_have_text(re.compile(r"^0[\d.]+$"))
        assert all(page.locator(".gl-panel:visible .gl-field-name").all_inner_texts())


def test_live_run_keeps_zoom_canvas_and_follows(visit, served):
    events = served.stage.copy("llama_adapter", "growing", name="growing", lines=200)
    served.stage.pretend("growing")
    page = visit()
    expect(page.locator(".gl-live-badge")).to_be_visible()
    before = page.locator(".gl-step").inner_text()
    gates(page).evaluate("(canvas) => { canvas.dataset.mine = 'yes'; }")
    zoom = drag(page)
    keep(events, "llama_adapter", 420)
    expect(page.locator(".gl-step")).not_to_have_text(before)
    shown = page.locator(".gl-loss-plot").evaluate("(plot) => [plot._fullLayout.xaxis.range, plot.data[0].x.length]")
    assert shown[0] == pytest.approx(zoom)
    assert shown[1] > 60
    assert gates(page).get_attribute("data-mine") == "yes"
    scrub(page, 3)
    keep(events, "llama_adapter", 500)
    page.wait_for_function("n => document.querySelector('.gl-loss-plot').data[0].x.length > n", arg=shown[1])
    expect(page.locator(".gl-step")).to_have_text("step 3 / 300")
    page.get_by_role("button", name="Follow live").click()
    expect(page.locator(".gl-step")).not_to_have_text("step 3 / 300")
    page.get_by_role("button", name="One step").click()
    expect(page.locator(".gl-state")).to_contain_text("Paused")


def test_a_run_that_is_opened_again_is_drawn_anew(visit, served):
    """Also where as many answers told of it as before: what has come meanwhile is in its curves."""
    log = served.stage.copy("llama_adapter", "reopened", name="reopened", lines=100)
    page = visit()
    drawn = "document.querySelector('.gl-loss-plot')?.data?.[0].x.length ?? 0"
    show(page, "reopened")
    page.wait_for_function(f"{drawn} > 0")
    expect(page.locator(".gl-step")).to_contain_text("/ 300")
    before = page.evaluate(drawn)
    keep(log, "llama_adapter", 300)
    show(page, "reopened")
    page.wait_for_function(f"n => ({drawn}) > n", arg=before)


def test_compare_shows_both_maps_and_their_difference(visit, served):
    log = served.stage.copy("llama_adapter", "twin", name="twin", lines=300)
    last = {event["kind"]: event for event in map(json.loads, log.read_text().splitlines())}
    page = visit()
    show(page, "llama_adapter")
    maps = page.locator("[data-panel=gates] .gl-map:visible")
    expect(maps).to_have_count(1)
    page.get_by_label("Compare with").select_option("twin")
    expect(maps).to_have_count(3)
    expect(maps.nth(1)).to_contain_text("twin")
    expect(page.locator("[data-panel=loss] .gl-key-other")).to_have_text("twin, dotted")
    losses = f"training {last['loss']['loss']:#.3g}, validation {last['eval']['validation_loss']:#.3g}"
    expect(page.locator("[data-panel=loss] .gl-readout")).to_contain_text(f"twin: {losses}")
    plotted = "(plot) => plot.data.filter((line) => line.name.startsWith('twin')).map((line) => line.y.length)"
    page.wait_for_function(f"({plotted})(document.querySelector('.gl-loss-plot')).length === 3")
    assert min(page.locator(".gl-loss-plot").evaluate(plotted)) > 1
    expect(page.locator("[data-panel=sample] .gl-said-row:visible dt")).to_contain_text(
        [f"twin, step {last['sample']['step']}"]
    )
    columns_fill_the_screen(page)
    page.get_by_label("Compare with").select_option("lora")
    expect(maps).to_have_count(1)
    expect(page.locator("[data-panel=loss] .gl-key-other")).to_contain_text("LoRA")


def columns_fill_the_screen(page):
    """Two columns at 1280, three at 1920, all of one height, over the whole width."""
    for width, count in ((1920, 3), (1280, 2)):
        page.set_viewport_size({"width": width, "height": 860})
        expect(page.locator(".gl-watch-side:visible")).to_have_count(count)
        boxes = page.locator(".gl-watch-side:visible").evaluate_all(
            "(sides) => sides.map((side) => [side.lastElementChild, side]).map((pair) => pair.map((one) => one"
            ".getBoundingClientRect()).map(({ right, bottom }) => [right, bottom]))"
        )
        assert max(last[1] for last, _ in boxes) - min(last[1] for last, _ in boxes) < 1
        assert width - 80 < max(side[0] for _, side in boxes) < width


def test_markup_in_names_and_sentences_stays_text(visit, served):
    evil = '<img src=x onerror="window.hit=1"><b>bold</b>'
    served.stage.copy("llama_adapter", "evil", name=evil)
    page = visit()
    show(page, "evil")
    page.get_by_label("Compare with").select_option("llama_adapter")
    expect(page.get_by_label("Run to watch").locator("option:checked")).to_contain_text("<img src=x")
    page.get_by_label("A sentence to look at").fill(evil)
    expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("at step")
    assert page.locator(".gl-watch img:not(.gl-said-picture), .gl-watch [data-panel] b").count() == 0
    assert page.evaluate("window.hit") is None
    expect(page.locator("[data-panel=asks] .gl-readout")).not_to_contain_text("is cut")
    page.get_by_label("A sentence to look at").fill("Ivan " * 70)
    expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("cut: only its first 64 tokens")


def test_states_are_said(visit, served):
    served.stage.copy("lora", "broken", name="broken", lines=60)
    served.stage.runs.editable_folder("broken").update(
        status="failed", message="The loss was no longer a number at step 12."
    )
    served.stage.copy("lora", "cut", name="cut", lines=60)
    served.stage.runs.editable_folder("cut").update(status="running", step=30)
    page = visit()
    state = page.locator(".gl-state")
    show(page, "broken")
    expect(state.locator("span")).to_have_text("The loss was no longer a number at step 12.")
    show(page, "cut")
    expect(state).to_contain_text("it can go on")
    expect(state.get_by_role("button", name="Resume from checkpoint")).to_be_visible()
    served.stage.copy("lora", "done", name="done")
    show(page, "done")
    expect(state).to_contain_text("100 % right on 50 test rows; the untuned base: 0 % right.")
    expect(state.get_by_role("button", name="Ask it something")).to_be_visible()
    served.stage.copy("prompt", "poor", name="poor")
    folder = served.stage.runs.editable_folder("poor")
    folder.update(score=dataclasses.replace(folder.facts().score, value=0.02))
    show(page, "poor")
    expect(state).to_contain_text("2 % right on 50 test rows")
    expect(state).to_contain_text("The default settings were measured at 100 % right on this dataset.")
    expect(state.get_by_role("button", name=re.compile("^Try (?!something)"))).to_have_count(0)
    served.stage.copy("prompt", "beside", name="beside")
    folder = served.stage.runs.editable_folder("beside")
    facts = folder.facts()
    folder.update(score=dataclasses.replace(facts.score, value=0.02), config=facts.config | {"method": "ladder"})
    show(page, "beside")
    expect(state).to_contain_text("with its default settings was measured at 100 % right on this dataset")
    expect(state.get_by_role("button", name=re.compile("^Try (?!something)"))).to_be_visible()
    folder.update(message="Training has diverged by step 12.")
    show(page, "done")
    show(page, "beside")
    expect(state.get_by_role("button", name="Train", exact=True)).to_be_visible()
    show(page, "done")
    expect(state.get_by_role("button", name="200 more steps")).to_be_visible()
    expect(page.locator("[data-panel=updates] h2")).to_have_text("Where does it change the weights?")
    served.stage.copy("lora", "edits", name="edits")
    folder = served.stage.runs.editable_folder("edits")
    folder.update(config=folder.facts().config | {"method": "loreft"})
    show(page, "edits")
    expect(page.locator("[data-panel=updates] h2")).to_have_text("Where does it change the states?")
    show(page, "no-such-run")
    expect(state).to_contain_text("There is no run “no-such-run”")


def test_a_run_that_warms_up_shows_nothing_of_another(visit, served):
    """Neither gates of the recording before it nor an old sentence; once it tells something, that is shown."""
    page = visit()
    expect(gates(page)).to_be_visible()
    events = served.stage.copy("llama_adapter", "warming", name="warming", lines=0)
    served.stage.pretend("warming", "loading")
    show(page, "warming")
    expect(page.locator(".gl-state")).to_contain_text("is being set up")
    assert page.locator(".gl-panel:visible").count() == 0
    served.stage.pretend("warming")
    keep(events, "llama_adapter", 60)
    expect(gates(page)).to_be_visible()
    served.stage.pretend(None)


def test_the_sentence_and_the_losses_are_those_of_the_run(visit, served):
    """The sentence that is looked at is what the run is asked as it trains; what it forgets is a line of the losses."""
    events = served.stage.copy("lora", "elsewhere", name="elsewhere")
    asked = next(row["prompt"] for row in map(json.loads, events.read_text().splitlines()) if row["kind"] == "sample")
    events.write_text(events.read_text().replace(json.dumps(asked)[1:-1], "Which colour has the moon?"))
    page = visit()
    sentence = page.get_by_label("A sentence to look at")
    for run, prompt in (("elsewhere", "Which colour has the moon?"), ("lora", asked)):
        show(page, run)
        expect(sentence).to_have_value(prompt)
    expect(page.locator("[data-panel=loss] .gl-readout")).to_have_text(re.compile(r"forgetting −?-?\d"))
    line = "(plot) => plot.data.find(({ name }) => name === 'forgetting').y.filter((one) => one !== null).length"
    assert page.locator(".gl-loss-plot").evaluate(line) > 5


def test_phone_width_stacks_without_sideways_scroll(visit):
    page = visit(size={"width": 390, "height": 860})
    expect(gates(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_scrubbing_is_quick(visit):
    """Every place of the slider is drawn within a frame, from what the page has; few sentences are asked about."""
    page = visit()
    expect(page.locator("[data-panel=asks] .gl-readout")).to_contain_text("at step 300")
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    shown = page.evaluate(
        """async () => {
          const slider = document.querySelector(".gl-scrub");
          const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          const shown = new Set();
          for (let place = 10; place < 40; place += 1) {
            await frame();
            slider.value = place;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await frame();
            shown.add(document.querySelector("[data-panel=gates] .gl-readout").textContent);
          }
          return shown.size;
        }"""
    )
    assert shown == 30
    assert sum("sentence" in question for question in asked) <= 2


def test_chinese_page(visit, app):
    page = visit(url=f"{app.url}/zh/?token={app.token}")
    expect(page.locator(".gl-intro")).to_contain_text("9,630 个新参数")
    expect(page.locator("[data-panel=gates] h2")).to_have_text("它从何时、在何处开始倾听？")
    assert "watch." not in page.locator(".gl-watch").inner_text()

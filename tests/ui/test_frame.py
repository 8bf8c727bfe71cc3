"""The frame: first paint, places, languages, narrow screens."""

import itertools
import json
import re
import urllib.request

import pytest

from app.client_progress import EVERY_MS, status_module
from tests.ui.conftest import OPEN, goto, ready_form, start, wait_idle
from tests.ui.test_accessibility import SMALL

pytestmark = pytest.mark.ui
TABS = {"train": "#gl-start", "watch": "[data-panel=loss]", "chat": "#gl-prompt", "runs": "tr[data-run]"}
FITS = "document.documentElement.scrollWidth <= innerWidth + 1"
WIDTH = "selector => document.querySelector(selector).getBoundingClientRect().width"
PROGRESS = """async ([name, wait]) => {
  const parts = await import(new URL(`assets/${name}`, document.baseURI));
  const { LoadingStatus } = Object.values(parts).find((part) => part?.LoadingStatus);
  const progress = new LoadingStatus();
  progress.register(1, [10], [20, 21], "hidden");
  progress.register(2, [11], [22], "minimal");
  const told = (fn_index, status) => {
    progress.update({ fn_index, status, stream_state: status === "complete" ? "closed" : null });
    return Object.keys(progress.current).join(" ");
  };
  const all = [told(1, "pending"), told(1, "complete"), told(2, "pending"), told(2, "complete")];
  await new Promise((resolve) => setTimeout(resolve, wait));
  return [...all, told(1, "pending"), told(2, "pending")];
}"""
"""Components that Gradio tells how far events are, at each stage of two events."""


def test_opens_on_watch(visit):
    """A person who opens the page sees Watch, with a run that is marked as a recording."""
    page = visit()
    page.wait_for_selector(".gl-tab-link[data-tab=watch][aria-current=page]")
    page.wait_for_selector(".gl-recorded >> text=recording")


def test_every_tab_fits_the_width(visit):
    """On a laptop and on a phone nothing scrolls sideways: on the phone the columns stack. In a narrow window no text
    shrinks."""
    page = visit()
    for width, (tab, content) in itertools.product((1280, 390), TABS.items()):
        page.set_viewport_size({"width": width, "height": 860})
        goto(page, tab)
        page.wait_for_function(OPEN, arg=content)
        page.wait_for_function(FITS)
        assert page.evaluate(WIDTH, f"#gl-tab-{tab}") >= 0.9 * width - 70, "margins eat the page"
    page.set_viewport_size({"width": 1000, "height": 860})
    for tab in TABS:
        goto(page, tab)
        page.wait_for_function(FITS)
        assert page.evaluate(SMALL) == []
    page.set_viewport_size({"width": 1920, "height": 860})
    goto(page, "watch")
    page.wait_for_function(FITS)
    assert page.evaluate(WIDTH, "#gl-header") == page.evaluate(WIDTH, ".gl-panels") > 1800


def drawn_to_size(page):
    """Whether the chart of losses is as wide as its panel, and nothing sticks out."""
    page.wait_for_selector(".gl-loss-plot .main-svg")
    page.wait_for_function(f"({WIDTH})('.gl-loss-plot .main-svg') > 100")
    svg, panel = (page.evaluate(WIDTH, selector) for selector in (".gl-loss-plot .main-svg", ".gl-loss-wrap"))
    return abs(svg - panel) <= 1 and page.evaluate(FITS)


def test_chart_fits_when_its_library_comes_late(visit):
    """The person is at another tab by the time Plotly has loaded: the chart must not take a size of its own."""
    page = visit()
    page.wait_for_function("window.Plotly")  # else the request that is held would be the one of before the reload
    held = []
    page.route("**/plotly.min.js", lambda route: held.append(route))
    with page.expect_request("**/plotly.min.js"):
        page.reload()
    goto(page, "chat")
    held[0].continue_()
    page.wait_for_function("window.Plotly")
    page.wait_for_timeout(300)  # what would be drawn wrongly is drawn now
    goto(page, "watch")
    assert drawn_to_size(page)


def test_chart_fits_after_a_run_started_from_another_place(visit):
    """Watch was hidden when the run began: its chart must still be drawn to the size of its panel."""
    page = visit()
    start(page, 12)
    wait_idle(page)
    assert drawn_to_size(page)


def test_languages_switch_and_keep_the_place(visit):
    """中文 leads to the Chinese page at the same tab, EN back."""
    page = visit()
    goto(page, "chat")
    page.click(".gl-languages a[lang=zh]")
    page.wait_for_url("**/zh*")
    page.wait_for_selector(".gl-tab-link[data-tab=chat][aria-current=page]")
    assert page.inner_text(".gl-tab-link[data-tab=train]") == "训练"
    assert page.get_attribute("html", "lang") == "zh"
    page.click(".gl-languages a[lang=en]")
    page.wait_for_selector("text=and the tuned model the same thing")


def test_large_mode_is_linked_kept_and_cuts_nothing(visit):
    """An address asks for it, the browser keeps it, the button ends it; charts fit, and a click finds its step.
    A narrow window is enlarged too, less."""
    page = visit(alone=True, size={"width": 1280, "height": 720})  # other tests share what a browser keeps
    page.goto(page.url.partition("?")[0] + "?large=1")
    page.wait_for_selector(".gl-large-switch[aria-pressed=true]")
    assert drawn_to_size(page)
    tall = page.evaluate("document.querySelector('.gl-header').getBoundingClientRect().height")
    assert 80 < tall < 100
    ticks = "[...document.querySelectorAll('.gl-loss-plot .xtick text')].map((one) => one.textContent)"
    page.wait_for_function(f"({ticks}).at(-1) === '300'")
    page.locator("[data-panel=loss]").scroll_into_view_if_needed()
    box = page.locator("[data-panel=loss] .nsewdrag").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.wait_for_selector(".gl-step:has-text('step 16 / 300')")
    for tab, content in TABS.items():
        goto(page, tab)
        page.wait_for_function(OPEN, arg=content)
        page.wait_for_function(FITS)
    for width, (tab, content) in itertools.product((900, 390), TABS.items()):
        page.set_viewport_size({"width": width, "height": 860})
        goto(page, tab)
        page.wait_for_function(OPEN, arg=content)
        page.wait_for_function(FITS)
    assert page.evaluate("getComputedStyle(document.body).zoom") == "1.25"
    page.set_viewport_size({"width": 1280, "height": 720})
    assert page.evaluate("localStorage.getItem('gatelight.large')") == "1"
    page.click(".gl-large-switch[aria-pressed=true]")
    assert page.evaluate("localStorage.getItem('gatelight.large')") == ""
    page.wait_for_function("document.querySelector('.gl-header').getBoundingClientRect().height < 70")


def test_reload_keeps_the_place(visit):
    """Whoever loads the page anew stays where one was; a new tab opens on Watch."""
    page = visit()
    goto(page, "chat")
    page.reload()
    page.wait_for_selector(".gl-tab-link[data-tab=chat][aria-current=page]")
    goto(page, "watch")
    page.reload()
    page.wait_for_selector(".gl-tab-link[data-tab=watch][aria-current=page]")
    goto(page, "runs")
    visit().wait_for_selector(".gl-tab-link[data-tab=watch][aria-current=page]")


def test_chinese_form_has_no_english_labels(visit):
    """Every label on the Chinese form is Chinese, of all methods (Alpha and Dropout apart: they have no other name)."""
    page = visit("/zh")
    ready_form(page)
    page.click("#gl-all > button")
    page.wait_for_selector("#gl-llama_adapter-prompt_len")
    page.add_style_tag(content="body .gl-of-method.gl-of-method { display: flex !important; }")
    labels = page.eval_on_selector_all(
        "#gl-all .gl-setting", "all => all.map(one => one.innerText.trim().split('\\n')[0])"
    )
    labels += [page.inner_text("#gl-set-steps").split("\n")[0]]
    english = {label for label in labels if not re.search(r"[一-鿿]", label)}
    assert len(labels) > 80
    assert english == {"Alpha", "DoRA", "Dropout"}


def test_no_motion_where_none_is_wanted(visit):
    """Where the system asks for no motion, nothing pulses or glides."""
    page = visit(motion=False)
    for style in ("animationName", "transitionDuration"):
        computed_style = page.evaluate(f"getComputedStyle(document.querySelector('.gl-tab-link')).{style}")
        assert computed_style in ("none", "0s")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--gl-motion')").strip() == "0ms"


def test_dark_follows_the_system(visit):
    """A system that is dark gets a dark page, boxes that the browser draws too."""
    page = visit(dark=True)
    page.wait_for_selector("body.dark")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", colour)[:3]) < 80
    goto(page, "runs")
    page.wait_for_selector("tr[data-run] input")
    assert page.evaluate("getComputedStyle(document.querySelector('tr[data-run] input')).colorScheme") == "dark"


def test_nothing_comes_from_the_network(visit, app):
    """Neither fonts nor scripts are fetched from elsewhere."""
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".gl-loss-plot .main-svg")
    page.wait_for_selector("[data-panel=asks] .gl-heat")
    assert any("plotly" in url for url in asked)
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []


def test_inputs_are_told_once_in_a_while(visit):
    """Gradio's client, as the page's head changes it, tells the inputs of events how far those are once in a second,
    and where it is shown at every stage."""
    told = visit().evaluate(PROGRESS, [status_module().name, EVERY_MS + 50])
    assert told == ["10", "10", "10 11", "10 11", "10 11 20 21 22", "10 11"]


def test_no_event_is_public(app):
    """The page is no API."""
    request = urllib.request.Request(app.url + "/gradio_api/info", headers={"Authorization": f"Bearer {app.token}"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["named_endpoints"] == {}

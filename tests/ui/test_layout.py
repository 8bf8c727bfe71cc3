"""What stands where: nothing is cut off, hidden behind something else, or below the first screen."""

import pytest

from app.cards import method_card
from app.words import Say
from engine.methods import METHODS
from tests.ui.conftest import goto, ready_form

pytestmark = pytest.mark.ui
LAPTOP = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 800}
BOXES = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent).map((one) => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return { left, right, top, bottom };
})"""

LABEL = "#gl-set-steps [data-testid=block-info]"

ROWS = """() => {
  const rows = {};
  for (const one of document.querySelectorAll(".gl-setting:has(> .container)")) {
    const field = one.querySelector("input[type=number], textarea, .input-container, .wrap-inner");
    if (!one.offsetParent || !field) continue;
    (rows[Math.round(one.getBoundingClientRect().top)] ??= []).push(field.getBoundingClientRect().top);
  }
  return rows;
}"""
"""Tops of the fields by the top of their row, in pixels."""


IN_WINDOW = """(one) => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return top >= 0 && bottom <= innerHeight + 1 && Boolean(over) && (one.contains(over) || over.contains(one));
}"""
"""Whether an element is in the window as a whole, with nothing over its middle."""
COVERED = """() => {
  const edge = (selector, side) => document.querySelector(selector).getBoundingClientRect()[side];
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  if (document.activeElement.matches("body, #gl-drive *, #gl-header *")) return false;
  return top < edge("#gl-header", "bottom") - 2 || bottom > edge("#gl-drive", "top") + 2;
}"""
"""Whether what has the focus is behind the header or behind the bar with Start."""


def in_window(page, *selectors):
    """Each of these can be seen, and nobody has scrolled for it."""
    for selector in selectors:
        shown = page.locator(selector).locator("visible=true").first
        shown.wait_for()
        assert shown.evaluate(IN_WINDOW), f"{selector}: {shown.bounding_box()}"


def boxes(page, selector):
    """Where the shown elements stand in the window, in pixels."""
    return page.evaluate(BOXES, selector)


def test_first_screen_of_train(visit):
    """Start is on the first screen of a laptop; labels, fields and help of a row of settings are at one height each.
    Scrolled down, no label shines through the header."""
    page = visit(size=LAPTOP)
    ready_form(page)
    page.wait_for_selector(".gl-memory")
    (start,) = boxes(page, "#gl-start")
    assert start["bottom"] <= LAPTOP["height"]
    page.click("#gl-all > button")
    page.wait_for_selector("#gl-llama_adapter-bias")
    rows = page.evaluate(ROWS)
    assert len(rows) > 5
    assert all(max(fields) - min(fields) <= 4 for fields in rows.values()), rows
    for tick in boxes(page, "#gl-all .gl-setting .checkbox-container"):
        assert tick["right"] - tick["left"] > 80
        assert tick["bottom"] - tick["top"] <= 60
    page.locator(LABEL).evaluate("label => scrollBy(0, label.getBoundingClientRect().top - 20)")
    (label,) = boxes(page, LABEL)
    (header,) = boxes(page, "#gl-header")
    assert 0 < label["top"] < label["bottom"] < header["bottom"]
    covered = (
        "({ left, top, bottom }) => !!document.elementFromPoint(left + 4, (top + bottom) / 2).closest('#gl-header')"
    )
    assert page.evaluate(covered, label)


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_method_of_the_menu_can_be_reached(visit, size):
    """The menu stays within the window, scrolls where it must, and letters lead to the method that they begin."""
    page = visit(size=size)
    goto(page, "train")
    page.click("#gl-method .gl-picker-button")
    page.wait_for_selector(".gl-method-option:visible")
    (menu,) = boxes(page, ".gl-picker-list")
    assert menu["left"] >= 0
    assert menu["right"] <= size["width"]
    assert menu["bottom"] <= size["height"]
    for one in page.locator(".gl-method-option:visible").all():
        one.scroll_into_view_if_needed()
        box = one.bounding_box()
        assert box["x"] >= menu["left"]
        assert box["x"] + box["width"] <= menu["right"]
    page.keyboard.type("lora")
    assert page.get_attribute(".gl-method-option.active", "data-method") == "lora"


def tallest_card():
    """The method about whom there is most to read."""
    return max(METHODS, key=lambda name: len(method_card(Say("en"), METHODS[name])))


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("path", ["/", "/zh"])
def test_start_and_progress_stay_in_view(visit, path, size):
    """Before anything is scrolled, with the tallest card, and at the end of all settings; by keys, no field stands
    behind them."""
    page = visit(path, size=size)
    ready_form(page)
    page.click("#gl-method .gl-picker-button")
    page.click(f".gl-method-option[data-method={tallest_card()}]")
    page.wait_for_function("document.querySelectorAll('.gl-equation b').length > 0")
    page.evaluate("scrollTo(0, 0)")
    in_window(page, "#gl-start", ".gl-track-text")
    page.click("#gl-all > button")
    page.wait_for_selector(f"#gl-all .gl-of-{tallest_card()} input")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    in_window(page, "#gl-start", ".gl-track-text")
    page.evaluate("scrollTo(0, 0)")
    page.focus("#gl-model input")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert not page.evaluate(COVERED), page.evaluate("document.activeElement.outerHTML")[:200]


def test_first_question_needs_no_scrolling(visit):
    """On a laptop, Chat's examples, its box, what was asked and the dial of strength are in the window at once."""
    page = visit(size=LAPTOP)
    goto(page, "chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('town-qa')")
    in_window(page, "#gl-prompt textarea", "#gl-send", ".gl-chip-question", "#gl-strength input[type=range]")
    page.locator(".gl-chip-question:visible").first.click()
    page.wait_for_selector(".gl-turn")
    page.wait_for_selector("#gl-send:not([disabled])")
    page.wait_for_selector("#gl-meter .gl-scale")
    in_window(page, ".gl-turn:last-child .gl-question", "#gl-prompt textarea", "#gl-strength input[type=range]")
    question, edit = boxes(page, ".gl-turn:last-child .gl-question")[0], boxes(page, ".gl-asked button")[0]
    assert edit["top"] < question["bottom"], "Edit stands beside its question"
    colours = "['.gl-question', '.gl-text'].map((one) => getComputedStyle(document.querySelector(one)).color)"
    asked, said = page.evaluate(colours)
    assert asked == said


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_help_stands_behind_an_icon(visit, size):
    """Hover, focus and tap show the help of a setting, Escape closes it, and no field moves."""
    page = visit(size=size)
    ready_form(page)
    icon, text = page.locator("#gl-set-steps .gl-help"), page.locator("#gl-set-steps [role=tooltip]")
    icon.wait_for()
    assert page.get_attribute("#gl-set-steps input", "aria-describedby") == text.get_attribute("id")
    assert icon.get_attribute("aria-describedby") == text.get_attribute("id")
    assert not text.is_visible()
    icon.scroll_into_view_if_needed()
    fields = boxes(page, ".gl-first-settings input")
    icon.hover()
    assert text.is_visible()
    assert boxes(page, ".gl-first-settings input") == fields
    page.keyboard.press("Escape")
    assert not text.is_visible()
    page.mouse.move(1, 1)
    icon.focus()
    assert text.is_visible()
    page.keyboard.press("Escape")
    assert not text.is_visible()
    page.focus("#gl-set-steps input")
    icon.click()
    assert text.is_visible()
    (box,) = boxes(page, "#gl-set-steps [role=tooltip]")
    assert 0 <= box["left"] < box["right"] <= size["width"]
    assert page.evaluate("document.activeElement.className") == "gl-help", "a tap does not go on to the field"


def test_drawing_and_equation_are_linked(visit):
    """Where the drawing has the focus, or the pointer is on its lit places, the learned symbols stand out."""
    page = visit()
    goto(page, "train")
    learned = page.locator("#gl-tab-train .gl-equation b")
    assert learned.all_inner_texts() == ["g", "k_P", "v_P"]
    shadow = "(one) => getComputedStyle(one).boxShadow"
    assert learned.first.evaluate(shadow) == "none"
    page.focus(".gl-diagram")
    assert learned.first.evaluate(shadow) != "none"
    page.focus("#gl-model input")
    assert learned.first.evaluate(shadow) == "none"
    page.hover(".gl-diagram .lit text >> nth=0")
    assert learned.first.evaluate(shadow) != "none"
    assert "Attention" in page.get_attribute(".gl-diagram", "aria-label")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_player_stands_below_the_header(visit, size):
    """Scrolled down, Watch can still be scrubbed: its bar sticks below the header, on a phone its slider alone."""
    page = visit(size=size)
    goto(page, "watch")
    page.wait_for_selector(".gl-scrub:visible")
    page.wait_for_selector("[data-panel=gates] canvas")
    page.evaluate("window.scrollTo(0, 900)")
    (header,), (bar,), (slider,) = (boxes(page, one) for one in (".gl-header", ".gl-bar-row", ".gl-scrub"))
    assert 0 <= slider["top"] - header["bottom"] <= 20
    assert bar["bottom"] - header["bottom"] <= 60
    in_window(page, ".gl-scrub", ".gl-step")

"""What stands where: nothing is cut off, hidden behind something else, or below the first screen."""

import pytest

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


def test_player_stands_below_the_header(visit):
    """Scrolled down, Watch can still be scrubbed: its bar sticks below the header, not behind it."""
    page = visit(size=LAPTOP)
    goto(page, "watch")
    page.wait_for_selector(".gl-scrub:visible")
    page.wait_for_selector("[data-panel=gates] canvas")
    page.evaluate("window.scrollTo(0, 500)")
    (header,), (bar,) = boxes(page, ".gl-header"), boxes(page, ".gl-bar-row")
    assert abs(bar["top"] - header["bottom"]) <= 2
    above = "(y) => document.elementFromPoint(640, y)?.closest('.gl-bar-row') !== null"
    assert page.evaluate(above, bar["top"] + 20)

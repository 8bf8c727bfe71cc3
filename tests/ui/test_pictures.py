"""Pictures from a folder to test rows, with a tiny ViT; and a zip of them."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.tiny import save_tiny
from tests.ui.conftest import WAIT_MS, goto, start, wait_idle
from tests.ui.test_data import UPLOAD, user_data
from tests.unit.drawing import draw_shapes

pytestmark = pytest.mark.ui
PIXEL = """(canvas, [x, y]) => {
  const ratio = canvas.width / canvas.clientWidth;
  return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
}"""
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Shapes, and a file that is none."""
    folder = draw_shapes(tmp_path_factory.mktemp("pictures") / "shapes", 30)
    (folder / "red circle" / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def chosen(visit, app):
    """A page on which a tiny ViT and one's own data are chosen; the model and its runs are gone afterwards."""
    folder, before = app.home / "models" / "tiny-vit", app.runs()
    save_tiny(folder, "vit")
    page = visit()
    user_data(page)
    page.click("#gl-model input")
    page.locator("[role=listbox] [role=option]:visible >> text=tiny-vit").click()
    page.wait_for_selector("text=tiny-vit")
    yield page
    for left in (folder, *set(app.runs()) - set(before)):
        shutil.rmtree(left)


def name_folder(page, folder):
    """Type the path of a folder."""
    page.fill("#gl-own-name input, #gl-own-name textarea", str(folder))
    page.locator("#gl-own-name input, #gl-own-name textarea").blur()


def test_folder_from_preview_to_test_rows(chosen, app, shapes):
    """Small copies with labels, what is left out, a run that learns, and what it says of pictures it never saw."""
    page = chosen
    name_folder(page, shapes)
    expect(page.locator("#gl-own-facts")).to_contain_text("60 pictures with labels")
    page.wait_for_selector("#gl-samples .gl-picture img")
    alts = page.eval_on_selector_all("#gl-samples .gl-picture img", "all => all.map(one => one.alt)")
    assert {alt.split(": ")[1] for alt in alts} == {"red circle", "blue square"}
    assert all(alt.startswith(alt.split(": ")[1]) for alt in alts)
    sources = page.eval_on_selector_all("#gl-samples .gl-picture img", "all => all.map(one => one.src)")
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    expect(page.locator("[data-check=no_picture]")).to_contain_text("notes.txt")
    expect(page.locator(".gl-labels")).to_contain_text("red circle")
    assert not page.is_visible("#gl-data-prompt")
    start(page, 60)
    wait_idle(page)
    see_patches(page)
    run = app.newest_run().name
    goto(page, "runs")
    page.click(f"tr[data-run='{run}']")
    page.wait_for_selector("#gl-run")
    page.click("#gl-rows button.label-wrap")
    page.click("#gl-rows-ask:not([disabled])")
    expect(page.locator("#gl-rows-progress")).to_contain_text("12 rows right")
    expect(page.locator("#gl-rows-pictures img")).to_have_count(12)
    expect(page.locator("#gl-rows-pictures figcaption").last).to_contain_text("✓")


def see_patches(page):
    """The picture alone and a map per layer; a patch and a layer can be kept, another picture chosen."""
    panel = page.locator("[data-panel=patches]")
    expect(page.locator("[data-panel=asks]")).to_be_hidden()
    readout = panel.locator(".gl-readout")
    tiles = panel.locator(".gl-patches:visible").first.locator(".gl-patches-tile")
    expect(readout).to_contain_text(re.compile(r"Step 60\. It sees “(red circle|blue square)” .* the class token"))
    names = tiles.locator("span").all_inner_texts()
    assert names[0] == "as it is read"
    assert names[1:] == [f"layer {layer}" for layer in range(1, 3)]
    shown = [tiles.nth(n).locator("canvas").evaluate("one => one.toDataURL()") for n in range(3)]
    assert len(set(shown)) == 3
    tiles.nth(2).locator("canvas").click(position={"x": 80, "y": 10})
    page.mouse.move(0, 0)
    expect(readout).to_contain_text("the patch in row 1, column 4 in layer 2")
    expect(tiles.nth(2)).to_have_attribute("aria-pressed", "true")
    corners = [tiles.nth(2).locator("canvas").evaluate(PIXEL, at) for at in ([90, 2], [2, 90])]
    assert sum(corners[0]) < 200 < sum(corners[1]), "the outline is where the patch is"
    other = panel.locator("option").nth(3).inner_text()
    panel.locator("select").first.select_option(other)
    page.wait_for_function(
        "before => document.querySelector('.gl-patches-tile canvas').toDataURL() !== before", arg=shown[0]
    )
    assert panel.locator("select").first.input_value() == other


def test_zip_of_pictures(chosen, app, shapes, tmp_path):
    """An uploaded zip is unpacked below the home folder and previewed; a language model says what it cannot read."""
    page = chosen
    path = shutil.make_archive(str(tmp_path / "zipped shapes"), "zip", shapes.parent, shapes.name)
    page.set_input_files(UPLOAD, path)
    page.wait_for_selector("#gl-samples .gl-picture img")
    assert str(app.home / "data") in page.input_value("#gl-own-name input, #gl-own-name textarea")
    page.click("#gl-model input")
    page.locator("[role=listbox] [role=option]:visible").first.click()
    page.wait_for_selector("#gl-samples >> text=holds pictures")


def test_chat_about_a_picture(chosen, shapes, tmp_path):
    """With a run on pictures the question is one: the base names its own classes, the tuned model its labels."""
    page = chosen
    name_folder(page, shapes)
    page.wait_for_selector("#gl-samples .gl-picture img")
    start(page, 20)
    wait_idle(page)
    goto(page, "chat")
    page.wait_for_selector("#gl-chat-picture:visible")
    assert not page.is_visible("#gl-prompt")
    page.set_input_files("#gl-chat-picture input[type=file]", next(shapes.rglob("*.png")))
    page.wait_for_selector("#gl-conversation .gl-question img")
    expect(page.locator("#gl-conversation .gl-answer.base .gl-text")).to_contain_text("LABEL_")
    expect(page.locator("#gl-conversation .gl-answer.tuned .gl-text")).to_contain_text("red circle")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    page.set_input_files("#gl-chat-picture input[type=file]", bad)
    page.wait_for_selector("text=bad.png is no picture")

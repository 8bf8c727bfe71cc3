"""Watch's panels of single methods, on a run that was written by hand: they show what its events say, at any step."""

import base64
import dataclasses
import io
import json
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from engine.methods import METHODS
from engine.service.answer import Answer
from engine.telemetry import method_events as told
from engine.telemetry.serialise import to_json
from tests.ui.conftest import ROOT, WAIT_MS, Visitor
from tests.ui.test_accessibility import AUDIT, AXE, SMALL
from tests.ui.watch_harness import serve
from tests.unit.test_serialise import REPORTED

pytestmark = [
    pytest.mark.ui,
    # Gradio leaves sockets of its port search to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PANELS = ROOT / "assets" / "js" / "watch" / "panels"
STEPS = (0, 10, 20)
LAYERS = list(range(4))
expect.set_options(timeout=WAIT_MS)


def grid(step, rows=4, columns=2):
    """Values that grow with the step and differ from cell to cell."""
    return [[round(step / 40 + row / 20 + column / 50, 4) for column in range(columns)] for row in range(rows)]


def frames(step):
    """Events of every kind that only some methods tell, by the panel that shows them."""
    wide = grid(step, 4, 6)
    column = [row[0] for row in wide]
    yield told.AdapterFrame(step=step, layers=LAYERS, parts=["attention", "mlp"], share=grid(step), asleep=grid(step))
    yield told.MassFrame(step=step, mass=wide, even=0.36)
    yield told.PrefixFrame(step=step, keys=column, values=column, norm=2.0 + step, moved=step * 1.0, stride=0.5)
    names = [f"model.layers.{layer}.input_layernorm" for layer in LAYERS]
    yield told.NormFrame(step=step, norms=names, gamma=column, beta=[0.0] * 4)
    counts = [[[step + row + expert for expert in range(3)] for row in LAYERS]]
    chance, alike = [[2.5] * 4], [[0.5] * 4]
    yield told.ExpertFrame(
        step=step, layers=LAYERS, targets=["mlp"] * 4, pools=["down"], counts=counts, chi_square=chance, cosine=alike
    )
    yield told.AgreementFrame(step=step, tokens=["Who", " is", " Ivan"], between=wide[0][:3], from_average=wide[1][:3])
    yield told.RankFrame(step=step, layers=LAYERS, targets=["q", "v"], ranks=grid(step), mean=0.6)
    yield told.TriggerFrame(
        step=step, words=[" swim", f" park{step}"], same=True, place=1 if step else None, before=" old",
        loss=2.5 if step else None, candidates=[f" park{step}", " tree"] if step else [],
        predicted=[-0.3, -0.1] if step else [], actual=[-step / 100, 0.2] if step else [], taken=0 if step else None,
    )  # fmt: skip
    edges, bins = [0.0, 0.5, 1.0, 1.5], [5, 40, 20]
    yield told.MaskFrame(
        step=step, layers=LAYERS, targets=["q", "v"], off=grid(step), flipped=grid(step), threshold=0.5, edges=edges,
        counts=bins,
    )  # fmt: skip
    yield told.SideFrame(step=step, base_share=0.5 + step / 100, grad=0.01)
    yield told.BlendFrame(step=step, ratio=0.4, cosine=0.2, base=0.75, side=0.25)
    yield told.LadderFrame(step=step, layers=LAYERS, kept=column, grad=column)
    yield told.RungFrame(step=step, layers=LAYERS, fresh=column, added=0.12)


SAID = {
    "adapters": "at step 20; 59 % of the bottleneck",
    "mass": "Mean share 0.625 at step 20; 0.36",
    "prefix": "Step 20: the prefix has size 22.0 and is 20.0 away",
    "norms": "Step 20: the largest change of a gain is 0.650",
    "experts": "draws at step 20; chi-square 2.50",
    "agreement": "Step 20: two random routes differ by 0.520 nats",
    "ranks": "Mean rank 0.585 at step 20.",
    "trigger": "Step 20, word 2: old gives way to park20. Estimated −0.300 nats, measured −0.200.",
    "masks": "Step 20: 59 % of the weights are off",
    "side": "Step 20: the base has 70.0 % of the blend",
    "ladder": "Mean μ 0.575 at step 20.",
}
DRAWN = """(panel) => [...panel.querySelectorAll("canvas")].filter((canvas) => canvas.offsetParent).map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, i) => i % 4 === 3 && value > 200);
})"""


SEEN = """(canvas, [x, y]) => {
  const ratio = canvas.width / canvas.clientWidth;
  return canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data[3];
}"""
"""How opaque a canvas is at a place."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Watch, with one run that tells every kind of event."""
    harness = serve(tmp_path_factory.mktemp("home"))
    path = harness.stage.copy("llama_adapter", "everything", name="everything", lines=1)
    kinds = set()
    with path.open("a", encoding="utf-8") as log:
        for step in STEPS:
            for event in frames(step):
                kinds.add(event.kind)
                log.write(json.dumps(to_json(event)) + "\n")
    harness.stage.runs.editable_folder("everything").update(emits=sorted(kinds), steps=20)
    see(harness.stage)
    yield harness
    harness.page.close(verbose=False)
    harness.stage.close()


def see(stage):
    """Put a run that sees pictures beside it, and answer what the picture changes there."""
    stage.copy("llama_adapter", "seeing", name="seeing", lines=40)
    folder = stage.runs.editable_folder("seeing")
    folder.update(config=folder.facts().config | {"method_settings": {"vision": "town-vit"}})
    ask = stage.ask

    def answer(query, run, step, **arguments):
        if query != "probe_beside":
            return ask(query, run, step, **arguments)
        stage.handed = arguments
        reference = "" if arguments["own"] or arguments["question"] else "c"
        return Answer(report=dataclasses.replace(REPORTED["beside"][0], reference=reference), step=step)

    stage.ask = answer


@pytest.fixture(scope="module")
def page(tabs, served):
    """The run in Watch."""
    visitor = Visitor(tabs, served.url)
    page = visitor("", motion=False)
    page.locator("[data-panel=loss] .main-svg").first.wait_for()
    show(page, "everything")
    expect(page.locator(".gl-step")).to_have_text("step 20 / 20")
    yield page
    visitor.leave()


def show(page, run):
    """Show a run."""
    page.evaluate("(run) => Gatelight.ready.then(({ show }) => show(run))", run)


def scrub(page, place):
    """Move the slider to the nth frame."""
    page.locator(".gl-scrub").evaluate(
        "(slider, place) => { slider.value = place; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        place,
    )


@pytest.mark.parametrize("panel", SAID)
def test_panel_shows_what_the_events_say(page, panel):
    """Every panel is drawn, says the numbers of its events, and follows the slider."""
    place = page.locator(f"[data-panel={panel}]")
    scrub(page, 2)
    expect(place).to_contain_text(SAID[panel])
    drawn = place.evaluate(DRAWN)
    assert drawn
    assert all(drawn)
    scrub(page, 1)
    expect(place).not_to_contain_text(SAID[panel])
    expect(place).to_contain_text(re.compile(r"[Ss]tep 10\b"))


FRAMED = """() => [...document.querySelectorAll(".gl-watch table")].filter((table) => {
  const row = table.insertRow();
  row.append(document.createElement("th"), document.createElement("td"));
  const framed = [table, ...table.querySelectorAll("tr, th, td")].some((part) =>
    ["Top", "Right", "Bottom", "Left"].some((side) => parseFloat(getComputedStyle(part)[`border${side}Width`]) > 0));
  row.remove();
  return framed;
}).map((table) => `a frame around parts of ${table.className}`)"""
"""Tables that look as Gradio draws those of a text; each gets a row, since some are empty in these runs."""


@pytest.mark.slow
@pytest.mark.parametrize("run", ["everything", "lora", "seeing"])
def test_panels_stand_in_nobodys_way(page, run):
    """Nothing to object to for axe, and nothing small, in any panel that a method of any kind has, in both themes."""
    if not AXE.exists():
        pytest.skip("not installed: npm ci")
    show(page, run)
    page.wait_for_function("document.querySelector('[data-panel=asks] .gl-readout').textContent.includes('at step')")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    if not page.evaluate("Boolean(window.axe)"):
        page.add_script_tag(path=AXE)
    found = {}
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", scheme == "dark")
        found[scheme] = page.evaluate(AUDIT, ".gl-watch") + page.evaluate(SMALL) + page.evaluate(FRAMED)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = false; })")
    show(page, "everything")
    assert found == {"dark": [], "light": []}


def test_pick_in_one_map_is_the_pick_in_all(page):
    """A cell that is clicked stays picked, in every map that has its layer; Escape lets go."""
    scrub(page, 2)
    page.locator("[data-panel=masks] canvas").first.click(position={"x": 120, "y": 10})
    page.mouse.move(5, 5)
    expect(page.locator("[data-panel=masks]")).to_contain_text("Layer 3, q:")
    expect(page.locator("[data-panel=adapters]")).to_contain_text("Layer 3, after attention:")
    page.keyboard.press("Escape")
    expect(page.locator("[data-panel=masks]")).to_contain_text("Step 20:")


def test_parts_of_a_panel_open_on_demand(page):
    """Draws of experts are folded away; a norm's cell says how far that norm drifted."""
    scrub(page, 2)
    draws = page.locator("[data-panel=experts] details")
    expect(draws.locator("canvas").first).to_be_hidden()
    draws.locator("summary").click()
    expect(draws.locator("canvas").first).to_be_visible()
    assert draws.evaluate(DRAWN) == [True, True]
    draws.locator("summary").click()
    place = page.locator("[data-panel=norms]")
    place.locator("canvas").first.hover(position={"x": 140, "y": 10})
    expect(place).to_contain_text("model.layers.0.input_layernorm: root mean square change of the gain 0.500")


COPIED = """() => {
  Object.defineProperty(window, "isSecureContext", { value: false, configurable: true });
  document.execCommand = () => { window.copied = document.querySelector("body > textarea").value; };
}"""
"""Over plain http there is no clipboard, and the page copies what is selected."""


def test_the_trigger_is_read_and_copied(page):
    """Its words at the step, those that stood there before, every candidate with both numbers, and a copy of it."""
    scrub(page, 2)
    place = page.locator("[data-panel=trigger]")
    expect(place.locator("p > .gl-word")).to_have_text(["swim", "park20"])
    expect(place.locator("p > .gl-changed")).to_have_text("park20")
    candidates, swaps = place.locator("table").nth(0), place.locator("table").nth(1)
    expect(candidates.locator("tbody tr")).to_have_text(["park20−0.300−0.200", "tree−0.1000.200"])
    expect(swaps.locator("tbody tr")).to_have_text(["20swimpark202.30", "10swimpark102.40", "0swimpark0–"])
    page.evaluate(COPIED)
    place.get_by_role("button", name="Copy").click()
    expect(place.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("window.copied") == " swim park20"
    scrub(page, 0)
    expect(place).to_contain_text("Step 0: the trigger as the search begins.")
    expect(candidates).to_be_hidden()


def test_masks_show_what_changed_on_demand(page):
    """The switch turns the map from what is off to what is not as it was."""
    page.get_by_role("button", name="what changed").click()
    expect(page.locator("[data-panel=masks] .gl-readout:visible")).to_contain_text("are not as they were")
    page.get_by_role("button", name="what changed").click()


def test_layers_are_switched_off_on_demand(page):
    """The triangle is computed when asked for: its corner, all layers off, is the base's loss."""
    show(page, "llama_adapter")
    place = page.locator("[data-panel=ablation]")
    expect(place).to_contain_text("Not asked yet")
    place.get_by_role("button").click()
    expect(place).to_contain_text("with all layers on")
    place.locator("canvas").hover(position={"x": 100, "y": 10})
    expect(place).to_contain_text("No such span")
    place.locator("canvas").hover(position={"x": 100, "y": 158})
    expect(place).to_contain_text(re.compile(r"Off in layers? 0"))
    assert [place.locator("canvas").evaluate(SEEN, at) for at in ([100, 10], [100, 158])] == [0, 255]
    place.locator("canvas").press("ArrowRight")
    place.locator("canvas").press("ArrowRight")
    expect(place).to_contain_text("Off in layers 0 to")
    show(page, "prompt")
    expect(place).to_be_hidden()
    show(page, "everything")


GIVEN = """async ([kind, where]) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const octets = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const held = new DataTransfer();
  held.items.add(new File([octets], "own.png", { type: "image/png" }));
  const target = where === "document" ? document.body : document.querySelector("[data-panel=beside] figure");
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""
"""A small picture that is pasted or dropped."""


def test_what_a_picture_changes(page, served):
    """Three answers, three maps of loudness, who asks whom, where the encoder looks; only where pictures are seen."""
    place = page.locator("[data-panel=beside]")
    expect(place).to_be_hidden()
    show(page, "seeing")
    expect(place.locator(".gl-sights strong")).to_have_text(["c", "d", "(says nothing)"])
    expect(place.locator("select").first.locator("option")).to_have_text(["1. e?", "2. a b?"])
    expect(place.locator(".gl-readout")).to_contain_text(
        "add 0.50 of the attention output with the picture, 0.13 without"
    )
    expect(place.locator(".gl-patches-tile:visible")).to_have_text(["its layer 3"])
    drawn = place.evaluate(DRAWN)
    assert len(drawn) == 5
    assert all(drawn)
    place.locator("canvas").first.press("ArrowRight")
    expect(place.locator(".gl-readout")).to_contain_text("Layer 1, head 0: 0.50 with the picture, 0.13 without")
    page.keyboard.press("Escape")
    pictures_of_ones_own(page, place, served.stage)
    show(page, "everything")
    expect(place).to_be_hidden()


def pictures_of_ones_own(page, place, stage):
    """By file, by paste and by drop, as small copies; the other one also from a row; and back."""
    readout, pictures = place.locator(".gl-readout"), place.locator("figure")
    expect(readout).to_contain_text("should be “c”")
    place.locator("input[type=file]").first.set_input_files(ROOT / "assets" / "screenshots" / "train.png")
    expect(readout).to_contain_text("is not known")
    assert stage.handed["own"].startswith("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(stage.handed["own"].partition(",")[2]))) as copy:
        assert max(copy.size) == 512
    pictures.nth(2).locator("select").select_option("1")
    expect(place.get_by_role("button", name="Back to the row's picture")).to_be_visible()
    place.get_by_role("button", name="Back to the row's picture").click()
    expect(readout).to_contain_text("should be “c”")
    assert (stage.handed["own"], stage.handed["other"]) == ("", "1")
    for kind, target in (("paste", "document"), ("drop", "figure")):
        page.evaluate(GIVEN, [kind, target])
        expect(readout).to_contain_text("is not known")
        assert len(stage.handed["own"]) < 2000
        place.get_by_role("button", name="Back to the row's picture").click()
        expect(readout).to_contain_text("should be “c”")
    place.locator("input.gl-input").fill("how?")
    place.locator("input.gl-input").press("Enter")
    expect(readout).to_contain_text("is not known")
    assert stage.handed["question"] == "how?"
    place.locator("input[type=file]").first.set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(readout).to_contain_text("The browser cannot read this file as a picture")
    place.locator("canvas").first.hover()  # draws the panel anew
    expect(readout).to_contain_text("The browser cannot read this file as a picture")


def test_every_event_of_a_method_has_a_panel():
    """No method tells what nobody shows."""
    needed = {name for file in PANELS.glob("*.js") for name in re.findall(r'(?:needs|kind): "(\w+)"', file.read_text())}
    needed |= {name for file in PANELS.glob("*.js") for name in re.findall(r'(?:at|series)\("(\w+)"', file.read_text())}
    assert {event.kind for spec in METHODS.values() for event in spec.emits} <= needed


def test_every_report_on_a_sentence_has_a_picture():
    """Each kind of report that a method gives on a sentence is known to the view."""
    reports = (PANELS.parent / "reports.js").read_text()
    engine = "\n".join(file.read_text() for file in (ROOT / "engine").rglob("*.py"))
    for kind in set(re.findall(r'"kind": "(\w+)",\n\s+"tokens"', engine)):
        assert f"  {kind}: {{" in reports, kind

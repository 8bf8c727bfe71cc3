"""axe finds nothing to object to on any tab, in the menu, in both languages and themes; nothing is written small."""

import pytest

from tests.ui.conftest import ROOT, copied, goto, ready_form
from tests.ui.test_chat import ask

pytestmark = pytest.mark.ui
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
AUDIT = """async (within) => {
  const { violations } = await axe.run(within || document, { resultTypes: ["violations"] });
  const line = ({ id, impact }, node) => `${impact} ${id}: ${node.html.slice(0, 160)}`;
  return violations.flatMap((rule) => rule.nodes.map((node) => line(rule, node)));
}"""

SMALL = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  while (walker.nextNode()) {
    const text = walker.currentNode, within = text.parentElement;
    const range = document.createRange();
    range.selectNode(text);
    const box = range.getBoundingClientRect();
    if (!text.textContent.trim() || box.width < 2 || box.height < 2) continue;
    let size = parseFloat(getComputedStyle(within).fontSize);
    if (within.ownerSVGElement) size *= Math.hypot(within.getScreenCTM().a, within.getScreenCTM().b);
    if (size < 12.9) small.add(`${size.toFixed(1)} px: ${text.textContent.trim().slice(0, 60)}`);
  }
  return [...small];
}"""
"""Texts that are written smaller than 13 pixels; what a canvas or a folded part holds is not seen."""


@pytest.mark.slow
@pytest.mark.parametrize(("path", "dark"), [("/", False), ("/zh", True)], ids=["light", "dark"])
def test_nothing_stands_in_the_way_of_anyone(visit, app, path, dark):
    """Contrast, names, roles and headings of everything that a tab shows, its folded parts opened."""
    if not AXE.exists():
        pytest.skip("not installed: npm ci")
    copied(app, f"seen-{path.strip('/')}")
    page = visit(path, dark=dark, motion=False)
    page.add_script_tag(path=AXE)
    found = {}

    def audit(name):
        found[name] = page.evaluate(AUDIT) + page.evaluate(SMALL)

    page.wait_for_selector("[data-panel=gates] canvas")
    page.wait_for_selector("[data-panel=loss] .gl-loss-plot .trace", state="attached")
    audit("watch")
    ready_form(page)
    page.click(".gl-memory summary")
    for fold in ("all", "model-more", "terminal"):
        page.click(f"#gl-{fold} > button")
    page.wait_for_selector("#gl-llama_adapter-bias")
    page.wait_for_selector(".gl-memory-parts")
    audit("train")
    every = page.add_style_tag(content="body .gl-of-method.gl-of-method { display: flex !important; }")
    audit("settings of all methods")
    every.evaluate("(style) => style.remove()")
    page.click("#gl-method .gl-picker-button")
    audit("menu of methods")
    page.keyboard.press("Escape")
    goto(page, "chat")
    ask(page, "Where does Ivan live?")
    audit("chat")
    goto(page, "runs")
    page.wait_for_selector(".gl-table tr[data-run]")
    audit("runs")
    assert {name: lines for name, lines in found.items() if lines} == {}

"""axe finds nothing to object to on any tab, whatever is opened, in both languages and themes; no text is small."""

import json

import pytest

from app.access.doors import PasswordDoor
from tests.tiny import ALL_CASES
from tests.ui.conftest import ROOT, copied, goto, ready_form, start, wait_idle
from tests.ui.test_chat import ask
from tests.unit.test_login import HTML, POLICY, client, passwords

pytestmark = pytest.mark.ui
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
AUDIT = """async (parts) => {
  const { violations } = await axe.run(parts, { resultTypes: ["violations"] });
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

STILL = """() => [...document.querySelectorAll("[role=listbox]")].every(
  (menu) => getComputedStyle(menu).opacity === "1" && !menu.getAnimations({ subtree: true }).length
)"""
"""Whether Gradio's menus have come to rest."""


PAIRS = [(path, dark) for path in ("/", "/zh") for dark in (False, True)]
WAYS = PAIRS if ALL_CASES else [("/", False), ("/zh", True)]
"""Each language and each theme: colours do not depend on the words."""


class Audit:
    """Asks axe about a page that shows something, and notes what it objects to, and what is written small.

    Attributes:
        page: The page.
        found: Objections, by what was shown.
    """

    def __init__(self, page):
        self.page, self.found = page, {}
        page.add_script_tag(path=AXE)

    def __call__(self, name, within="html", but=".no-such-part"):
        """Look at the whole page, or at a part of it but for another."""
        self.page.locator(within).locator("visible=true").first.wait_for()
        if lines := self.page.evaluate(AUDIT, {"include": [[within]], "exclude": [[but]]}) + self.page.evaluate(SMALL):
            self.found[name] = lines

    def menu(self, selector):
        """Open a menu of Gradio's and close it again."""
        self.page.click(f"{selector} input")
        self.page.wait_for_selector("[role=option]:visible")
        self.page.wait_for_timeout(300)  # it begins to fade in a moment later; half faded, its words have less contrast
        self.page.wait_for_function(STILL)
        self(f"menu {selector}", selector)
        self.page.keyboard.press("Escape")
        self.page.locator(f"{selector} input").blur()


@pytest.fixture
def audit(visit, path, dark):
    """An audit of the page in one language and one theme."""
    if not AXE.exists():
        pytest.skip("not installed: npm ci")
    audit = Audit(visit(path, dark=dark, motion=False))
    yield audit
    assert audit.found == {}


def seen_at(app, path, dark):
    """A run of one's own with words of one's own, once for each way; returns its name."""
    name = f"seen{path.strip('/')}{'-dark' * dark}"
    facts = copied(app, name) / "run.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"name": name, "tags": ["one", "two"]}))
    return name


@pytest.mark.slow
@pytest.mark.parametrize(("path", "dark"), WAYS)
def test_watch_and_chat_stand_in_nobodys_way(audit):
    """Contrast, names, roles and headings of Watch, and of Chat with its third column, menus and folds."""
    page = audit.page
    page.wait_for_selector("[data-panel=gates] canvas")
    page.wait_for_selector("[data-panel=loss] .gl-loss-plot .trace", state="attached")
    audit("watch")
    goto(page, "chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('town-qa')")
    ask(page, "Where does Ivan live?")
    page.click("#gl-third")
    page.wait_for_selector("#gl-side-third:visible")
    for fold in page.locator("#gl-tab-chat .label-wrap:visible").all():
        fold.click()
    page.wait_for_selector("#gl-tab-chat .gl-help:visible")
    audit("chat")
    audit.menu("#gl-side-right")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "dark"), WAYS)
def test_train_stands_in_nobodys_way(audit, tmp_path):
    """The same of Train: its folds, menus, settings of all methods, a toast, and one's own data."""
    page = audit.page
    ready_form(page)
    page.wait_for_selector(".gl-memory")
    page.click(".gl-memory summary")
    page.click("#gl-expected summary")
    for fold in ("all", "model-more", "search", "terminal"):
        page.click(f"#gl-{fold} > button")
    page.wait_for_selector("#gl-llama_adapter-bias")
    page.wait_for_selector(".gl-memory-parts")
    page.focus("#gl-set-steps .gl-help")
    audit("train")
    every = page.add_style_tag(content="body .gl-of-method.gl-of-method { display: flex !important; }")
    audit("settings of all methods", "#gl-all")
    every.evaluate("(style) => style.remove()")
    page.click("#gl-method .gl-picker-button")
    audit("menu of methods", "#gl-method")
    page.keyboard.press("Escape")
    for menu in ("#gl-model", "#gl-preset", "#gl-dataset"):
        audit.menu(menu)
    page.fill("#gl-set-steps input", "0")
    page.click("#gl-start:not([disabled])")
    audit("toast", ".toast-body", but=".toast-header")  # Gradio's own: a button within what is said to be one
    page.fill("#gl-set-steps input", "3")
    file = tmp_path / "odd.csv"
    file.write_text("nr,Frage,Antwort\n" + "".join(f"{n},Where is {n}?,In street {n}.\n" for n in range(40)))
    page.click("#gl-dataset input")
    page.locator("[role=listbox] [role=option]:visible").last.click()
    page.wait_for_selector("#gl-own:visible")
    page.set_input_files("input[type=file]:has(+ #gl-own-upload)", file)
    page.wait_for_selector(".gl-guess")
    page.click("#gl-own-more > button")
    audit("one's own data", "#gl-own")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "dark"), WAYS)
def test_runs_stands_in_nobodys_way(audit, app, path, dark):
    """The same of Runs: columns, tags, what is compared, the form of export, the question before a run is deleted."""
    page, name = audit.page, seen_at(app, path, dark)
    goto(page, "runs")
    page.evaluate("Gatelight.ready.then(({ refreshRuns }) => refreshRuns())")
    page.wait_for_selector(f"tr[data-run={name}] .gl-tag")
    page.click(f"tr[data-run={name}] input")
    page.wait_for_selector("#gl-run:visible")
    page.click("#gl-run-delete:not([disabled])")
    audit("one run", "#gl-confirm")
    page.click("#gl-delete-no")
    page.wait_for_selector("#gl-export-refused:visible")
    audit.menu("#gl-export-form")
    page.click("tr[data-run=llama_adapter] input")
    page.click("[class*=columns] > summary")
    page.wait_for_selector("#gl-overlay .scatterlayer .trace")
    audit("runs")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "dark"), WAYS)
def test_a_run_and_what_waits_stand_in_nobodys_way(audit):
    """The same of the bar while a run is paused, the ladder, the queue, and the active run with its log."""
    page = audit.page
    start(page, 100_000)
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.click("#gl-pause:not([disabled])")
    page.wait_for_selector(".gl-chip[data-state=paused]")
    page.click("#gl-ladder-ask")
    page.wait_for_selector(".gl-ladder-rates li")
    audit("ladder", "#gl-ladder")
    audit("drive", "#gl-drive")
    goto(page, "runs")
    page.wait_for_selector("[data-queued]")
    page.click(".gl-activity summary")
    page.wait_for_function("document.querySelector('.gl-log').textContent.length > 0")
    audit("active run and queue")
    goto(page, "train")
    page.locator(".gl-ladder header .gl-button").first.click()
    page.wait_for_selector(".gl-track-queue", state="hidden")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_that_asks_for_a_name_stands_in_nobodys_way(tabs, tmp_path, dark):
    """The same of the login page, which is no page of Gradio's."""
    if not AXE.exists():
        pytest.skip("not installed: npm ci")
    page = tabs.new_page()
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_content(client(PasswordDoor(POLICY, passwords(tmp_path))).get("/zh", headers=HTML).text)
    audit = Audit(page)
    audit("login")
    page.close()
    assert audit.found == {}

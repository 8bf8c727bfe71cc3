"""Train: a change or a preview that comes late does not bring the file of before back. In a real browser."""

import threading

import pytest
from playwright.sync_api import expect

from engine.core.errors import DataError
from engine.service import deferred
from tests.ui.conftest import WAIT_MS, goto
from tests.ui.in_process import InProcess

pytestmark = [
    pytest.mark.ui,
    # Gradio leaves sockets of its port search to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:SSR mode is not supported:UserWarning"),
]

NOTE_ROWS = """() => {
    window.told = [];
    const rows = document.getElementById("gl-samples");
    const note = () => window.told.push(rows.innerText);
    new MutationObserver(note).observe(rows, { subtree: true, childList: true, characterData: true });
}"""
"""Notes all that stands in place of the rows."""


class TwoFiles(InProcess):
    """Whose previews say which file was read.

    Attributes:
        first, second: The files.
        quick: Unset while the preview of the first one takes its time.
        found: Unset while the second one is being read.
    """

    def __init__(self, tabs, home, monkeypatch):
        super().__init__(tabs, home / "home", monkeypatch)
        self.first, self.second = home / "first.csv", home / "second.csv"
        self.quick, self.found = threading.Event(), threading.Event()
        self.quick.set()
        self.found.set()
        preflight = self.workbench.preflight
        self.plain = preflight.inspect_data
        monkeypatch.setattr(preflight, "inspect_data", self.inspect)
        for file in (self.first, self.second):
            file.write_text("question,answer\nWhere?,Here.\n")
        monkeypatch.setattr(deferred, "preview_data", self.preview)

    def inspect(self, dataset, *given, **named):
        if dataset == str(self.second):
            self.found.wait(timeout=WAIT_MS / 1000)
        return self.plain(dataset, *given, **named)

    def preview(self, config, _rows):
        if config.dataset == str(self.first):
            self.quick.wait(timeout=WAIT_MS / 1000)
        raise DataError("empty_file", "It has no rows.", file=config.dataset)


@pytest.fixture
def site(tabs, tmp_path, monkeypatch):
    opened = TwoFiles(tabs, tmp_path, monkeypatch)
    yield opened
    opened.close()


def named(page, file):
    page.fill("#gl-own-name :is(input, textarea)", str(file))
    page.keyboard.press("Enter")


def opened(site):
    """The form with the first file on it."""
    page = site.open()
    goto(page, "train")
    page.click("#gl-dataset input")
    page.locator("[role=listbox] [role=option]:visible").last.click()
    page.wait_for_selector("#gl-own:visible")
    named(page, site.first)
    return page


def test_a_change_that_comes_late(site):
    """A change that was made before another file was named, and reaches the server after it was read."""
    page = opened(site)
    rows = page.locator("#gl-samples")
    expect(rows).to_contain_text("first.csv", timeout=WAIT_MS)
    late = []

    def held(route):
        body = route.request.post_data_json
        if not late and {"98765", str(site.first)} <= set(map(str, body["data"])):
            late.append(route)
        else:
            route.continue_()

    page.route("**/queue/join*", held)
    page.fill("#gl-set-seed input", "98765")
    page.wait_for_timeout(1000)
    assert len(late) == 1
    page.evaluate(NOTE_ROWS)
    named(page, site.second)
    page.wait_for_function("told.length > 0")
    page.wait_for_timeout(1000)
    late[0].continue_()
    page.wait_for_timeout(3000)  # nothing tells when the last answer has come
    expect(rows).to_contain_text("second.csv", timeout=WAIT_MS)
    assert not any("first.csv" in text for text in page.evaluate("told"))


def test_a_preview_that_comes_late(site):
    """What the first file's rows look like is known only after another one was named."""
    site.quick.clear()
    page = opened(site)
    rows = page.locator("#gl-samples")
    page.wait_for_selector("#gl-own-facts >> text=answer")
    page.wait_for_timeout(1000)
    named(page, site.second)
    expect(page.locator("#gl-own-facts")).to_contain_text("answer")
    page.wait_for_timeout(1000)
    page.evaluate(NOTE_ROWS)
    site.quick.set()
    expect(rows).to_contain_text("second.csv", timeout=WAIT_MS)
    assert not any("first.csv" in text for text in page.evaluate("told"))


def test_a_preview_that_comes_while_another_file_is_read(site):
    """It would stand in the place of the word that the other one is being read."""
    site.quick.clear()
    site.found.clear()
    page = opened(site)
    facts, rows = page.locator("#gl-own-facts"), page.locator("#gl-samples")
    expect(facts).to_contain_text("answer", timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    named(page, site.second)
    expect(facts).to_contain_text("Reading", timeout=WAIT_MS)
    page.evaluate(NOTE_ROWS)
    site.quick.set()
    page.wait_for_timeout(2000)  # nothing tells that the answer was dropped
    site.found.set()
    expect(rows).to_contain_text("second.csv", timeout=WAIT_MS)
    assert not any("first.csv" in text for text in page.evaluate("told"))

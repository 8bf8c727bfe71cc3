"""What went wrong with a run is said with a choice that is a button: in a real browser."""

import json
import os
import shutil

import pytest
from playwright.sync_api import expect

from engine.core.errors import RunError
from engine.service.runs import RECORDINGS
from engine.service.status import LiveStatus
from tests.ui.conftest import WAIT_MS, goto
from tests.ui.in_process import InProcess

pytestmark = [
    pytest.mark.ui,
    # Gradio leaves sockets of its port search to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:SSR mode is not supported:UserWarning"),
]
expect.set_options(timeout=WAIT_MS)
PICTURES = os.environ.get("GATELIGHT_PICTURES")  # a folder for pictures of each choice, for whoever looks at them
RATES = {"initial": "1.8", "loss": "87", "rate": "10", "lower": "0.005", "step": 20}
CHANGED = {"name": "town-qa", "splits": "train"}


class Page(InProcess):
    """One with a run that broke.

    Attributes:
        resumed: With what the run was resumed, each time.
    """

    def __init__(self, tabs, home, monkeypatch):
        super().__init__(tabs, home, monkeypatch)
        self.resumed, self.predicted = [], []
        run = shutil.copytree(RECORDINGS / "llama_adapter", home / "runs" / "broken")
        facts = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**facts, "status": "stopped", "step": 100}))
        monkeypatch.setattr(self.workbench, "ask", self.not_loaded)  # it would load the base, which has no problem
        monkeypatch.setattr(self.workbench, "resume", self.resume)
        monkeypatch.setattr(self.workbench, "predictions", self.predictions)

    def resume(self, run, *, session, resuming):
        self.changed(run, accepted=resuming.accept_changed)
        self.resumed.append((run, dict(resuming.training), resuming.accept_changed))

    def predictions(self, run, *, session, accept_changed):
        self.changed(run, accepted=accept_changed)
        self.predicted.append(run)
        return iter(())

    def changed(self, run, *, accepted):
        if not accepted:
            raise RunError("data_changed", "The rows have changed.", run=run, **CHANGED)

    def says(self, key, **values):
        """The workbench has just ended the run with an error."""
        error = RunError(key, "It went wrong.", run="broken", **values)
        self.workbench._worker.live = LiveStatus(message=str(error), problem=error.to_dict())


@pytest.fixture
def site(tabs, tmp_path, monkeypatch):
    opened = Page(tabs, tmp_path, monkeypatch)
    yield opened
    opened.close()


def look(page, name, part):
    """The part is on the screen, wide and narrow; a picture of each where somebody wants to look."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 860})
        page.locator(part).scroll_into_view_if_needed()
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 1
        widths = [text.bounding_box()["width"] for text in page.locator(f"{part} .gl-note").all()]
        assert all(wide > 200 for wide in widths), widths
        if PICTURES:
            page.wait_for_timeout(300)
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png")
    page.set_viewport_size({"width": 1280, "height": 860})


def test_choices_after_something_went_wrong(site):
    """Too high a rate goes onto the form; too little memory and changed data go on, with what was chosen before."""
    name = "en"
    site.says("diverged", **RATES)
    page = site.open()
    goto(page, "train")
    lower = page.locator("#gl-lower-rate:visible")
    expect(lower).to_contain_text("0.005")
    look(page, f"{name}-diverged", "#gl-lower-rate:visible")
    lower.click()
    expect(page.locator("#gl-set-learning_rate:visible :is(input, textarea)")).to_have_value("0.005")
    assert site.resumed == []

    site.says("out_of_memory", step=7, micro_batches=2, advice="micro_batches=2")
    page.reload()
    page.wait_for_selector(".gl-header")
    goto(page, "train")
    frugal = page.locator("#gl-less-memory:visible")
    expect(frugal).to_contain_text("2")
    expect(page.locator("#gl-lower-rate:visible")).to_have_count(0)
    look(page, f"{name}-memory", "#gl-less-memory:visible")
    frugal.click()
    question = page.locator("#gl-accept-train:visible")
    expect(question).to_contain_text("town-qa")
    look(page, f"{name}-changed", "#gl-accept-train:visible")
    page.click("#gl-accept-train-no:visible")
    expect(question).to_have_count(0)
    assert site.resumed == []
    frugal.click()
    page.click("#gl-accept-train-yes:visible")
    expect(question).to_have_count(0)
    assert site.resumed == [("broken", {"micro_batches": 2}, True)]

    goto(page, "runs")
    page.click("tr[data-run=broken]")
    page.click("#gl-run-resume:not([disabled])")
    asked = page.locator("#gl-accept-runs:visible")
    expect(asked).to_contain_text("town-qa")
    look(page, f"{name}-runs", "#gl-accept-runs:visible")
    page.click("#gl-accept-runs-no:visible")
    expect(asked).to_have_count(0)
    page.click("#gl-rows button.label-wrap")
    page.click("#gl-rows-ask:not([disabled])")
    rows = page.locator("#gl-accept-rows:visible")
    expect(rows).to_contain_text("town-qa")
    look(page, f"{name}-rows", "#gl-accept-rows:visible")
    assert site.predicted == []
    page.click("#gl-accept-rows-yes:visible")
    expect(rows).to_have_count(0)
    expect(page.locator("#gl-rows-ask:not([disabled])")).to_have_count(page.locator("#gl-rows-ask").count())
    assert site.predicted == ["broken"]
    assert len(site.resumed) == 1
    assert site.visitor.complaints == []

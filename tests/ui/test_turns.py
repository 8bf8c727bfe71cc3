"""Train's buttons follow what begins and ends between two looks of the header. In a real browser."""

import threading

import pytest
from playwright.sync_api import expect

from engine.service.status import LiveStatus
from engine.service.workbench import Workbench
from tests.ui.conftest import WAIT_MS, goto
from tests.ui.in_process import InProcess

pytestmark = [
    pytest.mark.ui,
    # Gradio leaves sockets of its port search to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:SSR mode is not supported:UserWarning"),
]
STEP_S = 0.1


class Paused(InProcess):
    """One whose run is paused, and makes a step in less time than the header looks away."""

    def __init__(self, tabs, home, monkeypatch):
        monkeypatch.setattr(Workbench, "one_step", lambda _: self.one_step())
        super().__init__(tabs, home, monkeypatch)
        self.turns("paused")

    def turns(self, status):
        turn = self.workbench.live().turn + 1
        self.workbench._worker.live = LiveStatus(status=status, turn=turn, run="x", steps=9)

    def one_step(self):
        self.turns("running")
        threading.Timer(STEP_S, self.turns, ["paused"]).start()


@pytest.fixture
def site(tabs, tmp_path, monkeypatch):
    opened = Paused(tabs, tmp_path, monkeypatch)
    yield opened
    opened.close()


def test_a_step_between_two_looks(site):
    """The press of One step is answered while the run trains; it is paused again before the header asks."""
    page = site.open()
    goto(page, "train")
    for _ in range(3):
        page.click("#gl-one_step:not([disabled])")
        page.wait_for_timeout(1000)
    expect(page.locator("#gl-go_on")).to_be_enabled(timeout=WAIT_MS / 4)
    expect(page.locator("#gl-pause")).to_be_disabled()

"""The server is killed and started again: no run is lost, and an open page comes back to life by itself."""

import pytest

from tests.ui.conftest import App, Visitor, goto, start, wait_idle

pytestmark = pytest.mark.ui


@pytest.mark.fault("killed", "The server is killed while a page watches: started again, the page comes back by itself.")
def test_a_killed_server_comes_back(tabs, tmp_path):
    """The page says that nobody answers; after a restart it loads anew, offers what was interrupted, and can start."""
    home, log = tmp_path / "home", tmp_path / "log.txt"
    app = App(home, log, 7950)
    visitor = Visitor(tabs, app.url, app.token)
    page = visitor()
    start(page, 100_000)
    page.wait_for_selector(".gl-chip[data-state=running]")
    page.wait_for_function("Gatelight.ready.then(({ latestLive }) => latestLive()?.step > 2)")
    app.process.kill()
    app.process.wait()
    page.wait_for_selector(".gl-chip[data-state=gone]")
    goto(page, "train")
    app = App(home, log, int(app.url.rsplit(":", 1)[1]))
    wait_idle(page)
    page.wait_for_selector(".gl-tab-link[data-tab=train][aria-current=page]")
    page.wait_for_selector("#gl-start:not([disabled])")
    goto(page, "watch")
    page.wait_for_selector(".gl-state >> text=This run was interrupted")
    goto(page, "train")
    page.click("#gl-resume:not([disabled])")
    page.wait_for_selector(".gl-chip[data-state=running]")
    page.wait_for_function("Gatelight.ready.then(({ latestLive }) => latestLive()?.step > 2)")
    assert app.close() == 0
    page.close()
    assert len(app.runs()) == 1

"""The first minute as a new user lives it, timed, and the pictures of README.md: `python -m tests.ui.screenshots`."""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.ui.conftest import CHROMIUM, ROOT, App, goto, ready_form

PICTURES = ROOT / "assets" / "screenshots"
SIZE = {"width": 1280, "height": 900}


class Minute:
    """Prints how long every step took, counted from the command."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def note(self, what: str) -> None:
        """Print one line."""
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", flush=True)


def live_through(page: Page, minute: Minute) -> None:
    """Watch the recording, train, chat, compare; a picture at every place."""
    page.locator("[data-panel=gates] canvas").first.wait_for()
    minute.note("the recorded run is on the screen")
    ready_form(page)
    page.wait_for_selector(".gl-memory")
    minute.note("the engine is loaded, Train is filled in")
    shot(page, "train")
    page.click("#gl-start")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    minute.note("Start pressed, the page has turned to Watch")
    page.wait_for_selector(".gl-chip:not([data-state=idle])")
    page.wait_for_selector(".gl-chip[data-state=idle]", timeout=300_000)
    minute.note("the run is finished")
    page.wait_for_timeout(2500)
    shot(page, "watch")
    goto(page, "chat")
    for number in (1, 2):
        page.locator("#gl-chips button, .gl-chips button").nth(number - 1).click()
        page.wait_for_selector("#gl-send:not([disabled])")
        page.wait_for_timeout(4000)
        minute.note(f"answer {number} of base and tuned model")
    page.click("#gl-draw-curve")
    page.wait_for_selector("#gl-curve svg")
    shot(page, "chat")
    goto(page, "runs")
    for box in page.locator("#gl-runs tr[data-run] input").all()[:3]:
        box.check()
    page.wait_for_timeout(3000)
    shot(page, "runs")


def shot(page: Page, name: str) -> None:
    """The whole page as a picture, from its top: the header stays where somebody has scrolled to."""
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(2, 2)
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def main() -> None:
    """Start the workbench on an empty home and go through it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    minute = Minute()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        app = App(Path(folder) / "home", Path(folder) / "log.txt")
        minute.note("the server listens")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(app.entrance)
        page.wait_for_selector(".gl-header")
        minute.note("first paint")
        live_through(page, minute)
        page.goto(app.url + "/zh")
        goto(page, "watch")
        page.wait_for_timeout(6000)
        shot(page, "watch-zh")
        browser.close()
        app.close()


if __name__ == "__main__":
    main()

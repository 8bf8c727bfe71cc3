"""The first minute as a new user lives it, timed, and the pictures of README.md: `python -m tests.ui.screenshots`.

With `--all FOLDER` every place at four sizes, in both languages and both themes, for somebody to look at.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.ui.conftest import CHROMIUM, ROOT, App, goto, ready_form

PICTURES = ROOT / "assets" / "screenshots"
SIZE = {"width": 1280, "height": 900}
SIZES = ((1280, 720), (1440, 900), (1920, 1080), (390, 844))
PLACES = {"watch": "[data-panel=gates] canvas", "train": "#gl-start", "chat": ".gl-turn", "runs": "#gl-overlay .trace"}
"""What is on the screen once a place is drawn."""


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
    page.wait_for_selector(".gl-chip[data-state=idle]", state="attached", timeout=300_000)
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
    compare(page, 3)
    page.wait_for_timeout(3000)
    shot(page, "runs")


def see_everything(browser: Browser, app: App, folder: Path) -> None:
    """Every place at every size, language by language and theme by theme, the windows as they are before scrolling."""
    for path, theme in itertools.product(("/", "/zh"), ("light", "dark")):
        context = browser.new_context(color_scheme=theme, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{app.url}{path}?token={app.token}")
        ready_form(page)
        page.wait_for_selector(".gl-memory")
        prepare(page)
        for (width, height), (place, drawn) in itertools.product(SIZES, PLACES.items()):
            page.set_viewport_size({"width": width, "height": height})
            goto(page, place)
            page.locator(drawn).first.wait_for(state="attached")
            shot(page, f"{place}-{width}-{path.strip('/') or 'en'}-{theme}", folder, whole=False)
        context.close()
        print(f"{path} {theme}", flush=True)


def prepare(page: Page) -> None:
    """A question in Chat, and two runs that are compared."""
    goto(page, "chat")
    page.locator(".gl-chip-question:visible").first.click()
    page.wait_for_selector(".gl-turn")
    page.wait_for_selector("#gl-send:not([disabled])")
    compare(page, 2)


def compare(page: Page, count: int) -> None:
    """So many runs beside one another, in Runs."""
    goto(page, "runs")
    ticks = page.locator("#gl-runs tr[data-run] input")
    ticks.nth(count - 1).wait_for()
    for box in ticks.all()[:count]:
        box.check()
    page.wait_for_selector(PLACES["runs"], state="attached")


def shot(page: Page, name: str, folder: Path = PICTURES, *, whole: bool = True) -> None:
    """The page as a picture, from its top: the header stays where somebody has scrolled to."""
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(2, 2)
    page.wait_for_timeout(500)
    before = page.viewport_size
    if whole and before:  # or what stays at the end of the window would stand in the middle of the picture
        page.set_viewport_size(before | {"height": max(before["height"], page.evaluate("document.body.scrollHeight"))})
        page.wait_for_timeout(500)
    page.screenshot(path=folder / f"{name}.png", full_page=whole)
    if whole and before:
        page.set_viewport_size(before)


def main() -> None:
    """Start the workbench on an empty home and go through it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="where pictures of every place go instead")
    everything = parser.parse_args().all
    (everything or PICTURES).mkdir(parents=True, exist_ok=True)
    minute = Minute()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        app = App(Path(folder) / "home", Path(folder) / "log.txt")
        minute.note("the server listens")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        if everything:
            see_everything(browser, app, everything)
            browser.close()
            app.close()
            return
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

"""The real app in a process of its own, and a browser in front of it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.service.runs import RECORDINGS

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first is the same browser without windows: it takes a quarter less of the CPU."""
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), "")
LAUNCH = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
START_S = 120
PORT = 7900 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Workbenches of tests that run side by side search for a free port from different ones on."""
# What a page says that is left in mid-request; where the server is to blame, its log has a traceback (see `app`).
WHEN_LEFT = (
    "AbortError",
    "Connection errored out",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "TypeError: network error",
    "Unexpected error 404",
)
WAIT_MS = 60_000  # slow machines train and draw at once
WIDE = {"width": 1280, "height": 860}
FAILED = pytest.StashKey[bool]()
OPEN = "selector => Boolean(document.querySelector(selector)?.offsetParent)"
STATE = """async () => {
  const text = (selector) => document.querySelector(selector)?.innerText ?? null;
  const fields = [...document.querySelectorAll("[id^=gl-] input, [id^=gl-] textarea")]
    .filter((one) => one.offsetParent && one.type !== "password")
    .map((one) => [one.closest("[id^=gl-]").id, one.type === "checkbox" ? one.checked : one.value]);
  const frame = new Promise((drawn) => requestAnimationFrame(() => drawn(true)));
  const late = new Promise((drawn) => setTimeout(() => drawn(false), 2000));
  return {
    address: location.pathname + location.hash,
    window: [innerWidth, innerHeight, document.visibilityState],
    draws: await Promise.race([frame, late]),
    large: document.documentElement.dataset.large ?? null,
    tab: document.querySelector(".gl-tab-link[aria-current=page]")?.dataset.tab ?? null,
    run: [text(".gl-chip"), text(".gl-step"), text(".gl-state"), sessionStorage["gatelight.watch"] ?? null],
    ticks: [...document.querySelectorAll(".gl-loss-plot .xtick text")].map((one) => one.textContent),
    toasts: [...document.querySelectorAll(".toast-body")].map((one) => one.innerText),
    form: sessionStorage["gatelight.form"] ?? null,
    fields,
  };
}"""
"""What a page shows, for whoever reads why a test failed on a machine that is gone."""
IDLE = """() => new Promise((done) => {
  let told = 0;
  document.addEventListener("gatelight:live", function listen({ detail }) {
    told += 1;
    if (told < 2 || detail.status !== "idle") return;
    document.removeEventListener("gatelight:live", listen);
    done(true);
  });
})"""
"""Becomes true when a page has heard that nothing trains, in answer to a question that it asked after this began: of
the first answer to come that is not certain."""


class App:
    """A running workbench.

    Attributes:
        url: Where it listens.
        token: Lets somebody in who has no cookie yet.
        home: Where it keeps its runs.
    """

    def __init__(self, home: Path, log: Path, port: int = PORT, **environment: str) -> None:
        self.home, self.log = home, log
        begin = time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", "--no-browser", "--port", str(port), "--home", str(home)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            )
        while not (address := re.search(r"(http://\S+)/\?token=(\S+)", log.read_text())):
            if self.process.poll() is not None or time.monotonic() - begin > START_S:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        self.url, self.token = address.groups()

    @property
    def entrance(self) -> str:
        """The address that it printed: lets a browser in that was never here."""
        return f"{self.url}/?token={self.token}"

    def runs(self) -> list[Path]:
        """Folders of one's own runs."""
        return sorted((self.home / "runs").glob("*"))

    def newest_run(self) -> Path:
        """Folder of the run that was changed last: other tests leave runs behind, whatever their names."""
        return max(self.runs(), key=lambda folder: folder.stat().st_mtime)

    def close(self) -> int:
        """End it as Ctrl-C does; returns the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Visitor:
    """Opens tabs and notes whatever their consoles complain about.

    Tabs share what was fetched before, as they do for a person; `alone` opens one in a browser of its own.
    """

    def __init__(self, context, url: str, token: str = "") -> None:
        self.context, self.url, self.token = context, url, token
        self.complaints: list[str] = []
        self.opened = []

    def __call__(self, path="/", *, url="", alone=False, size=WIDE, dark=False, motion=False, script=""):
        """A tab at a path of the page; a script may run before the page's own.

        Nothing moves unless motion is asked for: only a test about motion looks at what Watch plays at first sight.
        """
        context = self.context.browser.new_context() if alone else self.context
        page = context.new_page()
        self.opened.append(context if alone else page)
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(script)
        page.set_viewport_size(size)
        page.emulate_media(
            color_scheme="dark" if dark else "light", reduced_motion="no-preference" if motion else "reduce"
        )
        page.on("console", lambda message: message.type == "error" and self.note(message.text))
        page.on("pageerror", lambda error: self.note(f"{error}\n{error.stack}"))
        page.goto((url or self.url) + path + (f"?token={self.token}" if self.token else ""))
        return page

    def note(self, text: str) -> None:
        """Keep a complaint, unless it is what Gradio says when a page is left."""
        if not any(known in text for known in WHEN_LEFT):
            self.complaints.append(text)

    def seen(self) -> str:
        """What each open tab shows, a line each."""
        pages = [page for one in self.opened for page in getattr(one, "pages", [one])]
        return "\n".join(told(page) for page in pages)

    def leave(self) -> None:
        """Close all tabs; nobody may have complained."""
        for one in self.opened:
            one.close()
        assert not self.complaints, "\n\n".join(self.complaints)


def told(page) -> str:
    """What a tab shows, as JSON; why that cannot be told, where it has crashed or is closed."""
    try:
        return json.dumps(page.evaluate(STATE), ensure_ascii=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    running = App(folder / "home", folder / "log.txt")
    yield running
    running.close()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-3000:]


@pytest.fixture(scope="session")
def chromium():
    """How Chromium is launched."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as driver:
        yield driver.chromium


@pytest.fixture(scope="session")
def browser(chromium):
    """A browser of its own, for those who were never here."""
    running = chromium.launch(**LAUNCH)
    yield running
    running.close()


@pytest.fixture(scope="session")
def tabs(chromium, tmp_path_factory):
    """One browser profile for the whole suite, on the disk: from the third tab on scripts are no longer compiled."""
    context = chromium.launch_persistent_context(str(tmp_path_factory.mktemp("profile")), **LAUNCH)
    yield context
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if report.failed and report.when != "teardown":
        shown = [value.seen() if hasattr(value, "seen") else told(value) for value in pages_of(item.funcargs)]
        report.sections += [("What the page shows", text) for text in shown]
    return report


def pages_of(fixtures):
    """The tabs that a test has, and what opened others."""
    return [value for value in fixtures.values() if hasattr(value, "seen") or type(value).__name__ == "Page"]


@pytest.fixture
def visit(app, tabs, request):
    """Open the page in a tab of its own; whatever the console complains about fails the test.

    What a failed test leaves in training or in the queue is stopped, so that it does not fail the next ones.
    """
    visitor = Visitor(tabs, app.url, app.token)

    def opened(*path, **options):
        page = visitor(*path, **options)
        page.wait_for_selector(".gl-header")
        return page

    opened.complaints, opened.seen = visitor.complaints, visitor.seen
    yield opened
    if request.node.stash.get(FAILED, False):
        recover(opened())
    visitor.leave()


def recover(page):
    """What a failed test left in the browser or in training fails no other test."""
    page.evaluate("localStorage.clear()")
    page.reload()
    stop_all(page)


def stop_all(page):
    """Empty the queue and stop what trains."""
    goto(page, "runs")
    page.wait_for_selector("tr[data-run]")
    for _ in range(page.locator("[data-queued] [data-does=remove]").count()):
        page.click("[data-queued] [data-does=remove]:not([disabled])")
        page.wait_for_timeout(500)
    if page.get_attribute(".gl-chip", "data-state") != "idle":
        goto(page, "train")
        page.click("#gl-stop:not([disabled])")
        wait_idle(page)


def copied(app, run, recording="llama_adapter"):
    """A recording as a run of one's own; returns its folder."""
    return Path(shutil.copytree(RECORDINGS / recording, app.home / "runs" / run))


def goto(page, tab):
    """Turn to a tab by its button in the header, and wait for a form that comes back."""
    page.click(f".gl-tab-link[data-tab={tab}]")
    page.wait_for_selector(f"#gl-tab-{tab}-button[aria-selected=true]", state="attached")
    page.wait_for_selector("html:not([data-form-waits])")


def wait_idle(page):
    """Wait until nothing trains, as the server says from now on: a run that has just begun may not be shown yet."""
    page.wait_for_function(IDLE)


def ready_form(page):
    """Train, once the engine has filled in what it knows; nothing may be training."""
    goto(page, "train")
    page.wait_for_selector("#gl-count .gl-count")
    page.wait_for_selector("#gl-start:not([disabled])")


def start(page, steps):
    """Train with so many steps; returns when the page has turned to Watch."""
    ready_form(page)
    page.fill("#gl-set-steps input", str(steps))
    page.click("#gl-start")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")

"""How long it takes until one can begin: the terminal's help, the first paint, and Start that can be pressed.

    python -m benchmarks.startup [--checkout PATH ...] [--rounds 5] [--json]

Every round starts each checkout's page anew in a process of its own, on an empty home, and opens it in a headless
Chromium; rounds alternate between checkouts, and medians are printed. Without --checkout it measures this one. Measure
on an idle machine. Seconds count from the command.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_MS = 120_000
PORT = 7950
TRAIN = ":is([data-tab=train], [data-place=train])"  # version 0.1.0 said "place"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
PRESSABLE = """() => {
  const start = document.querySelector("#gl-start");
  return Boolean(start?.offsetParent) && !start.disabled;
}"""


def main() -> None:
    """Measure all checkouts in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, nargs="+", default=[ROOT], help="folders with an app.py")
    parser.add_argument("--rounds", type=int, default=5, help="starts of each (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    args = parser.parse_args()
    seconds: dict[str, dict[str, list[float]]] = {path.name: {} for path in args.checkout}
    with sync_playwright() as driver:
        executable = next(filter(None, map(shutil.which, BROWSERS)))
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for _ in range(args.rounds):
            for path in args.checkout:
                for name, value in one_round(path.resolve(), browser):
                    seconds[path.name].setdefault(name, []).append(value)
        browser.close()
    medians = {
        path: {name: round(statistics.median(values), 2) for name, values in rows.items()}
        for path, rows in seconds.items()
    }
    if args.json:
        print(json.dumps(medians))
        return
    for path, rows in medians.items():
        print(f"{path}, medians of {args.rounds}")
        for name, value in rows.items():
            print(f"  {value:6.2f} s  {name}")


def one_round(checkout: Path, browser: Browser) -> Iterator[tuple[str, float]]:
    """What is measured, and its seconds. A person who wants to train clicks on Train as soon as it is painted."""
    yield "python -m engine --help", timed(lambda: _run(checkout, "-m", "engine", "--help"))
    yield "import engine", timed(lambda: _run(checkout, "-c", "import engine"))
    began = time.monotonic()
    with served(checkout) as address:
        yield "the server listens", time.monotonic() - began
        opened = time.monotonic()
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.click(TRAIN)
        clicked = time.monotonic() - opened
        yield "opened, until the first paint", page.evaluate(PAINTED)
        yield "opened, until a click on Train is taken", clicked
        page.wait_for_function(PRESSABLE)
        yield "opened, until Start can be pressed", time.monotonic() - opened
        yield "the command, until Start can be pressed", time.monotonic() - began
        page.close()


def timed(act: Callable[[], None]) -> float:
    """Seconds that something takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


@contextmanager
def served(checkout: Path, home: Path | None = None) -> Iterator[str]:
    """The page of a checkout, on an empty home if none is given; gives its address."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        place = str(home or Path(folder) / "home")
        command = [sys.executable, "app.py", "--no-browser", "--port", str(PORT), "--home", place]
        process = subprocess.Popen(command, cwd=checkout, stdout=log, stderr=subprocess.STDOUT)
        try:
            while not (address := re.search(r"http://\S+", Path(log.name).read_text())):
                if process.poll() is not None:
                    raise RuntimeError(Path(log.name).read_text())
                time.sleep(0.02)
            yield address.group().rstrip("/")
        finally:
            process.terminate()
            process.wait(timeout=60)


def _run(checkout: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=checkout, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

"""What a long history of runs costs: listing it, and an idle Runs tab, on the server and in a real browser.

    python -m benchmarks.many_runs [--runs 1000] [--minutes 1] [--json]

Makes runs in a temporary home, copies of one that differ in their names. The list is read cold (nothing is known), and
again as the page asks for it every two seconds. Then a workbench is started on that home, a headless Chromium opens
Runs, and the processor time of both is counted, first in the Runs tab and then, for comparison, in the Train tab.
Measure on an idle machine.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.startup import BROWSERS, PATIENCE_MS, served
from engine.config.run import RunConfig
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.service.runs import RunStore
from engine.service.status import LiveStatus

ROOT = Path(__file__).resolve().parents[1]
SETTLED_S = 10
ADAPTER_BYTES = 50_000


def main() -> None:
    """Make the runs, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=1, help="of idling in each tab (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_runs(home / "runs", args.runs)
        figures = listing(home / "runs") | idling(home, args.runs, args.minutes)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{value:9.3f}  {name}")


def make_runs(root: Path, number: int) -> None:
    """Finished runs with an adapter each."""
    facts = RunFacts(name="Run 0", step=300, steps=300, status="finished", best_validation=1.5, kept_step=300)
    first = RunFolder.create(root / "run-0", RunConfig(), facts)
    first.adapter_path.mkdir()
    (first.adapter_path / "adapter.safetensors").write_bytes(bytes(ADAPTER_BYTES))
    for n in range(1, number):
        shutil.copytree(first.path, root / f"run-{n}")
        values = json.loads((first.path / "run.json").read_text(encoding="utf-8"))
        text = json.dumps(values | {"name": f"Run {n}", "created": values["created"] - n})
        (root / f"run-{n}" / "run.json").write_text(text, encoding="utf-8")


def listing(root: Path) -> dict[str, float]:
    """Seconds of the list itself, without the page."""
    time.sleep(3)  # files that changed in the last two seconds are read again
    store = RunStore(root, LiveStatus)
    version = ""

    def ask() -> None:
        nonlocal version
        version = store.news(version).version

    cold = seconds(ask)
    return {"s, the list, cold": cold, "s, the list again": statistics.median(seconds(ask) for _ in range(10))}


def seconds(act: Callable[[], None]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def idling(home: Path, runs: int, minutes: float) -> dict[str, float]:
    """Seconds of processor time a minute, of the server and of the browser."""
    figures = {}
    with served(ROOT, home) as address, sync_playwright() as driver:
        executable = next(filter(None, map(shutil.which, BROWSERS)))
        before = _processes()
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        browser_processes = [process for process in _processes() if process not in before]
        server = next(process for process in before if "app.py" in process.cmdline())
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        figures[f"s, a click on Runs until {runs} runs are there"] = _opened(page)
        for tab in ("runs", "train"):
            page.click(f".gl-tab-link[data-tab={tab}]")
            time.sleep(SETTLED_S)
            sent = _sent(page)
            began = _used([server]), _used(_grown(browser_processes))
            time.sleep(60 * minutes)
            ended = _used([server]), _used(_grown(browser_processes))
            for name, a, b in zip(("server", "browser"), began, ended, strict=True):
                figures[f"s of processor a minute, {name}, idle in {tab.title()}"] = (b - a) / minutes
            figures[f"kB a minute received, idle in {tab.title()}"] = (_sent(page) - sent) / 1000 / minutes
        browser.close()
    return figures


def _opened(page: Page) -> float:
    page.wait_for_selector(".gl-header")
    time.sleep(SETTLED_S)
    began = time.perf_counter()
    page.click(".gl-tab-link[data-tab=runs]")
    page.wait_for_selector("tr[data-run=run-0]")
    return time.perf_counter() - began


def _sent(page: Page) -> float:
    """Bytes that the page has received."""
    return float(
        page.evaluate("""() => {
      performance.setResourceTimingBufferSize(100000);
      return performance.getEntriesByType("resource").reduce((sum, entry) => sum + entry.transferSize, 0);
    }""")
    )


def _processes() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _grown(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Processes with all that they have started since."""
    living = [process for process in processes if process.is_running()]
    return list({*living, *(child for process in living for child in process.children(recursive=True))})


def _used(processes: list[psutil.Process]) -> float:
    """Seconds of processor time."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


if __name__ == "__main__":
    main()

"""What long runs, long lists, long files and many watchers cost, beside what is wanted of each.

    python -m benchmarks.growth [--only steps runs watchers rows start] [--json]

Writes docs/performance.md, and the raw numbers to benchmarks/results/growth.json; what --only leaves out stays as it
was. Measure on an idle machine: these are seconds. That costs grow no faster than the work is a test
(tests/unit/test_growth.py), which counts calls instead.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from app.page import create
from benchmarks.many_runs import SETTLED_S, make_runs, seconds
from benchmarks.startup import BROWSERS, PATIENCE_MS, ROOT, served, timed
from engine.config.run import RunConfig
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.service.runs import RECORDINGS, RunStore
from engine.service.status import LiveStatus
from engine.service.workbench import Workbench
from engine.telemetry.events import LossEvent
from engine.telemetry.schedule import is_frame_step
from engine.telemetry.serialise import to_json
from engine.training.launch import start_run

RESULTS = ROOT / "benchmarks" / "results" / "growth.json"
PAGE = ROOT / "docs" / "performance.md"
STEPS, RUNS, WATCHERS, ROWS = 100_000, 1000, 30, 1_000_000
WINDOW_S, WINDOWS = 8, 4
POLL_S = 0.7
"""How often a page asks for the workbench's state, and Watch for news of a run that trains."""
PER_PAGE_S = 0.1
"""Longer, the more pages are open: see `assets/js/common/live.js`."""
SCRUBBED = """async () => {
  const slider = document.querySelector(".gl-scrub");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const times = [];
  for (let place = 0; place < 60; place += 1) {
    await frame();
    const begin = performance.now();
    slider.value = Math.round((slider.max * place) / 60);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] / 1000;
}"""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        what: What was measured.
        value: In the unit.
        unit: "s" or "%".
        wanted: The most that it shall be.
    """

    what: str
    value: float
    unit: str
    wanted: float


def main() -> None:
    """Measure the parts that were asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="what to measure")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--watch", nargs=2, metavar=("URL", "RUN"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch:
        asyncio.run(watch(*args.watch))
        return
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for part in args.only:
        with tempfile.TemporaryDirectory() as folder:
            kept[part] = [asdict(row) for row in PARTS[part](Path(folder))]
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    PAGE.write_text(page(kept), "utf-8")
    if args.json:
        print(json.dumps(kept))
        return
    for row in (Row(**row) for part in args.only for row in kept[part]):
        print(f"{row.value:8.3f} {row.unit:2} (wanted: at most {row.wanted:g})  {row.what}")


def long_run(home: Path) -> Iterator[Row]:
    """A run of many steps, with the frames that it keeps: read by the server, opened and scrubbed in a browser."""
    folder = home / "runs" / "long"
    shutil.copytree(RECORDINGS / "llama_adapter", folder)
    write_steps(folder, STEPS)
    store = RunStore(home / "runs", LiveStatus)
    yield Row(f"a run of {STEPS:,} steps, read as Watch reads it", seconds(lambda: _read(store, "long")), "s", 2)
    with opened(home) as page:
        page.click(".gl-tab-link[data-tab=runs]")
        page.click("tr[data-run=long]")
        begin = time.perf_counter()
        page.click("#gl-run-watch")
        page.wait_for_function(f"document.querySelector('.gl-watch').innerText.includes('{STEPS} / {STEPS}')")
        yield Row("from the click to its last step in Watch", time.perf_counter() - begin, "s", 2)
        yield Row("a new place of the slider, drawn (95th percentile of 60)", page.evaluate(SCRUBBED), "s", 0.1)


def write_steps(folder: Path, steps: int) -> None:
    """Make a recording a run of so many steps: all losses, and frames where telemetry keeps them."""
    log = folder / "events.jsonl"
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    frames = [next(event for event in events if event["kind"] == kind) for kind in ("gates", "moved")]
    with log.open("w", encoding="utf-8") as file:
        for step in range(1, steps + 1):
            loss = LossEvent(step=step, loss=2 / step, lr=1e-4, grad_norm=1.0, tokens_per_s=5e3, wall_s=step * 0.1)
            kept = [frame | {"step": step} for frame in frames] if is_frame_step(step) or step == steps else []
            file.writelines(json.dumps(event) + "\n" for event in (to_json(loss), *kept))
    RunFolder.open(folder).update(step=steps, steps=steps)


def _read(store: RunStore, run: str) -> None:
    cursor, epoch = 0, None
    while True:
        update = store.since(run, cursor, epoch)
        cursor, epoch = update.cursor, update.epoch
        if not update.more:
            return


def many_runs(home: Path) -> Iterator[Row]:
    """A long history, listed by the server, the terminal and the page."""
    make_runs(home / "runs", RUNS)
    time.sleep(3)  # files that changed in the last two seconds are read again
    store = RunStore(home / "runs", LiveStatus)
    yield Row(
        f"{RUNS:,} runs, listed for the page by a server that has just begun", seconds(lambda: _all(store)), "s", 1
    )
    environment = os.environ | {"GATELIGHT_HOME": str(home)}
    command = [sys.executable, "-m", "engine", "runs"]

    def listed() -> None:
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    yield Row("the same in a terminal, from the command to its end", timed(listed), "s", 1)
    with opened(home) as page:
        begin = time.perf_counter()
        page.click(".gl-tab-link[data-tab=runs]")
        page.wait_for_selector("tr[data-run=run-0]")
        yield Row("from the click on Runs to the newest run in the table", time.perf_counter() - begin, "s", 1)


def _all(store: RunStore) -> None:
    assert len(store.news("").runs) >= RUNS


@contextmanager
def opened(home: Path) -> Iterator[Any]:
    """The page on a home folder, in a Chromium without a screen, when it has settled."""
    with served(ROOT, home) as address, sync_playwright() as driver:
        executable = next(filter(None, map(shutil.which, BROWSERS)))
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector(".gl-header")
        time.sleep(SETTLED_S)
        yield page
        browser.close()


def watchers(home: Path) -> Iterator[Row]:
    """A run that is watched by a class: each watcher asks what its page asks, in another process."""
    workbench = Workbench(home)
    _, url, _ = create(workbench).launch(prevent_thread_lock=True, quiet=True)
    workbench.start(RunConfig(method="lora", training={"steps": STEPS}))
    while not workbench.live().step:
        time.sleep(0.1)
    time.sleep(WINDOW_S)  # the first steps are watched more closely by the telemetry itself
    speeds: dict[int, list[float]] = {0: [], WATCHERS: []}
    for _ in range(WINDOWS):
        for number, measured in speeds.items():
            with _watched(url, str(workbench.live().run), number):
                measured.append(_steps_per_s(workbench))
    workbench.stop()
    workbench.close()
    alone, watched = (statistics.median(measured) for measured in speeds.values())
    yield Row(
        f"{WATCHERS} watchers of a run, who ask from the same machine: how much slower it trains",
        100 * (alone / watched - 1),
        "%",
        5,
    )


@contextmanager
def _watched(url: str, run: str, number: int) -> Iterator[None]:
    if not number:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.growth", "--watch", url, run]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"watching"
        yield
        process.terminate()


def _steps_per_s(workbench: Workbench) -> float:
    begin, first = time.perf_counter(), workbench.live().step
    time.sleep(WINDOW_S)
    return (workbench.live().step - first) / (time.perf_counter() - begin)


async def watch(url: str, run: str) -> None:
    """Ask as so many pages do that show a run which trains, until the process is ended."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        config = (await client.get("config")).json()
        ids = {one["props"].get("elem_id"): one["id"] for one in config["components"]}

        async def ask(session: str, part: str, function: str, asked: Any) -> Any:  # noqa: ANN401 - JSON
            body = {"data": asked, "component_id": ids[part], "fn_name": function, "session_hash": session}
            return (await client.post("gradio_api/component_server", json=body)).json()

        async def one(number: int) -> None:
            session, cursor, epoch = f"watcher{number}", 0, None
            while True:
                live = await ask(session, "gl-header", "live", session)
                news = await ask(session, "gl-watch", "since", {"run": run, "cursor": cursor, "epoch": epoch})
                cursor, epoch = news["cursor"], news["epoch"]
                if number == WATCHERS - 1 and not news["more"]:
                    print("watching", flush=True)
                await asyncio.sleep(max(POLL_S, PER_PAGE_S * live["pages"]))

        await asyncio.gather(*(one(number) for number in range(WATCHERS)))


def many_rows(home: Path) -> Iterator[Row]:
    """A long file, from its name to the end of the first step."""
    path = home / "rows.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("prompt,response\n")
        file.writelines(f"question number {row},answer number {row}\n" for row in range(ROWS))
    config = RunConfig(dataset=str(path), method="lora", training={"steps": 10})

    def first_step() -> None:
        progress = start_run(home / "run", config, load_base).run()
        while next(progress).step < 1:
            pass
        progress.close()

    yield Row(f"a file of {ROWS:,} rows, from its name to the end of the first step", seconds(first_step), "s", 10)


def start(_: Path) -> Iterator[Row]:
    """What the terminal and a notebook wait for; the fastest of five, as others do too."""

    def fastest(*command: str) -> float:
        return min(timed(lambda: _quietly(*command)) for _ in range(5))

    bare = fastest("-c", "pass")
    yield Row("python -m engine --help", fastest("-m", "engine", "--help"), "s", 0.5)
    yield Row("import engine, beyond Python itself", fastest("-c", "import engine") - bare, "s", 0.3)


def _quietly(*command: str) -> None:
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


PARTS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "steps": long_run,
    "runs": many_runs,
    "watchers": watchers,
    "rows": many_rows,
    "start": start,
}


def page(kept: dict[str, list[dict[str, Any]]]) -> str:
    """The figures as Markdown."""
    lines = [
        "# What grows, and what it costs",
        "",
        "Generated by `python -m benchmarks.growth`; raw numbers in `benchmarks/results/growth.json`. Chromium runs "
        "without a screen beside the server. That costs grow no faster than the work is held by "
        "`tests/unit/test_growth.py`, which counts calls. What misses what is wanted stands here all the same.",
        "",
        "| | measured | wanted, at most | command |",
        "|---|---|---|---|",
    ]
    for part in (name for name in PARTS if name in kept):
        for row in (Row(**row) for row in kept[part]):
            digits = 2 if row.unit == "s" else 1
            command = f"`python -m benchmarks.growth --only {part}`"
            lines.append(f"| {row.what} | {row.value:.{digits}f} {row.unit} | {row.wanted:g} {row.unit} | {command} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

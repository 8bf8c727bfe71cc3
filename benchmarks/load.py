"""What load costs a run in training, and what it leaves behind: many chats, many ablations, many runs in a row.

    python -m benchmarks.load [--chats 30] [--ablations 45] [--runs 90] [--seconds 60] [--json]

One process: a workbench without a page, on the embedded model, with a visitor for each who asks. A run trains alone for
some seconds; then beside chats that never end, one of each visitor; then beside ablations that all begin at once. Its
steps per second are told as a share of those alone. Then it is stopped, and short runs train one after another. Memory,
threads and open files of the process are counted once it is warm, and at the end. A question that finds the line full
is asked again: that is counted, too. Measure on an idle machine.
"""

import argparse
import gc
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from engine.config.run import RunConfig
from engine.core.errors import SettingError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide
from engine.service.visitor import OPERATOR, Visitor
from engine.service.workbench import Workbench

ASKED = "lora"
"""The recording that is asked."""
AGAIN_S = 0.2
WARM_S = 5
Figures = dict[str, float]


class Crowd:
    """Many who ask at once, each in a thread of its own.

    Args:
        number: How many.
        ask: What each does, once or again and again.
    """

    def __init__(self, number: int, ask: Callable[[], None]) -> None:
        self.done: Counter[str] = Counter()
        self._ask, self._over = ask, threading.Event()
        self._threads = [threading.Thread(target=self._act, name=f"visitor-{n}", daemon=True) for n in range(number)]

    def begin(self, *, often: bool) -> None:
        """Let all begin, to ask once or until `end`."""
        self._often = often
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait until all have their last answer."""
        self._over.set()
        self.wait()

    def wait(self) -> None:
        """Wait until all have asked what they had to ask."""
        for thread in self._threads:
            thread.join()

    def _act(self) -> None:
        while not self._over.is_set():
            try:
                self._ask()
            except SettingError as error:
                if error.key != "too_many_questions":
                    raise
                self.done["refused"] += 1
                time.sleep(AGAIN_S)
                continue
            self.done["answered"] += 1
            if not self._often:
                return


def who() -> Visitor:
    """The visitor whose thread this is."""
    name = threading.current_thread().name
    return Visitor(name, "member") if name.startswith("visitor-") else OPERATOR


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chats", type=int, default=30, help="at once (default: %(default)s)")
    parser.add_argument("--ablations", type=int, default=45, help="at once (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=90, help="one after another (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of training alone (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workbench = Workbench(Path(folder) / "home", who=who)
        try:
            figures = measured(workbench, args.chats, args.ablations, args.runs, args.seconds)
        finally:
            workbench.close()
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{value:10.2f}  {name}")


def measured(workbench: Workbench, chats: int, ablations: int, runs: int, seconds: float) -> Figures:
    """All figures by their names."""
    begin_run(workbench, steps=10**6)
    workbench.ask("ablation", ASKED)  # what is asked is loaded, and the process is warm
    time.sleep(WARM_S)
    before, alone = held(), pace(workbench, lambda: time.sleep(seconds))
    figures = {"steps/s alone": alone}
    talking = Crowd(chats, lambda: talk(workbench))
    talking.begin(often=True)
    figures[f"of that beside {chats} chats"] = pace(workbench, lambda: time.sleep(seconds)) / alone
    talking.end()
    figures |= {f"chats {how} meanwhile": number for how, number in sorted(talking.done.items())}
    asking = Crowd(ablations, lambda: workbench.ask("ablation", ASKED) and None)
    began = time.perf_counter()
    asking.begin(often=False)
    figures[f"of that beside {ablations} ablations at once"] = pace(workbench, asking.wait) / alone
    figures[f"s until all {ablations} are answered"] = time.perf_counter() - began
    figures["ablations that found the line full"] = asking.done["refused"]
    workbench.stop()
    figures[f"s, {runs} runs of 3 steps in a row"] = soak(workbench, runs)
    return figures | {f"{name}, warm": value for name, value in before.items()} | {
        f"{name}, at the end": value for name, value in held().items()
    }  # fmt: skip


def begin_run(workbench: Workbench, steps: int) -> None:
    """Start a run, and wait until it makes steps or waits in the queue no more."""
    training = {"steps": steps, "batch_size": 4, "eval_every": steps, "score_rows": 0}
    workbench.start(RunConfig(method="lora", training=training))
    while workbench.live().status not in ("running", "idle"):
        time.sleep(0.05)


def talk(workbench: Workbench) -> None:
    """One question to the base and to the recording, answered in full."""
    sides = (ChatSide(), ChatSide(run=ASKED))
    request = ChatRequest(prompt="Where does Ivan Marsh live?", sides=sides, sampling=Sampling(max_new_tokens=32))
    for _ in workbench.chat(request, threading.Event()):
        pass


def pace(workbench: Workbench, meanwhile: Callable[[], None]) -> float:
    """Steps per second while something goes on."""
    first, began = workbench.live().step, time.perf_counter()
    meanwhile()
    return (workbench.live().step - first) / (time.perf_counter() - began)


def soak(workbench: Workbench, runs: int) -> float:
    """Seconds of short runs, one after another."""
    began = time.perf_counter()
    for number in range(runs):
        begin_run(workbench, steps=3 + number % 2)  # the same twice is a double click
        while workbench.live().run is not None:
            time.sleep(0.05)
    return time.perf_counter() - began


def held() -> Figures:
    """What this process holds."""
    gc.collect()
    process = psutil.Process()
    return {
        "MB resident": process.memory_info().rss / 1e6,
        "threads": process.num_threads(),
        "open files": process.num_fds() if hasattr(process, "num_fds") else len(process.open_files()),
    }


if __name__ == "__main__":
    main()

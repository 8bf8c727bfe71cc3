"""Figures that are made part by part, one after another or side by side, and kept as they come.

A part is whatever makes rows by itself; rows are plain values. What was kept is not made again, so that a benchmark
may be cut off at any time and started anew.
"""

import json
import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch

RESULTS = Path(__file__).resolve().parent / "results"

Row = dict[str, Any]
Part = TypeVar("Part")


def figures_of(page: Path) -> Path:
    """The file of the figures from which a page is written."""
    return RESULTS / f"{page.stem}.json"


def kept(file: Path) -> list[Row]:
    """The rows that a file of figures holds; none if there is no file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def gather(work: Callable[[Part], Iterator[Row]], parts: Sequence[Part], jobs: int = 1) -> Iterator[Row]:
    """The rows of all parts as they come.

    Args:
        work: Makes the rows of a part; a function that another process can import.
        parts: What there is to do.
        jobs: Processes that work side by side, and share this machine's threads and its GPU. 1 works in this one.

    Raises:
        Exception: What a part raised; with several processes, after all others have ended.
    """
    if jobs <= 1:
        for part in parts:
            yield from work(part)
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // jobs)
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(jobs, context, torch.set_num_threads, (threads,)) as pool,
    ):
        rows = manager.Queue()
        futures = [pool.submit(_tell, work, part, rows) for part in parts]
        while not (all(future.done() for future in futures) and rows.empty()):
            try:
                yield rows.get(timeout=1)
            except queue.Empty:
                continue
        for future in futures:
            future.result()


def _tell(work: Callable[[Part], Iterator[Row]], part: Part, rows: "queue.Queue[Row]") -> None:
    for row in work(part):
        rows.put(row)

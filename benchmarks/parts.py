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

from engine.core.atomic import write_json, write_text

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


def measure(
    out: Path,
    here: Row,
    asked: Sequence[Part],
    part_of: Callable[[Row], Part],
    work: Callable[[Part], Iterator[Row]],
    page: Callable[[list[Row]], str],
    jobs: int = 1,
) -> None:
    """Make what is asked and not there yet, and write figures and page after every row.

    Args:
        out: The page.
        here: What all rows of it have in common, such as the model; figures with other values are left out.
        asked: The parts that there shall be.
        part_of: The part that a row is of.
        work: As in `gather`.
        page: Makes the page of all rows.
        jobs: As in `gather`.
    """
    figures = figures_of(out)
    rows = [row for row in kept(figures) if here.items() <= row.items()]
    done = [part_of(row) for row in rows]
    for row in gather(work, [part for part in asked if part not in done], jobs):
        rows.append(here | row)
        print(json.dumps(rows[-1]), flush=True)
        write_json(figures, rows)
        write_text(out, page(rows))
    write_text(out, page(rows))


def _tell(work: Callable[[Part], Iterator[Row]], part: Part, rows: "queue.Queue[Row]") -> None:
    for row in work(part):
        rows.put(row)

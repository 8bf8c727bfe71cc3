"""The folder of all runs: which there are, and where the next one goes."""

import itertools
import os
import re
import time
import uuid
from collections.abc import Container
from pathlib import Path

from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.methods import method_spec
from engine.runs.folder import RunFolder

LONGEST_DATASET = 80
"""Characters of a dataset's name in the name of a run folder."""
LONGEST_ID = 255  # bytes


def new_run_path(root: Path, config: RunConfig) -> Path:
    """An unused path of a run folder, named after time, method and dataset; no two calls give the same."""
    dataset = re.sub(r"[^\w.-]+", "-", Path(config.dataset).name)[:LONGEST_DATASET]
    return root / f"{time.strftime('%Y%m%d-%H%M%S')}-{config.method}-{dataset}-{uuid.uuid4().hex[:4]}"


def default_name(config: RunConfig) -> str:
    """What a run is called when nobody names it."""
    return f"{method_spec(config.method).title} · {Path(config.dataset).name}"


def free_name(config: RunConfig, taken: Container[str]) -> str:
    """The same with a number behind it, where there are runs of that name already: nobody could tell them apart."""
    name = default_name(config)
    return next(each for n in itertools.count(1) if (each := name if n == 1 else f"{name} ({n})") not in taken)


def run_folders(root: Path) -> list[RunFolder]:
    """All runs below a folder that can be read, newest first."""
    return [run for run, problem in scanned(root) if problem is None]


def scanned(root: Path) -> list[tuple[RunFolder, RunError | None]]:
    """All runs below a folder, newest first, then the damaged ones with what is wrong with them.

    A folder counts as a damaged run if it has a part of one; deleted runs and other folders are passed over.
    """
    readable: list[tuple[float, str, RunFolder]] = []
    damaged: list[tuple[RunFolder, RunError | None]] = []
    for name in folder_names(root):
        run = RunFolder(root / name)
        try:
            readable.append((run.facts().created, run.id, run))
        except RunError as error:
            if run.is_run():
                damaged.append((run, error))
    newest_first = sorted(readable, key=lambda row: row[:2], reverse=True)
    return [(run, None) for *_, run in newest_first] + damaged


def folder_names(root: Path) -> list[str]:
    """Names of the folders below `root` that may be runs, in order."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return []
    return [
        entry.name
        for entry in entries
        if not entry.name.startswith(".") and not entry.name.endswith(".deleted") and entry.is_dir()
    ]


def is_run_id(run: str) -> bool:
    """Whether a text is one plain folder name, which may have spaces, so that it leads to no other folder."""
    try:
        length = len(run.encode())
    except UnicodeEncodeError:
        return False
    plain = not any(mark in run for mark in "/\\:\0") and run.isprintable()
    return plain and 0 < length <= LONGEST_ID and not run.startswith(".") and not run.endswith(".deleted")

"""Commands that list runs and adapters."""

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.cli.commands import Commands, add_command, run_place, user_path
from engine.cli.output import result, say, table
from engine.cli.settings import add_loading_options, loading
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.core.paths import runs_root
from engine.runs.elsewhere.place import shown
from engine.runs.folder import RunFolder
from engine.runs.requests import STOP, ask
from engine.runs.scan import scanned
from engine.runs.summary import AdapterInfo
from engine.service.adapters import list_adapters
from engine.service.elsewhere import copies_now, copy_now


def runs(args: argparse.Namespace) -> None:
    """List the runs of a folder, newest first, with their status and best validation loss."""
    if isinstance(args.root, str):
        with tempfile.TemporaryDirectory(prefix="gatelight-") as empty:
            copies = copies_now(args.root, Path(empty))
            _list([(RunFolder(copy.path), copy.status) for copy in reversed(copies)], as_json=args.json)
        return
    found = [(folder, folder.status) for folder, _ in scanned(args.root or runs_root())]
    _list(found, as_json=args.json)


def _list(runs: Sequence[tuple[RunFolder, Callable[[], str]]], *, as_json: bool) -> None:
    """Print runs, each with what gives its present status."""
    rows: list[dict[str, Any]] = []
    damaged = []
    for folder, status in runs:
        try:
            facts = folder.facts()
        except RunError as error:
            damaged.append(str(error))
            rows.append({"id": folder.id, "name": folder.id, "status": "damaged", "problem": str(error)})
            continue
        rows.append(
            {
                "id": folder.id,
                "name": facts.name,
                "status": status(),
                "method": facts.method,
                "dataset": facts.dataset,
                "step": f"{facts.step}/{facts.steps}",
                "best_validation": facts.best_validation,
                "score": facts.score.text if facts.score else None,
                "trainable": facts.trainable,
            }
        )
    for sentence in damaged:
        say(sentence)
    lines = table([{name: value for name, value in row.items() if name != "problem"} for row in rows])
    result(rows, as_json=as_json, text=lines)


def stop(args: argparse.Namespace) -> None:
    """Ask the process that trains a run, wherever it is, to stop after its step and to save its state."""
    if isinstance(args.folder, str):
        with tempfile.TemporaryDirectory(prefix="gatelight-") as empty:
            copy_now(args.folder, Path(empty)).ask(STOP)
    else:
        ask(RunFolder.open(args.folder), STOP)
    named = shown(args.folder) if isinstance(args.folder, str) else str(args.folder)
    result({"run": named, "asked": STOP}, as_json=args.json, text="Asked to stop after its step.")


def _said(info: AdapterInfo) -> str:
    """What an adapter's task head says; empty without one."""
    if info.labels is None:
        return ""
    return "answers in texts" if info.marks else ", ".join(info.labels) or "a number"


def adapters(args: argparse.Namespace) -> None:
    """List the adapters of a base: training data, labels and size; --time also measures the time to switch to each."""
    infos = list_adapters(args.root or runs_root(), args.model)
    rows: list[dict[str, Any]] = [
        {
            "id": info.id,
            "method": info.method,
            "dataset": Path(info.dataset).name,
            "labels": _said(info),
            "trainable": info.trainable,
            "bytes": info.size_bytes,
        }
        for info in infos
    ]
    if args.time:
        switch_times = _switch_times(loading(args, RunConfig(model=args.model)), infos)
        rows = [row | time for row, time in zip(rows, switch_times, strict=True)]
    total = sum(info.size_bytes for info in infos)
    text = f"{table(rows)}\n{len(infos)} adapters of {args.model} take {total / 1024:,.0f} KiB in all."
    result(rows, as_json=args.json, text=text)


def _switch_times(config: RunConfig, infos: Sequence[AdapterInfo]) -> list[dict[str, float | None]]:
    """Milliseconds of the switch to each adapter; None for those of a base with other weights."""
    from engine.models.loading import load_base
    from engine.service.switching import SwitchTimes, time_switch
    from engine.training.launch import base_for

    base = base_for(config, load_base)
    unknown: dict[str, float | None] = dict.fromkeys(field.name for field in dataclasses.fields(SwitchTimes))
    return [
        dataclasses.asdict(time_switch(base, Path(info.path))) if info.fingerprint == base.fingerprint else unknown
        for info in infos
    ]


def register(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "runs", runs, "list the runs")
    command.add_argument(
        "--root",
        type=run_place,
        help="folder of runs, or the URL to which other machines mirror theirs (default: the home folder's runs)",
    )
    command = add_command(commands, "stop", stop, "stop a run that another process trains")
    command.add_argument(
        "folder",
        type=run_place,
        help="run folder, which may lie on a disk that machines share, or a mirrored run's URL",
    )
    command = add_command(commands, "adapters", adapters, "list the adapters of a base", former=("library",))
    command.add_argument("--model", default="town", help="the base (default: %(default)s)")
    command.add_argument("--root", type=user_path, help="folder of runs or adapters (default: the home folder's runs)")
    command.add_argument("--time", action="store_true", help="load the base and time the switch to each adapter")
    add_loading_options(command)

"""Commands of the queue: add, list, move, remove, run."""

import argparse
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.cli.commands import Commands, add_command
from engine.cli.output import result, say, table
from engine.cli.settings import add_run_options, run_config
from engine.cli.train import _stop_signals
from engine.config.training import TRUST
from engine.core.errors import RunError
from engine.core.paths import home, runs_root
from engine.runs.pace import seconds_per_step
from engine.runs.queue import QueueEntry, RunQueue
from engine.runs.scan import new_run_path, run_folders
from engine.service.queued import listed
from engine.service.starting import refuse_trust

if TYPE_CHECKING:
    from engine.service.workbench import Workbench

LOOK_S = 0.2


def add(args: argparse.Namespace) -> None:
    """Add a run to the end of the queue. It begins when its turn comes, on an open page or by `queue run`."""
    config = run_config(args)
    training = config.of_training()
    refuse_trust({name: True for name in TRUST if getattr(training, name)})
    config.load_data()  # its errors shall come now
    pace = seconds_per_step(run_folders(runs_root()), config)
    entry = QueueEntry(
        run=new_run_path(runs_root(), config).name,
        config=config.to_dict(),
        name=args.name,
        tags=list(args.tag),
        seconds=None if pace is None else round(pace * training.steps, 1),
    )
    queue = RunQueue(runs_root())
    queue.add([entry], first=args.first)
    say(f"{len(queue.waiting())} in the queue.")
    result({"run": entry.run}, as_json=args.json, text=entry.run)


def show(args: argparse.Namespace) -> None:
    """List the queue: what trains, what waits, and what could not begin."""
    rows = [asdict(row) for row in listed(RunQueue(runs_root()).entries())]
    shown = ("place", "run", "name", "method", "dataset", "steps", "state", "message")
    text = table([{name: row[name] for name in shown} for row in rows])
    result([_plain(row) for row in rows], as_json=args.json, text=text)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what only a page needs."""
    return {name: value for name, value in row.items() if name not in ("removable", "up", "down")}


def move(args: argparse.Namespace) -> None:
    """Move a waiting run to a place, 0 for the next one to begin."""
    queue = RunQueue(runs_root())
    queue.move(args.id, args.place)
    show(args)


def remove(args: argparse.Namespace) -> None:
    """Take runs out of the queue."""
    queue = RunQueue(runs_root())
    for run in args.ids:
        if queue.find(run).state == "begun":
            if not queue.take():
                raise RunError("queue_stop", f"The run {run!r} trains already: stop it instead.", run=run)
            queue.release()
        queue.remove(run)
    show(args)


def run(args: argparse.Namespace) -> None:
    """Train all runs of the queue, one after another. Ctrl-C stops; the same command then goes on."""
    from engine.service.workbench import Workbench

    queue = RunQueue(runs_root())
    if not queue.take():
        raise RunError("queue_busy", "Another process trains the queue already, such as an open page: leave it to it.")
    queue.release()
    asked = [entry.run for entry in queue.waiting()]
    workbench = Workbench(home())
    with _stop_signals() as stop_requested:
        told = ""
        while not stop_requested.is_set() and (workbench.live().run or queue.waiting()):
            told = _tell(workbench, told, quiet=args.quiet)
            stop_requested.wait(LOOK_S)
    workbench.close()
    _end(queue, asked, args, stopped=stop_requested.is_set())


def _tell(workbench: "Workbench", told: str, *, quiet: bool) -> str:
    """Say which run trains, once for each."""
    live = workbench.live()
    if live.run and live.run != told and live.name:
        if not quiet:
            say(f"{time.strftime('%H:%M:%S')} {live.run}: {live.name}, {live.steps} steps")
        return live.run
    return told


def _end(queue: RunQueue, asked: list[str], args: argparse.Namespace, *, stopped: bool) -> None:
    """Say how each run ended."""
    states = {entry.run: entry.state for entry in queue.entries()}
    folders = {folder.id: folder for folder in run_folders(queue.root)}
    rows = [
        {
            "run": run,
            "status": folders[run].status() if run in folders else states.get(run, "removed"),
            "best_validation": folders[run].facts().best_validation if run in folders else None,
        }
        for run in asked
    ]
    if stopped:
        say("Stopped and kept. Go on with: python -m engine queue run")
    result(rows, as_json=args.json, text=table(rows))


def register(commands: Commands) -> None:
    """Add the commands."""
    command = commands.add_parser("queue", help="runs that train one after another", description=__doc__)
    parts = command.add_subparsers(dest="part", required=True, metavar="ACTION")
    part = add_command(parts, "add", add, "add a run to the queue")
    add_run_options(part)
    part.add_argument("--name", default="", help="display name of the run (default: method and dataset)")
    part.add_argument("--tag", action="append", default=[], help="a word by which runs are found; may be repeated")
    part.add_argument("--first", action="store_true", help="before all others that wait")
    add_command(parts, "list", show, "list the queue")
    part = add_command(parts, "move", move, "move a waiting run")
    part.add_argument("id", help="name of the run, as `queue list` shows it")
    part.add_argument("place", type=int, help="0 for the next one to begin")
    part = add_command(parts, "remove", remove, "take runs out of the queue")
    part.add_argument("ids", nargs="+", metavar="id", help="names of runs, as `queue list` shows them")
    part = add_command(parts, "run", run, "train the runs of the queue")
    part.add_argument("--quiet", action="store_true", help="say nothing while they train")

"""The command that searches over methods and their settings."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from engine.cli.commands import Commands, add_command
from engine.cli.output import result, say, table
from engine.cli.settings import add_run_options, run_config
from engine.cli.train import _stop_signals
from engine.core.errors import RunError
from engine.core.paths import home, runs_root
from engine.runs.queue import RunQueue
from engine.tuning.plan import OBJECTIVES, SAMPLERS, SearchPlan
from engine.tuning.recipes import RECIPES

if TYPE_CHECKING:
    from engine.service.searching import SearchView
    from engine.service.workbench import Workbench

LOOK_S = 0.2


def search(args: argparse.Namespace) -> None:
    """Search over methods, their sizes, layers and the learning rate: validation loss against trained parameters.

    Trials are runs of the queue, tagged with the search's name. Ctrl-C stops and keeps everything; --resume goes on.
    """
    from engine.service.workbench import Workbench

    queue = RunQueue(runs_root())
    if not queue.take():
        raise RunError("queue_busy", "Another process trains the queue already, such as an open page: leave it to it.")
    queue.release()
    workbench = Workbench(home())
    try:
        if args.resume:
            name = args.resume
            workbench.searches.go_on(name)
        else:
            name = workbench.searches.start(_plan(args))
        say(f"{name}: go on with it later by --resume {name}")
        _wait(workbench, name, quiet=args.quiet)
        view = workbench.searches.view(name)
    finally:
        workbench.close()
    result(dataclasses.asdict(view), as_json=args.json, text=_told(view))


def _plan(args: argparse.Namespace) -> SearchPlan:
    config = run_config(args)
    given = dict(config.training)
    steps = given.pop("steps", None)
    given.pop("learning_rate", None)
    plan = SearchPlan(
        model=config.model,
        dataset=config.dataset,
        data=config.data,
        training=given,
        methods=_names(args.methods),
        trials=args.trials,
        minutes=args.minutes,
        sampler=args.sampler,
        seed=args.search_seed,
        prune=not args.no_pruning,
        objectives=_names([args.objectives]),
        layers=args.search_layers,
        recipe=args.recipe,
    )
    return (plan if steps is None else dataclasses.replace(plan, steps=steps)).checked()


def _names(texts: list[str]) -> list[str]:
    """Names that stand in texts with commas or spaces between."""
    return [name for text in texts for name in text.replace(",", " ").split()]


def _wait(workbench: "Workbench", name: str, *, quiet: bool) -> None:
    """Until the search is finished or somebody ends it."""
    told = 0
    with _stop_signals() as stop_requested:
        while not stop_requested.is_set():
            view = workbench.searches.view(name)
            ended = [point for point in view.points if point["state"] != "trains"]
            for point in ended[told:] if not quiet else ():
                say(_line(point))
            told = len(ended)
            if view.state != "runs" and workbench.live().run is None:
                return
            stop_requested.wait(LOOK_S)
    workbench.searches.stop(name)


def _line(point: dict[str, Any]) -> str:
    if point["loss"] is None:
        return f"{point['number']:3d} {point['method']}: {point['state']}"
    kept = "pruned at step {step}" if point["state"] == "pruned" else "{step} steps"
    said = kept.format(step=point["step"])
    return f"{point['number']:3d} {point['method']}: loss {point['loss']:.4f}, trains {point['trainable']:,}, {said}"


def _told(view: "SearchView") -> str:
    rows = [
        {
            "trial": point["number"],
            "method": point["method"],
            "settings": " ".join(f"{name}={value}" for name, value in point["settings"].items()),
            "learning_rate": point["learning_rate"],
            "loss": point["loss"],
            "trainable": point["trainable"],
            **{name: point[name] for name in view.plan["objectives"] if name not in ("loss", "trainable")},
            "run": point["run"],
        }
        for point in view.points
        if point["best"]
    ]
    rows.sort(key=lambda row: row["trainable"])
    head = f"{view.id} {view.state}: {len(view.points)} trials, {view.seconds:.0f} s. Not beaten by any other:"
    return f"{head}\n{table(rows)}"


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "search", search, "search over methods and their settings")
    add_run_options(command)
    group = command.add_argument_group("the search")
    group.add_argument("--methods", action="append", default=[], help="methods to try, with commas (default: all)")
    group.add_argument(
        "--recipe",
        choices=RECIPES,
        default="",
        help=f"the space of a paper, which names the methods: {', '.join(RECIPES)}",
    )
    group.add_argument("--trials", type=int, default=20, help="runs at most (default: %(default)s)")
    group.add_argument("--minutes", type=float, help="training time of all runs together (default: no limit)")
    group.add_argument("--sampler", choices=SAMPLERS, default="tpe", help="Optuna's sampler (default: %(default)s)")
    group.add_argument("--search-seed", type=int, default=0, help="seed of the sampler (default: %(default)s)")
    group.add_argument("--no-pruning", action="store_true", help="train every trial to its end")
    group.add_argument(
        "--objectives", default="loss,trainable", metavar="NAMES",
        help=f"what shall be small, with commas: {', '.join(OBJECTIVES)} (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--search-layers", action="store_true", help="also search on which layers methods act, where they can choose"
    )
    group.add_argument("--resume", metavar="SEARCH", help="go on with a search of before")
    group.add_argument("--quiet", action="store_true", help="say nothing while it trains")

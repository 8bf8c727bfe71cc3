"""The command that finds a learning rate."""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from engine.cli.commands import Commands, add_command
from engine.cli.output import result, say, table
from engine.cli.settings import add_run_options, run_config
from engine.cli.train import _stop_signals
from engine.tuning.ladder import USUAL_STEPS

if TYPE_CHECKING:
    from engine.tuning.store import LadderView


def ladder(args: argparse.Namespace) -> None:
    """Find the learning rate of a run: five rates on the same batches, of which the better half goes on.

    They are compared by their validation loss after a tenth and three tenths of the steps, and at the end. Each is a
    run in the queue, which an open page trains, or else this command.
    """
    from engine.service.finding import climb

    config, told = run_config(args), set[str]()
    with _stop_signals() as stop_requested:
        view = climb(config, args.trial_steps, stop_requested, lambda view: None if args.quiet else _tell(view, told))
    result(dataclasses.asdict(view), as_json=args.json, text=_outcome(view))


def _tell(view: "LadderView", told: set[str]) -> None:
    """Say what each rate has reached, once per rung."""
    for rate in view.rates:
        for step, loss in rate.losses:
            line = f"{rate.rate:g}: validation loss {loss:.4f} at step {step} of {view.steps}"
            if step in view.rungs and line not in told:
                told.add(line)
                say(line)


def _outcome(view: "LadderView") -> str:
    """The table, and the rate that it leads to."""
    rows = [
        {
            "rate": f"{rate.rate:g}",
            "usual": "*"
            if rate.rate == min((one.rate for one in view.rates), key=lambda r: abs(r - view.usual))
            else "",
            **{f"step {rung}": _loss(dict(rate.losses).get(rung)) for rung in view.rungs},
            "forgetting": _loss(rate.forgetting),
            "": rate.state,
        }
        for rate in view.rates
    ]
    if view.best is None:
        return f"{table(rows)}\nNo rate was found: the ladder is {view.state}."
    usual = "the usual one" if abs(view.best / view.usual - 1) < 0.05 else f"the usual one is {view.usual:g}"
    return f"{table(rows)}\nBest: --learning-rate {view.best:g} ({usual})."


def _loss(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.4f}"


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "ladder", ladder, "find a learning rate")
    add_run_options(command)
    command.add_argument(
        "--trial-steps",
        type=int,
        help=f"steps of a rate that goes to the end (default: those of the run, at most {USUAL_STEPS})",
    )
    command.add_argument("--quiet", action="store_true", help="say nothing while it runs")

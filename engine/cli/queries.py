"""Commands that answer a query about a trained run, a row for each: ablate, routes."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.cli.commands import Commands, add_command, user_path
from engine.cli.output import result
from engine.cli.settings import add_trust_options, trusted
from engine.core.parts import whole
from engine.runs.folder import RunFolder
from engine.telemetry.probe_reports import LayerAblation, RouteLosses


def _spans(report: LayerAblation) -> str:
    """Losses as a triangular matrix: a row per first layer, a column per last layer."""
    layers = range(len(report.spans))
    lines = ["off from layer (down) to layer (right):", " " * 4 + "".join(f"{layer:>9}" for layer in layers)]
    lines += [
        f"{first:>4}" + "".join(" " * 9 if loss is None else f"{loss:>9.4f}" for loss in row)
        for first, row in enumerate(report.spans)
    ]
    return "\n".join(lines)


def _routes(report: RouteLosses) -> str:
    """Losses of the average, of every expert, and of the random routes, lowest first."""
    lines = [f"average of all experts: {report.average:.4f}"]
    lines += [f"expert {number} alone: {loss:.4f}" for number, loss in enumerate(report.experts)]
    lines += ["random routes: " + " ".join(f"{loss:.4f}" for loss in sorted(report.random))]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class QueryCommand:
    """A command that answers one query about a run's newest state.

    Attributes:
        query: The query's name in `engine.service.queries.QUERIES`.
        show: Formats the report as text.
        text: One line for the list of commands.
        description: One sentence.
    """

    query: str
    show: Callable[[Any], str]
    text: str
    description: str


COMMANDS = {
    "ablate": QueryCommand(
        "ablation",
        _spans,
        "switch spans of layers off",
        "Switch the method off in every span of layers and report the validation loss.",
    ),
    "routes": QueryCommand(
        "routes",
        _routes,
        "compare AdaMix's experts",
        "Report the validation loss of AdaMix's averaged experts, of each expert alone, and along random routes.",
    ),
}


def ask(args: argparse.Namespace) -> None:
    """Answer the query of the command."""
    from engine.service.worker import Worker

    command = COMMANDS[args.command]
    folder = RunFolder.open(args.folder)
    answer = whole(Worker(lambda _live: None).ask(command.query, folder, None, {}, trusted(args)))
    result(answer.to_json(), as_json=args.json, text=command.show(answer.report))


def register(commands: Commands) -> None:
    """Add the commands."""
    for name, row in COMMANDS.items():
        command = add_command(commands, name, ask, row.text, description=row.description)
        command.add_argument("folder", type=user_path, help="run folder")
        add_trust_options(command)

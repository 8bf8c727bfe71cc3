"""Commands that ask what a part of a tuned model does: ablate, routes."""

import argparse
from pathlib import Path
from typing import Any

from engine.cli.output import result
from engine.runs.folder import RunFolder
from engine.service.worker import Worker


def ablate(args: argparse.Namespace) -> None:
    """Switch the method off in every span of layers and tell the validation loss."""
    found = Worker(lambda _live: None).ablation(RunFolder.open(args.folder), None)
    layers = range(len(found["spans"]))
    lines = ["off from layer (down) to layer (right):", " " * 4 + "".join(f"{layer:>9}" for layer in layers)]
    lines += [
        f"{first:>4}" + "".join(" " * 9 if loss is None else f"{loss:>9.4f}" for loss in row)
        for first, row in enumerate(found["spans"])
    ]
    result(found, as_json=args.json, text="\n".join(lines))


def routes(args: argparse.Namespace) -> None:
    """Tell the validation loss of AdaMix's averaged experts, of each expert alone, and along random routes."""
    found = Worker(lambda _live: None).routes(RunFolder.open(args.folder))
    lines = [f"average of all experts: {found['average']:.4f}"]
    lines += [f"expert {number} alone: {loss:.4f}" for number, loss in enumerate(found["experts"])]
    lines += ["random routes: " + " ".join(f"{loss:.4f}" for loss in sorted(found["random"]))]
    result(found, as_json=args.json, text="\n".join(lines))


def register(commands: Any) -> None:  # noqa: ANN401 - argparse's sub-parser action is private
    """Add the commands."""
    for name, run, text in (
        ("ablate", ablate, "switch spans of layers off"),
        ("routes", routes, "go through AdaMix's experts"),
    ):
        command = commands.add_parser(name, help=text, description=run.__doc__)
        command.add_argument("folder", type=Path, help="run folder")
        command.set_defaults(run=run)

"""Commands that list what can be picked: methods, models, datasets, params, runs."""

import argparse
from pathlib import Path
from typing import Any

from engine import catalogue
from engine.cli.output import result, table
from engine.cli.settings import add_run_options, run_config
from engine.home import runs_root
from engine.methods import METHODS
from engine.runs.folder import run_folders


def methods(args: argparse.Namespace) -> None:
    """List the methods with their settings."""
    rows: list[dict[str, Any]] = [
        {
            "name": cls.name,
            "title": cls.title,
            "acts_on": " ".join(cls.acts_on),
            "learning_rate": cls.learning_rate,
            "settings": {field.name: field.default for field in cls.settings_class.fields()},
            "paper": cls.paper.url,
        }
        for cls in METHODS.values()
    ]
    lines = []
    for cls in METHODS.values():
        lines += [f"{cls.name}: {cls.title} ({cls.paper.authors} {cls.paper.year}, {cls.paper.url})"]
        lines += [f"    {cls.equation}"]
        lines += [f"    --set {f.name}={f.default}: {f.knob.help}" for f in cls.settings_class.fields()]
    result(rows, as_json=args.json, text="\n".join(lines))


def models(args: argparse.Namespace) -> None:
    """List the models on this machine."""
    rows = [
        {"name": m.name, "title": m.title, "parameters": m.parameters, "size_mb": m.size_mb, "path": m.path}
        for m in catalogue.models()
    ]
    result(rows, as_json=args.json, text=table(rows))


def datasets(args: argparse.Namespace) -> None:
    """List the datasets that ship."""
    rows = [
        {"name": d.name, "summary": d.summary["en"], "metric": d.metric, **d.splits} for d in catalogue.datasets()
    ]
    result(rows, as_json=args.json, text=table(rows))


def params(args: argparse.Namespace) -> None:
    """Count what would train."""
    counts = catalogue.count(run_config(args))
    share = 100 * counts.trainable / counts.total
    parts = ", ".join(f"{name} {number:,}" for name, number in counts.groups.items())
    result(
        counts,
        as_json=args.json,
        text=f"Trains {counts.trainable:,} of {counts.total:,} ({share:.2f} %): {parts}.",
    )


def runs(args: argparse.Namespace) -> None:
    """List the runs."""
    rows = []
    for folder in run_folders(args.root):
        facts = folder.facts()
        rows.append(
            {
                "id": folder.id,
                "name": facts["name"],
                "status": folder.status(),
                "method": facts["config"]["method"],
                "dataset": facts["config"]["dataset"],
                "step": f"{facts['step']}/{facts['steps']}",
                "best_validation": facts["best_validation"],
                "trainable": facts["trainable"],
            }
        )
    result(rows, as_json=args.json, text=table(rows))


def register(commands: Any) -> None:  # noqa: ANN401 - argparse's sub-parser action is private
    """Add the commands."""
    for name, run, text in (
        ("methods", methods, "list the methods and their settings"),
        ("models", models, "list the models on this machine"),
        ("datasets", datasets, "list the datasets that ship"),
    ):
        command = commands.add_parser(name, help=text, description=(run.__doc__ or "").strip())
        command.set_defaults(run=run)
    command = commands.add_parser(
        "params",
        help="count what would train",
        description="Count the parameters that a method would train, out of how many; nothing is loaded.",
    )
    add_run_options(command)
    command.set_defaults(run=params)
    command = commands.add_parser("runs", help="list the runs", description="List the runs, newest first.")
    command.add_argument("--root", type=Path, default=runs_root(), help="folder of runs (default: %(default)s)")
    command.set_defaults(run=runs)

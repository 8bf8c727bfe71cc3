"""Commands that list what can be picked: methods, models, datasets, params, runs."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from engine.cli.data import add_data_options, describe
from engine.cli.output import result, table
from engine.cli.settings import add_loading_options, add_run_options, loading, run_config
from engine.config.run import RunConfig
from engine.core.paths import models_root, runs_root
from engine.data.dataset import shipped_datasets
from engine.methods import METHODS
from engine.models.families import FAMILIES
from engine.models.loading import load_base
from engine.preflight.planning import memory as estimated
from engine.runs.folder import run_folders
from engine.service import catalogue
from engine.service.adapters import adapters
from engine.service.switching import measure
from engine.training.launch import base_for


def methods(args: argparse.Namespace) -> None:
    """List the methods with their papers, settings and defaults; --set changes a setting of a run."""
    rows: list[dict[str, Any]] = [
        {
            "name": spec.name,
            "title": spec.title,
            "acts_on": " ".join(spec.acts_on),
            "learning_rate": spec.learning_rate,
            "settings": {field.name: field.default for field in spec.settings.fields()},
            "paper": spec.paper.url,
        }
        for spec in METHODS.values()
    ]
    lines = []
    for spec in METHODS.values():
        lines += [f"{spec.name}: {spec.title} ({spec.paper.authors} {spec.paper.year}, {spec.paper.url})"]
        lines += [f"    {spec.equation}"]
        lines += [f"    --set {f.name}={f.default}: {f.info.help}" for f in spec.settings.fields()]
    result(rows, as_json=args.json, text="\n".join(lines))


def models(args: argparse.Namespace) -> None:
    """List the models on this machine: those that ship, folders in the home folder's `models`, and the hub's cache.

    Any other folder or hub id may be given wherever a model is named. It must be of one of the families that are
    listed below the table.
    """
    found = list(catalogue.on_this_machine(models_root()))
    rows = [dataclasses.asdict(catalogue.model_info(each)) for each in found if not each.problem]
    shown = [{key: value for key, value in row.items() if key not in ("title", "path")} for row in rows]
    reasons = {"unknown_family": "family not supported", "model_pickled": "no safetensors", "model_corrupt": "damaged"}
    others = [f"{each.name} ({reasons[each.problem]})" for each in found if each.problem]
    lines = [table(shown), f"Families of other models, given by folder or hub id: {', '.join(FAMILIES)}."]
    lines += [f"Found, but not to be used: {', '.join(others)}."] if others else []
    result(rows, as_json=args.json, text="\n".join(lines))


def datasets(args: argparse.Namespace) -> None:
    """List the datasets that ship, with rows per split; or say what is in one, a file, or a hub dataset.

    Of a named one: its columns and what they are taken for, counts over its rows as a model reads them, and the tokens
    of its first rows, the ones that carry a label in brackets.
    """
    if args.name is not None:
        describe(args)
        return
    rows = [
        {"name": info.name, "summary": next(iter(info.summary.values())), "metric": info.metric, **info.splits}
        for info in shipped_datasets()
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


def memory(args: argparse.Namespace) -> None:
    """Estimate the memory of a run before it is started, by purpose, and say whether it fits; nothing is loaded."""
    info = estimated(run_config(args))
    names = ("weights", "quantisation", "adapter", "gradients", "optimiser", "activations", "logits", "total")
    lines = [f"{name:>14} {getattr(info, name) / 2**20:12,.1f} MiB" for name in names]
    lines += [f"{'chat cache':>14} {info.kv_cache / 2**20:12,.1f} MiB, between steps"]
    lines += [
        f"{info.rows} rows of up to {info.length} tokens at once; {info.device} has {info.free / 2**20:,.0f} MiB free "
        f"of {info.capacity / 2**20:,.0f}: {info.verdict}."
    ]
    result(info, as_json=args.json, text="\n".join(lines))


def runs(args: argparse.Namespace) -> None:
    """List the runs of a folder, newest first, with their status and best validation loss."""
    rows = []
    for folder in run_folders(args.root):
        facts = folder.facts()
        rows.append(
            {
                "id": folder.id,
                "name": facts.name,
                "status": folder.status(),
                "method": facts.method,
                "dataset": facts.dataset,
                "step": f"{facts.step}/{facts.steps}",
                "best_validation": facts.best_validation,
                "trainable": facts.trainable,
            }
        )
    result(rows, as_json=args.json, text=table(rows))


def library(args: argparse.Namespace) -> None:
    """List the adapters of one base: what each is for and what it costs on the disk; --time also times the switch."""
    found = adapters(args.root, args.model)
    rows: list[dict[str, Any]] = [
        {
            "id": info.id,
            "method": info.method,
            "dataset": Path(info.dataset).name,
            "labels": "" if info.labels is None else ", ".join(info.labels) or "a number",
            "trainable": info.trainable,
            "bytes": info.size_bytes,
        }
        for info in found
    ]
    if args.time:
        base = base_for(loading(args, RunConfig(model=args.model)), load_base)
        for row, info in zip(rows, found, strict=True):
            own = info.fingerprint == base.fingerprint
            row |= dataclasses.asdict(measure(base, Path(info.path))) if own else {"disk_ms": None, "memory_ms": None}
    total = sum(info.size_bytes for info in found)
    text = f"{table(rows)}\n{len(found)} adapters of {args.model} take {total / 1024:,.0f} KiB in all."
    result(rows, as_json=args.json, text=text)


def register(commands: Any) -> None:  # noqa: ANN401 - argparse's sub-parser action is private
    """Add the commands."""
    for name, run, text in (
        ("methods", methods, "list the methods and their settings"),
        ("models", models, "list the models on this machine"),
        ("datasets", datasets, "list the datasets, or say what is in a file"),
    ):
        command = commands.add_parser(name, help=text, description=(run.__doc__ or "").strip())
        command.set_defaults(run=run)
    add_data_options(commands.choices["datasets"])
    command = commands.add_parser(
        "params",
        help="count what would train",
        description="Count the parameters that a method would train, out of how many; nothing is loaded.",
    )
    add_run_options(command)
    command.set_defaults(run=params)
    command = commands.add_parser("memory", help="estimate the memory of a run", description=memory.__doc__)
    add_run_options(command)
    command.set_defaults(run=memory)
    command = commands.add_parser("library", help="list the adapters of a base", description=library.__doc__)
    command.add_argument("--model", default="town", help="the base (default: %(default)s)")
    command.add_argument("--root", type=Path, default=runs_root(), help="folder of runs or adapters")
    command.add_argument("--time", action="store_true", help="load the base and time the switch to each adapter")
    add_loading_options(command)
    command.set_defaults(run=library)
    command = commands.add_parser("runs", help="list the runs", description=runs.__doc__)
    command.add_argument("--root", type=Path, default=runs_root(), help="folder of runs (default: %(default)s)")
    command.set_defaults(run=runs)

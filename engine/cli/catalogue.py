"""Commands that list methods, models and datasets."""

import argparse
import dataclasses
from typing import Any

from engine.cli.commands import Commands, add_command
from engine.cli.output import result, table
from engine.cli.settings import add_data_option
from engine.core.paths import models_root
from engine.methods import METHODS


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
    from engine.models.families import FAMILIES
    from engine.service import catalogue

    candidates = list(catalogue.on_this_machine(models_root()))
    rows = [dataclasses.asdict(catalogue.model_info(model)) for model in candidates if not model.problem]
    table_rows = [{key: value for key, value in row.items() if key not in ("title", "path")} for row in rows]
    reasons = {"unknown_family": "family not supported", "model_pickled": "no safetensors", "model_corrupt": "damaged"}
    unusable = [f"{model.name} ({reasons[model.problem]})" for model in candidates if model.problem]
    lines = [table(table_rows), f"Families of other models, given by folder or hub id: {', '.join(FAMILIES)}."]
    lines += ["", "Good first models; `python -m engine download NAME` fetches one that is not here:", table(_offers())]
    lines += [f"Found, but not to be used: {', '.join(unusable)}."] if unusable else []
    result(rows, as_json=args.json, text="\n".join(lines))


def _offers() -> list[dict[str, Any]]:
    """The menu of good first models as a table."""
    from engine.service import catalogue

    return [
        {
            "name": offer.model.name,
            "kind": offer.model.kind,
            "MB": round(offer.model.size_bytes / 1e6),
            "licence": offer.model.licence + (" (gated)" if offer.model.gated else ""),
            "memory": offer.fit,
            "here": "yes" if offer.here else f"{offer.kept_bytes / 1e6:,.0f} MB" if offer.kept_bytes else "",
        }
        for offer in catalogue.offers()
    ]


def download(args: argparse.Namespace) -> None:
    """Fetch a model from the hub into its cache: safetensors only. Ctrl-C ends it; the same command goes on from there.

    HF_TOKEN in the environment opens models whose terms you have accepted; HF_HOME and HF_ENDPOINT say where the cache
    is, and which hub is asked.
    """
    from tqdm import tqdm

    from engine.models.download import ask_hub, fetch

    files = ask_hub(args.name)

    def told(octets: int) -> None:
        bar.update(octets - bar.n)

    with tqdm(total=files.total, unit="B", unit_scale=True, desc=args.name, disable=None) as bar:
        folder = fetch(files, told)
    result({"name": args.name, "bytes": files.total, "path": str(folder)}, as_json=args.json)


def datasets(args: argparse.Namespace) -> None:
    """List the datasets that ship, with rows per split; or describe one of them, a file, or a hub dataset.

    A description has the columns and their detected roles, counts over the rows as a model reads them, and the tokens
    of the first rows, with labelled tokens in brackets.
    """
    if args.name is not None:
        from engine.cli.data import describe

        describe(args)
        return
    from engine.data.dataset import shipped_datasets

    rows = [
        {"name": info.name, "summary": next(iter(info.summary.values())), "metric": info.metric, **info.splits}
        for info in shipped_datasets()
    ]
    result(rows, as_json=args.json, text=table(rows))


def register(commands: Commands) -> None:
    """Add the commands."""
    add_command(commands, "methods", methods, "list the methods and their settings")
    add_command(commands, "models", models, "list the models on this machine")
    fetched = add_command(commands, "download", download, "fetch a model from the hub")
    fetched.add_argument("name", help="hub id, such as those that `models` lists")
    command = add_command(commands, "datasets", datasets, "list the datasets, or describe a file")
    command.add_argument("name", nargs="?", help="file, hub:owner/name[:config[:split]], folder or shipped name")
    command.add_argument("--model", default="town", help="model whose tokenizer reads it (default: %(default)s)")
    command.add_argument(
        "--max-seq-len", "--max-len", type=int, default=256, help="longest row in tokens (default: %(default)s)"
    )
    command.add_argument("--rows", type=int, default=2, help="rows to show token by token (default: %(default)s)")
    command.add_argument("--head", choices=("auto", "words", "head"), default="auto", help="how a label is predicted")
    add_data_option(command)

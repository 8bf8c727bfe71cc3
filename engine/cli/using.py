"""Commands that use an adapter: chat, export, import."""

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.analysis.probe import need_picture, need_words
from engine.cli.output import result, say
from engine.cli.settings import add_loading_options, loading
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.core.sampling import Sampling
from engine.exchange.archive import EXPORT_FORMATS, write_adapter
from engine.exchange.native import load_adapter, read_facts, save_adapter
from engine.exchange.official import import_official
from engine.exchange.peft import import_peft
from engine.inference.chat import ChatColumn, stream_answers
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.training.launch import base_for


def chat(args: argparse.Namespace) -> None:
    """Ask base and tuned model the same; without --prompt or --picture, questions are read from the terminal."""
    base, method, template = _load(args)
    sampling = Sampling.from_dict({field.name: getattr(args, field.name) for field in Sampling.fields()})
    if args.prompt is not None or args.picture is not None:
        if args.picture is not None:
            texts = _seen(base, method, args.picture, args.strength)
        else:
            texts = _ask(base, method, template, args.prompt, sampling, args.strength)
        result(
            {"prompt": args.prompt if args.picture is None else str(args.picture), "base": texts[0], "tuned": texts[1]},
            as_json=args.json,
            text=f"base : {texts[0]}\ntuned: {texts[1]}",
        )
        return
    say("An empty line ends the chat.")
    for line in sys.stdin:
        if not line.strip():
            return
        texts = _ask(base, method, template, line.strip(), sampling, args.strength)
        print(f"base : {texts[0]}\ntuned: {texts[1]}", flush=True)


def _load(args: argparse.Namespace) -> tuple[Base, Method, str]:
    """Base, method and template of a run folder or an adapter folder."""
    folder = args.folder
    if (folder / "run.json").exists():
        run = RunFolder.open(folder)
        base = base_for(loading(args, run.config), load_base)
        template = run.template or run.config.load_data(base.processor).template
        return base, load_adapter(folder / "adapter", base), template
    facts = read_facts(folder)
    known = {"precision": facts["base"]["precision"]} if "precision" in facts["base"] else {}
    base = base_for(loading(args, RunConfig(model=facts["base"]["name"], training=known)), load_base)
    return base, load_adapter(folder, base), facts.get("template") or "{prompt}"


def _ask(base: Base, method: Method, template: str, prompt: str, sampling: Sampling, strength: float) -> list[str]:
    """Both answers from one batched forward per token: row 0 is the base, row 1 the tuned model."""
    need_words(base)
    tuned = ChatColumn(prompt, method, strength, method.template or template)
    return _said(base, [ChatColumn(prompt, template=template), tuned], sampling)


def _seen(base: Base, method: Method, picture: Path, strength: float) -> list[str]:
    """What the base's own classifier and the tuned model see in a picture."""
    need_picture(base, picture)
    tuned = ChatColumn(picture.name, method, strength, picture=picture)
    return _said(base, [ChatColumn(picture.name, picture=picture), tuned], Sampling())


def _said(base: Base, columns: list[ChatColumn], sampling: Sampling) -> list[str]:
    *_, last = stream_answers(base, columns, sampling)
    return ["(neither writes nor has a head)" if text is None else text for text in last.texts]


def export(args: argparse.Namespace) -> None:
    """Write a run's adapter in our own format, as an HF peft directory, or as an official LLaMA-Adapter file."""
    base, method, _ = _load(args)
    if args.out.exists() and (args.out.is_file() or any(args.out.iterdir())):
        raise RunError("run_exists", f"The folder {str(args.out)!r} is not empty: choose another --out.", path=args.out)
    write_adapter(method, base, args.format, args.out)
    files = sorted(str(path) for path in args.out.iterdir())
    result({"format": args.format, "files": files}, as_json=args.json, text="\n".join(files))


def import_(args: argparse.Namespace) -> None:
    """Read an HF peft directory or an official LLaMA-Adapter file and write it in our own format."""
    base = base_for(loading(args, RunConfig(model=args.model)), load_base)
    if args.source.is_file():
        method = import_official(args.source, base, args.prompt_len, args.activation)
    else:
        method = import_peft(args.source, base)
    save_adapter(method, base, args.out)
    counts = {name: sum(p.numel() for p in group) for name, group in method.groups().items()}
    result(
        {"method": method.spec.name, "parameters": counts, "adapter": str(args.out)},
        as_json=args.json,
        text=f"{method.spec.title}: {sum(counts.values()):,} parameters, written to {args.out}",
    )


def register(commands: Any) -> None:  # noqa: ANN401 - argparse's sub-parser action is private
    """Add the commands."""
    command = commands.add_parser("chat", help="ask base and tuned model", description=chat.__doc__)
    command.add_argument("folder", type=Path, help="run folder or adapter folder")
    command.add_argument("--prompt", help="one question; without it, questions come from the terminal")
    command.add_argument("--picture", type=Path, help="a picture to ask about, where the model reads pictures")
    command.add_argument("--strength", type=float, default=1.0, help="0 is the base, 1 the trained model")
    for field in Sampling.fields():
        text = f"{field.info.help} (default: {field.default})"
        command.add_argument(f"--{field.name.replace('_', '-')}", default=str(field.default), help=text)
    command.set_defaults(run=chat)
    command_export = commands.add_parser("export", help="write an adapter for others", description=export.__doc__)
    command_export.add_argument("folder", type=Path, help="run folder or adapter folder")
    command_export.add_argument("--format", choices=EXPORT_FORMATS, default="gatelight")
    command_export.add_argument("--out", type=Path, required=True, help="folder to write to")
    command_export.set_defaults(run=export)
    command_import = commands.add_parser("import", help="read an adapter of others", description=import_.__doc__)
    command_import.add_argument("source", type=Path, help="peft directory, or official .pth file")
    command_import.add_argument("--model", default="town", help="the model it was trained on (default: town)")
    command_import.add_argument("--out", type=Path, required=True, help="folder to write to")
    command_import.add_argument("--prompt-len", type=int, default=10, help="K of an official file (default: 10)")
    command_import.add_argument("--activation", choices=("tanh", "identity"), default="tanh", help="of its gates")
    command_import.set_defaults(run=import_)
    for each in (command, command_export, command_import):
        add_loading_options(each, of_run=each is not command_import)

"""Commands that write and read adapters in the formats of other programs: export, import."""

import argparse

from engine.cli.commands import Commands, add_command, user_path
from engine.cli.output import result
from engine.cli.settings import add_loading_options, loading
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.exchange.forms import EXPORT_FORMATS


def export(args: argparse.Namespace) -> None:
    """Write a run's adapter in Gatelight's format, as an HF peft directory, or as an official LLaMA-Adapter file."""
    from engine.cli.adapter import load
    from engine.exchange.archive import write_folder

    base, method, _ = load(args)
    if args.out.exists() and (args.out.is_file() or any(args.out.iterdir())):
        raise RunError("run_exists", f"The folder {str(args.out)!r} is not empty: choose another --out.", path=args.out)
    write_folder(method, base, args.format, args.out)
    files = sorted(str(path) for path in args.out.iterdir())
    result({"format": args.format, "files": files}, as_json=args.json, text="\n".join(files))


def import_(args: argparse.Namespace) -> None:
    """Read an HF peft directory or an official LLaMA-Adapter file and write it in Gatelight's format."""
    from engine.exchange.checkpoints import import_checkpoint
    from engine.exchange.native import save_adapter
    from engine.exchange.peft import import_peft
    from engine.models.loading import load_base
    from engine.training.launch import base_for

    base = base_for(loading(args, RunConfig(model=args.model)), load_base)
    if args.source.is_file():
        method = import_checkpoint(
            args.source, base, prompt_len=args.prompt_len, activation=args.activation, vision=args.vision
        )
    else:
        method = import_peft(args.source, base)
    save_adapter(method, base, args.out)
    counts = {name: sum(p.numel() for p in group) for name, group in method.groups().items()}
    result(
        {"method": method.spec.name, "parameters": counts, "adapter": str(args.out)},
        as_json=args.json,
        text=f"{method.spec.title}: {sum(counts.values()):,} parameters, written to {args.out}",
    )


def register(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "export", export, "export an adapter")
    command.add_argument("folder", type=user_path, help="run folder or adapter folder")
    command.add_argument(
        "--format", choices=EXPORT_FORMATS, default="gatelight", help="format of the files (default: %(default)s)"
    )
    command.add_argument("--out", type=user_path, required=True, help="folder to write to")
    add_loading_options(command, of_run=True)
    command = add_command(commands, "import", import_, "import an adapter")
    command.add_argument("source", type=user_path, help="peft directory, or official .pth file")
    command.add_argument("--model", default="town", help="the model it was trained on (default: town)")
    command.add_argument("--out", type=user_path, required=True, help="folder to write to")
    command.add_argument("--prompt-len", type=int, default=10, help="prompt length K of an official file (default: 10)")
    command.add_argument("--activation", choices=("tanh", "identity"), default="tanh", help="activation of its gates")
    command.add_argument("--vision", default="", help="the CLIP that an official file of V2 was trained with")
    add_loading_options(command)

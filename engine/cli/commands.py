"""Declaration of a command. Commands import torch only when they run, so that `--help` is instant."""

import argparse
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `ArgumentParser.add_subparsers` returns; argparse has no public name for it."""


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
    *,
    description: str = "",
    former: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        commands: The subparsers to add it to.
        name: Name of the command.
        run: Called with the parsed arguments.
        text: One line for the list of commands.
        description: Sentences above its options; by default the docstring of `run`.
        former: Former names, which still work.
    """
    description = description or inspect.getdoc(run) or ""
    command = commands.add_parser(name, help=text, description=description, aliases=former)
    command.set_defaults(run=run)
    return command


def user_path(text: str) -> Path:
    """The path that a flag names. `--out=~/x` is below the home folder too, though no shell sees to that."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises where it knows no such user


def run_place(text: str) -> Path | str:
    """The path, or the URL, that a flag names."""
    return text if "://" in text else user_path(text)

"""The whole command line: every command of every topic, in the order in which `--help` lists them."""

import argparse

from engine.cli import (
    catalogue,
    chat,
    estimates,
    evaluate,
    exchange,
    ladder,
    launch,
    queries,
    queue,
    runs,
    search,
    train,
)

TOPICS = (catalogue, estimates, runs, train, queue, launch, ladder, search, evaluate, chat, exchange, queries)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `python -m engine`. Building it loads no torch."""
    parser = argparse.ArgumentParser(prog="python -m engine", description="The whole workbench without the page.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for topic in TOPICS:
        topic.register(commands)
    for command in leaves(parser).values():
        command.add_argument("--json", action="store_true", help="print the result as JSON on the last line of stdout")
    return parser


def leaves(parser: argparse.ArgumentParser, name: str = "") -> dict[str, argparse.ArgumentParser]:
    """The commands that do something, by their names: "train", and "queue add" below "queue"."""
    parts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not parts:
        return {name: parser}
    found: dict[str, argparse.ArgumentParser] = {}
    commands = {id(command): (word, command) for word, command in reversed(parts[0].choices.items())}
    for word, command in reversed(commands.values()):
        found |= leaves(command, f"{name} {word}".strip())
    return found

"""The whole command line: every command of every topic, in the order in which `--help` lists them."""

import argparse

from engine.cli import catalogue, chat, estimates, evaluate, exchange, queries, runs, train

TOPICS = (catalogue, estimates, runs, train, evaluate, chat, exchange, queries)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `python -m engine`. Building it loads no torch."""
    parser = argparse.ArgumentParser(prog="python -m engine", description="The whole workbench without the page.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for topic in TOPICS:
        topic.register(commands)
    for command in {id(command): command for command in commands.choices.values()}.values():
        command.add_argument("--json", action="store_true", help="print the result as JSON on the last line of stdout")
    return parser

"""`python -m engine`: the whole workbench without the page."""

import argparse
import sys

from engine.cli import catalogue, inside, running, using
from engine.core.errors import WorkbenchError


def main() -> int:
    """Parse the command line and run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for part in (catalogue, running, using, inside):
        part.register(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print the result as JSON on the last line of stdout")
    args = parser.parse_args()
    try:
        args.run(args)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

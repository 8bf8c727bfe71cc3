"""`python -m engine`: the whole workbench without the page."""

import sys

from engine.cli.parser import build_parser
from engine.core.errors import WorkbenchError


def main() -> int:
    """Parse the command line and run one command; returns the exit status."""
    args = build_parser().parse_args()
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

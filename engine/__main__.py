"""`python -m engine`: the whole workbench without the page."""

import io
import sys

from engine.cli.parser import build_parser
from engine.core.errors import WorkbenchError


def main() -> int:
    """Parse the command line and run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe that is not UTF-8 shall get \u2588 rather than an error
            stream.reconfigure(errors="backslashreplace")
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

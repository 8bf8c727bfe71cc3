"""All tests, for `python -m tests`: first those without a browser on all cores, then the browser's, two at a time.

Some suites check the shape and type of whatever a function takes and gives; it doubles their time. Between them they
call every method's forward and backward pass, generation, heads and events, and the others go without. With `--all`,
contract tests run every method on every model family instead of on those that differ most, and all of them check
shapes. Other options go to pytest: `python -m tests -x`. Every part can be run with pytest alone as well.
"""

import os
import subprocess
import sys

EVERYTHING = "--all" in sys.argv
CONTRACT = ("training", "slots", "heads", "telemetry")
CHECKED = ("tests/contract",) if EVERYTHING else tuple(f"tests/contract/test_{suite}.py" for suite in CONTRACT)
CHECKED += ("tests/parity",)
UNCHECKED = ("--jaxtyping-packages=none", *(f"--ignore={path}" for path in CHECKED))
ALL_CORES = ("-m", "not ui", "-n", str(os.cpu_count() or 1), "--dist", "worksteal")
PARTS = (
    (*CHECKED, *ALL_CORES),
    (*UNCHECKED, *ALL_CORES),
    ("-m", "ui", "-n", str(min(2, os.cpu_count() or 1)), "--dist", "loadfile"),
)


def main() -> int:
    """Exit code of the first part that failed, or 0. Every part runs in any case."""
    pytest = (sys.executable, "-m", "pytest")
    options = [option for option in sys.argv[1:] if option != "--all"]
    environment = os.environ | ({"GATELIGHT_ALL_CASES": "1"} if EVERYTHING else {})
    codes = [subprocess.run([*pytest, *part, *options], env=environment, check=False).returncode for part in PARTS]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())

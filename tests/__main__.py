"""All tests, for `python -m tests`: first those without a browser on all cores, then the browser's, two at a time.

Some suites check the shape and type of whatever a function takes and gives; it doubles their time. Between them they
call every method's forward and backward pass, generation, heads and events, and the others go without. Modules are
compiled once for all processes, even where the environment keeps Python from storing that. With `--all`,
contract tests run every method on every model family instead of on those that differ most, and all of them check
shapes. A browser's test that fails is run once more, alone, since two browsers and two servers on a busy machine wait
for each other; what failed stays to be read above, and what fails twice fails. Other options go to pytest: `python -m
tests -x`; with `--basetemp=DIR` the tests' files stay there. Every part can be run with pytest alone as well.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

EVERYTHING = "--all" in sys.argv
CONTRACT = ("training", "slots", "heads", "telemetry")
CHECKED = ("tests/contract",) if EVERYTHING else tuple(f"tests/contract/test_{suite}.py" for suite in CONTRACT)
CHECKED += ("tests/parity",)
BROWSER = "tests/ui"
WITHOUT_SHAPES = "--jaxtyping-packages=none"
UNCHECKED = (WITHOUT_SHAPES, *(f"--ignore={path}" for path in (*CHECKED, BROWSER)))
ALL_CORES = ("-m", "not ui", "-n", str(os.cpu_count() or 1), "--dist", "worksteal")
PARTS = (
    (*CHECKED, *ALL_CORES),
    (*UNCHECKED, *ALL_CORES),
    (BROWSER, WITHOUT_SHAPES, "-n", str(min(2, os.cpu_count() or 1)), "--dist", "loadfile"),
)


FAILED = 1
"""Exit code of pytest where a test failed, rather than pytest itself."""
MEMORY = Path("/dev/shm")
ROOM_BYTES = 8 * 2**30
"""Free memory of which the tests' files may take a part."""


@contextmanager
def files_in_memory() -> Iterator[list[str]]:
    """Options under which the tests' files lie in memory, where there is room: runs wait for a disk at each write."""
    if not MEMORY.is_dir() or min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) < ROOM_BYTES:
        yield []
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="gatelight-tests-", ignore_cleanup_errors=True) as folder:
        yield [f"--basetemp={folder}/pytest"]


def run(part: tuple[str, ...]) -> int:
    """Exit code of one part; the tests of the browser's that failed have a second try, one after another."""
    code = once(part)
    if BROWSER in part and code == FAILED:
        print("Once more, alone, what failed in the browser:", flush=True)
        code = once((BROWSER, WITHOUT_SHAPES, "--last-failed", "--last-failed-no-failures", "none"))
    return code


def once(part: tuple[str, ...]) -> int:
    """Exit code of pytest on one part."""
    options = [option for option in sys.argv[1:] if option != "--all"]
    environment = os.environ | ({"GATELIGHT_ALL_CASES": "1"} if EVERYTHING else {})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with files_in_memory() as place:
        command = [sys.executable, "-m", "pytest", *part, *place, *options]
        return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Exit code of the first part that failed, or 0. Every part runs in any case."""
    codes = [run(part) for part in PARTS]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())

"""One case of the fuzzer: in a folder of its own, within a time limit, and what came of it."""

import signal
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from engine.core.errors import WorkbenchError
from tools.fuzz.targets import TARGETS

LIMIT_S = 20
ROOT = Path(__file__).resolve().parents[2]


class Hangs(BaseException):
    """A case took longer than `LIMIT_S`."""


@dataclass(frozen=True)
class Finding:
    """An error that no person should see.

    Attributes:
        place: Kind of error and the workbench's line that raised it: two cases with the same one are one finding.
        text: The traceback.
    """

    place: tuple[str, ...]
    text: str


def one_case(target: str, seed: int, number: int) -> Finding | None:
    """Try the case with that number; None where it ends well or with a `WorkbenchError`."""
    rng = Random(f"{target} {seed} {number}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.signal(signal.SIGALRM, _hang)
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        try:
            TARGETS[target](rng, Path(folder))
        except WorkbenchError:
            return None
        except (Exception, Hangs) as error:
            return Finding(_place(error), "".join(traceback.format_exception(error))[-3000:])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _hang(_: int, __: FrameType | None) -> None:
    raise Hangs(f"more than {LIMIT_S} seconds")


def _place(error: BaseException) -> tuple[str, ...]:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename]
    own = [frame for frame in frames if "/tools/" not in frame.filename and "/.venv/" not in frame.filename] or frames
    last = own[-1]
    return type(error).__name__, Path(last.filename).name, str(last.lineno)

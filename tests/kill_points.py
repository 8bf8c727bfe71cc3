"""What a kill leaves at every file operation: copies of a folder just before each, and real kills at some of them.

A process that is killed leaves what the operating system has been told so far. So one run that is not killed shows
what a kill at each of its operations would leave. Between two operations a file may be written in part: such states are
made from the copies before and after.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink")
_listeners: list[Callable[[str, tuple], None]] = []


def _heard(event: str, arguments: tuple) -> None:
    if _listeners and (event in CHANGES or event == "open"):
        _listeners[-1](event, arguments)


@dataclass(frozen=True)
class Point:
    """A state that a kill would leave.

    Attributes:
        number: Of the operation that was not made any more.
        operation: That operation.
        torn: The file that was written in part; empty where none was.
        mark: What the caller noted of that moment, such as the last finished step.
        folder: The state.
    """

    number: int
    operation: str
    torn: str
    mark: object
    folder: Path

    def __str__(self) -> str:
        return f"{self.number} {self.operation}" + (f", {self.torn} half written" if self.torn else "")


@dataclass
class Recording:
    """All points of what was done while listening; `mark` gives what is noted of each moment."""

    root: Path
    copies: Path
    mark: Callable[[], object] = lambda: None
    points: list[Point] = field(default_factory=list)

    def hear(self, operation: str, arguments: tuple) -> None:
        """Copy the folder, if the operation changes something in it."""
        if not changes(self.root, operation, arguments):
            return
        with _deaf():
            self.keep(f"{operation.removeprefix('os.')} {_name(arguments)}")

    def keep(self, operation: str) -> None:
        """Copy the folder as it is now."""
        number = len(self.points)
        copy = self.copies / f"{number:04d}"
        if self.root.exists():
            shutil.copytree(self.root, copy, symlinks=True)
        else:
            copy.mkdir(parents=True)
        self.points.append(Point(number, operation, "", self.mark(), copy))

    def torn(self) -> Iterator[Point]:
        """For each file that grew or was new after an operation: the state before, with half of what was added."""
        for before, after in zip(self.points, self.points[1:], strict=False):
            for path in sorted(path for path in after.folder.rglob("*") if path.is_file()):
                name = path.relative_to(after.folder)
                old, new = _bytes(before.folder / name), path.read_bytes()
                added = len(new) - len(old)
                if added > 1 and new.startswith(old) and not _moved(before.operation, name):
                    copy = before.folder.with_name(f"{before.number:04d} {name.name}")
                    shutil.copytree(before.folder, copy, symlinks=True)
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    (copy / name).write_bytes(new[: len(old) + added // 2])
                    yield Point(before.number, before.operation, str(name), before.mark, copy)


@contextmanager
def recorded(root: Path, copies: Path) -> Iterator[Recording]:
    """Record a point before each operation that changes something below `root`, and one at the end."""
    recording = Recording(root, copies)
    with _listening(recording.hear):
        yield recording
    recording.keep("end")


def kill_before(root: Path, number: int) -> None:
    """From now on count the operations that change something below `root`; die by SIGKILL before that one."""
    count = 0

    def hear(operation: str, arguments: tuple) -> None:
        nonlocal count
        if changes(root, operation, arguments):
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    _install()
    _listeners.append(hear)


def changes(root: Path, operation: str, arguments: tuple) -> bool:
    """Whether an operation changes something below a folder."""
    if operation == "open":
        path, mode, flags = arguments
        writes = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & WRITES)
        return writes and _below(root, path, None)
    folders = {"os.rename": 2, "os.link": 2, "os.remove": 1, "os.rmdir": 1, "os.mkdir": 2}.get(operation)
    beside = arguments[folders] if folders is not None else None
    return any(_below(root, one, beside) for one in arguments[:2])


def _below(root: Path, path: object, folder: int | None) -> bool:
    """Whether a path, or a descriptor, leads below `root`; it may be relative to an open folder."""
    if isinstance(path, int) and folder is None:
        return _opened(path).is_relative_to(root)
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    place = Path(os.fsdecode(path))
    return (_opened(folder) / place if folder is not None and folder >= 0 else place).is_relative_to(root)


def _opened(descriptor: int) -> Path:
    """Path of an open file, where the system tells it."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return Path()


def _name(arguments: tuple) -> str:
    """Name of the file that an operation changes, of a rename the new one; of an open file there is none."""
    paths = [Path(os.fsdecode(one)) for one in arguments[:2] if isinstance(one, str | bytes | os.PathLike)]
    return paths[-1 if len(arguments) > 2 else 0].name if paths else ""


def _moved(operation: str, name: Path) -> bool:
    """Whether an operation put a file, or a folder with it, where it is: then it was never there in part."""
    kind, _, target = operation.partition(" ")
    return kind == "rename" and target in name.parts


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@contextmanager
def _listening(hear: Callable[[str, tuple], None]) -> Iterator[None]:
    _install()
    _listeners.append(hear)
    try:
        yield
    finally:
        _listeners.pop()


@contextmanager
def _deaf() -> Iterator[None]:
    with _listening(lambda *_: None):
        yield


_installed: list[bool] = []


def _install() -> None:
    """Hear of all file operations of this process; Python cannot take such a hook away again, only leave it idle."""
    if not _installed:
        sys.addaudithook(_heard)
        _installed.append(True)

"""Names, passwords and roles of those who may open a page that other machines can reach."""

import hashlib
import hmac
from pathlib import Path

from engine.service.visitor import Role, Visitor

SHORTEST = 8
GIVEN: tuple[Role, ...] = ("driver", "member", "watcher")
"""Roles that a line can give. Without one it is a member's; where no line names a driver, the first is one."""


class Passwords:
    """A file with one `name:password` or `name:password:role` per line; empty lines and `#` lines say nothing."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ValueError: It cannot be read, a line is none, or a password is too short; the message says which line.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--auth: the file {path} cannot be read: {error}.") from error
        self._of: dict[str, str] = {}
        self._roles: dict[str, Role] = {}
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                self._add(line.strip(), f"line {number} of {path}")
        if not self._of:
            raise ValueError(f"--auth: the file {path} names nobody: write one `name:password` per line.")
        if "driver" not in self._roles.values():
            self._roles[next(iter(self._of))] = "driver"

    def _add(self, line: str, where: str) -> None:
        name, _, password = line.partition(":")
        before, _, last = password.rpartition(":")
        role = next((role for role in GIVEN if role == last and before), None)
        password = before if role else password
        if not name or not name.isprintable() or len(password) < SHORTEST:
            raise ValueError(
                f"--auth: {where} is not `name:password` or `name:password:role` with at least {SHORTEST} characters "
                f"in the password, and a role of {', '.join(GIVEN)}."
            )
        if name in self._of:
            raise ValueError(f"--auth: {where} names {name!r} again: write one line for each name.")
        self._of[name], self._roles[name] = password, role or "member"

    def __call__(self, name: str, password: str) -> bool:
        """Whether somebody may come in; takes as long for a name that is not there."""
        expected = self._of.get(name, "")
        return hmac.compare_digest(password.encode(), expected.encode()) and bool(expected)

    def visitor(self, name: str) -> Visitor | None:
        """Who a name is; None if the file does not have it."""
        return Visitor(name, self._roles[name]) if name in self._of else None

    def mark(self, name: str) -> str:
        """A text that changes with the password of a name."""
        return hashlib.sha256(self._of.get(name, "").encode()).hexdigest()

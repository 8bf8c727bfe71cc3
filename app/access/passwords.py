"""Names and passwords of those who may open a page that other machines can reach."""

import hmac
from pathlib import Path

SHORTEST = 8


class Passwords:
    """A file with one `name:password` per line; empty lines and lines that begin with `#` say nothing."""

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
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, password = line.strip().partition(":")
            if not name or len(password) < SHORTEST:
                raise ValueError(
                    f"--auth: line {number} of {path} is not `name:password` with at least {SHORTEST} characters "
                    "in the password."
                )
            self._of[name] = password
        if not self._of:
            raise ValueError(f"--auth: the file {path} names nobody: write one `name:password` per line.")

    def __call__(self, name: str, password: str) -> bool:
        """Whether somebody may come in; takes as long for a name that is not there."""
        expected = self._of.get(name, "")
        return hmac.compare_digest(password.encode(), expected.encode()) and bool(expected)

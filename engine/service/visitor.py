"""Who asks a workbench for something, and what each role may do with whose run."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

Role = Literal["driver", "member", "watcher", "guest"]
"""`driver`: everything. `member`: starts runs, changes and exports their own, looks at all. `watcher`: looks at all and
asks. `guest`: of a public server, has their own runs, and sees nobody else's.
"""
LOOKING: tuple[Role, ...] = ("driver", "member", "watcher")
STARTING: tuple[Role, ...] = ("driver", "member", "guest")


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        id: What runs and uploads of this visitor are marked with; empty for the only user of this machine, and for
            those who own nothing.
        role: See `Role`.
    """

    id: str = ""
    role: Role = "driver"

    def owns(self, owner: str) -> bool:
        """Whether a mark is this visitor's."""
        return bool(self.id) and self.id == owner

    def sees(self, owner: str, *, shipped: bool = False) -> bool:
        """Whether a run may be looked at, and asked about."""
        return shipped or self.role in LOOKING or self.owns(owner)

    @property
    def starts(self) -> bool:
        """Whether runs may be started."""
        return self.role == "driver" or (bool(self.id) and self.role in STARTING)

    def changes(self, owner: str) -> bool:
        """Whether a run may be stopped, resumed, renamed, deleted."""
        return self.role == "driver" or (self.starts and self.owns(owner))

    def exports(self, owner: str, *, shipped: bool = False) -> bool:
        """Whether a run's adapter may be taken away."""
        return self.starts and (shipped or self.changes(owner))

    def only_watching(self) -> Self:
        """The same who only watches; a guest, who must not see others' runs, then owns nothing."""
        return replace(self, id="") if self.role == "guest" else replace(self, role="watcher")

    def uploads(self, folder: Path) -> Path:
        """The part of a folder of uploads that is this visitor's."""
        mark = hashlib.sha256(self.id.encode()).hexdigest()[:16]
        return folder / f"of-{mark}" if self.id else folder


UPLOADED = re.compile(r"(?:/[^\n'\"“”]*)?/of-[0-9a-f]{16}/[0-9a-f]{12}/")
"""The folders of an upload, see `Visitor.uploads` and `engine.service.kept_data`."""


def own_name(text: str) -> str:
    """A text with a visitor's upload under the name that they know, without the server's folders before it."""
    return UPLOADED.sub("", text)


def own_names(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """The same for every text in plain values."""
    if isinstance(value, str):
        return own_name(value)
    if isinstance(value, dict):
        return {name: own_names(each) for name, each in value.items()}
    return [own_names(each) for each in value] if isinstance(value, list) else value


GUEST = "guest-"
"""How the marks of guests begin, see `app.access.doors`."""
OPERATOR = Visitor()
"""The only user of this machine."""
NOBODY = Visitor(role="guest")
"""Somebody who owns nothing, and sees what ships."""


def is_guest(owner: str) -> bool:
    """Whether a mark is that of a guest of a public server."""
    return owner.startswith(GUEST)


def operator() -> Visitor:
    """Who asks where nobody else can."""
    return OPERATOR

"""What a table knows of the pictures that its rows name."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture that was unpacked and found to be whole: its sides, a hash of its file, and `Look.several`."""

    width: int
    height: int
    digest: str
    several: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """Where the pictures of a table lie, and which files were left out.

    Attributes:
        root: The folder; the column "picture" holds names from there on.
        unreadable: Files that are in no row, and why: "no_picture", "broken", "huge", "missing", or "outside" for those
            that a link or a name leads out of the folder to.
        described: Whether a metadata file holds the labels; else the names of folders are.
    """

    root: Path
    unreadable: dict[str, str]
    described: bool

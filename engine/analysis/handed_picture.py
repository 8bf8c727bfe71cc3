"""Pictures that a page hands over with a question: small ones, as data URLs, on the disk while they are looked at."""

import base64
import binascii
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.analysis.probe import need_picture
from engine.core.errors import DataError
from engine.models.base import Base

MOST_CHARACTERS = 2 * 2**20
"""Of a data URL: the page sends small copies."""


@contextmanager
def handed_picture(base: Base, given: str) -> Iterator[Path | None]:
    """A file with a picture that was handed over; None where none was.

    Raises:
        DataError: It is no picture that can be read, or too large.
    """
    if not given:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="gatelight-") as folder:
        file = Path(folder) / "picture"
        file.write_bytes(_octets(given))
        need_picture(base, file, seen=True)
        yield file


def _octets(given: str) -> bytes:
    """What a data URL holds; nothing, which is no picture, where it is none."""
    if len(given) > MOST_CHARACTERS:
        raise DataError(
            "handed_too_large",
            f"The picture takes {len(given):,} characters, and at most {MOST_CHARACTERS:,} can be handed over: make it "
            "smaller.",
            count=len(given),
            limit=MOST_CHARACTERS,
        )
    kind, _, data = given.partition(",")
    if not (kind.startswith("data:image/") and kind.endswith(";base64")):
        return b""
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return b""

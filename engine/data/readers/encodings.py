"""Which encoding a text file is in, found out from its bytes.

A byte-order mark decides. Without one, a file that is UTF-8 throughout is UTF-8; many zero bytes at even or at odd
places mean UTF-16. Then it is an old encoding of one language, which charset-normalizer tells from what its bytes would
say; where nothing speaks for another, it is Windows-1252, a superset of Latin-1. That is a guess, and reports say so.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import CharsetMatch, from_bytes

from engine.core.errors import DataError, SettingError

HEAD = 1 << 16
CHUNK = 1 << 20
MARKS = (  # the longer marks first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD = (
    *("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
    *("cp1251", "koi8_r", "cp1252", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256"),
)
"""Encodings of one language, or some, that files are still found in."""
WESTERN = "cp1252"

MOSTLY_VALID = 5
"""So many good characters for each bad one mean that a file is UTF-8 with a damaged place, not another encoding."""


def encoding_of(path: Path, wanted: str = "") -> str:
    """The name of a file's encoding, checked to the last byte.

    Args:
        path: The file.
        wanted: An encoding that the user names; it is checked, not doubted.

    Raises:
        SettingError: There is no encoding of that name.
        DataError: The file is no text, or damaged.
    """
    if wanted:
        return _named_encoding(path, wanted)
    with path.open("rb") as file:
        head = file.read(HEAD)
    for mark, name in MARKS:
        if head.startswith(mark):
            return _checked(path, name)
    if b"\0" in head:
        return _checked(path, _utf_16(path, head))
    if _decodes(path, "utf-8"):
        return "utf-8"
    bad, good = _replaced(path)
    if good > MOSTLY_VALID * bad:
        raise _damaged(path, "utf-8")
    return next(name for name in (_likeliest(head), WESTERN, "latin-1") if _decodes(path, name))


def _likeliest(head: bytes) -> str:
    """The old encoding in which a file's beginning reads most like a text; the western one where it reads as well."""
    lines = head.rpartition(b"\n")[0] if len(head) == HEAD else head
    found = list(from_bytes(lines or head, cp_isolation=list(OLD), enable_fallback=False))
    if not found:
        return WESTERN
    best = min(found, key=_mess)
    as_good = (each for each in found if _mess(each) == _mess(best))
    western = any(WESTERN in (each.encoding, *each.could_be_from_charset) for each in as_good)
    return WESTERN if western else best.encoding


def _mess(found: CharsetMatch) -> float:
    """How little a text reads like one: by its signs, and a little by how often which letters stand in it."""
    return found.chaos - found.coherence / 20


def _named_encoding(path: Path, wanted: str) -> str:
    try:
        name = codecs.lookup(wanted.strip())
        b"".decode(name.name)
    except LookupError as error:
        raise SettingError(
            "unknown_encoding",
            f"There is no text encoding called {wanted!r}: leave it empty, or use utf-8, utf-16, gb18030 or cp1252.",
            value=wanted,
        ) from error
    return _checked(path, "utf-8-sig" if name.name == "utf-8" else name.name)


def _checked(path: Path, name: str) -> str:
    if not _decodes(path, name):
        raise _damaged(path, name)
    return name


def _utf_16(path: Path, head: bytes) -> str:
    """UTF-16 without a mark has its zeros nearly all at even, or nearly all at odd places; anything else is no text."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 6 or min(even, odd) * 8 > max(even, odd):
        raise DataError(
            "not_text",
            f"The file {path.name} is not text: save it as CSV or JSON first.",
            file=path.name,
        )
    return "utf-16-le" if odd > even else "utf-16-be"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _replaced(path: Path) -> tuple[int, int]:
    """How many places are no UTF-8, and how many other characters beyond ASCII there are."""
    decoder, bad, good = codecs.getincrementaldecoder("utf-8")("replace"), 0, 0
    for chunk in _chunks(path):
        text = decoder.decode(chunk)
        broken = text.count("\ufffd")
        bad, good = bad + broken, good + len(re.findall(r"[^\x00-\x7f]", text)) - broken
    return bad, good


def _damaged(path: Path, name: str) -> DataError:
    """Names the first line that cannot be decoded."""
    line, decoder = 1, codecs.getincrementaldecoder(name)("strict")
    with path.open("rb") as file:
        try:
            for piece in iter(lambda: file.read(256), b""):
                line += decoder.decode(piece).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(name, "replace").count("\n")
    return DataError(
        "damaged_text",
        f"Line {line} of {path.name} holds bytes that are no {name.upper()} text, though the rest is: correct the "
        "line, or save the file as UTF-8.",
        file=path.name,
        line=line,
        encoding=name.upper(),
    )

"""Changes to texts, bytes and JSON values, drawn from a seeded generator."""

import json
from random import Random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", " ", "a", "0",
    "\0", "\ud800", "../..", "/", "/dev/zero", "<script>alert(1)</script>", "{{", "{% for a in b %}", "*" * 5000,
    "hub:", "hub:a/b", [], {}, [[]], {"": None}, [None], {"a": {"a": {"a": {}}}},
)  # fmt: skip
ODD_BYTES = (
    b"", b"\0", b"\xff", b"\n", b"{", b"}", b"[", b'"', b"null", b"1e999", b"\xed\xa0\x80", b"\\ud800", b"9" * 400,
    b"[" * 3000, b"&a [*a]", b"!!python/object:os.system x", b": ", b"- ", b"\t",
)  # fmt: skip


def odd_value(rng: Random) -> Any:  # noqa: ANN401 - any JSON value
    """A value that a careless reader trips over."""
    return rng.choice(ODD_VALUES)


def changed_json(rng: Random, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with one entry, at any depth, replaced, left out, added or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(sorted(value, key=str))
        what = rng.random()
        if what < 0.15:
            return {key: inner for key, inner in value.items() if key != name}
        if what < 0.25:
            return value | {str(odd_value(rng)): odd_value(rng)}
        return value | {name: changed_json(rng, value[name])}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], changed_json(rng, value[place]), *value[place + rng.randrange(2) :]]
    return odd_value(rng)


def changed_bytes(rng: Random, data: bytes) -> bytes:
    """The bytes with some flipped, cut off, doubled or replaced by odd ones."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((0, 1, 2, 8, 100, len(data))))
        kind = rng.randrange(4)
        if kind == 0:
            data = data[:at] + rng.choice(ODD_BYTES) + data[end:]
        elif kind == 1:
            data = data[:at] + data[end:]
        elif kind == 2:
            data = data[:at] + data[at:end] * 2 + data[end:]
        elif data:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    return data


def changed_text(rng: Random, text: str) -> str:
    """The text with some of its bytes changed."""
    return changed_bytes(rng, text.encode()).decode("utf-8", "replace")


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON of a value, which may hold halves of characters and numbers that are none."""
    return json.dumps(value)

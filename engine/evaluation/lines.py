"""Which part of an answer is compared with a reference: its first lines. Needs no torch."""

import re


def lines_of(text: str) -> list[str]:
    """The lines that are not blank, without surrounding space."""
    return [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]


def first_lines(text: str, count: int) -> str:
    """The first `count` lines that are not blank."""
    return "\n".join(lines_of(text)[:count])


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return first_lines(text, 1)

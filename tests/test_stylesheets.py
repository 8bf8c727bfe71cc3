"""No two rules give one bare class two meanings: files of CSS are loaded one after another, and the last would win."""

import re
from collections import Counter
from pathlib import Path

import pytest

SHEETS = sorted((Path(__file__).resolve().parents[1] / "assets" / "css").glob("*.css"))


def bare_classes(sheet):
    """Selectors of one class and nothing else, as often as they stand outside of @media."""
    text = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    text = re.sub(r"@[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text)
    groups = re.findall(r"([^{}]+)\{", text)
    return [one for group in groups for one in map(str.strip, group.split(",")) if re.fullmatch(r"\.gl-[\w-]+", one)]


def test_every_bare_class_is_styled_in_one_file():
    """What is meant for one place alone stands below that place's own class."""
    files = Counter(name for sheet in SHEETS for name in set(bare_classes(sheet.read_text(encoding="utf-8"))))
    assert not {name for name, count in files.items() if count > 1}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_file_says_a_class_once(sheet):
    """Two rules of one class in one file are one rule, or two classes."""
    grouped = re.sub(r"[^{}]*,[^{}]*\{[^{}]*\}", "", sheet.read_text(encoding="utf-8"))
    twice = {name for name, count in Counter(bare_classes(grouped)).items() if count > 1}
    assert not twice

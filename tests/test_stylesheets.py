"""No two rules give one bare class two meanings: files of CSS are loaded one after another, and the last would win.

Every rule is of something, and every table has its rule.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHEETS = sorted((ROOT / "assets" / "css").glob("*.css"))
SOURCES = [*(ROOT / "app").rglob("*.py"), *(ROOT / "assets" / "js").rglob("*.js")]
MADE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES if path.name != "plotly.min.js")
"""All that makes the page."""


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


def is_made(name):
    """Whether a name stands in a source, or is put together there from a beginning, as in `gl-key-${name}`."""
    beginnings = (name[: at + 1] for at, letter in enumerate(name) if letter == "-" and at > len("gl"))
    return name in MADE or any(f"{one}{{" in MADE or f"{one}${{" in MADE for one in beginnings)


def test_every_rule_is_of_something():
    """What nothing makes any more has no rule."""
    named = {name for sheet in SHEETS for name in re.findall(r"[.#](gl-[\w-]+)", sheet.read_text(encoding="utf-8"))}
    assert len(named) > 100
    assert not {name for name in named if not is_made(name)}


def test_every_table_has_a_rule_for_its_cells():
    """Without one, a browser sets it close and in its own way."""
    classes = re.findall(r"""<table class="([\w -]+)"|el\("table", \{ class: "([\w -]+)\"""", MADE)
    tables = re.findall(r"<table\b|el\(\"table\"", MADE)
    assert len(classes) == len(tables) > 5, "one has no class"
    rules = [rule for sheet in SHEETS for rule in re.findall(r"([^{}]+)\{", sheet.read_text(encoding="utf-8"))]
    for name in {(html or js).split()[0] for html, js in classes}:
        assert any(re.search(rf"\.{name}\b.*\b(th|td)\b", selectors) for selectors in rules), name

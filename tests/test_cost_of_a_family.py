"""What a new model family costs: a row in the table, and a tiny configuration for the tests. All else is derived."""

import ast
import re
from pathlib import Path

import pytest

from engine.models.families import FAMILIES
from tests.tiny import ALL

ROOT = Path(__file__).resolve().parents[1]
TABLES = [ROOT / "engine" / "models" / name for name in ("families.py", "vision_families.py")]
"""The models that methods act on, and the encoders of pictures that they are told of."""
FORMATS = [ROOT / "engine" / "exchange" / "official_v2.py"]
"""File formats of others, whose tensors are called after a family whatever the model is."""
NAMES = re.compile(rf"\b({'|'.join(FAMILIES)})\b")
FILES = sorted(
    file
    for folder in ("engine", "app")
    for file in (ROOT / folder).rglob("*.py")
    if file not in [*TABLES, *FORMATS] and ROOT / "app" / "words" not in file.parents
)


def without_docstrings(source):
    """Code and comments. Docstrings may give examples: a method's is its page in the docs."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            lines[first.lineno - 1 : first.end_lineno] = [""] * (first.end_lineno - first.lineno + 1)
    return "\n".join(lines)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_the_table_names_families(file):
    """No code asks for a model type by its name: what is special in a family is a field of its row in a table."""
    source = file.read_text(encoding="utf-8")
    code = source if ROOT / "engine" / "models" in file.parents else without_docstrings(source)
    assert not NAMES.findall(code), "say it with a field of engine.models.family.Family"


def test_every_family_has_a_tiny_model():
    """A row without a configuration in tests/tiny.py would be tested by nothing."""
    assert set(ALL) == set(FAMILIES)


def test_two_files_know_all_families():
    """Other tests pick a few families as examples; a list of all of them would be one more place for a new one."""
    known = {
        str(file.relative_to(ROOT))
        for folder in ("engine", "app", "tests", "benchmarks", "tools")
        for file in (ROOT / folder).rglob("*.py")
        if len(set(NAMES.findall(file.read_text(encoding="utf-8")))) > 2 / 3 * len(FAMILIES)
    }
    assert known == {"engine/models/families.py", "tests/tiny.py"}

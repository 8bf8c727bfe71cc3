"""What a new panel of Watch costs: its file, a row in `panels/index.js`, and its words."""

import re
from pathlib import Path

import pytest

from app.words import LANGUAGES, Say

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "assets" / "js"
PANELS = SCRIPTS / "watch" / "panels"
INDEX = PANELS / "index.js"
LISTED = re.findall(r'^import \{ (\w+) \} from "\./(\w+)\.js";$', INDEX.read_text("utf-8"), re.M)


def test_every_row_is_a_file():
    assert len(LISTED) > 15
    assert all(name == file and (PANELS / f"{file}.js").exists() for name, file in LISTED)


@pytest.mark.parametrize("panel", [name for name, _ in LISTED])
def test_nothing_else_knows_a_panel(panel):
    """No other script imports its file, no Python file of the page names it, and every language has its words."""
    imports = re.compile(rf'from "[./\w]*/{panel}\.js"')
    others = [path for path in SCRIPTS.rglob("*.js") if path != INDEX and imports.search(path.read_text("utf-8"))]
    assert not [path for path in others if path.parent == PANELS or path.parent == SCRIPTS / "watch"]
    code = [path for path in (ROOT / "app").rglob("*.py") if "words" not in path.parts]
    assert not [path.name for path in code if re.search(rf"panels?[./=]{panel}\b", path.read_text("utf-8"))]
    for language in LANGUAGES:
        assert any(key.startswith(f"watch.{panel}.") for key in Say(language).words), language

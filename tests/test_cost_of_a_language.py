"""Another language of the page costs one folder of words and one row; nothing else knows which languages there are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from app import header, words
from app.cards import data_card
from app.words import LANGUAGES, MAIN, Say
from engine.data.dataset import load_dataset

ROOT = Path(__file__).resolve().parents[1]
OTHERS = [language for language in LANGUAGES if language != MAIN]
TAG = re.compile(rf"""["'`/_=]({"|".join(OTHERS)})["'`]""")
CHINESE = re.compile("[\u4e00-\u9fff]")

TABLE = "app/words/__init__.py"
MAKE_DATASETS = ["tools/demo_model/tasks.py", "tools/town_pictures/dataset.py"]
"""Write titles and summaries into dataset.json: data in any number of languages, with the main one to fall back to."""


def sources():
    """Every file of the program by path, words left out."""
    words_of = tuple(f"app/words/{language}/" for language in LANGUAGES)
    for pattern in ("app/**/*.py", "assets/css/*.css", "assets/js/**/*.js", "engine/**/*.py", "tools/**/*.py"):
        for file in sorted(ROOT.glob(pattern)):
            path = file.relative_to(ROOT).as_posix()
            if not path.startswith(words_of):
                yield path, file.read_text(encoding="utf-8")


def test_one_row_names_a_language():
    """No file but the table names a language, so a new one is a folder and a row."""
    assert OTHERS
    assert [path for path, text in sources() if TAG.search(text)] == [TABLE, *MAKE_DATASETS]


def test_the_engine_knows_no_language():
    """No text of the page stands in the engine: it is written in English, and signs of Chinese are data."""
    assert [path for path, text in sources() if path.startswith("engine/") and CHINESE.search(text)] == []


def test_every_folder_of_words_has_its_row():
    """Languages on disk are those of the table."""
    assert {path.parent.name for path in (ROOT / "app" / "words").glob("*/__init__.py")} == set(LANGUAGES)


BUILD = """
import sys
from pathlib import Path
from app import words
words.__path__.append(sys.argv[1])
words.LANGUAGES["tlh"] = "tlhIngan"
from app.page import create
from engine.service.workbench import Workbench
page = create(Workbench(Path(sys.argv[1]) / "home"))
print(*(route or "/" for route, *_ in page.pages))
"""
"""Builds the page with a language of which there is a folder and a row; a process of its own ends Gradio's loops."""


def test_the_page_follows_from_folder_and_row(tmp_path, monkeypatch):
    """Page, header and numbers in the browser take a new language up; datasets fall back to the main one."""
    shutil.copytree(ROOT / "app" / "words" / MAIN, tmp_path / "tlh")
    built = subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
                           check=True)  # fmt: skip
    assert built.stdout.split() == ["/", *OTHERS, "tlh"]
    monkeypatch.setattr(words, "__path__", [*words.__path__, str(tmp_path)])
    monkeypatch.setitem(LANGUAGES, "tlh", "tlhIngan")
    for say in (Say(MAIN), Say("tlh")):
        assert '<a href="/tlh" lang="tlh"' in header._markup(say)
    assert Say("tlh").part("watch")["watch.language"] == "tlh"
    info = load_dataset("town-qa").info
    assert data_card(Say("tlh"), info) == data_card(Say(MAIN), info)

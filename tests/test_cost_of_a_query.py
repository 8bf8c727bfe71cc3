"""What a new query costs: its function, a row in `engine/service/queries.py`, and what shows the answer."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from app.tabs.watch import served
from app.words import Say
from engine.service.queries import QUERIES, Query
from engine.service.workbench import Workbench
from engine.telemetry.probe_reports import Report

ROOT = Path(__file__).resolve().parents[1]
TABLE = "engine/service/queries.py"
SHOWN_BY = ("engine/cli/queries.py", "app/tabs/", "assets/js/watch/panels/", "assets/js/types.js")
"""A command, a part of the page that asks for it, or a panel with its types."""
ASKED_BY_THE_ENGINE = {"predictions": {"engine/service/workbench.py"}}
"""The rows of a run's predictions are collected part by part and kept in its folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth(Report):
    """The report of a made-up query."""

    kind: ClassVar[str] = "depth"
    layers: int
    word: str


def depth(base, method, *, word):
    return Depth(layers=base.shape.l, word=word)


def test_a_row_is_all_that_the_engine_and_the_wiring_need(tmp_path, monkeypatch):
    """A query that exists for this test alone is answered through the door and through the page's server function."""
    monkeypatch.setitem(QUERIES, "depth", Query(depth, ("word",), needs=()))
    workbench = Workbench(tmp_path / "home")
    try:
        assert workbench.ask("depth", "lora", 0, word="x").report == Depth(layers=6, word="x")
        functions = {function.__name__: function for function in served(workbench, Say("en"))}
        asked = {"query": "depth", "run": "lora", "step": 3, "last": False, "word": "<b>"}
        assert functions["ask"](asked) == {"kind": "depth", "layers": 6, "word": "<b>", "step": 4}
    finally:
        workbench.close()


@pytest.mark.parametrize("name", QUERIES)
def test_files_that_know_a_query(name):
    """Its name stands in the table and where it is shown; its function is imported by the table alone."""
    function = QUERIES[name].function
    home = f"{function.__module__.replace('.', '/')}.py"
    naming, importing = set(), set()
    for file in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "app").rglob("*.py"), *(ROOT / "assets/js").rglob("*.js")]:
        path, text = file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
        if file.suffix == ".js":
            naming |= {path} if f'query: "{name}"' in text else set()
            continue
        tree = ast.parse(text)
        naming |= {path} if any(_asks(node, name) for node in ast.walk(tree)) else set()
        importing |= {path} if any(_imports(node, function) for node in ast.walk(tree)) else set()
    showing = {path for path in naming if path.startswith(SHOWN_BY)}
    assert naming - showing - ASKED_BY_THE_ENGINE.get(name, set()) == {TABLE}
    assert importing | {home} == {TABLE, home}
    assert (ROOT / home).exists()
    assert len({home} | naming) <= 6


def _asks(node, name):
    """Whether a piece of Python names the query: a key of the table, or an argument of `ask` or of a command's row."""
    if isinstance(node, ast.Dict):
        return any(isinstance(key, ast.Constant) and key.value == name for key in node.keys) and any(
            isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Query" for value in node.values
        )
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[0] if node.args else None
        return called in ("ask", "QueryCommand") and isinstance(first, ast.Constant) and first.value == name
    return False


def _imports(node, function):
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == function.__module__
        and function.__name__ in {alias.name for alias in node.names}
    )

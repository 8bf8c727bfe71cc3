"""The page's scripts: linted, type-checked and tested where Node is; the events they know are the engine's."""

import dataclasses
import importlib
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import engine.telemetry
from engine.telemetry.events import Event

ROOT = Path(__file__).resolve().parents[1]
NODE = shutil.which("node")
TOOLS = ROOT / "node_modules" / ".bin"
needs_node = pytest.mark.skipif(not NODE, reason="no Node here")


def passes(*command: str | Path) -> None:
    """Run a command in the repository; what it says is shown when it fails."""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]


@needs_node
def test_unit_tests_in_node():
    """The tests of `tests/js` need nothing but Node itself."""
    passes(str(NODE), "--test", *sorted(map(str, (ROOT / "tests" / "js").glob("*.test.js"))))


@needs_node
@pytest.mark.parametrize("tool", [("biome", "check"), ("tsc",)], ids=lambda tool: tool[0])
def test_linter_and_types(tool):
    """Biome and TypeScript have nothing to say."""
    name, *words = tool
    if not (TOOLS / name).exists():
        pytest.skip("not installed: npm ci")
    passes(TOOLS / name, *words)


def described() -> dict[str, set[str]]:
    """Kinds of events with the names of their fields, as `assets/js/event_types.js` has them."""
    source = (ROOT / "assets" / "js" / "event_types.js").read_text(encoding="utf-8")
    fields = {
        name: set(re.findall(r"(\w+)\??:", body))
        for body, name in re.findall(r"@typedef \{\{([^{}]+)\}\} (\w+)", source)
    }
    kinds = re.findall(r"@property \{(\w+)\} (\w+)", source[source.index("@typedef {object} EventsByKind") :])
    return {kind: fields[name] for name, kind in kinds}


def test_scripts_know_the_events_of_the_engine():
    """Each kind of event has the same fields in Python and in the types of the scripts."""
    for module in pkgutil.iter_modules(engine.telemetry.__path__, "engine.telemetry."):
        importlib.import_module(module.name)
    classes = [one for one in Event.__subclasses__() if one.__module__.startswith("engine.")]
    told = {event.kind: {field.name for field in dataclasses.fields(event)} for event in classes}
    assert described() == told

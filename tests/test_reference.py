"""docs/reference says what the parser and the settings classes say today."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.config.training import TrainingSettings
from engine.methods import METHODS
from tools import fault_reference, reference

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["commands.md", "settings.md"])
def test_reference_is_up_to_date(name):
    assert (reference.FOLDER / name).read_text("utf-8") == reference.files()[name], "run `python -m tools.reference`"


def test_reference_names_every_command_and_setting():
    """Whatever the parser and the classes know stands there."""
    commands, settings = reference.commands(), reference.settings()
    for name in ("train", "resume", "eval", "chat", "export", "import", "adapters", "ablate", "--micro-batches"):
        assert name in commands
    for field in TrainingSettings.fields():
        assert f"| `{field.name}` |" in settings
    for name in METHODS:
        assert f"### {name}\n" in settings


def test_reference_does_not_depend_on_the_terminal_or_the_home_folder():
    """The same text in a narrow terminal and for another user."""
    code = "from tools import reference; print(repr(reference.files()))"
    environment = os.environ | {"COLUMNS": "40", "GATELIGHT_HOME": "/elsewhere", "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == repr(reference.files()) + "\n"


def test_faults_are_up_to_date():
    """docs/faults.md lists the tests that are marked so."""
    assert fault_reference.PAGE.read_text("utf-8") == fault_reference.page(), "run `python -m tools.fault_reference`"
    assert any(fault.test == "test_a_killed_run_resumes_with_the_same_losses" for fault in fault_reference.faults())

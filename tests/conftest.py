"""What all tests need: no network, one thread, and nothing written outside of a test's own folder."""

import math
import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

import tests.shapes  # noqa: F401 - the import hook of jaxtyping looks it up by name

settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("GATELIGHT_ALL_CASES") == "1" else "same")
"""Properties are tried on the same examples each time, so that what fails is a change's fault; others with `--all`."""


@pytest.fixture(autouse=True)
def home_of_the_test(tmp_path, monkeypatch):
    """Runs of a test live in its own folder."""
    monkeypatch.setenv("GATELIGHT_HOME", str(tmp_path / "home"))


@pytest.fixture
def brief_evaluations(monkeypatch):
    """Validations, analyses and measures of the base's ability read few rows: how well a run learns is no matter.

    Nor does what they take: every one is made.
    """
    from engine.evaluation.base_ability import plain_texts

    few = plain_texts("town")[:4]
    monkeypatch.setattr("engine.evaluation.base_ability.plain_texts", lambda _: few)
    monkeypatch.setattr("engine.training.validation.VALIDATION_ROWS", 8)
    monkeypatch.setattr("engine.training.telemetry_time.PER_TRAINING_S", math.inf)
    monkeypatch.setattr("engine.analysis.validation_loss.ROWS", 8)


@pytest.fixture
def few_shipped_rows(monkeypatch, tmp_path):
    """The shipped datasets have eight rows to validate and to test."""
    from engine.data.shipped import DATASETS

    folder = shutil.copytree(DATASETS, tmp_path / "shipped")
    for path in [*folder.glob("*/validation.jsonl"), *folder.glob("*/test.jsonl")]:
        path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:8]), "utf-8")
    monkeypatch.setattr("engine.data.dataset.DATASETS", folder)

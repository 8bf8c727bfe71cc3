"""What all tests need: no network, one thread, and nothing written outside of a test's own folder."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

import tests.shapes  # noqa: F401 - the import hook of jaxtyping looks it up by name


@pytest.fixture(autouse=True)
def home_of_the_test(tmp_path, monkeypatch):
    """Runs of a test live in its own folder."""
    monkeypatch.setenv("GATELIGHT_HOME", str(tmp_path / "home"))

"""What tests of the page's door share."""

import pytest


@pytest.fixture(autouse=True)
def brief_validations(monkeypatch):
    """Runs of the embedded base validate on few rows and texts: how well it learns is no matter here."""
    monkeypatch.setattr("engine.training.validation.VALIDATION_ROWS", 8)
    monkeypatch.setattr("engine.training.validation.ABILITY_TEXTS", 4)

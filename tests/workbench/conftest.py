"""What tests of the page's door share."""

import pytest


@pytest.fixture(autouse=True)
def brief(brief_evaluations):
    """Runs of the embedded base read few rows."""

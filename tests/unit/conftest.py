"""What tests of training share."""

import pytest

from tests.unit.making import Maker, Shelf


@pytest.fixture
def maker(tmp_path):
    """Starts tiny runs in the test's own folder."""
    return Maker(tmp_path)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Runs that are trained once for all tests."""
    return Shelf(Maker(tmp_path_factory.mktemp("shelf")))


@pytest.fixture(autouse=True)
def brief(brief_evaluations):
    """Runs read few rows."""

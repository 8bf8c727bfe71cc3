"""docs/licences.md names every direct dependency with the licence that it states."""

from importlib import metadata

import pytest

from tools.licences import PAGE, direct, licence


@pytest.mark.parametrize("group", ["run", "dev"])
def test_the_page_of_licences_is_current(group):
    """For what is installed here: `python -m tools.licences` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    for package in direct(group):
        try:
            row = f"| {package} | {licence(package)} |"
        except metadata.PackageNotFoundError:
            row = f"| {package} | "
        assert row in page

"""The command line, called within the process of a test."""

import sys

import pytest

from engine.__main__ import main


@pytest.fixture
def engine(monkeypatch, capsys):
    """Call `python -m engine` in this process; gives (exit status, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["engine", *map(str, words)])
        try:
            status = main()
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture(autouse=True)
def brief(brief_evaluations):
    """Commands on the embedded base read few rows."""

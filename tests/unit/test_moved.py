"""Things that moved since a run: its base, the folder that one stands in, and the home folder behind a flag."""

import argparse
from pathlib import Path

import pytest

from engine.cli.adapter import load_base_of
from engine.cli.commands import user_path
from engine.cli.settings import add_loading_options
from engine.config.run import RunConfig
from engine.core.errors import DataError, ModelError
from engine.data.readers.formats import read_file
from engine.data.settings import DataSettings
from engine.training.run_changes import data_changed
from tests.tiny import save_tiny


def flags(*given):
    """Flags of a command about a run."""
    parser = argparse.ArgumentParser()
    add_loading_options(parser, of_run=True)
    return parser.parse_args(given)


@pytest.mark.fault("paths", "A run's base was moved: a sentence names the flag that says where it lies.")
def test_a_base_that_was_moved(tmp_path):
    config = RunConfig(model=str(tmp_path / "gone"))
    moved = save_tiny(tmp_path / "here", "llama")
    with pytest.raises(ModelError, match="--model"):
        load_base_of(flags(), config)
    assert load_base_of(flags("--model", str(moved)), config).name == str(moved)
    with pytest.raises(ModelError) as caught:
        load_base_of(flags("--model", str(tmp_path / "nowhere")), config)
    assert "nowhere" in str(caught.value)


@pytest.mark.fault("paths", "A run's data have a relative path, and one stands elsewhere: sentences say the whole.")
def test_a_relative_path_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=str(tmp_path / "rows.csv")):
        read_file(Path("rows.csv"), DataSettings())
    assert str(tmp_path / "rows.csv") in str(data_changed("r", "rows.csv", ["test"]))
    assert "'town-qa'" in str(data_changed("r", "town-qa", ["test"]))


@pytest.mark.fault("paths", "--out=~/x, which no shell expands: the folder is made in the home folder.")
def test_the_home_folder_behind_a_flag(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
    assert user_path("a/~") == Path("a/~")

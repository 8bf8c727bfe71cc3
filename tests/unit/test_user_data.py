"""One's own data on the form: names, mappings, and what is kept of an upload."""

import pytest

from app.user_data import FIELDS, confine, dataset_name, kept, listed, parts_of, settings_of
from engine.core.errors import SettingError

GUESS = {"prompt": "a, b", "input": "", "response": "c", "messages": ""}
EMPTY = {field.name: field.default for field in FIELDS} | {"prompt": []}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (("/data/rows.csv", "", ""), "/data/rows.csv"),
        ((' "rows.csv" ', "", ""), "rows.csv"),
        (("data/rows.csv", "", ""), "data/rows.csv"),
        (("owner/name", "", ""), "hub:owner/name"),
        (("hub:owner/name", "", "test"), "hub:owner/name::test"),
        (("hub:owner/name:small", "", ""), "hub:owner/name:small"),
        (("hub:owner/name:small:dev", "large", ""), "hub:owner/name:large:dev"),
        (("", "", ""), ""),
    ],
)
def test_names(typed, name):
    """What is typed becomes the engine's name; a hub id may be typed as the hub writes it."""
    assert dataset_name(*typed) == name
    assert dataset_name(*parts_of(name)) == name


def test_a_mapping_that_equals_the_guess_is_left_to_it():
    """So that the kind of the data, which only the guess knows, is not lost; any other mapping is said in full."""
    held = settings_of({**EMPTY, "prompt": ["a", "b"], "response": "c"}, GUESS)
    assert all(held[name] == "" for name in GUESS)
    held = settings_of({**EMPTY, "prompt": ["a"], "response": "c", "input": None}, GUESS)
    assert {name: held[name] for name in GUESS} == {"prompt": "a", "input": "", "response": "c", "messages": ""}


def test_a_template_of_ones_own_counts_only_when_chosen():
    assert settings_of({**EMPTY, "own_template": "x {prompt}"}, {})["own_template"] == ""
    assert settings_of({**EMPTY, "template": "own", "own_template": "x {prompt}"}, {})["own_template"] == "x {prompt}"


def test_columns_with_commas_in_their_names():
    assert listed("a, b", {"a, b": "", "a": ""}) == ["a, b"]
    assert listed("a, b", {"a": "", "b": ""}) == ["a", "b"]


def test_uploads_are_kept_once_by_content(tmp_path):
    """Two files of one name are two; the same file twice is one, and it stays when the upload goes."""
    upload = tmp_path / "up" / "rows.csv"
    upload.parent.mkdir()
    upload.write_text("a,b\n1,2\n")
    first = kept(tmp_path / "home", upload)
    assert kept(tmp_path / "home", upload) == first
    upload.write_text("a,b\n3,4\n")
    assert kept(tmp_path / "home", upload) != first
    upload.unlink()
    assert first.read_text() == "a,b\n1,2\n"
    assert len([path for path in (tmp_path / "home").rglob("*") if path.is_file()]) == 2


def test_a_space_reads_only_what_was_uploaded(tmp_path, monkeypatch):
    """At home any path may be named; where anybody may open the page, no file of the server but uploads and the hub."""
    secret, home = tmp_path / "secret.json", tmp_path / "home"
    secret.write_text("{}")
    confine(home, str(secret))
    monkeypatch.setenv("SPACE_ID", "someone/gatelight")
    uploaded = kept(home, secret)
    confine(home, str(uploaded), ("", str(uploaded), "hub:a/b"))
    confine(home, "hub:owner/name", ("dev", ""))
    for dataset, others in (
        (str(secret), ()),
        (str(uploaded.parent / ".." / ".." / ".." / ".." / "secret.json"), ()),
        (str(uploaded), (str(secret),)),
        ("hub:owner/name", (str(secret),)),
    ):
        with pytest.raises(SettingError, match="shares"):
            confine(home, dataset, others)

"""One's own data on the form: names, mappings, and what is kept of an upload."""

import pytest

from app.user_data import FIELDS, dataset_name, listed, parts_of, settings_of

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

"""What the zoo draws: each dataset on which methods were measured, and the mean over those that are in all of them."""

import json

import pytest

from app import expected
from app.tabs import zoo
from app.words import LANGUAGES, MAIN, Say
from engine.runs.score import RunScore

TITLES = {"town-qa": "Town questions", "menu-to-text": "Menu to text", "own": "Own"}


def row(dataset, method, value, name="exact_match", **facts):
    """A measured row."""
    score = RunScore(name=name, value=value, baseline=0.0, against="untuned", rows=120).to_dict()
    whole = {"dataset": dataset, "method": method, "seed": 0, "steps": 300, "score": score}
    return whole | {"forgetting": 0.5, "cpu_seconds": 60.0, "trainable": 7, "file_bytes": 9} | facts


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Three methods, of which two were measured on both datasets."""
    rows = [
        row("town-qa", "lora", 1.0), row("town-qa", "lora", 0.8, seed=1), row("town-qa", "bias", 0.4),
        row("town-qa", "prefix", 0.5), row("menu-to-text", "lora", 80.0, "bleu", forgetting=0.25),
        row("menu-to-text", "prefix", 40.0, "bleu", cpu_seconds=20.0), row("town-pictures", "lora", 0.1),
        row("town-qa", "ia3", 0.9, forgetting=None),
    ]  # fmt: skip
    (tmp_path / "expected.json").write_text(json.dumps({"machine": "x", "rows": rows}))
    monkeypatch.setattr(expected, "ASSETS", tmp_path)


@pytest.mark.usefixtures("measured")
def test_a_dataset_has_all_its_methods():
    methods = {one["name"]: one for one in zoo.measured(Say(MAIN), "town-qa")["methods"]}
    assert {name: one["exact_match"] for name, one in methods.items()} == {"lora": 0.9, "bias": 0.4, "prefix": 0.5}
    lora = methods["lora"]
    assert (lora["exact_match"], lora["lowest"], lora["highest"], lora["seeds"]) == (0.9, 0.8, 1.0, 2)
    assert lora["parts"] == {}
    assert (lora["trainable"], lora["file_bytes"]) == (7, 9)


@pytest.mark.usefixtures("measured")
def test_the_mean_has_those_measured_everywhere():
    """A score of BLEU counts as a share. A method whose forgetting is not known stands nowhere, not at 0."""
    methods = {one["name"]: one for one in zoo.measured(Say(MAIN), zoo.MEAN)["methods"]}
    assert methods.keys() == {"lora", "prefix"}
    assert methods["lora"]["parts"] == {"town-qa": 0.9, "menu-to-text": 0.8}
    assert methods["lora"]["exact_match"] == pytest.approx(0.85)
    assert methods["lora"]["seeds"] == 1  # of which there are as many on every dataset
    assert (methods["prefix"]["forgetting"], methods["prefix"]["seconds"]) == (0.5, 40.0)


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("language", LANGUAGES)
def test_sources_are_named(language):
    say = Say(language)
    assert list(zoo.sources(say, {**TITLES, "town-pictures": "Pictures"})) == [
        "mean",
        "town-qa",
        "menu-to-text",
        "peft",
    ]
    assert zoo.sources(say, TITLES)["town-qa"] == say("runs.zoo.source.here", dataset="Town questions")


def test_what_ships_can_be_drawn():
    """Every source has marks, in the layout of what was published."""
    say = Say(MAIN)
    for source in zoo.sources(say, dict.fromkeys(TITLES | {"complaints": "", "manners": ""}, "")):
        methods = zoo.published()["methods"] if source == "peft" else zoo.measured(say, source)["methods"]
        assert len(methods) > 5
        assert all(one["forgetting"] is not None and one["exact_match"] >= 0 for one in methods)

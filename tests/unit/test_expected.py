"""What Train says to expect of a run, before it is started."""

import json

import pytest

from app import expected
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.runs.score import RunScore


def row(method, value, **facts):
    """A measured row, as the benchmark writes it."""
    score = RunScore(name="exact_match", value=value, baseline=0.02, against="untuned", rows=120)
    whole = {"dataset": "menu-to-text", "method": method, "steps": 300, "score": score.to_dict()}
    return whole | {"seed": 0, "forgetting": 0.125, "cpu_seconds": 61.4, "trainable": 7, "file_bytes": 9} | facts


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A table of three methods in place of the shipped one."""
    path = tmp_path / "expected.json"
    rows = [row("lora", 0.63), row("prefix", 0.15), row("bottleneck", 0.62, forgetting=None)]
    rows += [row("ladder", 0.1), row("gone", 1.0)]
    path.write_text(json.dumps({"machine": "x", "rows": rows}))
    monkeypatch.setattr(expected, "ASSETS", tmp_path)


def said(method, language="en", **facts):
    """The sentence for a run."""
    return expected.expectation(Say(language), RunConfig(**{"dataset": "menu-to-text", "method": method} | facts))


@pytest.mark.usefixtures("measured")
def test_what_was_measured_is_said():
    """Score with its baseline, forgetting, time; a method that no longer exists is nobody's better one."""
    best = said("lora")
    assert "63 % right on 120 test rows; the untuned base: 2 % right." in best
    assert "Forgetting +0.12 nats/token; 61 s of CPU time (x)." in best
    assert "Measured here: 63 % right (untuned 2 % right)." in best
    assert "LoRA" not in best
    assert "Forgetting – nats" in said("bottleneck")
    assert "LoRA" not in said("bottleneck")


def test_a_picture_is_compared_with_none(tmp_path, monkeypatch):
    """Where the baseline is the same adapter without the picture, both lines say so."""
    score = RunScore(name="exact_match", value=0.88, baseline=0.2, against="withheld", rows=240)
    table = {"machine": "x", "rows": [row("lora", 0.88, score=score.to_dict())]}
    (tmp_path / "expected.json").write_text(json.dumps(table))
    monkeypatch.setattr(expected, "ASSETS", tmp_path)
    assert "Measured here: 88 % right (without the picture 20 % right)." in said("lora")
    assert "with the picture withheld: 20 % right." in said("lora")
    assert "不给图片" in said("lora", "zh")
    assert "untuned" not in said("lora")


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_much_better_method_is_named(language):
    """With the reason, where the chosen one can only bring up what the base knows."""
    text = said("prefix", language)
    assert Say(language)("train.expected.better", method="LoRA", score=Say(language)("unit.share", value=63)) in text
    assert Say(language)("train.expected.prompts") in text
    assert Say(language)("train.expected.prompts") not in said("lora", language)
    assert Say(language)("train.expected.beside") in said("ladder", language)


@pytest.mark.usefixtures("measured")
def test_nothing_is_said_of_what_was_not_measured():
    """Another model, another method, one's own data, several methods together, or no table at all."""
    assert (
        said("lora", model="somebody/else") == said("ia3") == said("lora+prompt") == said("lora", dataset="x.csv") == ""
    )


@pytest.mark.usefixtures("measured")
def test_a_finished_run_is_held_against_what_the_defaults_reach():
    """The best method on its dataset where that reaches much more; of several, the one that forgets least."""

    def told(value, **facts):
        config = RunConfig(**{"dataset": "menu-to-text", "method": "prefix"} | facts).to_dict()
        score = RunScore(name="exact_match", value=value, baseline=0.0, against="untuned", rows=9)
        return expected.reached_elsewhere(Say("en"), config, score)

    assert told(0.2) == {"method": "lora", "title": "LoRA", "score": "63 % right"}
    assert told(0.6) is None
    assert told(0.2, model="somebody/else") is None
    assert told(0.2, dataset="x.csv") is None
    assert expected.reached_elsewhere(Say("en"), RunConfig(dataset="menu-to-text").to_dict(), None) is None


def test_of_equal_methods_the_one_that_forgets_least(tmp_path, monkeypatch):
    rows = [row("prefix", 1.0, forgetting=None), row("lora", 1.0), row("bias", 1.0, forgetting=-0.01), row("ia3", 0.1)]
    (tmp_path / "expected.json").write_text(json.dumps({"machine": "x", "rows": rows}))
    monkeypatch.setattr(expected, "ASSETS", tmp_path)
    assert Say("en")("method.bias") in said("ia3")


def test_seeds_are_taken_together(tmp_path):
    """One row for the runs that differ in their seeds alone: their mean, and how far apart they are."""
    rows = [row("lora", 0.6), row("lora", 0.9, seed=1, forgetting=0.375), row("prefix", 0.5)]
    (tmp_path / "expected.json").write_text(json.dumps({"machine": "x", "rows": rows}))
    lora, prefix = expected.measured(tmp_path)
    assert (lora.score.value, lora.lowest, lora.highest, lora.seeds, lora.forgetting) == (0.75, 0.6, 0.9, 2, 0.25)
    assert (prefix.score.value, prefix.lowest, prefix.highest, prefix.seeds) == (0.5, 0.5, 0.5, 1)


def test_the_shipped_table_can_be_read():
    """Every row is a sentence."""
    rows = expected.measured(expected.ASSETS)
    assert rows
    for row in rows:
        assert said(row.method, dataset=row.dataset)


def test_a_short_run_is_held_against_its_own_method_where_that_is_as_good(tmp_path, monkeypatch):
    """A few steps of it came to less than all: another method would not mend that. A much better one is named."""
    rows = [row("lora", 1.0, forgetting=0.2), row("bias", 1.0, forgetting=0.0), row("ia3", 0.5, forgetting=0.0)]
    (tmp_path / "expected.json").write_text(json.dumps({"machine": "x", "rows": rows}))
    monkeypatch.setattr(expected, "ASSETS", tmp_path)
    dataset = rows[0]["dataset"]
    score = RunScore(name="exact_match", value=0.4, baseline=0.0, against="untuned", rows=9)

    def told(method):
        return expected.reached_elsewhere(Say("en"), RunConfig(dataset=dataset, method=method).to_dict(), score)

    assert told("lora")["method"] == "lora"
    assert told("ia3")["method"] == "bias"


def test_facts_that_are_said_stand_beside_the_score(tmp_path, monkeypatch):
    """The mean of the seeds; nothing of them where a seed was measured without."""
    one, other = row("lora", 90.0), row("lora", 92.0, seed=1)
    for each, facts in ((one, 97.0), (other, 99.0)):
        each["score"] = each["score"] | {"name": "bleu", "facts": facts, "facts_baseline": 4.0}
    monkeypatch.setattr(expected, "ASSETS", tmp_path)
    for rows, says in (([one, other], True), ([one, row("lora", 0.9, seed=1)], False)):
        (tmp_path / "expected.json").write_text(json.dumps({"machine": "x", "rows": rows}))
        expected.measured.cache_clear()
        assert ("98 % is said word for word; the untuned base: 4 %." in said("lora")) == says
    expected.measured.cache_clear()

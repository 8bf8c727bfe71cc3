"""Every run is scored at its end: on which rows, by which metric, of which state, and what cannot go wrong by it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.dataset import Dataset
from engine.data.source import Source
from engine.evaluation.text import Prediction, fraction, text_predictions
from engine.exchange.native import load_adapter
from engine.runs.facts import RunFacts
from engine.runs.forgetting import forgetting
from engine.runs.score import RunScore
from engine.training.kept_score import metric_of, score_of
from tests.unit.making import Maker, events_of, finish


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def predicted(tuned, reference, base="x", unseen=None):
    right = tuned == reference
    return Prediction(prompt="?", reference=reference, base=base, tuned=tuned, right=right, loss=0, right_unseen=unseen)


def test_score_is_that_of_the_test_rows(maker):
    """It says of the kept state what scoring all rows by hand says, and stands in run.json as it was."""
    trainer = finish(maker.start("a", steps=8))
    facts = trainer.folder.facts()
    dataset = trainer.folder.config.load_data(trainer.base.processor)
    method = load_adapter(trainer.folder.adapter_path, trainer.base)
    by_hand = text_predictions(trainer.base, method, dataset)
    assert facts.score == RunScore(
        name="exact_match",
        value=fraction([p.right for p in by_hand]),
        baseline=fraction([p.base == p.reference for p in by_hand]),
        against="untuned",
        rows=len(by_hand),
    )
    assert RunFacts.from_json(json.loads(json.dumps(facts.to_json()))).score == facts.score
    assert facts.learning_rate == 1e-2
    assert facts.wall_s == pytest.approx(trainer.position.wall_s, abs=1e-3)


def test_best_state_is_scored_where_that_is_kept(maker, monkeypatch):
    """With `keep: best` the score is of the tensors in the adapter folder, not of the newest ones."""
    scored = []
    monkeypatch.setattr(
        "engine.training.kept_score.load_adapter", lambda *args, **kwargs: scored.append(args[0]) or load_adapter(*args)
    )
    trainer = finish(maker.start("a", keep="best"))
    assert scored == [trainer.folder.adapter_path]


def test_rows_of_the_score_are_a_setting(maker):
    """So many rows at most; none, no score."""
    assert finish(maker.start("few", score_rows=3)).folder.facts().score.rows == 3
    assert finish(maker.start("none", score_rows=0)).folder.facts().score is None


@pytest.mark.fault("killed", "Scoring fails after the last step: the run is finished without a score, and says why.")
def test_an_error_of_the_score_ends_no_run(maker):
    trainer = maker.start("a")

    def broken():
        yield
        raise ValueError("no score today")

    trainer._score = broken
    finish(trainer)
    facts = trainer.folder.facts()
    assert (facts.status, facts.score, facts.step) == ("finished", None, 8)
    assert any("no score today" in event["message"] for event in events_of(trainer, "status"))


def test_stopped_while_scoring_is_finished(maker):
    """All steps are made then, so there is nothing to resume; stopped before, it is stopped."""
    trainer = maker.start("a")
    parts = trainer.in_parts()
    while not next(parts).scoring:
        pass
    parts.close()
    assert (trainer.folder.facts().status, trainer.folder.facts().score) == ("finished", None)

    trainer = maker.start("b")
    parts = trainer.in_parts()
    while next(parts).step < 5:
        pass
    parts.close()
    assert trainer.folder.facts().status == "stopped"


HERE = Dataset(name="here", folder=Path(), template="{prompt}")
FILE = replace(HERE, source=object.__new__(Source))
CHINESE = "蓝香料是河边的一家酒吧，供应鱼和薯条，价格适中，适合家庭，顾客评分很高，欢迎大家前来品尝。"


@pytest.mark.parametrize(
    ("dataset", "references", "metric"),
    [
        (HERE, ["a sentence of which there is more than a word or two"] * 3, "exact_match"),
        (replace(HERE, metric="bleu"), ["blue"], "bleu"),
        (FILE, ["blue", "a red one", "x"], "exact_match"),
        (FILE, ["Blue Spice is a pub near the river that serves fish."] * 2, "bleu"),
        (FILE, [CHINESE] * 2, "chrf"),
        (FILE, ["东京"], "exact_match"),
        (replace(FILE, labels=["a long label of very many words that is one", "b"]), ["b"], "exact_match"),
    ],
)
def test_metric_suits_the_answers(dataset, references, metric):
    assert metric_of(dataset, references, head=False) == metric


def test_facts_that_questions_list_are_scored_too():
    """Beside BLEU, of the tuned answers and of the base's; a score of an older run has none, and is read."""
    said, asked = "Oak Hall is a pub.", "name: Oak Hall | type: pub"
    predictions = [replace(predicted(said, said, base="The pub is old."), prompt=asked)]
    score = score_of(predictions, "bleu")
    assert (score.name, score.value, score.facts, score.facts_baseline) == ("bleu", pytest.approx(100), 100, 50)
    assert score.sentence.endswith("; 100 % of the facts said (untuned: 50 %)")
    assert RunScore.from_dict(score.to_dict()) == score
    older = {name: value for name, value in score.to_dict().items() if not name.startswith("facts")}
    assert RunScore.from_dict(older) == replace(score, facts=None, facts_baseline=None)
    assert score_of([predicted(said, said)], "bleu").facts is None


def test_scores_are_compared_with_what_is_honest():
    """Text with the untuned base; questions about pictures with the same model that is not shown them."""
    some = [predicted("blue", "blue", base="blue"), predicted("red", "blue", base="red")]
    told = {"name": "exact_match", "rows": 2}
    assert score_of(some, "exact_match") == RunScore(value=0.5, baseline=0.5, against="untuned", **told)
    seen = [predicted("blue", "blue", unseen=False), predicted("red", "red", unseen=True), predicted("?", "!")]
    assert score_of(seen, "exact_match") == RunScore(value=1.0, baseline=0.5, against="withheld", **told)
    long = "Blue Spice is a pub near the river that serves fish and chips."
    bleu = score_of([predicted(long, long, base="a dog")], "bleu")
    assert (bleu.name, bleu.value) == ("bleu", 100.0)
    assert bleu.baseline < 5


def test_heads_are_compared_with_the_constant_answer():
    """Labels by accuracy, numbers by correlation."""
    assert metric_of(replace(HERE, labels=["good", "bad"]), ["good"], head=True) == "accuracy"
    some = [predicted("good", "good", base="good"), predicted("bad", "bad", base="good")]
    assert score_of(some, "accuracy") == RunScore(name="accuracy", value=1.0, baseline=0.5, against="untuned", rows=2)
    assert metric_of(replace(HERE, task="regression"), ["1"], head=True) == "pearson"
    numbers = [predicted("1.0", "2", base="3"), predicted("2.0", "4", base="3"), predicted("3.0", "6", base="3")]
    assert score_of(numbers, "pearson") == RunScore(name="pearson", value=1.0, baseline=0.0, against="untuned", rows=3)


def test_forgetting_is_the_rise_up_to_the_kept_state(tmp_path):
    """From step 0 to the kept step; unknown where plain text was not measured."""
    log = tmp_path / "events.jsonl"
    lines = [{"kind": "eval", "step": step, "base_ability_loss": loss} for step, loss in ((0, 2.0), (4, 2.5), (8, 3.5))]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert (forgetting(log, 8), forgetting(log, 4), forgetting(log, None)) == (1.5, 0.5, 1.5)
    log.write_text(json.dumps(lines[0] | {"base_ability_loss": None}) + "\n", encoding="utf-8")
    assert forgetting(log, 8) is None
    assert forgetting(tmp_path / "none", 8) is None


@pytest.mark.fault("damaged", "A run's score is of a metric that this version does not know: the run is there without.")
@pytest.mark.parametrize(("part", "value"), [("name", "<b>"), ("against", "another")])
def test_a_score_of_another_version_is_none(part, value):
    known = RunScore(name="bleu", value=1.0, baseline=0.5, against="untuned", rows=3)
    assert RunScore.from_dict(known.to_dict()) == known
    assert RunScore.from_dict(known.to_dict() | {part: value}) is None

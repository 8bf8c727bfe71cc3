"""Task heads and the library of a base from the command line."""

import json
import shutil

import pytest

from tests.cli.test_cli import few_rows, from_json
from tests.unit.making import make_dataset

MARKS = [(f"{'x' * n}{'o' * (6 - n)}", str(n / 6)) for n in (0, 1, 2, 3, 4, 5, 6, 2, 5)]
RUN = ("train", "--method", "lora", "--head", "head", "--steps", 3, "--quiet", "--json")


def test_labels_from_training_to_export(engine, tmp_path):
    """Train with a head, score, write predictions, ask, export to HF peft and read that back."""
    run, posts = tmp_path / "a", few_rows(tmp_path, "complaints", 24)
    assert from_json(engine(*RUN, "--dataset", posts, "--out", run))["trainable"] == 36_864 + 2 * 192
    scores = from_json(engine("eval", run, "--predictions", tmp_path / "rows.jsonl", "--json"))
    assert {"accuracy", "f1", "matthews", "base_accuracy", "base_answer", "base_ability_loss"} <= scores.keys()
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == scores["rows"] == 24
    assert sum(row["right"] for row in rows) / 24 == pytest.approx(scores["accuracy"], abs=1e-4)
    assert {row["base"] for row in rows} == {scores["base_answer"]}
    answer = from_json(engine("chat", run, "--prompt", "The bus was late.", "--max-new-tokens", 4, "--json"))
    assert "%" in answer["tuned"]
    assert "%" not in answer["base"]
    assert from_json(engine("export", run, "--format", "peft", "--out", tmp_path / "peft", "--json"))["files"]
    back = from_json(engine("import", tmp_path / "peft", "--out", tmp_path / "own", "--json"))
    assert back["parameters"]["head"] == 2 * 192


def test_numbers(engine, tmp_path):
    """A regression run is scored by correlations and the squared error, beside the mean of the training rows."""
    data = make_dataset(tmp_path / "marks", MARKS, task="regression")
    engine(*RUN, "--dataset", data, "--out", tmp_path / "a")
    scores = from_json(engine("eval", tmp_path / "a", "--json"))
    assert {"pearson", "spearman", "squared_error", "base_squared_error"} <= scores.keys()


def test_words_are_scored_as_labels_too(engine, tmp_path):
    """Where the data has labels and the model writes, what it writes is scored as a label as well."""
    posts = few_rows(tmp_path, "complaints", 24)
    words = [part if part != "head" or RUN[index - 1] != "--head" else "words" for index, part in enumerate(RUN)]
    engine(*words, "--dataset", posts, "--out", tmp_path / "a")
    scores = from_json(engine("eval", tmp_path / "a", "--json"))
    assert scores["labels"]["accuracy"] == scores["exact_match"]


def test_library_lists_adapters_with_bytes_and_times(engine, tmp_path):
    """One line per adapter; --time loads the base and measures."""
    engine(*RUN, "--dataset", few_rows(tmp_path, "complaints"), "--out", tmp_path / "a")
    shutil.copytree(tmp_path / "a" / "adapter", tmp_path / "b")  # an adapter alone, without its run
    adapters = from_json(engine("library", "--root", tmp_path, "--json"))
    assert {row["id"] for row in adapters} == {"a", "b"}
    assert {row["labels"] for row in adapters} == {"complaint, no complaint"}
    assert adapters[0]["bytes"] == sum(path.stat().st_size for path in (tmp_path / "a" / "adapter").iterdir())
    timed = from_json(engine("library", "--root", tmp_path, "--time", "--json"))
    assert all(row["disk_ms"] > 0 and row["memory_ms"] > 0 for row in timed)
    assert "2 adapters of town" in engine("library", "--root", tmp_path)[1]

"""Which rows train, validate and test: seeded, without leaks, and as the file says where it says so."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.splits import SPLITS


def write(path, pairs, **more):
    """Rows of prompt and response."""
    rows = [{"prompt": p, "response": r, **{k: v[i] for k, v in more.items()}} for i, (p, r) in enumerate(pairs)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def parts(path, **settings):
    """Rows by split."""
    dataset = load_dataset(path, DataSettings(**settings))
    return {split: [(row.prompt, row.response) for row in dataset.rows(split)] for split in SPLITS}


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=80),
    seed=st.integers(0, 5),
    wish=st.integers(1, 30),
)
def test_nothing_leaks(tmp_path_factory, pairs, seed, wish):
    """No question is in two splits, what is kept off has no row twice and at most a fifth each, nothing is invented."""
    pairs = [(f"q{p}", f"r{r}") for p, r in pairs]
    path = write(tmp_path_factory.mktemp("splits") / "a.jsonl", pairs)
    asked = {p for p, _ in pairs}
    if len(asked) < 3:
        with pytest.raises(DataError, match="too few rows"):
            parts(path)
        return
    splits = parts(path, split_seed=seed, validation_rows=wish, test_rows=wish)
    questions = [{p for p, _ in rows} for rows in splits.values()]
    assert sum(map(len, questions)) == len(set.union(*questions)) <= len(asked)
    for split in ("validation", "test"):
        assert len(set(splits[split])) == len(splits[split]) <= max(1, min(wish, len(pairs) // 5))
    for rows in splits.values():
        assert all(rows.count(pair) <= pairs.count(pair) for pair in rows)
    source = load_dataset(path, DataSettings(split_seed=seed, validation_rows=wish, test_rows=wish)).source
    assert source.repeated == len(pairs) - sum(map(len, splits.values()))


def test_the_seed_decides(tmp_path):
    """The same seed keeps the same rows, another seed others, and the file's order stays."""
    path = write(tmp_path / "a.jsonl", [(f"q{i:03}", "r") for i in range(100)])
    one, same, other = (parts(path, split_seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one["validation"] != other["validation"]
    assert [len(one[split]) for split in SPLITS] == [60, 20, 20]
    assert one["train"] == sorted(one["train"])


def test_files_for_the_other_splits(tmp_path):
    """A validation file is taken whole, and only what is missing is cut off."""
    path = write(tmp_path / "train.jsonl", [(f"q{i}", "r") for i in range(20)])
    dev = tmp_path / "dev.csv"
    dev.write_text("prompt,response\n" + "\n".join(f"d{i},r" for i in range(3)))
    splits = parts(path, validation=str(dev))
    assert splits["validation"] == [(f"d{i}", "r") for i in range(3)]
    assert len(splits["train"]) + len(splits["test"]) == 20
    whole = parts(path, validation=str(dev), test=str(dev))
    assert (len(whole["train"]), whole["test"]) == (20, whole["validation"])


def test_a_column_called_split(tmp_path):
    """Where every row says where it belongs, that is obeyed; other words in such a column mean something else."""
    pairs = [(f"q{i}", "r") for i in range(12)]
    told = parts(write(tmp_path / "a.jsonl", pairs, split=["train"] * 6 + ["val"] * 2 + ["test"] * 4))
    assert [len(told[split]) for split in SPLITS] == [6, 2, 4]
    some = parts(write(tmp_path / "b.jsonl", pairs, split=["train"] * 8 + ["test"] * 4))
    assert [len(some[split]) for split in SPLITS] == [7, 1, 4]
    other = parts(write(tmp_path / "c.jsonl", pairs, split=["left", "right"] * 6))
    assert [len(other[split]) for split in SPLITS] == [8, 2, 2]


def test_rows_without_anything_are_left_out(tmp_path):
    """Blank rows are counted; a file of nothing but such rows is refused."""
    pairs = [("", " "), *((f"q{i}", "r") for i in range(9))]
    path = write(tmp_path / "a.jsonl", pairs)
    assert load_dataset(path).source.dropped == {"train": 1}
    assert ("", " ") not in parts(path)["train"]
    with pytest.raises(DataError, match="no row with something to learn"):
        load_dataset(write(tmp_path / "b.jsonl", [("", "")] * 9))


def test_too_few_questions(tmp_path):
    """A file that asks one thing a hundred times cannot be cut without a leak."""
    with pytest.raises(DataError, match=r"too few rows that ask different things \(1\)"):
        load_dataset(write(tmp_path / "a.jsonl", [("q", f"r{i}") for i in range(100)]))


def test_rows_that_are_left_out_are_counted(tmp_path):
    """Of a question that is asked a hundred times and kept for scoring, the copies are in no split, but counted."""
    pairs = [("same", "r")] * 100 + [(f"q{i}", "r") for i in range(20)]
    path = write(tmp_path / "a.jsonl", pairs)
    kept = [seed for seed in range(20) if ("same", "r") not in parts(path, split_seed=seed)["train"]]
    assert kept
    assert load_dataset(path, DataSettings(split_seed=kept[0])).source.repeated == 99

"""Labels, lists and files as they are: what is learned is what the file says, and doubt is said."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.data import _report
from engine.core.errors import DataError
from engine.data.dataset import load_dataset
from engine.data.report import report_on
from engine.data.row_limit import RowLimit
from engine.data.row_sample import RowSample
from engine.data.settings import DataSettings
from tests.tiny import tokenizer

SPLITS = ("train", "validation", "test")


def table(path, rows, columns=("text", "label"), encoding="utf-8", before=""):
    """A CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    path.write_bytes((before + text.getvalue()).encode(encoding))
    return str(path)


def every(dataset):
    """All rows of all splits, as pairs."""
    return sorted((row.prompt, row.response) for split in SPLITS for row in dataset.rows(split))


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        (["-1", "0", "1"], ["-1", "0", "1"]),
        (["-1", "1"], ["-1", "1"]),
        (["0", "1.0", "1"], ["0", "1"]),
        (["True", "false", "true"], ["false", "true"]),
        ([str(number) for number in range(25)], [str(number) for number in range(25)]),
    ],
)
def test_labels_keep_their_identity(tmp_path, labels, known):
    """-1 beside other labels is one; two spellings of one are one; many ids of classes are labels."""
    path = table(tmp_path / "a.csv", [(f"t{i}", labels[i % len(labels)]) for i in range(150)])
    dataset = load_dataset(path)
    assert dataset.labels == known
    assert len(every(dataset)) == 150


def test_hidden_labels_of_a_test_split(tmp_path):
    """Where only the test rows hold -1, their label is hidden, and they are left out."""
    train = table(tmp_path / "a.csv", [(f"t{i}", i % 2) for i in range(30)])
    test = table(tmp_path / "b.csv", [*((f"s{i}", -1) for i in range(3)), ("s", 1)])
    dataset = load_dataset(train, DataSettings(test=test))
    assert dataset.labels == ["0", "1"]
    assert len(dataset.rows("test")) == 1


@pytest.mark.fault("network", "A column holds whole numbers that may be classes or a quantity: the doubt is said.")
@pytest.mark.parametrize(("name", "taken", "other"), [("label", True, "numbers"), ("score", False, "labels")])
def test_many_whole_numbers_are_doubted(tmp_path, name, taken, other):
    rows = [(f"t{i}", i % 25) for i in range(150)]
    dataset = load_dataset(table(tmp_path / "a.csv", rows, ("text", name)))
    assert bool(dataset.labels) == taken
    assert f"responses={other}" in _report(report_on(tokenizer(), dataset, 256))


def test_several_labels_of_a_row(tmp_path):
    """All of them are learned as a text; a head, which chooses one, is refused; lists of one are that label."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(json.dumps({"text": f"t{i}", "labels": ["good", "cheap"][: 1 + i % 2]}) for i in range(20))
    )
    assert {answer for _, answer in every(load_dataset(str(path)))} == {"good", "good, cheap"}
    with pytest.raises(DataError, match="several labels each in the column 'labels'"):
        load_dataset(str(path), DataSettings(responses="labels"))
    path.write_text("\n".join(json.dumps({"text": f"t{i}", "labels": ["bad", "good"][i % 2 :][:1]}) for i in range(20)))
    assert load_dataset(str(path)).labels == ["bad", "good"]


def test_a_rare_label_is_trained_on(tmp_path):
    """Every split gets its share of each label, whatever the seed."""
    path = table(tmp_path / "a.csv", [(f"t{i}", "spam" if i < 3 else "ham") for i in range(100)])
    for seed in range(10):
        rows = load_dataset(path, DataSettings(split_seed=seed)).rows("train")
        assert {row.response for row in rows} == {"spam", "ham"}


ROW = {"prompt": "Q", "response": "A"}


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
@pytest.mark.parametrize("between", ["\n", ",\n"])
def test_objects_one_behind_the_other(tmp_path, suffix, between):
    """All of them are rows, also where each is written over several lines."""
    path = tmp_path / f"a.{suffix}"
    path.write_text(between.join(json.dumps({**ROW, "prompt": f"Q{i}"}, indent=2) for i in range(20)))
    assert len(every(load_dataset(str(path)))) == 20


def test_an_object_with_splits(tmp_path):
    """Lists called train and test are these splits."""
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({name: [{**ROW, "prompt": f"{name} {i}"} for i in range(9)] for name in ("train", "test")})
    )
    dataset = load_dataset(str(path))
    assert {row.prompt[:4] for row in dataset.rows("test")} == {"test"}
    assert not any(row.prompt.startswith("test") for row in dataset.rows("train"))


@pytest.mark.fault("network", "A JSON file holds several lists of rows: refused by their names.")
def test_an_object_with_several_lists(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"easy": [ROW] * 9, "hard": [ROW] * 9}))
    with pytest.raises(DataError, match="easy, hard"):
        load_dataset(str(path))


def test_excels_line_with_the_separator(tmp_path):
    """`sep=;` is no header."""
    path = tmp_path / "a.csv"
    path.write_text("sep=;\r\nprompt;response\r\n" + "".join(f"Q{i};A\r\n" for i in range(20)))
    assert len(every(load_dataset(str(path)))) == 20
    path.write_text("sep=;\r\nprompt;response\r\nQ;A;B\r\n")
    with pytest.raises(DataError, match="Line 3 "):
        load_dataset(str(path))


@pytest.mark.fault("network", "A file in an old encoding of one language: the guess is said, with the setting for it.")
@pytest.mark.parametrize(
    ("encoding", "text"), [("euc-kr", "안녕하세요"), ("cp1251", "Привет мир"), ("big5", "你好世界")]
)
def test_a_guessed_encoding_is_doubted(tmp_path, encoding, text):
    path = table(tmp_path / "a.csv", [(f"{text} {i}", "a") for i in range(20)], ("prompt", "response"), encoding)
    assert "encoding=" in _report(report_on(tokenizer(), load_dataset(path), 256))
    said = load_dataset(path, DataSettings(encoding=encoding))
    assert all(text in prompt for prompt, _ in every(said))


CELL = st.text("aé你,;\"'\n\t{}<>0", min_size=1, max_size=8).map(lambda text: f"x{text}x")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=8, max_size=14), st.sampled_from(["csv", "jsonl", "json"]))
def test_tables_are_read_as_they_were_written(tmp_path_factory, pairs, form):
    """Random cells, with quotes, separators and line ends in them, come out letter by letter."""
    path = tmp_path_factory.mktemp("rows") / f"a.{form}"
    rows = [(f"{number} {asked}", answer) for number, (asked, answer) in enumerate(pairs)]
    if form == "csv":
        table(path, rows, ("prompt", "response"))
    else:
        held = [dict(zip(("prompt", "response"), row, strict=True)) for row in rows]
        path.write_text(json.dumps(held) if form == "json" else "\n".join(map(json.dumps, held)))
    assert every(load_dataset(str(path), DataSettings(responses="free"))) == sorted(rows)


@pytest.mark.fault(
    "input", "A file that is sorted by its labels has more rows than the limit: a sample of all is read."
)
@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_the_limit_takes_a_sample_of_the_whole_file(tmp_path, form):
    rows = [{"text": f"{label} {i}", "label": label} for label in ("neg", "pos") for i in range(300)]
    path = _written(tmp_path / f"a.{form}", rows)
    dataset = load_dataset(path, DataSettings(row_limit=150))
    kept = every(dataset)
    assert dataset.labels == ["neg", "pos"]
    assert len(kept) == len(set(kept)) == 150
    assert 50 < sum(label == "neg" for _, label in kept) < 100
    assert every(load_dataset(path, DataSettings(row_limit=150))) == kept
    assert every(load_dataset(path, DataSettings(row_limit=150, split_seed=1))) != kept
    whole = load_dataset(path, DataSettings(row_limit=600))
    assert every(whole) == sorted((row["text"], row["label"]) for row in rows)


def _written(path, rows):
    """The rows as a file of the form that its name ends in."""
    match path.suffix:
        case ".csv":
            return table(path, [row.values() for row in rows], rows[0])
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=50)
        case ".json":
            path.write_text(json.dumps(rows))
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@given(count=st.integers(0, 3000), limit=st.integers(1, 400), seed=st.integers(0, 9))
def test_every_row_of_a_sample_is_one_of_the_file(count, limit, seed):
    """As many rows as the limit, each once, in the file's order; all of them where there are no more."""
    sample = RowSample(RowLimit(limit, seed))
    taken = []
    for row in range(count):
        if sample.wants():
            taken.append(row)
        if sample.crowded:
            taken = [taken[at] for at in sample.kept()]
    taken = [taken[at] for at in sample.kept()]
    assert taken == sorted(set(taken)) == sample.rows.tolist()
    assert len(taken) == min(count, limit)
    assert sample.cut == (count > limit)

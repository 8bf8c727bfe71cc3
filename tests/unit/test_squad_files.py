"""SQuAD's files, and others whose answers stand in texts: every answer by its place, and rows without one left out."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import DataError
from engine.data.dataset import load_dataset
from engine.data.passage import Answer, Passage, located
from engine.data.settings import DataSettings
from tests.unit.squad import paragraph, write_squad

SPLITS = ("train", "validation", "test")


def rows_of(path, **settings):
    """All rows of a file, by the name of the question where there are names."""
    dataset = load_dataset(str(path), DataSettings.from_dict(settings))
    return dataset, [row for split in SPLITS for row in dataset.rows(split)]


def test_squads_json_is_rows_with_places(tmp_path):
    """Every question is a row; every answer stands where the file says; prompts hold question and text."""
    dataset, rows = rows_of(write_squad(tmp_path / "train-v1.1.json"))
    assert dataset.spans
    assert not dataset.abstains
    assert len(rows) == 18
    for row in rows:
        passage = row.passage
        assert row.prompt == f"{passage.question}\n\n{passage.context}"
        assert row.response == passage.answers[0].text
        assert all(passage.context[answer.start : answer.end] == answer.text for answer in passage.answers)
    assert {row.passage.id for row in rows} == {f"{i}{letter}" for i in range(9) for letter in "ab"}
    assert {len(row.passage.answers) for row in rows} == {1, 2}


def test_questions_without_an_answer_are_rows(tmp_path):
    """SQuAD 2.0's impossible questions are kept, with no answer; what is only plausible is none."""
    dataset, rows = rows_of(write_squad(tmp_path / "dev-v2.0.json", impossible=True))
    assert dataset.spans
    assert dataset.abstains
    absent = [row for row in rows if row.passage.id.endswith("c")]
    assert len(absent) == 9
    assert all(row.passage.answers == () and row.response == "" for row in absent)


def test_the_hubs_form_is_the_same(tmp_path):
    """The Parquet form of the hub, two lists in an object, gives the same rows as the JSON."""
    flat = [
        {"id": asked["id"], "context": made["context"], "question": asked["question"],
         "answers": {"text": [one["text"] for one in asked["answers"]],
                     "answer_start": [one["answer_start"] for one in asked["answers"]]}}
        for made in (paragraph(i, impossible=True) for i in range(9)) for asked in made["qas"]
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(flat), tmp_path / "squad.parquet")
    dataset, rows = rows_of(tmp_path / "squad.parquet")
    _, same = rows_of(write_squad(tmp_path / "squad.json", impossible=True))
    assert dataset.abstains
    assert {row.passage for row in rows} == {row.passage for row in same}


def test_plain_answers_are_looked_for(tmp_path):
    """A table with texts is a span task when somebody says so; rows whose answer is not there are left out."""
    lines = [{"question": f"Who ran {i}?", "context": f"Then the sun and a dog{i} ran.", "answer": f"A Dog{i}"}
             for i in range(8)]  # fmt: skip
    lines += [{**lines[0], "answer": "nobody"}, {**lines[0], "answer": ""}, {**lines[0], "context": ""}]
    path = tmp_path / "tales.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert not rows_of(path)[0].spans
    dataset, rows = rows_of(path, responses="spans")
    assert dataset.spans
    assert dataset.source.dropped["train"] == 3
    assert sorted(row.response for row in rows) == [f"a dog{i}" for i in range(8)]


def test_other_questions_with_a_context_stay_text(tmp_path):
    """Answers without places are written, as they always were."""
    lines = [json.dumps({"question": f"q{i}", "context": f"c {i}", "answers": [f"{i}"]}) for i in range(8)]
    (tmp_path / "other.jsonl").write_text("\n".join(lines), encoding="utf-8")
    dataset, rows = rows_of(tmp_path / "other.jsonl")
    assert not dataset.spans
    assert all(row.passage is None for row in rows)
    with pytest.raises(DataError, match="name"):
        load_dataset(str(tmp_path / "other.jsonl"), DataSettings(responses="spans", input="name"))


@pytest.mark.fault(
    "input", "Answers are said to be spans, but no column holds the texts: a sentence names the setting."
)
def test_spans_need_a_text(tmp_path):
    """Without a context there is nothing to mark."""
    (tmp_path / "bare.csv").write_text("question,answer\n" + "".join(f"q{i},a{i}\n" for i in range(8)))
    with pytest.raises(DataError) as caught:
        load_dataset(str(tmp_path / "bare.csv"), DataSettings(responses="spans"))
    assert caught.value.key == "no_context"


@pytest.mark.fault(
    "damaged",
    "A file in SQuAD's form has answers at wrong places, or none where there should be some: rows are left out.",
)
def test_wrong_places_are_mended_or_left_out(tmp_path):
    """An answer at a wrong place is taken where it stands nearest; one that stands nowhere drops its row."""
    good = [paragraph(i) for i in range(6)]
    context = "a cat and a cat and a cat"
    odd = [
        {"id": "near", "question": "Which?", "answers": [{"text": "cat", "answer_start": 11}]},
        {"id": "negative", "question": "Which?", "answers": [{"text": "cat", "answer_start": -5}]},
        {"id": "nowhere", "question": "Which?", "answers": [{"text": "dog", "answer_start": 2}]},
        {"id": "null", "question": "Which?", "answers": None},
        {"id": "text", "question": "Which?", "answers": "?"},
        {"id": "unasked", "question": "", "answers": [{"text": "cat", "answer_start": 2}]},
        "no question",
    ]
    articles = [{"title": "t", "paragraphs": [*good, {"context": context, "qas": odd}, {"qas": 3}, 7]}, {"title": "u"}]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"data": articles}), encoding="utf-8")
    dataset, rows = rows_of(path)
    found = {row.passage.id: row.passage.answers for row in rows}
    assert found["near"] == (Answer("cat", 12),)
    assert found["negative"] == (Answer("cat", 2),)
    assert not {"nowhere", "null", "text", "unasked"} & found.keys()
    assert dataset.source.dropped["train"] == 4


@pytest.mark.parametrize(
    ("context", "text", "start", "found"),
    [
        ("A sun. The sun.", "sun", None, Answer("sun", 2)),
        ("A sun. The sun.", "sun", 11, Answer("sun", 11)),
        ("A sunny sun.", "sun", None, Answer("sun", 8)),
        ("A sunny day.", "sun", None, Answer("sun", 2)),
        ("The Sun.", " the sun ", None, Answer("The Sun", 0)),
        ("猫坐在垫子上。", "垫子", None, Answer("垫子", 3)),
        ("A sun.", "moon", None, None),
        ("A sun.", "  ", None, None),
        ("What (if)?", "(if)", None, Answer("(if)", 5)),
    ],
)
def test_located(context, text, start, found):
    """Whole words first, then parts of words, then other cases of letters; signs mean themselves."""
    assert located(context, text, start) == found


def test_a_passage_says_what_it_holds():
    """In SQuAD's form no answer is one; an empty plain answer is nothing to learn from."""
    assert Passage.of("q", "c", []) == Passage("q", "c", ())
    assert Passage.of("q", "c", "") is None
    assert Passage.of("q", " ", []) is None

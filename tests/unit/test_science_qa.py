"""ScienceQA: the authors' files and the hub's form give the prompts of the papers, pictures and scores."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.evaluation.science_qa import letter_in, science_scores

GRADES = ("grade2", "grade6", "grade8", "grade12")
SUBJECTS = ("natural science", "social science", "language science")
SPLITS = {"train": 8, "val": 4, "test": 12}


def problem(number: int, split: str) -> dict:
    """A problem; every second has a hint, every third a picture."""
    return {
        "question": f"Which is number {number}?", "choices": ["red", "blue", "old"][: 2 + number % 2],
        "answer": number % 2, "hint": f"Think of\n{number}." if number % 2 else "",
        "image": "image.png" if number % 3 == 0 else None, "task": "closed choice", "grade": GRADES[number % 4],
        "subject": SUBJECTS[number % 3], "topic": "t", "category": "c", "skill": "s",
        "lecture": "A long lecture." if number % 2 else "", "solution": f"It is {number}.", "split": split,
    }  # fmt: skip


@pytest.fixture
def official(tmp_path):
    """The folder that the authors give away: problems, splits, and a folder for each picture."""
    problems, splits, number = {}, {}, 0
    for split, count in SPLITS.items():
        splits[split] = [str(number + at) for at in range(count)]
        for pid in splits[split]:
            problems[pid] = problem(int(pid), split)
            if problems[pid]["image"]:
                folder = tmp_path / "images" / split / pid
                folder.mkdir(parents=True)
                Image.new("RGB", (8, 8), (int(pid), 0, 0)).save(folder / "image.png")
        number += count
    splits["minitest"] = splits["test"][:2]
    (tmp_path / "problems.json").write_text(json.dumps(problems), encoding="utf-8")
    (tmp_path / "pid_splits.json").write_text(json.dumps(splits), encoding="utf-8")
    return tmp_path


def load(path, **settings):
    """A dataset as the settings say."""
    return load_dataset(str(path), DataSettings.from_dict(settings))


def test_official_files_are_the_papers_prompts(official):
    """The splits are the authors'; question, context and options are asked, and a letter is answered."""
    dataset = load(official / "problems.json")
    assert {split: len(dataset.rows(split)) for split in ("train", "validation", "test")} == {
        "train": 8, "validation": 4, "test": 12,
    }  # fmt: skip
    first, second = dataset.rows("train")[:2]
    assert first.prompt == "Question: Which is number 0?\nContext: N/A\nOptions: (A) red (B) blue\nAnswer:"
    assert first.response == "The answer is A."
    assert second.prompt.splitlines()[1:3] == ["Context: Think of 1.", "Options: (A) red (B) blue (C) old"]
    assert second.response == "The answer is B."


def test_with_and_without_the_lecture(official):
    """The columns with the lecture, and with reasons behind the answer, are named by settings."""
    path = official / "problems.json"
    rows = load(path, prompt="prompt_with_lecture", response="response_with_reasons").rows("train")
    assert rows[1].prompt.splitlines()[2] == "Lecture: A long lecture."
    assert rows[0].prompt.splitlines()[2] == "Lecture: N/A"
    assert rows[1].response == "The answer is B. BECAUSE: A long lecture. It is 1."
    assert "lecture" not in load(path).rows("train")[1].prompt


def test_rows_with_pictures_and_without(official):
    """Pictures are found below the file; rows without one stay, in the same splits."""
    dataset = load(official / "problems.json", picture="image")
    rows = [row for split in ("train", "validation", "test") for row in dataset.rows(split)]
    assert dataset.illustrated
    assert sum(row.picture is not None for row in rows) == 8
    assert all(row.picture.parent.name in row.prompt for row in rows if row.picture)
    assert sum(row.picture is None for row in rows) == 16


def test_the_hubs_parquet_is_the_same(official, tmp_path):
    """Pictures as bytes in the file, grades and subjects as texts: the same prompts, answers and pictures."""
    problems = json.loads((official / "problems.json").read_text(encoding="utf-8"))
    for split in SPLITS:
        rows = [dict(one) for one in problems.values() if one["split"] == split]
        for one in rows:
            one.pop("split")
            number = one["question"].split()[-1].rstrip("?")
            file = official / "images" / split / number / "image.png"
            one["image"] = {"bytes": file.read_bytes(), "path": "image.png"} if one["image"] else None
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{split}.parquet")
    others = {"validation": str(tmp_path / "val.parquet"), "test": str(tmp_path / "test.parquet")}
    dataset = load(tmp_path / "train.parquet", picture="image", **others)
    same = load(official / "problems.json", picture="image")
    for split in ("train", "validation", "test"):
        pairs = zip(dataset.rows(split), same.rows(split), strict=True)
        for mine, its in pairs:
            assert (mine.prompt, mine.response) == (its.prompt, its.response)
            assert (mine.picture and mine.picture.read_bytes()) == (its.picture and its.picture.read_bytes())
    assert "PNG" not in "".join(dataset.source.tables["train"].text(row, "image") for row in range(8))


def test_scores_by_group(official):
    """The groups are those of the papers: subjects, contexts of words or pictures or none, and grades."""
    dataset = load(official / "problems.json")
    rows = dataset.rows("test")  # the problems 12 to 23
    answers = ["The answer is A."] * len(rows)
    scores = science_scores(dataset, answers, [row.response for row in rows])
    assert scores.average == 0.5  # the even ones
    assert scores.rows == 12
    assert scores.text == 0.0  # hints are those of odd ones
    assert scores.none == 1.0
    assert scores.image == 0.5
    assert (scores.natural, scores.social, scores.language) == (0.5, 0.5, 0.5)
    assert scores.lower == 0.5
    assert scores.higher == 0.5
    assert science_scores(load_dataset("town-qa"), answers, answers) is None


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("The answer is B. BECAUSE: A long lecture.", "B"),
        ("the answer is (C)", "C"),
        ("A", "A"),
        ("(D) blue", "D"),
        ("B. blue", "B"),
        ("A cat is one", "A"),
        ("Answer", ""),
        ("", ""),
        ("Blue is what it is", ""),
    ],
)
def test_letters(answer, letter):
    """The letter where the answer says it, else the one it begins with."""
    assert letter_in(answer) == letter


@pytest.mark.fault(
    "damaged",
    "ScienceQA's problems have answers that are no option, or no file of splits: such rows are left out.",
)
def test_damaged_problems(official):
    """What has no right letter is left out and counted; without a file of splits each problem says its own."""
    path = official / "problems.json"
    problems = json.loads(path.read_text(encoding="utf-8"))
    whole = load(path)
    problems["0"]["answer"], problems["1"]["answer"], problems["2"]["choices"] = 7, "A", None
    problems["3"] = 5
    path.write_text(json.dumps(problems), encoding="utf-8")
    (official / "pid_splits.json").write_text("[", encoding="utf-8")
    dataset = load(path)
    assert len(dataset.rows("train")) == 4
    assert dataset.source.dropped["train"] == 3
    assert [row.prompt for row in dataset.rows("test")] == [row.prompt for row in whole.rows("test")]

"""`python -m engine datasets PATH`: what is in a file, as a person and as a program reads it."""

import json

import pytest

from tests.cli.test_cli import from_json
from tests.tiny import save_tiny
from tests.unit.drawing import draw_shapes

HEADER = "Tweet text,Label,ID\n"


@pytest.fixture
def path(tmp_path):
    """Tweets of two kinds."""
    file = tmp_path / "tweets.csv"
    rows = (
        f"{'thank you' if i % 2 else 'it broke'} {i},{'no complaint' if i % 2 else 'complaint'},{i}" for i in range(30)
    )
    file.write_text(HEADER + "\n".join(rows))
    return file


def test_a_file_is_described(engine, path):
    """Columns, what they are taken for, counts, and the tokens of the first rows with the labelled ones marked."""
    described = from_json(engine("datasets", path, "--rows", 3, "--json"))
    assert described["columns"] == ["Tweet text", "Label", "ID"]
    assert (described["taken_for"]["prompt"], described["taken_for"]["response"]) == (["Tweet text"], "Label")
    assert described["labels"] == ["complaint", "no complaint"]
    assert described["report"]["rows"] == {"train": 18, "validation": 6, "test": 6}
    assert described["report"]["tokens"]["labelled"] > 0
    assert len(described["preview"]) == 3
    for row in described["preview"]:
        assert "".join(text for text, marked in row["tokens"] if marked) == f"{row['response']}</s>"
    status, out, _ = engine("datasets", path)
    assert status == 0
    for words in ("Taken for labels: prompt=Tweet text, response=Label", "the same as an earlier row", "Label: [", "█"):
        assert words in out


def test_the_guess_can_be_overruled(engine, path):
    """The same --data flags as in `train` change what is shown."""
    template = ("--data", "template=own", "--data", "own_template=Tweet text : {prompt} Label : ")
    described = from_json(engine("datasets", path, *template, "--json"))
    assert described["template"] == "Tweet text : {prompt} Label : "
    read = "".join(text for text, marked in described["preview"][0]["tokens"] if not marked)
    assert read.endswith(f"Tweet text : {described['preview'][0]['prompt']} Label : ")


def test_a_shipped_dataset_is_described(engine):
    """The ones that ship and folders are reported on as well."""
    described = from_json(engine("datasets", "complaints", "--json"))
    assert described["taken_for"] is None
    assert described["report"]["texts"]["leaking"] >= 0


def test_no_weights_are_read(engine, path, tmp_path):
    """A config and a tokenizer are enough to show what would be trained on, up to the model's own limit."""
    model = save_tiny(tmp_path / "tiny", "llama")
    for weights in model.glob("*.safetensors"):
        weights.unlink()
    described = from_json(engine("datasets", path, "--model", model, "--json"))
    assert described["report"]["rows"]["train"] == 18
    assert len(described["preview"]) == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nowhere.csv",), "check the path"),
        (("nowhere",), "There is no dataset"),
        (("PATH", "--data", "prompt=nope"), "choose one of Tweet text, Label, ID"),
        (("PATH", "--data", "prompts=x"), "no setting called 'prompts'"),
        (("PATH", "--data", "prompt"), "--data 'prompt' is not NAME=VALUE"),
        (("PATH", "--max-len", "1"), "between 8 and"),
        (("PATH", "--data", "responses=free", "--head", "head"), "neither labels nor numbers"),
    ],
)
def test_mistakes_are_one_sentence(engine, path, words, sentence):
    """Status 2 and a sentence on stderr, no traceback."""
    status, out, err = engine("datasets", *(path if word == "PATH" else word for word in words))
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_training_on_a_file_from_the_command_line(engine, path, tmp_path):
    """A run on a file keeps the choice of columns in its YAML, from which it can be started again."""
    run = tmp_path / "run"
    flags = ("--data", "test_rows=3", "--data", "template=plain", "--steps", 2, "--batch-size", 2, "--quiet")
    run_facts = from_json(engine("train", "--dataset", path, *flags, "--out", run, "--json"))
    assert run_facts["config"]["data"] == {"test_rows": 3, "template": "plain"}
    again = from_json(engine("train", run / "run.yaml", "--out", tmp_path / "again", "--quiet", "--json"))
    assert again["best_validation"] == run_facts["best_validation"]
    other = from_json(engine("params", run / "run.yaml", "--dataset", "town-qa", "--json"))
    assert other["trainable"] > 0


def test_pictures_from_folder_to_score(engine, tmp_path):
    """A folder of pictures: what is in it, its memory, training, scores and predictions; and what a town model says."""
    save_tiny(tmp_path / "vit", "vit")
    shapes = draw_shapes(tmp_path / "shapes", 10)
    (shapes / "red circle" / "note.txt").write_text("no picture")
    vit = ("--model", tmp_path / "vit")
    out = engine("datasets", shapes, *vit)[1]
    assert "train 12, validation 4, test 4" in out
    assert "red circle/note.txt: no picture" in out
    report = from_json(engine("datasets", shapes, *vit, "--json"))["report"]
    assert report["unreadable"] == {"no_picture": 1}
    assert "holds pictures" in engine("datasets", shapes)[2]
    assert "reads pictures" in engine("datasets", "complaints", *vit)[2]
    run = (*vit, "--dataset", shapes, "--method", "lora")
    assert from_json(engine("memory", *run, "--json"))["length"] == 17
    engine("train", *run, "--steps", 4, "--out", tmp_path / "run", "--quiet")
    scores = from_json(engine("eval", tmp_path / "run", "--predictions", tmp_path / "rows.jsonl", "--json"))
    assert {"accuracy", "f1", "matthews"} <= scores.keys()
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == scores["rows"] == 4
    assert all(row["prompt"].startswith(f"{row['reference']}/") for row in rows)
    picture = next(shapes.rglob("*.png"))
    answer = from_json(engine("chat", tmp_path / "run", "--picture", picture, "--json"))
    assert "LABEL_" in answer["base"]
    assert "red circle" in answer["tuned"]
    assert "reads pictures" in engine("chat", tmp_path / "run", "--prompt", "What?")[2]
    assert "reads pictures" in engine("eval", tmp_path / "run", "--dataset", "complaints")[2]

"""Which columns are asked and answered: guessed from names, doubted where texts had to tell, overruled by the user."""

import json

import pytest

from engine.config.run import RunConfig
from engine.core.errors import DataError, SettingError
from engine.data.dataset import Row, load_dataset
from engine.data.settings import DataSettings

COUNT = 12


def write(folder, name="a.jsonl", **columns):
    """A file whose columns hold their pattern with {} for the number; a function makes other values."""
    rows = [{c.replace("_", " ") if c.isupper() else c: _cell(v, i) for c, v in columns.items()} for i in range(COUNT)]
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return str(path)


def _cell(value, number):
    return value(number) if callable(value) else value.format(number)


def first(path, **settings):
    """What is made of the first training row."""
    return load_dataset(path, DataSettings(**settings)).rows("train")[0]


MESSAGES = [
    {"from": "system", "value": "be brief"},
    {"from": "human", "value": "hi"},
    {"from": "gpt", "value": "hello"},
    {"from": "human", "value": "bye"},
    {"from": "gpt", "value": "see you"},
]


@pytest.mark.parametrize(
    ("columns", "kind", "prompt", "response"),
    [
        ({"instruction": "do {}", "input": "", "output": "done"}, "instruction", "do", "done"),
        ({"prompt": "p {}", "completion": "c"}, "pair", "p", "c"),
        ({"prompt": "p {}", "response": "r"}, "pair", "p", "r"),
        ({"mr": "name[{}]", "ref": "a sentence"}, "pair", "name[", "a sentence"),
        ({"question": "q {}", "answer": "a", "id": "{}"}, "pair", "q", "a"),
        ({"id": "{}", "question": "q {}", "answers": lambda i: {"text": ["t"], "at": [0]}}, "pair", "q", "t"),
        ({"tweet": "nice {}", "label": lambda i: i % 2}, "labels", "nice", "01"),
        ({"sentence1": "s {}", "sentence2": "u", "label": lambda i: "ab"[i % 2]}, "labels", "sentence1: s", "ab"),
        ({"Quality": lambda i: i % 2, "#1 String": "s {}", "#2 String": "u"}, "labels", "#1 String: s", "01"),
        ({"question1": "s {}", "question2": "u", "is_duplicate": lambda i: i % 2}, "labels", "question1: s", "01"),
        ({"text": "only {}"}, "text", "", "only"),
    ],
)
def test_guesses(tmp_path, columns, kind, prompt, response):
    """The forms of the field are known by their names."""
    path = write(tmp_path, **columns)
    guessed = load_dataset(path).source.columns
    assert (guessed.kind, guessed.sure) == (kind, True)
    row = first(path)
    assert row.prompt.startswith(prompt)
    assert row.response.startswith(tuple(response) if kind == "labels" else response)


@pytest.mark.parametrize("name", ["conversations", "messages"])
def test_conversations(tmp_path, name):
    """Of a conversation the first question and answer are taken, or the last answer with all that led to it."""
    path = write(tmp_path, **{name: lambda i: [*MESSAGES[:1], {"role": "user", "content": f"hi {i}"}, *MESSAGES[2:]]})
    row = first(path, validation_rows=1, test_rows=1)
    assert row.prompt.startswith("be brief\n\nhi ")
    assert row.response == "hello"
    row = first(path, turns="whole", template="alpaca")
    assert row.prompt.endswith("\n\n### Response:hello\n\n### Instruction:\nbye")
    assert row.response == "see you"


def test_conversations_without_an_answer_are_left_out(tmp_path):
    """A row in which nobody answers is counted, not trained on."""
    answered = lambda i: [{"role": "user", "content": f"hi {i}"}, *(MESSAGES[2:3] if i > 3 else [])]  # noqa: E731
    path = write(tmp_path, messages=answered)
    dataset = load_dataset(path)
    assert dataset.source.dropped["train"] == 4
    assert all(row.response == "hello" for row in dataset.rows("train"))


def test_texts_tell_where_names_do_not(tmp_path):
    """Two unknown columns of text are question and answer, and the guess says that it is unsure."""
    guessed = load_dataset(write(tmp_path, key=lambda i: i, foo="what {}", bar="that")).source.columns
    assert (guessed.prompt, guessed.response, guessed.sure) == (("foo",), "bar", False)


def test_nothing_is_guessed_from_numbers(tmp_path):
    """A file without texts is refused with its columns and the way out."""
    with pytest.raises(DataError, match=r"cannot be guessed from x, y.*prompt and response"):
        load_dataset(write(tmp_path, x=lambda i: i, y=lambda i: i))


def test_the_user_overrules(tmp_path):
    """Named columns replace guessed ones, several are joined with their names, commas in a name are no trouble."""
    path = write(tmp_path, prompt="p {}", response="r", notes="n {}", **{"a, b": "c"})
    assert first(path, prompt="notes").prompt.startswith("n ")
    assert first(path, prompt="notes, prompt").prompt.startswith("notes: n ")
    assert first(path, response="a, b").response == "c"
    assert first(path, input="notes").prompt.split("\n\n")[1].startswith("n ")
    with pytest.raises(DataError, match=r"no column 'nope': choose one of prompt, response"):
        first(path, prompt="nope")


def test_ids_get_their_names(tmp_path):
    """Label ids are named in their order, in every split; names that do not fit are refused."""
    path = write(tmp_path, text="t {}", label=lambda i: i % 3)
    dataset = load_dataset(path, DataSettings(label_names="bad, so so, good"))
    assert dataset.labels == ["bad", "so so", "good"]
    assert {r.response for s in ("train", "validation", "test") for r in dataset.rows(s)} <= set(dataset.labels)
    for names in ("bad, good", "a, b, b"):
        with pytest.raises(DataError, match="label_names"):
            load_dataset(path, DataSettings(label_names=names))


def test_labels_are_in_order_of_number(tmp_path):
    """Ten comes after nine, and what a table with gaps made of an id is the id."""
    dataset = load_dataset(write(tmp_path, text="t {}", label=lambda i: f"{i}.0"))
    assert dataset.labels == [f"{i}.0" for i in range(COUNT)]


def test_hidden_and_missing_labels_are_left_out(tmp_path):
    """Test files of the hub hold -1 where the label is kept secret; where ids have names, that is no class."""
    dataset = load_dataset(
        write(tmp_path, text="t {}", label=lambda i: [-1, 0, 1, None][i % 4]), DataSettings(label_names="no, yes")
    )
    assert dataset.labels == ["no", "yes"]
    assert dataset.source.dropped["train"] == COUNT // 2


def test_numbers_are_estimated(tmp_path):
    """Scores are numbers; said to be labels they are, and words said to be numbers are refused."""
    path = write(tmp_path, sentence1="s {}", sentence2="u", score=lambda i: i / 2)
    assert (load_dataset(path).task, load_dataset(path).labels) == ("regression", [])
    assert len(load_dataset(path, DataSettings(responses="labels")).labels) == COUNT
    words = write(tmp_path, "w.jsonl", text="t {}", label="w")
    with pytest.raises(DataError, match="no number"):
        load_dataset(words, DataSettings(responses="numbers"))
    with pytest.raises(DataError, match="fewer than two"):
        load_dataset(words, DataSettings(responses="labels"))
    assert load_dataset(words).labels == []


def test_free_text_in_a_column_called_target(tmp_path):
    """Many long responses are no labels, whatever their column is called."""
    path = write(tmp_path, source="s {}", target=lambda i: f"a long sentence {i} " * 10)
    assert load_dataset(path).labels == []


def test_columns_must_be_in_every_file(tmp_path):
    """A validation file with other names is refused by name."""
    path, other = write(tmp_path, prompt="p {}", response="r"), write(tmp_path, "b.jsonl", question="q", answer="a")
    with pytest.raises(DataError, match=r"b\.jsonl has no column 'prompt'"):
        load_dataset(path, DataSettings(validation=other))


def test_a_run_keeps_what_was_chosen(tmp_path):
    """The data settings stand in the run's YAML and on its command line, without defaults; old files have none."""
    path = write(tmp_path, prompt="p {}", response="r", notes="n {}")
    config = RunConfig(dataset=path, data={"prompt": "notes", "row_limit": "9", "turns": "opening"}).checked()
    assert config.data == {"prompt": "notes", "row_limit": 9}
    again = RunConfig.from_yaml(config.to_yaml())
    assert again == config
    assert again.load_data().rows("train")[0] == load_dataset(path, DataSettings(**config.data)).rows("train")[0]
    assert "--data prompt=notes --data row_limit=9" in config.command()
    old = {name: value for name, value in config.to_dict().items() if name != "data"}
    assert RunConfig.from_dict(old).data == {}
    with pytest.raises(SettingError, match="row_limits"):
        RunConfig(data={"row_limits": 9}).checked()


def test_data_settings_are_for_files():
    """A dataset with a description of its own takes no settings that would be ignored."""
    with pytest.raises(SettingError, match="description of its own"):
        load_dataset("town-qa", DataSettings(prompt="x"))
    assert load_dataset("town-qa", DataSettings()).rows("train")[0] == load_dataset("town-qa").rows("train")[0]


def test_rows_are_a_sequence(tmp_path):
    """They count, slice and repeat as a list of rows does, though each is written when it is asked for."""
    rows = load_dataset(write(tmp_path, prompt="p {}", response="r")).rows("train")
    assert list(rows) == rows[:] == [rows[at] for at in range(len(rows))]
    assert rows[-1] == rows[len(rows) - 1]
    assert isinstance(rows[0], Row)
    with pytest.raises(IndexError):
        rows[len(rows)]

"""Templates of files: Alpaca's two, plain, the tokenizer's chat template, and one's own in a sandbox."""

import json

import pytest

from engine.core.errors import DataError, SettingError
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.templates import ALPACA, ALPACA_INPUT
from engine.data.tokenise import encode_prompt, encode_row, encode_rows
from tests.tiny import tokenizer

CHATML = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}</>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def path(tmp_path):
    """Alpaca rows, every second with an input."""
    rows = [{"instruction": f"do {i}", "input": "this" * (i % 2), "output": f"done {i}"} for i in range(20)]
    file = tmp_path / "a.json"
    file.write_text(json.dumps(rows))
    return str(file)


def texts(dataset):
    """All training rows as the model reads them before it answers."""
    return [dataset.template_of(row).replace("{prompt}", row.prompt) for row in dataset.rows("train")]


def test_alpaca_with_and_without_input(path):
    """A row with an input has the other header and the input behind the instruction: Alpaca's own two prompts."""
    encoded = texts(load_dataset(path))
    with_input = [text for text in encoded if "### Input:" in text]
    for text in with_input:
        head, rest = text.split("\n\n### Instruction:\n")
        assert head == ALPACA_INPUT.split("\n\n###")[0]
        assert rest.startswith("do ")
        assert rest.endswith("\n\n### Input:\nthis\n\n### Response:")
    for text in set(encoded) - set(with_input):
        assert text.startswith(ALPACA.split("{prompt}")[0] + "do ")
    assert 0 < len(with_input) < len(encoded)


def test_a_methods_own_template_stands_around_every_row(path):
    """P-tuning's template replaces both of Alpaca's; its marks are slots, and the input stays in the prompt."""
    dataset = load_dataset(path).in_template("{p}{prompt}{p}")
    for row in dataset.rows("train"):
        ids = encode_row(tokenizer(), dataset, row, 256).ids
        assert [index for index in ids if index < 0] == [-1, -2]
        assert dataset.template_of(row) == "{p}{prompt}{p}"
    assert any("### Input:\nthis" in row.prompt for row in dataset.rows("train"))


def test_many_rows_encode_as_one_by_one(path):
    """The fast way through the tokenizer gives what row by row gives, cut rows included."""
    reader = tokenizer()
    for dataset in (load_dataset(path), load_dataset("town-qa")):
        rows = dataset.rows("train")[:40]
        for limit in (1000, 60, 9):
            assert encode_rows(reader, dataset, rows, limit) == [
                encode_row(reader, dataset, row, limit) for row in rows
            ]


def test_plain(path, tmp_path):
    """The prompt on a line of its own, the input behind it; labels have their column's name in front."""
    assert {text.split("\n")[0][:3] for text in texts(load_dataset(path, DataSettings(template="plain")))} == {"do "}
    file = tmp_path / "b.csv"
    file.write_text("text,Mood\n" + "\n".join(f"t{i},{'ab'[i % 2]}" for i in range(9)))
    dataset = load_dataset(str(file), DataSettings(prompt="text", response="Mood", responses="labels"))
    assert dataset.template == "{prompt}\nMood: "


def with_chat(template=CHATML):
    """A tokenizer with a chat template."""
    reader = tokenizer()
    reader.chat_template = template
    return reader


def test_the_tokenizers_chat_template(path):
    """What the model reads is what the tokenizer itself would have made, begin of text once."""
    reader = with_chat()
    dataset = load_dataset(path, DataSettings(template="chat")).in_chat_template(reader)
    row = dataset.rows("train")[0]
    in_chat_template = reader.apply_chat_template(
        [{"role": "user", "content": row.prompt}], tokenize=False, add_generation_prompt=True
    )
    assert encode_prompt(reader, dataset.template_of(row), row.prompt) == reader.encode(
        in_chat_template, add_special_tokens=False
    )


def test_a_whole_conversation_in_the_chat_template(tmp_path):
    """All turns before the last answer read as the tokenizer would write them; without its template, as Alpaca's."""
    talk = [{"role": r, "content": c} for r, c in zip(["user", "assistant"] * 2, ["q", "a", "r", "b"], strict=True)]
    file = tmp_path / "a.jsonl"
    file.write_text(
        "\n".join(json.dumps({"messages": [{"role": "user", "content": f"{i}"}, *talk[1:]]}) for i in range(9))
    )
    dataset = load_dataset(str(file), DataSettings(turns="whole"))
    assert "### Instruction:" in dataset.in_chat_template(tokenizer()).template
    reader = with_chat()
    in_chat = dataset.in_chat_template(reader)
    row = in_chat.rows("train")[0]
    turns = [{"role": "user", "content": row.prompt.partition("<user>")[2][0]}, *talk[1:3]]
    in_chat_template = reader.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert encode_prompt(reader, in_chat.template_of(row), row.prompt) == reader.encode(
        in_chat_template, add_special_tokens=False
    )
    assert row.response == "b"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (None, "no chat template"),
        ("{{ raise_exception('only systems') }}", "only systems"),
        ("{{ messages[0].content }}{{ messages[0].content }}", "as they are"),
        ("always the same", "as they are"),
    ],
)
def test_chat_templates_that_cannot_be_used(path, template, words):
    """Each is a sentence that names another choice."""
    with pytest.raises(DataError) as caught:
        load_dataset(path, DataSettings(template="chat")).in_chat_template(with_chat(template))
    assert words in str(caught.value)
    assert "'alpaca'" in str(caught.value)


def with_template(path, template):
    """A dataset in a template of one's own."""
    return load_dataset(path, DataSettings(template="own", own_template=template))


def test_own_text(path):
    """Text with {prompt}, and Jinja over the prompt alone, are templates that the chat can use too."""
    assert with_template(path, "Tweet text : {prompt} Label : ").template == "Tweet text : {prompt} Label : "
    assert with_template(path, "Tweet text : {{ prompt }} Label : ").template == "Tweet text : {prompt} Label : "


def test_own_jinja_over_columns(path):
    """Any column can be named, with conditions; what it makes is the whole prompt."""
    dataset = with_template(path, "{{ instruction|upper }}{% if input %} ({{ row['input'] }}){% endif %}:")
    assert dataset.template == "{prompt}"
    assert {row.prompt[-2:] for row in dataset.rows("train")} >= {"):"}
    assert all(row.prompt.startswith("DO ") for row in dataset.rows("train"))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("nothing", "{prompt} exactly once"),
        ("{prompt} {prompt}", "{prompt} exactly once"),
        ("{prompt}{p}", "P-tuning"),
        ("a\n{{ prompt", "Line 2 of own_template is not Jinja"),
        ("{{ nope }}", "choose from"),
        ("{{ instruction.nope.x }}", "choose from"),
        ("{{ ''.__class__.__mro__ }}{{ input }}", "unsafe"),
        ("{{ row.update({}) }}", "cannot be filled"),
        ("{{ input * 9 }}", "the operator *"),
        ("{{ 9 ** 9 }}{{ input }}", "the operator **"),
        ("{{ '%9d' % 1 }}{{ input }}", "the operator %"),
        ("{{ '{:>9}'.format(input) }}", "unsafe"),
        ("{{ input.ljust(9) }}", "unsafe"),
        ("{{ 1 / 0 }}{{ input }}", "cannot be filled"),
        ("{% for i in range(99999) %}{{ instruction }} and so on and on{% endfor %}", "a million"),
        ("{% for i in range(999999999) %}{% endfor %}{{ input }}", "cannot be filled"),
        ("{% include '/etc/passwd' %}{{ input }}", "cannot be filled"),
    ],
)
def test_own_templates_that_cannot_work(path, template, words):
    """Mistakes and mischief are sentences: the sandbox reaches nothing, and fills no memory."""
    with pytest.raises(DataError) as caught:
        with_template(path, template)
    assert words in str(caught.value)


def test_own_template_and_choice_agree():
    """A template that would be ignored, or is missing, is refused."""
    for values in ({"template": "own"}, {"own_template": "{prompt}"}):
        with pytest.raises(SettingError, match="own_template"):
            DataSettings(**values)

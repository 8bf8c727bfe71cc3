"""From rows to batches: labels exactly on the answer, every row once per epoch, and every bad file named."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.words import MAIN
from engine.core.errors import DataError
from engine.data import encode
from engine.data.batching import batches_by_length, batches_from, collate, epoch_order, sorted_batches
from engine.data.dataset import Dataset, Row, load_dataset
from engine.data.shipped import shipped
from engine.data.tokenise import IGNORE, Example, encode_plain, encode_row, encode_rows
from engine.inference.generate import prompt_ids
from tests.tiny import BOS, EOS, PAD, tokenizer
from tests.unit.making import ROWS, make_dataset

TOKENIZER = tokenizer()
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return load_dataset(str(make_dataset(tmp_path_factory.mktemp("data") / "tiny")))


@pytest.fixture(scope="module")
def spelled(dataset):
    """Encodes a prompt and a response."""
    return lambda prompt, response, max_seq_len=256: encode_row(TOKENIZER, dataset, Row(prompt, response), max_seq_len)


@given(prompt=TEXT, response=TEXT)
def test_labels_stand_exactly_on_the_answer(spelled, prompt, response):
    """The labelled tokens spell the response and end of text; what stands before is the filled template."""
    example = spelled(prompt, response)
    batch = collate([example, Example([BOS] * 80, 79)], PAD)
    labels = batch.labels[0]
    answer = labels[labels != IGNORE].tolist()
    assert answer == [*TOKENIZER.encode(response, add_special_tokens=False), EOS]
    assert prompt_ids(example) == TOKENIZER.encode(f"Q: {prompt}\nA: ")
    assert torch.equal(labels[labels != IGNORE], batch.inputs.ids[0, example.answer_at : len(example.ids)])
    assert int(batch.inputs.mask[0].sum()) == len(example.ids)
    assert bool((labels[len(example.ids) :] == IGNORE).all())


@given(prompt=TEXT, response=TEXT, max_seq_len=st.integers(8, 40))
def test_long_rows_lose_the_beginning_of_their_prompt(spelled, prompt, response, max_seq_len):
    """A row never exceeds the limit; the answer is kept as far as it fits, the prompt keeps its end."""
    whole, cut = spelled(prompt, response), spelled(prompt, response, max_seq_len)
    assert len(cut.ids) == min(len(whole.ids), max_seq_len)
    assert cut.ids[cut.answer_at :] == whole.ids[whole.answer_at :][:max_seq_len]
    words = cut.ids[1 : cut.answer_at]  # behind the begin-of-text, which stays
    assert words == whole.ids[whole.answer_at - len(words) : whole.answer_at]
    assert cut.ids[: min(1, cut.answer_at)] == whole.ids[: min(1, cut.answer_at)]


def test_template_is_filled_literally(dataset):
    """Braces and the word {prompt} in a question are text, not fields."""
    assert dataset.fill("{x} {prompt}") == "Q: {x} {prompt}\nA: "


def test_empty_responses_are_refused(dataset):
    """A dataset with nothing to learn is refused by name."""
    with pytest.raises(DataError, match="nothing to learn"):
        encode_rows(TOKENIZER, dataset, [Row("a", " "), Row("b", "")], 64)


def test_plain_text_is_labelled_from_its_second_token():
    """Plain text is scored as a whole; the first token has nothing before it."""
    (example,) = encode_plain(TOKENIZER, ["hello"], 64)
    assert example.answer_at == 1
    assert example.ids == [*TOKENIZER.encode("hello"), EOS]


LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=60)


@given(lengths=LENGTHS, size=st.integers(1, 9), seed=st.integers(0, 3))
@settings(max_examples=60)
def test_every_row_comes_once_per_epoch(lengths, size, seed):
    """Each of two epochs has every row exactly once, in batches of the size asked for but for short last ones."""
    examples = [Example([index] * length, 0) for index, length in enumerate(lengths)]
    per_epoch = -(-len(examples) // size)
    batches = batches_from(examples, size, seed, 0, 3)
    for _ in range(2):
        epoch = [next(batches) for _ in range(per_epoch)]
        assert sorted(example.ids[0] for batch in epoch for example in batch) == list(range(len(examples)))
        assert sorted(len(batch) for batch in epoch)[1:] == [size] * (per_epoch - 1)


@given(lengths=LENGTHS, size=st.integers(1, 9), seed=st.integers(0, 3), first=st.integers(0, 40))
@settings(max_examples=60)
def test_batches_resume_at_any_number(lengths, size, seed, first):
    """Batch `first` of a fresh stream is the first one of a stream that starts there, and so on."""
    examples = [Example([index] * length, 0) for index, length in enumerate(lengths)]
    whole, late = batches_from(examples, size, seed, 0, 3), batches_from(examples, size, seed, first, 3)
    for _ in range(first):
        next(whole)
    for _ in range(5):
        assert next(late) == next(whole)


@pytest.mark.parametrize(("rows", "together"), [(4, 8), (600, 9), (52_000, 50)])
def test_how_many_batches_are_sorted_together(rows, together):
    """A quarter of an epoch, never fewer than eight and never more than fifty."""
    assert sorted_batches(rows, 16) == together


def test_many_rows_are_encoded_when_they_are_wanted(dataset, monkeypatch):
    """Batches are the same as if all rows had been encoded at first; the first needs the rows of eight batches."""
    rows = [Row("cat", "a" * (1 + at * 7 % 31)) for at in range(200)]
    whole = encode_rows(TOKENIZER, dataset, rows, 40)
    monkeypatch.setattr(encode, "EAGER_ROWS", 10)
    later = encode.encode_training(TOKENIZER, dataset, rows, 40, None)
    batches = batches_from(later, 5, 0, 0, 8)
    first = next(batches)
    assert 8 * 5 <= len(later._encoded) < 60  # checked types ask for a row here and there
    expected = batches_from(whole, 5, 0, 0, 8)
    assert [first, *(next(batches) for _ in range(85))] == [next(expected) for _ in range(86)]
    assert later[3:9] == whole[3:9]
    assert list(later) == whole


def test_rows_without_a_label_are_refused_however_many(dataset, monkeypatch):
    """Where the first rows say nothing, all are asked before a run is refused."""
    monkeypatch.setattr(encode, "EAGER_ROWS", 10)
    empty = [Row("cat", "")] * 30
    with pytest.raises(DataError, match="nothing to learn"):
        encode.encode_training(TOKENIZER, dataset, empty, 40, None)
    examples = encode.encode_training(TOKENIZER, dataset, [*empty, Row("cat", "meow")], 40, None)
    assert len(examples[30].ids) - examples[30].answer_at == 5


def test_order_depends_on_seed_and_epoch():
    """Another seed or epoch is another order; the same is the same."""
    assert epoch_order(50, 1, 2) == epoch_order(50, 1, 2)
    assert len({tuple(epoch_order(50, seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


@given(lengths=LENGTHS, size=st.integers(1, 9))
def test_window_is_every_row_once_in_order_of_length(lengths, size):
    """Validation sees every row once."""
    examples = [Example([index] * length, 0) for index, length in enumerate(lengths)]
    seen = [example for part in batches_by_length(examples, size) for example in part]
    assert sorted(example.ids[0] for example in seen) == list(range(len(examples)))
    assert [len(example.ids) for example in seen] == sorted(lengths)


def test_batch_size_counts_tokens_without_padding():
    """What tokens per second are made of."""
    assert collate([Example([5, 6, 7], 1), Example([5], 0)], PAD).size == 4


@pytest.mark.parametrize("name", shipped())
def test_shipped_datasets_are_whole(name):
    """Every shipped dataset has splits of the sizes it states, a title and a summary in the languages of the others."""
    dataset = load_dataset(name)
    assert {split: len(dataset.rows(split)) for split in dataset.splits} == dataset.splits
    assert set(dataset.splits) == {"train", "validation", "test"}
    assert list(dataset.title) == list(dataset.summary) == list(load_dataset(shipped()[0]).title)
    assert next(iter(dataset.title)) == MAIN
    assert len(dataset.chips) >= 3


def test_default_dataset_comes_first():
    """The form's first choice is the town's questions."""
    assert shipped()[0] == "town-qa"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "Line 2"),
        ('["a", "b"]', "Line 2"),
        ('{"prompt": "a"}', "Line 2"),
        ('{"prompt": "a", "response": 3}', "Line 2"),
        ('{"prompt": null, "response": "b"}', "Line 2"),
    ],
)
def test_bad_row_is_named(tmp_path, line, words):
    """The sentence names file and line."""
    folder = make_dataset(tmp_path / "data")
    good = json.dumps({"prompt": "a", "response": "b"})
    (folder / "train.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(DataError, match=words) as caught:
        load_dataset(str(folder)).rows("train")
    assert "train.jsonl" in str(caught.value)


def test_bad_folders_are_named(tmp_path):
    """No folder, no split, no rows, other encodings, other descriptions: each its own sentence."""
    with pytest.raises(DataError, match="town-qa"):
        load_dataset(str(tmp_path / "nowhere"))
    folder = make_dataset(tmp_path / "data")
    dataset = load_dataset(str(folder))
    with pytest.raises(DataError, match="no split 'other'"):
        dataset.rows("other")
    (folder / "train.jsonl").write_text("\n\n")
    with pytest.raises(DataError, match="no rows"):
        dataset.rows("train")
    (folder / "train.jsonl").write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match="UTF-8"):
        dataset.rows("train")
    for template in ("no field", "{prompt} twice {prompt}"):
        make_dataset(folder, template=template)
        with pytest.raises(DataError, match="exactly once"):
            load_dataset(str(folder))
    make_dataset(folder, stranger=1)
    with pytest.raises(DataError, match="stranger"):
        load_dataset(str(folder))
    (folder / "dataset.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset(str(folder))


def test_line_separators_inside_a_text_do_not_split_it(tmp_path):
    """JSON may hold U+2028 unescaped: a row ends at a newline and nowhere else."""
    folder = make_dataset(tmp_path / "data")
    row = json.dumps({"prompt": "a\u2028b\x85c", "response": "d"}, ensure_ascii=False)
    (folder / "train.jsonl").write_text(row + "\n", encoding="utf-8")
    assert load_dataset(str(folder)).rows("train") == [Row("a\u2028b\x85c", "d")]


def test_byte_order_mark_is_passed_over(tmp_path):
    """Editors on Windows put one in front of the first row, and end lines with a carriage return too."""
    folder = make_dataset(tmp_path / "data")
    row = json.dumps({"prompt": "a", "response": "b"})
    (folder / "train.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n{row}\r\n".encode())
    assert load_dataset(str(folder)).rows("train") == [Row("a", "b")] * 2


def test_rows_helper_is_split_in_order(dataset):
    """The tiny dataset itself: two thirds train."""
    assert isinstance(dataset, Dataset)
    assert [row.prompt for row in dataset.rows("train")] == [prompt for prompt, _ in ROWS[:16]]


def test_a_folder_may_call_its_test_split_as_before(tmp_path):
    """Version 0.1.0 said "heldout": such a folder's file and sizes are those of the test split."""
    folder = make_dataset(tmp_path / "data", splits={"train": 16, "heldout": 8})
    (folder / "test.jsonl").rename(folder / "heldout.jsonl")
    dataset = load_dataset(str(folder))
    assert dataset.splits == {"train": 16, "test": 8}
    assert len(dataset.rows("test")) == 8

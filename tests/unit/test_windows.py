"""Windows of long texts: the same tokens as transformers' own windows, and every answer in one of them."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from app.cards import user_data_card
from app.preview import report, sample_rows
from app.words import Say
from engine.core.errors import DataError, ModelError
from engine.data.dataset import load_dataset
from engine.data.encode import encode_for, encode_training
from engine.data.head_spec import HeadSpec, SpanSpec
from engine.data.passage import Answer, Passage
from engine.data.preview import preview_rows
from engine.data.preview_values import DataPreview, PreviewRow
from engine.data.report import report_on
from engine.data.row import Row
from engine.data.windows import Windows, encoded_texts
from tests.tiny import EOS, tokenizer
from tests.unit.squad import write_squad

TALE = " ".join(f"w{i}" for i in range(40)) + "."


@pytest.fixture(scope="module")
def reader():
    """A tokenizer of words that joins two texts as BERT's does."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "which", "word", "?", ".", *(f"w{i}" for i in range(40))]
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    inner.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


@pytest.fixture
def squad(tmp_path):
    """A dataset in SQuAD's form, which gives the template around a question."""
    return load_dataset(str(write_squad(tmp_path / "squad.json")))


def spec_of(window=16, overlap=4, pooling="first", *, abstains=False):
    """A head that marks spans."""
    return HeadSpec(
        labels=(), pooling=pooling, span=SpanSpec(window=window, overlap=overlap, longest=5, abstains=abstains)
    )


def row_of(text="w20 w21", question="which word ?", context=TALE):
    """A row whose answer is some words of the tale; without a text there is none."""
    answers = (Answer(text, context.index(text)),) if text else ()
    return Row(question, text, passage=Passage(question, context, answers))


@pytest.mark.parametrize(("window", "overlap"), [(16, 4), (16, 0), (12, 5), (64, 8), (46, 2)])
def test_windows_are_those_of_transformers(reader, squad, window, overlap):
    """Ids and places in the text, window by window, are what the tokenizer itself makes with a stride."""
    windows = Windows(reader, squad, [row_of()], 1000, spec_of(window, overlap))
    theirs = reader(
        "which word ?", TALE, truncation="only_second", max_length=window, stride=overlap,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    assert [example.ids for example in windows] == theirs["input_ids"]
    for index, offsets in enumerate(theirs["offset_mapping"]):
        window_ = windows.window(index)
        held = offsets[window_.first : window_.first + len(window_.offsets)]
        assert [tuple(pair) for pair in window_.offsets.tolist()] == held


def test_the_answer_is_a_place_or_the_first_token(reader, squad):
    """A window that holds all of the answer says where; every other one says "not here"."""
    windows = Windows(reader, squad, [row_of("w9 w10"), row_of("")], 1000, spec_of())
    held = [windows.window(index) for index in range(len(windows))]
    for window in held:
        ids, (start, end) = window.example.ids, window.example.target
        if window.answered:
            assert reader.decode(ids[start : end + 1]) == "w9 w10"
        else:
            assert (start, end) == (0, 0)
    assert sum(window.answered for window in held) >= 1
    assert not any(window.answered for window in held if window.row == 1)
    assert {example.target for example in windows.of_row(1)} == {(0, 0)}


@pytest.mark.parametrize("text", ["w0", "w39", "w12 w13", "w7 w8 w9 w10"])
def test_every_short_answer_is_whole_in_a_window(reader, squad, text):
    """The overlap is as long as the longest of these answers, so none falls between two windows."""
    windows = Windows(reader, squad, [row_of(text)], 1000, spec_of())
    assert any(windows.window(index).answered for index in range(len(windows)))


def test_half_a_token_is_a_whole_one(reader, squad):
    """An answer that begins inside a token takes the token."""
    windows = Windows(reader, squad, [row_of("20 w2")], 1000, spec_of(64))
    (start, end) = windows[0].target
    assert reader.decode(windows[0].ids[start : end + 1]) == "w20 w21"


def test_long_questions_leave_room(reader, squad):
    """A question takes up half of a window at most, and a window is never longer than it may be."""
    windows = Windows(reader, squad, [row_of(question="which word ? " * 20)], 1000, spec_of(16, 100))
    assert len(windows) > 40 - 8
    assert all(len(example.ids) <= 16 for example in windows)
    assert all(len(windows.window(index).offsets) >= 7 for index in range(len(windows)))


def test_where_tokens_only_look_back_the_last_one_stands_for_no_answer(squad):
    """A decoder reads question, line, text and end-of-text; virtual tokens keep their places in a template."""
    reader = tokenizer()
    windows = Windows(reader, squad, [row_of("w3")], 1000, spec_of(400, pooling="last"))
    assert windows[0].ids[-1] == EOS
    absent = Windows(reader, squad, [row_of("")], 1000, spec_of(400, pooling="last"))
    assert absent[0].target == (len(absent[0].ids) - 1,) * 2
    around = Windows(reader, squad.in_template("{p}{p} {prompt}"), [row_of("w3")], 40, spec_of(400, pooling="last"))
    assert all([index for index in example.ids if index < 0] == [-1, -2] for example in around)
    assert all(len(example.ids) <= 40 for example in around)


def test_training_rows_are_windows(reader, squad):
    """What training reads, what is scored, and what is counted before the start are the same windows."""
    rows, spec = [row_of("w3"), row_of("w30")], spec_of()
    windows = encode_training(reader, squad, rows, 1000, spec)
    assert encode_for(reader, squad, rows, 1000, spec) == list(windows)
    assert windows[0] == windows[:1][0]
    assert len(windows) > len(rows)


def test_the_preview_marks_the_answer(reader, squad):
    """Of each row the window with the answer, in which it is marked; a row without one has no mark."""
    shown = preview_rows(reader, squad, [row_of("w30 w31"), row_of("")], writes=False, spec=spec_of(abstains=True))
    marked = [[text.strip() for text, labelled in row.tokens if labelled] for row in shown]
    assert marked == [["w30", "w31"], []]


def test_the_report_counts_windows(squad):
    """No row is cut: it is read in windows, and their number is told; lengths are those of whole rows."""
    counted = report_on(tokenizer(), squad, 40, spec_of(40, 8, "last"))
    assert counted.tokens.truncated == 0
    assert counted.tokens.windows > counted.rows["train"]
    assert counted.tokens.longest > 40
    assert counted.texts.empty == 0
    assert report_on(tokenizer(), squad, 40).tokens.windows == 0


@pytest.mark.fault("input", "A head that marks answers gets rows without texts: a sentence says what rows it needs.")
def test_rows_without_a_text(reader, squad):
    """Other rows cannot be read by such a head."""
    with pytest.raises(DataError) as caught:
        Windows(reader, squad, [Row("q", "a")], 1000, spec_of())
    assert caught.value.key == "no_passage"


@pytest.mark.fault(
    "input", "A model's tokenizer does not know places in texts: a sentence says so, before anything trains."
)
def test_slow_tokenizers_know_no_places(monkeypatch):
    """Offsets are what fast tokenizers have."""
    monkeypatch.setattr(PreTrainedTokenizerFast, "is_fast", False)
    with pytest.raises(ModelError) as caught:
        encoded_texts(tokenizer(), ["a"])
    assert caught.value.key == "no_offsets"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_the_marked_answer_and_the_windows(squad, language):
    """Of a long row the part with the answer is shown; the report tells rows and windows."""
    say = Say(language)
    tokens = [(f"t{at}", at == 5) for at in range(1000)]
    shown = sample_rows(say, [PreviewRow(prompt="q", response="t5", tokens=tokens)])
    assert '<span class="gl-token label">t5</span>' in shown
    assert "t390" in shown
    assert "t900" not in shown
    told = report_on(tokenizer(), squad, 40, spec_of(40, 8, "last"))
    about = {"rows": [], "name": "n", "summary": {}, "asked": (), "answered": "a", "labels": None, "limit": 40}
    assert f"{told.tokens.windows:,}" in report(say, DataPreview(report=told, marked=True, **about))
    assert say("train.marked") in user_data_card(say, DataPreview(report=told, marked=True, **about))

"""What is said of a dataset before it is trained on: counts that are right, and rows shown token by token."""

import json

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from engine.core.errors import DataError
from engine.data.batching import collate
from engine.data.dataset import Row, load_dataset
from engine.data.head_spec import HeadSpec
from engine.data.preview import preview_rows
from engine.data.report import count_texts, histogram, report_on
from engine.data.settings import DataSettings
from engine.data.token_texts import token_texts
from engine.data.tokenise import IGNORE, encode_rows
from tests.tiny import PAD, tokenizer
from tests.unit.making import Maker, events_of, finish, losses

READER = tokenizer()


def write(path, rows):
    """A file of prompts and responses."""
    path.write_text("\n".join(json.dumps({"prompt": p, "response": r}, ensure_ascii=False) for p, r in rows))
    return str(path)


@pytest.fixture
def files(tmp_path):
    """Twenty training rows with one flaw each, and other files that repeat some of their questions."""
    flawed = [
        ("x" * 60, "r"),  # too long
        ("q", "y" * 50),  # its answer alone is too long
        ("", "r"),
        ("p", " "),
        ("same  words", "r"),
        ("same words ", "r"),
        ("漢字", "r"),
        ("a <eos> b", "r"),
        *((f"fine {i}", "r") for i in range(12)),
    ]
    other = write(tmp_path / "other.jsonl", [("fine 3", "another"), ("Same words", "r"), ("new", "r")])
    template = {"template": "own", "own_template": "{prompt}: "}
    return load_dataset(write(tmp_path / "a.jsonl", flawed), DataSettings(validation=other, test=other, **template))


def test_counts(files):
    """Every flaw is counted once, and where it lies."""
    report = report_on(READER, files, 40)
    assert report.rows == {"train": 20, "validation": 3, "test": 3}
    assert (report.texts.empty, report.texts.duplicates, report.texts.leaking) == (2, 1, 2)
    tokens = report.tokens
    assert (tokens.truncated, tokens.overlong, tokens.unknown, tokens.special) == (2, 1, 1, 1)
    assert (report.encoding, report.cut, report.dropped) == ("utf-8", False, 0)


def test_token_counts_are_those_of_training(files):
    """Labelled and masked tokens, and lengths, are exactly those of the batch that is trained on."""
    tokens = report_on(READER, files, 40).tokens
    examples = encode_rows(READER, files, files.rows("train"), 40)
    batch = collate(examples, PAD)
    assert tokens.labelled == int((batch.labels != IGNORE).sum())
    assert tokens.labelled + tokens.masked == batch.size
    whole = encode_rows(READER, files, files.rows("train"), 10**6)
    assert tokens.longest == max(len(example.ids) for example in whole)
    assert sum(count for _, count in tokens.lengths) == tokens.measured == 20


@pytest.mark.parametrize("sizes", [[1], [20, 1], [7] * 3, list(range(1, 100)), [1, 2048]])
def test_histogram(sizes):
    """Up to twenty bars of one width from 0 to the longest; every row stands in the bar that reaches its length."""
    bars = histogram(sizes)
    width = bars[0][0]
    assert len(bars) <= 20
    assert bars == [(end, sum(end - width < size <= end for size in sizes)) for end, _ in bars]
    assert bars[-1][1] > 0
    assert sum(count for _, count in bars) == len(sizes)


def test_texts_without_questions_are_not_empty():
    """Plain text to learn has no prompts at all; nothing is missing, and what is said twice leaks."""
    rows = [Row("", "one"), Row("", "two"), Row("", "two")]
    counts = count_texts(rows, [Row("", "two"), Row("", "three")])
    assert (counts.empty, counts.duplicates, counts.leaking) == (0, 1, 1)


@pytest.mark.parametrize("response", ["", " "])
def test_all_masked_is_an_error(tmp_path, response):
    """Rows in which only the end of text would be learned are refused, in the report and before training."""
    path = write(tmp_path / "a.jsonl", [(f"q{i}", response) for i in range(9)])
    dataset = load_dataset(path)
    with pytest.raises(DataError, match="nothing to learn"):
        report_on(READER, dataset, 40)
    maker = Maker(tmp_path / "runs")
    maker.folder.mkdir()
    with pytest.raises(DataError, match="nothing to learn"):
        maker.start("a", dataset=path)


def test_only_a_sample_is_encoded(tmp_path):
    """Of many rows evenly spaced ones are encoded, while texts are compared in all of them."""
    path = write(tmp_path / "a.jsonl", [(f"q{i // 2}", "r") for i in range(100)])
    report = report_on(READER, load_dataset(path), 40, measured=7)
    assert 0 < report.tokens.measured <= 7
    assert report.texts.duplicates == report.rows["train"] // 2


def test_a_head_needs_no_labelled_tokens(tmp_path):
    """Where a head answers, texts alone are read; a response that it cannot say is named."""
    path = write(tmp_path / "a.jsonl", [(f"q{i}", "ab"[i % 2]) for i in range(10)])
    dataset = load_dataset(path)
    tokens = report_on(READER, dataset, 40, HeadSpec(labels=("a", "b"), pooling="first")).tokens
    assert (tokens.labelled, tokens.overlong) == (0, 0)
    with pytest.raises(DataError, match="one of a, c"):
        report_on(READER, dataset, 40, HeadSpec(labels=("a", "c"), pooling="first"))


def test_preview_shows_the_very_tokens(files):
    """Token by token what is trained on, cut as in training, with the labelled ones marked."""
    rows = files.rows("train")[:8]
    examples = encode_rows(READER, files, rows, 40)
    for shown, example in zip(preview_rows(READER, files, rows, writes=True, max_seq_len=40), examples, strict=True):
        assert [text for text, _ in shown.tokens] == [READER.decode([index]) for index in example.ids]
        assert [marked for _, marked in shown.tokens] == [at >= example.answer_at for at in range(len(example.ids))]
    (read,) = preview_rows(READER, files, rows[:1], writes=False, max_seq_len=40)
    assert len(read.tokens) == 40
    assert not any(marked for _, marked in read.tokens)


@pytest.mark.parametrize(
    ("inner", "decoder"),
    [
        (models.WordPiece({"<unk>": 0, "good": 1, "##ness": 2, "me": 3}, unk_token="<unk>"), decoders.WordPiece()),
        (models.WordLevel({"<unk>": 0, "▁good": 1, "ness": 2, "▁me": 3}, unk_token="<unk>"), decoders.Metaspace()),
    ],
)
def test_pieces_can_be_read(inner, decoder):
    """Tokens in a row show where words begin, which their decoders drop from one token alone."""
    backend = Tokenizer(inner)
    backend.decoder = decoder
    reader = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    assert token_texts(reader, (1, 2, 3)) == [" good", "ness", " me"]


def byte_readers():
    """Tokenizers that know no script but bytes: GPT-2's kind, and SentencePiece's with its byte tokens."""
    level = Tokenizer(models.BPE({sign: n for n, sign in enumerate(pre_tokenizers.ByteLevel.alphabet())}, []))
    level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    level.decoder = decoders.ByteLevel()
    octets = {"<unk>": 0} | {f"<0x{n:02X}>": n + 1 for n in range(256)}
    fallback = Tokenizer(models.BPE(octets, [], unk_token="<unk>", byte_fallback=True))
    fallback.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    special = {"eos_token": "</s>", "pad_token": "<pad>"}
    return [PreTrainedTokenizerFast(tokenizer_object=each, **special) for each in (level, fallback)]


@pytest.mark.parametrize("reader", byte_readers(), ids=["byte level", "byte fallback"])
def test_characters_of_several_tokens_are_read_whole(reader, tmp_path):
    """Chinese, an emoji and Latin: the first token of a character has it; what is cut within one is still told."""
    text = "镇上有猫🐈 ok"
    ids = reader.encode(text)
    texts = token_texts(reader, ids)
    assert len(texts) == len(ids)
    assert "".join(texts) == text
    assert [one for one in texts if one] == list(text)
    half = token_texts(reader, ids[1:3] + ids[-1:])
    assert "\ufffd" not in "".join(half)
    assert half[-1] == "k"
    assert token_texts(reader, [-2, *ids[:2], -1, ids[-1]])[0::3] == ["[2]", "[1]"]
    rows = [("镇上有几只猫？", "三只。"), ("How many?", "Three of them."), ("小镇", "在北边")] * 4
    dataset = load_dataset(
        write(tmp_path / "a.jsonl", [(f"{prompt}{n}", said) for n, (prompt, said) in enumerate(rows)])
    )
    spelled = report_on(reader, dataset, 4000).tokens.spelled
    assert spelled == sum(not row.prompt.isascii() for row in dataset.rows("train")) > 0


def test_a_run_on_a_file(tmp_path):
    """A CSV file trains, resumes and scores as a folder does; its template is kept with the run."""
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "\n".join(f"{'cats' if i % 2 else 'dogs'} {i},{i % 2}" for i in range(40)))
    maker = Maker(tmp_path / "runs")
    maker.folder.mkdir()
    choice = {"dataset": str(path), "data": {"label_names": "dog,cat", "template": "own", "own_template": "{prompt}: "}}
    whole = finish(maker.start("whole", **choice))
    assert whole.folder.template == "{prompt}: "
    assert {event["reference"] for event in events_of(whole, "sample")} <= {"dog", "cat"}
    broken = maker.start("broken", **choice)
    steps = broken.run()
    for _ in range(4):
        next(steps)
    steps.close()
    assert losses(finish(maker.resume("broken"))) == losses(whole)

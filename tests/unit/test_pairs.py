"""Rows of two texts on encoders: read as the tokenizer joins two texts, in training, validation, Chat and probes."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import RobertaProcessing, TemplateProcessing
from torch.testing import assert_close
from transformers import PreTrainedTokenizerFast

from engine.analysis.probe import probe
from engine.core.errors import DataError
from engine.data.batching import collate, collator_of
from engine.data.dataset import Dataset, load_dataset
from engine.data.encode import encode_for, encode_read
from engine.data.head_spec import HeadSpec, SpanSpec
from engine.data.pairs import asked_pair, encode_pairs, pair_in
from engine.data.passage import Answer, Passage
from engine.data.preview import preview_rows
from engine.data.row import Row
from engine.data.settings import DataSettings
from engine.data.task import head_for
from engine.data.tokenise import Example
from engine.data.windows import Windows
from engine.inference.chat import ChatColumn, column_logits
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.preflight.prepare import prepare
from engine.runs.folder import RunFolder
from engine.training.launch import start_run
from tests.tiny import built, plain_model, randomise, save_tiny, tiny_base
from tests.unit.making import Maker

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefgh", "first", "second", ":"]
TEXTS = ("first", "second")
SPAN = SpanSpec(window=9, overlap=2, longest=3, abstains=False)
PAIRS = [("a b c d e f", "g h"), ("a", "b"), ("g h", "a b c d e f"), ("a b c d", "e f g h"), ("a b", "")]


def tokenizer(kind="bert"):
    """A tokenizer of single letters that joins two texts as BERT's or RoBERTa's does."""
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    typed = TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    plain = RobertaProcessing(("[SEP]", 3), ("[CLS]", 2), add_prefix_space=False)
    inner.post_processor = typed if kind == "bert" else plain
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names, eos_token="[SEP]")


def encoder(kind="bert"):
    """A tiny encoder that tells token types apart, with that tokenizer."""
    return base_from_model(kind, plain_model(kind), tokenizer(kind))


@pytest.fixture
def file(tmp_path):
    """A file with two columns of texts and one of labels."""
    path = tmp_path / "pairs.jsonl"
    letters = "abcdefgh"
    rows = [
        {"sentence1": f"{a} {b}", "sentence2": f"{b} {c}", "label": "same" if a == c else "other"}
        for a in letters for b in letters for c in letters[:3]
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("limit", [5, 6, 7, 8, 9, 100])
def test_pairs_are_joined_and_cut_as_the_tokenizer_does(kind, limit):
    """Ids, token types, and what is cut off from the longer text."""
    reader = tokenizer(kind)
    ours = encode_pairs(reader, "{prompt}", PAIRS, limit, typed=True)
    texts = ([first for first, _ in PAIRS], [second for _, second in PAIRS])
    theirs = reader(*texts, truncation="longest_first", max_length=limit, return_token_type_ids=True)
    assert [ids for ids, _ in ours] == theirs["input_ids"]
    types = [[0 if second is None or at < second else 1 for at in range(len(ids))] for ids, second in ours]
    assert types == theirs["token_type_ids"]


def test_a_methods_template_stands_around_both_texts():
    ids = encode_pairs(tokenizer(), "{p}a{p}{prompt}{p}", [("b c", "d e")], 100, typed=True)[0][0]
    assert ids == [2, -1, 4, -2, 5, 6, 3, 7, 8, -3, 3]
    cut, second = encode_pairs(tokenizer(), "{p}{prompt}{p}", [("b c d e", "f g")], 8, typed=True)[0]
    assert (cut, second) == ([2, -1, 5, 6, 3, 9, -2, 3], 5)  # the longer text is cut, virtual tokens stay


def test_an_encoder_reads_two_columns_as_a_pair(file):
    """A decoder reads them as lines of one text, and so does an encoder in a run of before."""
    dataset = load_dataset(str(file))
    rows, reader, bert = dataset.rows("train")[:5], tokenizer(), encoder()
    spec = head_for("auto", "auto", bert.shape.family, dataset, "m", SPAN, token_types="yes")
    assert spec.texts == ("sentence1", "sentence2")
    assert HeadSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    examples = encode_for(reader, dataset, rows, 100, spec)
    cells = [dict(zip(TEXTS, row.pair, strict=True)) for row in rows]
    theirs = [reader(cell["first"], cell["second"], return_token_type_ids=True) for cell in cells]
    assert [one.ids for one in examples] == [one["input_ids"] for one in theirs]
    batch = collate(examples, reader.pad_token_id)
    padded = reader.pad({"input_ids": [one["input_ids"] for one in theirs],
                         "token_type_ids": [one["token_type_ids"] for one in theirs]}, return_tensors="pt")  # fmt: skip
    assert torch.equal(batch.inputs.types, padded["token_type_ids"])
    (shown, *_) = preview_rows(reader, dataset, rows, writes=False, spec=spec)
    assert [text.strip() for text, _ in shown.tokens] == reader.convert_ids_to_tokens(examples[0].ids)
    before = dataclasses.replace(spec, texts=(), token_types=False)
    assert HeadSpec.from_dict({"labels": spec.labels, "pooling": spec.pooling}) == before
    assert encode_for(reader, dataset, rows, 100, before)[0].ids == reader.encode(dataset.fill(rows[0].prompt))
    assert head_for("head", "auto", tiny_base("llama").shape.family, dataset, "m", SPAN).texts == ()


@pytest.mark.parametrize(
    "settings", [{"template": "alpaca"}, {"template": "own", "own_template": "{prompt} a"}, {"prompt": "sentence1"},
                 {"prompt": "sentence1", "input": "sentence2"}]
)  # fmt: skip
def test_what_a_template_or_one_column_makes_is_one_text(file, settings):
    dataset = load_dataset(str(file), DataSettings(**settings))
    assert dataset.texts == ()
    assert dataset.rows("train")[0].pair is None


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_states_are_those_of_transformers_with_token_types(kind):
    """The states of a batch of pairs and of single texts, as transformers computes them from its tokenizer's output."""
    base, reader = encoder(kind), tokenizer("bert")
    pairs = encode_pairs(reader, "{prompt}", PAIRS[:-1], 100, typed=True)
    examples = [Example(ids, len(ids), second=second) for ids, second in pairs] + [Example(reader.encode("a b"), 0)]
    tokens = collate(examples, reader.pad_token_id).inputs
    states = base.view().hidden(tokens)
    backbone = getattr(base.model, base.model.base_model_prefix)
    for number, pair in enumerate([*PAIRS[:-1], ("a b",)]):
        theirs = backbone(**reader(*pair, return_tensors="pt", return_token_type_ids=True)).last_hidden_state[0]
        assert_close(states[number, : len(theirs)], theirs, rtol=1e-5, atol=1e-5)
    untyped = base.view().hidden(Tokens(tokens.ids, tokens.mask))
    assert not torch.allclose(states[0], untyped[0], atol=1e-3)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_virtual_tokens_leave_the_types_of_the_text(side, strength):
    """In front of the text, and in slots: each word keeps its type wherever virtual tokens and padding stand."""
    base, reader = encoder(), tokenizer()
    method = randomise(built("p_tuning", base, {"template": "{p}{prompt}{p}", "prompt_len": 2}))
    method.control.strength = strength
    view = base.view()
    method.attach(view.sites)
    joined = encode_pairs(
        reader, "{p}{prompt}{p}" if strength else "{prompt}", [("a b c", "d"), ("e", "f")], 100, typed=True
    )
    alone = []
    for ids, second in joined:
        one = collate([Example(ids, 0, second=second)], reader.pad_token_id).inputs
        alone.append(view.hidden(one)[0])
    batch = collate([Example(ids, 0, second=second) for ids, second in joined], reader.pad_token_id).inputs
    if side == "left":
        gap = batch.ids.shape[1] - len(joined[1][0])
        shift = [torch.cat([x[:1], x[1:].roll(gap, 1)]) for x in (batch.ids, batch.mask, batch.types)]
        batch = Tokens(shift[0], shift[1], (), shift[2])
    together = view.hidden(batch)
    assert_close(together[0], alone[0], rtol=1e-5, atol=1e-5)
    own = together[1][batch.mask[1]]
    assert_close(own, alone[1], rtol=1e-5, atol=1e-5)
    if strength == 0:  # the base to the bit, with the slots dropped
        ((ids, second),) = encode_pairs(reader, "{p}{prompt}{p}", [("a b c", "d")], 100, typed=True)
        slots = collate([Example(ids, 0, second=second)], 0).inputs
        assert_close(view.hidden(slots)[0][slots.ids[0] >= 0], alone[0], rtol=1e-5, atol=1e-5)


def test_soft_prompts_in_front_have_type_0():
    base, reader = encoder(), tokenizer()
    method = randomise(built("prompt", base, {"prompt_len": 3}))
    view = base.view()
    method.attach(view.sites)
    ((ids, second),) = encode_pairs(reader, "{prompt}", [("a b", "c")], 100, typed=True)
    ours = view.hidden(collate([Example(ids, 0, second=second)], 0).inputs)
    model, prompt = base.model, method.virtual().vectors
    words = model.get_input_embeddings()(torch.tensor([ids]))
    types = torch.tensor([[0] * (3 + second) + [1] * (len(ids) - second)])
    positions = torch.tensor([[0] * 3 + list(range(len(ids)))])
    theirs = model.bert(
        inputs_embeds=torch.cat([prompt[None], words], 1), token_type_ids=types, position_ids=positions
    ).last_hidden_state  # fmt: skip
    assert_close(ours, theirs[:, 3:], rtol=1e-4, atol=1e-5)


def test_windows_of_a_text_have_its_types():
    """A span head of a new run reads the text with token type 1; one of before as it did."""
    context = "a b c d e f g h"
    row = Row("first", "c", passage=Passage("first", context, (Answer("c", 4),)))
    asked, before = (
        Dataset(name="d", folder=Path(), template="{prompt}"),
        HeadSpec(labels=(), pooling="first", span=SPAN),
    )
    windows = Windows(tokenizer(), asked, [row], 100, dataclasses.replace(before, token_types=True))
    assert len(windows) > 1
    assert [one.second for one in windows] == [one.ids.index(3) + 1 for one in windows]
    assert all(one.second is None for one in Windows(tokenizer(), asked, [row], 100, before))


def test_a_run_asks_in_chat_what_it_was_trained_on(tmp_path, file):
    """Chat's logits of a named pair are those of the row; a probe takes it, and one text alone is said."""
    base = encoder()
    maker = Maker(tmp_path)
    config = dataclasses.replace(maker.config("lora", steps=2), model="bert", dataset=str(file))
    trainer = start_run(tmp_path / "run", config, lambda *_: base)
    for _ in trainer.run():
        pass
    head = RunFolder.open(trainer.folder.path).head
    assert head.texts == ("sentence1", "sentence2")
    dataset, method = load_dataset(str(file)), trainer.method
    row = dataset.rows("validation")[0]
    (logits,) = column_logits(base, [ChatColumn(row.prompt, method)])
    ((ids, second),) = encode_read(base.tokenizer, dataset, [row], 100, head)
    view = base.view()
    method.attach(view.sites)
    batch = collator_of(base)([Example(ids, 0, second=second)]).inputs
    assert_close(logits, method.head(view.hidden(batch), batch)[0].detach())
    (apart,) = column_logits(base, [ChatColumn(row.pair[0], method, passage=row.pair[1])])
    assert_close(apart, logits)
    assert probe(base, method, row.prompt).tokens[: len(ids)] == base.tokenizer.convert_ids_to_tokens(ids)
    with pytest.raises(DataError, match="write 'sentence1: …' and on the next line 'sentence2: …'"):
        column_logits(base, [ChatColumn("a b", method)])


def test_two_texts_in_one():
    assert pair_in("first: a\nb\nsecond: c", TEXTS) == ("a\nb", "c")
    assert pair_in("first: a b second: c\nd", TEXTS) == ("a b", "c\nd")  # as a field of one line has it
    assert pair_in("second: c", TEXTS) is None
    assert pair_in("a\nsecond: c", TEXTS) is None
    assert asked_pair("first: a\nsecond: c", "left over", TEXTS) == ("a", "c")


@pytest.mark.parametrize("texts", [["one"], ["a", "b", "c"], [1, 2], "ab", 5, {"a": "b"}])
def test_damaged_texts_are_refused(texts):
    with pytest.raises(ValueError, match="texts"):
        HeadSpec.from_dict({"labels": [], "pooling": "first", "texts": texts})


@pytest.mark.parametrize(
    ("sentences", "choice", "typed"),
    [(False, "auto", True), (True, "auto", False), (True, "yes", True), (False, "no", False)],
)
def test_encoders_of_sentences_saw_one_type(tmp_path, file, sentences, choice, typed):
    """sentence-transformers trains on single texts: a run on its encoder leaves types out unless it is told not to."""
    folder = save_tiny(tmp_path / "model", "bert")
    tokenizer().save_pretrained(folder)
    if sentences:
        (folder / "modules.json").write_text("[]")
    maker = Maker(tmp_path)
    config = maker.config("lora", steps=1, token_types=choice)
    config = dataclasses.replace(config, model=str(folder), dataset=str(file))
    trainer = start_run(tmp_path / "run", config, load_base)
    assert trainer.folder.facts().head.token_types is typed
    assert (trainer.examples[0].second is not None) is typed
    assert HeadSpec.from_dict(trainer.folder.facts().head.to_dict()) == trainer.method.head.spec
    (shown,) = prepare(config).first_rows(1)
    assert "[SEP]" in [text.strip() for text, _ in shown.tokens]

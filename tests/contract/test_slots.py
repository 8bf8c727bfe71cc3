"""Virtual tokens inside of a text: whatever the batch, the cache or the strength, a row reads as if it were alone."""

import pytest
import torch
from torch.testing import assert_close
from transformers import DynamicCache, RepetitionPenaltyLogitsProcessor

from engine.core.sampling import Sampling
from engine.data.batching import collate
from engine.data.templates import fill
from engine.data.tokenise import encode_prompt, encode_row
from engine.inference.generate import generate, pad_left
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from tests.tiny import (
    PAD,
    TEXT,
    WRITERS,
    Case,
    logits,
    loss_of,
    plain_model,
    randomise,
    tiny_base,
    tokenizer,
    viewed,
)

INSIDE = {"template": "{p}{prompt}{p}{p}", "encoder_width": 4}
A, B, C = -1, -2, -3
"""The slots for the first, second and third virtual token."""

MIXED = [A, 5, 6, B, 7, 8, C]
"""Slots at the beginning, in the middle, and directly before the answer."""

TOLERANCE = {"rtol": 1e-4, "atol": 5e-5}
"""fp32 with another order of summation, on logits of size 5."""

every_family = pytest.mark.parametrize("family", TEXT)
every_decoder = pytest.mark.parametrize("family", WRITERS)
every_strength = pytest.mark.parametrize("strength", [1.0, 0.4, 0.0])


def made(family, strength=1.0, seed=7):
    """A base and random P-tuning with three virtual tokens inside of the template."""
    base, method = Case("p_tuning", INSIDE, family).build()
    randomise(method, seed).control.strength = strength
    return base, method


def tokens_of(*rows, side="right"):
    """A padded batch."""
    if side == "left":
        return Tokens(*pad_left(rows, PAD, torch.device("cpu")))
    t = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[PAD] * (t - len(row))] for row in rows])
    return Tokens(ids, torch.tensor([[place < len(row) for place in range(t)] for row in rows]))


def words_only(row):
    """A row without its slots."""
    return [index for index in row if index >= 0]


@every_family
def test_a_slot_is_a_word_with_a_vector_of_its_own(family):
    """The paper's equation: the model reads the embedded words with h_i in their places, at positions 0, 1, 2 ..."""
    base, method = made(family)
    plain = plain_model(family)
    embedded = plain.get_input_embeddings()(tokens_of(MIXED).ids.clamp(min=0)).detach().clone()
    for place, index in enumerate(MIXED):
        if index < 0:
            embedded[0, place] = method.virtual_tokens()[-1 - index]
    with torch.no_grad():
        expected = plain(inputs_embeds=embedded).logits
    assert_close(logits(base, method, tokens_of(MIXED)), expected, **TOLERANCE)


@every_family
def test_strength_zero_takes_the_slots_out(family):
    """At strength 0 the words have the base's logits to the bit, and so has what follows a slot: the word before it."""
    base, method = made(family, strength=0.0)
    actual, expected = logits(base, method, tokens_of(MIXED)), logits(base, tokens=tokens_of(words_only(MIXED)))
    for place, before in ((1, 0), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)):
        assert torch.equal(actual[0, place], expected[0, before])


@every_family
def test_strength_zero_in_a_mixed_batch(family):
    """Rows that lose different numbers of slots, beside rows that keep theirs, still have the base's logits."""
    base, off = made(family, strength=0.0)
    _, on = made(family, seed=3)
    view = base.view()
    for rows, method in ((slice(0, 2), off), (slice(2, 3), on)):
        view.sites.rows = rows
        method.attach(view.sites)
    rows = [MIXED, [9, A, 10, 11], [A, 12, B, 13, C]]
    for side in ("left", "right"):
        batch = tokens_of(*rows, side=side)
        with torch.no_grad():
            together = view.logits(batch)
        for number in (0, 1):
            words = torch.tensor([index >= 0 for index in batch.ids[number].tolist()]) & batch.mask[number]
            expected = logits(base, tokens=tokens_of(words_only(rows[number])))[0]
            assert_close(together[number][words], expected, **TOLERANCE)
        assert_close(together[2][batch.mask[2]], logits(base, on, tokens_of(rows[2]))[0], **TOLERANCE)


@every_family
def test_every_kind_of_row_in_one_batch(family):
    """Slots, a prompt in front, a LoRA row and the base, padded on either side: each row as if it were alone."""
    base, inside = made(family, strength=0.7)
    _, front = Case("prompt", {"prompt_len": 4}, family).build()
    _, low_rank = Case("lora", {"rank": 2}, family).build()
    methods = [inside, randomise(front, 1), randomise(low_rank, 2), None]
    rows = [MIXED, [9, 10, 11], [12, 13, 14, 15, 16, 17, 18, 19], [20, 21]]
    view = base.view()
    for number, method in enumerate(methods):
        if method is not None:
            view.sites.rows = slice(number, number + 1)
            method.attach(view.sites)
    for side in ("left", "right"):
        batch = tokens_of(*rows, side=side)
        with torch.no_grad():
            together = view.logits(batch)
        for number, (row, method) in enumerate(zip(rows, methods, strict=True)):
            assert_close(together[number][batch.mask[number]], logits(base, method, tokens_of(row))[0], **TOLERANCE)


@every_family
@pytest.mark.parametrize("side", ["left", "right"])
@every_strength
def test_padding_changes_nothing(family, side, strength):
    """A row with slots has the same logits alone and in a batch with longer and shorter rows."""
    base, method = made(family, strength)
    rows = [MIXED, [A, 9, B, C], [5, 6, 7, 8, 9, A, 10, 11, 12], [5, 6]]
    batch = tokens_of(*rows, side=side)
    together = logits(base, method, batch)
    for number, row in enumerate(rows):
        begin = 1 if strength == 0 and row[0] < 0 else 0  # nothing stands before that slot, so nobody predicts from it
        alone = logits(base, method, tokens_of(row))[0]
        assert_close(together[number][batch.mask[number]][begin:], alone[begin:], **TOLERANCE)


@every_decoder
@every_strength
@pytest.mark.parametrize("rows", [(MIXED, [9, A, B, C]), (MIXED, [9, A])], ids=["as many", "fewer"])
def test_cached_equals_uncached(family, strength, rows):
    """Token by token through a cache gives the logits of one forward over everything."""
    base, method = made(family, strength)
    view, ids = viewed(base, method), torch.tensor([[30, 31, 32], [40, 41, 42]])
    first = tokens_of(*rows, side="left")
    mask = torch.cat([first.mask, torch.ones_like(ids, dtype=torch.bool)], 1)
    with torch.inference_mode():
        whole = view.logits(Tokens(torch.cat([first.ids, ids], 1), mask))
        cache = DynamicCache(config=view.model.config)
        steps = [view.logits(first, cache)]
        for column in range(3):
            seen = mask[:, : first.ids.shape[1] + column + 1]
            steps.append(view.logits(Tokens(ids[:, column : column + 1], seen), cache))
    assert_close(torch.cat([step[:, -1:] for step in steps], 1), whole[:, -4:], **TOLERANCE)


@every_decoder
@every_strength
def test_generation_equals_recomputation(family, strength):
    """Greedy answers behind a slot, left-padded in a batch, are the argmax of fresh forwards without a cache."""
    base, method = made(family, strength)
    rows = [MIXED, [9, A, 10]]
    steps = list(generate(viewed(base, method), rows, Sampling(max_new_tokens=5), pad_id=PAD, eos_id=None))
    for number, row in enumerate(rows):
        ids = list(row)
        for _ in range(5):
            ids.append(int(logits(base, method, tokens_of(ids))[0, -1].argmax()))
        assert [step.ids[number] for step in steps] == ids[len(row) :]


def test_repetition_penalty_does_not_see_slots():
    """A negative id is no word that could be repeated: the penalty falls on the words that were said, and no others."""
    base, method = made("llama")
    sampling = Sampling(max_new_tokens=1, repetition_penalty=5.0)
    for row in (MIXED, [9, A, B, C]):
        (step,) = generate(viewed(base, method), [row, [*MIXED, 9]], sampling, pad_id=PAD, eos_id=None)
        said = torch.tensor([words_only(row)])
        expected = RepetitionPenaltyLogitsProcessor(5.0)(said, step.logits[:1].clone()).argmax()
        assert step.ids[0] == int(expected)


@pytest.mark.parametrize("family", [name for name in TEXT if name != "bloom"])
@pytest.mark.parametrize("at", [0.0, 0.6, 1.0])
def test_strength_is_continuous(family, at):
    """No jump anywhere, also not where the next word is predicted from a slot, and not where the text closes over it.

    Learned positions are whole numbers: there the text moves by one position at a time, away from these strengths.
    bloom counts distances by its mask alone: there the text closes all at once, at 0.
    """
    base, method = made(family)
    randomise(method, std=0.2)

    def at_strength(strength):
        method.control.strength = strength
        return logits(base, method, tokens_of(MIXED[1:])).double()  # before the first slot there is nothing

    here = at_strength(at)
    jumps = [float((at_strength(at + turn) - here).abs().max()) for turn in (1e-3, 1e-4, 1e-5)]
    assert jumps[0] > 0
    assert jumps[1] <= 0.3 * jumps[0] + 2e-5
    assert jumps[2] <= 0.3 * jumps[1] + 2e-5


@every_family
def test_every_virtual_token_learns(family):
    """Each slot sends a gradient of its own to its vector, with and without recomputing the layers."""
    results = []
    for checkpointing in (False, True):
        base, method = Case("p_tuning", {**INSIDE, "encoder": "none"}, family).build()
        view = viewed(base, randomise(method))
        if checkpointing:
            view.model.activation_checkpointing_enable({"use_reentrant": False})
            for layer in view.sites.layers:
                layer.training = True
        loss_of(view, tokens_of(MIXED, [9, A, 10, B, C], side="left")).backward()
        assert float(method.prompts.grad.norm(dim=-1).min()) > 0
        results.append(method.prompts.grad)
    assert torch.equal(*results)


@every_family
def test_gradient_agrees_with_differences(family):
    """The gradient of a virtual token in a slot is what small changes of it do to the loss."""
    base, method = Case("p_tuning", {**INSIDE, "encoder": "none"}, family).build()
    view, batch = viewed(base, randomise(method)), tokens_of(MIXED)
    loss_of(view, batch).backward()
    direction = torch.randn(method.prompts.shape, generator=torch.Generator().manual_seed(0))
    slope = float((method.prompts.grad * direction).sum())
    ends = []
    for sign in (-1, 1):
        with torch.no_grad():
            method.prompts += sign * 1e-3 * direction
            ends.append(float(loss_of(view, batch)))
            method.prompts -= sign * 1e-3 * direction
    assert (ends[1] - ends[0]) / 2e-3 == pytest.approx(slope, rel=0.03, abs=2e-3)


def bert_tokenizer():
    """The characters' tokenizer with [CLS] before and [SEP] behind every text."""
    from tokenizers.processors import TemplateProcessing

    bert = tokenizer()
    bert.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    bert.sep_token = "<eos>"
    return bert


def test_marks_become_slots_in_order():
    """Marks are numbered as they come; the words are encoded as they would be without marks."""
    encoded = encode_prompt(tokenizer(), "{p}Q: {p}{p}{prompt}{p}", "ab")
    plain = encode_prompt(tokenizer(), "Q: {prompt}", "ab")
    assert encoded == [plain[0], -1, *plain[1:4], -2, -3, *plain[4:], -4]


@pytest.mark.parametrize("make", [tokenizer, bert_tokenizer])
def test_special_tokens_stay_outside(make):
    """[CLS] and [SEP], or <bos> alone, stand around the whole template once, as around any other text."""
    plain = make().encode(fill("x{prompt}y", "ab"))
    encoded = encode_prompt(make(), "{p}x{prompt}{p}y{p}", "ab")
    assert words_only(encoded) == plain
    assert [index for index in encoded if index < 0] == [-1, -2, -3]
    assert encoded[0] == plain[0]
    assert (encoded[-1] == plain[-1]) is (make is bert_tokenizer)


def test_a_tokenizer_that_only_ends_texts():
    """Where only the end of a text is marked, the mark stays at the end if it separates texts; an answer follows a
    question that is not ended."""
    from tokenizers.processors import TemplateProcessing

    ending = tokenizer()
    ending.backend_tokenizer.post_processor = TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 2)])
    assert encode_prompt(ending, "{p}{prompt}", "ab") == [-1, *ending.encode("ab")[:-1]]
    ending.sep_token = "<eos>"
    assert encode_prompt(ending, "{p}{prompt}", "ab") == [-1, *ending.encode("ab")]


def test_a_prompt_with_braces_is_only_text():
    """What a user asks is never taken for a mark."""
    assert encode_prompt(tokenizer(), "{p}{prompt}", "{p}{prompt}")[2:] == tokenizer().encode(
        "{p}{prompt}", add_special_tokens=False
    )


def test_long_rows_keep_their_virtual_tokens(tmp_path):
    """A row that is too long loses its first words, not begin-of-text; virtual tokens go only when no word is left."""
    from engine.data.dataset import Dataset, Row

    dataset = Dataset(name="d", folder=tmp_path, template="{p}{prompt}{p}{p}")
    spelled = tokenizer()
    whole = encode_row(spelled, dataset, Row("abcdef", "xy"), 100)
    cut = encode_row(spelled, dataset, Row("abcdef", "xy"), 9)
    assert whole.ids[whole.answer_at :] == cut.ids[cut.answer_at :]
    assert cut.ids[: cut.answer_at] == [whole.ids[0], -1, *whole.ids[6:8], -2, -3]
    assert encode_row(spelled, dataset, Row("abcdef", "xy"), 5).ids == [whole.ids[0], -1, *whole.ids[whole.answer_at :]]


def test_slots_carry_no_label(tmp_path):
    """Nothing is learned at a slot's own place."""
    from engine.data.dataset import Dataset, Row

    dataset = Dataset(name="d", folder=tmp_path, template="{p}{prompt}{p}")
    batch = collate([encode_row(tokenizer(), dataset, Row("abc", "xy"), 100)], PAD)
    assert not bool((batch.labels[batch.inputs.ids < 0] >= 0).any())


def test_masked_model_reads_slots_between_its_special_tokens():
    """A BERT with [CLS] and [SEP] around a template with slots: the paper's equation again, and strength 0."""
    base = base_from_model("bert", plain_model("bert"), bert_tokenizer())
    _, method = Case("p_tuning", INSIDE, "bert").build(base=base)
    randomise(method)
    ids = encode_prompt(base.tokenizer, method.template, "ab")
    assert ids[0] >= 0 > ids[1]
    assert ids[-1] >= 0 > ids[-2]
    plain = plain_model("bert")
    embedded = plain.get_input_embeddings()(torch.tensor([ids]).clamp(min=0)).detach().clone()
    for place, index in enumerate(ids):
        if index < 0:
            embedded[0, place] = method.virtual_tokens()[-1 - index]
    with torch.no_grad():
        assert_close(logits(base, method, tokens_of(ids)), plain(inputs_embeds=embedded).logits, **TOLERANCE)
    method.control.strength = 0.0
    actual, expected = logits(base, method, tokens_of(ids)), logits(base, tokens=tokens_of(words_only(ids)))
    assert torch.equal(actual[0][torch.tensor(ids) >= 0], expected[0])


def test_half_precision_base_reads_slots():
    """Virtual tokens take on the base's number format."""
    base = tiny_base("llama", dtype=torch.bfloat16)
    _, method = Case("p_tuning", INSIDE, "llama").build(base=base)
    loss_of(viewed(base, randomise(method)), tokens_of(MIXED)).backward()
    assert method.encoder.seeds.grad.dtype == torch.float32
    assert float(method.encoder.seeds.grad.norm()) > 0

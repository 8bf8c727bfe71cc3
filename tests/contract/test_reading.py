"""Reading with a method on: caches, padding, batches and mixed rows must not change what a row says."""

import pytest
import torch
from torch.testing import assert_close
from transformers import DynamicCache

from engine.core.sampling import Sampling
from engine.inference.generate import generate, pad_left
from engine.models.inputs import Tokens
from tests.tiny import (
    CAUSAL,
    EOS,
    PAD,
    TEXT,
    VARIED,
    WRITERS,
    Case,
    cases,
    inputs_for,
    logits,
    randomise,
    tiny_base,
    viewed,
    words,
)

every_case = pytest.mark.parametrize("case", cases(TEXT), ids=str)
FEW = tuple(name for name in (*VARIED, "gemma2", "bloom") if name in WRITERS)
"""Decoders that differ most in what a cache and the strength have to do with each other."""
TOLERANCE = {"rtol": 1e-3, "atol": 5e-4}
"""fp32 with another order of summation, on logits of size 5: wide random updates in every linear carry it up to 3e-4 on
some processors. What is wrong differs by far more."""


@pytest.mark.parametrize(
    ("case", "strength"), [(c, s) for c in cases(WRITERS) for s in (1.0, 0.4) if s == 1 or c.family in FEW], ids=str
)
def test_cached_equals_uncached(case, strength):
    """Token by token through a cache gives the logits of one forward over the whole text, also left-padded."""
    base, method = case.build()
    randomise(method).control.strength = strength
    view = viewed(base, method)
    ids, mask = pad_left([list(range(5, 12)), list(range(20, 24))], PAD, base.device)
    extra = words(2, 4).ids
    with torch.inference_mode():
        whole = view.logits(
            Tokens(torch.cat([ids, extra], 1), torch.cat([mask, torch.ones_like(extra, dtype=torch.bool)], 1))
        )
        cache = DynamicCache(config=view.model.config)
        steps = [view.logits(Tokens(ids, mask), cache)]
        for column in range(4):
            mask = torch.cat([mask, torch.ones(2, 1, dtype=torch.bool)], 1)
            steps.append(view.logits(Tokens(extra[:, column : column + 1], mask), cache))
    assert_close(torch.cat([step[:, -1:] for step in steps], 1), whole[:, 6:], **TOLERANCE)


@pytest.mark.parametrize("case", cases(("llama", "gpt2")), ids=str)
def test_greedy_generation_equals_recomputation(case):
    """Generated tokens are the argmax of a fresh, uncached forward over everything before them."""
    base, method = case.build()
    view = viewed(base, randomise(method))
    prompt, sampling = [7, 30, 12, 9], Sampling(max_new_tokens=6)
    generated = [step.ids[0] for step in generate(view, [prompt], sampling, pad_id=PAD, eos_id=None)]
    ids = list(prompt)
    for _ in range(6):
        row = torch.tensor([ids])
        ids.append(int(logits(base, method, Tokens(row, torch.ones_like(row, dtype=torch.bool)))[0, -1].argmax()))
    assert generated == ids[4:]


@every_case
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_and_batching_change_nothing(case, side):
    """A row has the same logits alone, and padded on either side in a batch with longer rows."""
    base, method = case.build()
    view = viewed(base, randomise(method))
    rows = [[5, 6, 7, 8, 9, 10, 11, 12], [40, 41, 42], [60, 61, 62, 63, 64]]
    ids, mask = pad_left(rows, PAD, base.device)
    if side == "right":
        ids = torch.stack([torch.tensor(row + [PAD] * (8 - len(row))) for row in rows])
        mask = torch.stack([torch.arange(8) < len(row) for row in rows])
    with torch.no_grad():
        together = view.logits(Tokens(ids, mask))
        for index, row in enumerate(rows):
            alone = view.logits(Tokens(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.bool)))
            assert_close(together[index][mask[index]], alone[0], **TOLERANCE)


@every_case
def test_mixed_rows_equal_separate_passes(case):
    """Base and two different adapters of one method in one batch: each row as if it were alone.

    Rows that are served by no soft prompt carry padding in its place, so they are equal within rounding only.
    """
    base, first = case.build()
    _, second = case.build()
    randomise(first, seed=1)
    randomise(second, seed=2).control.strength = 0.6
    mixed = base.view()
    for row, method in ((1, first), (2, second)):
        mixed.sites.rows = slice(row, row + 1)
        method.attach(mixed.sites)
    tokens = words(3, 8)
    tokens.mask[:, 6:] = False
    with torch.no_grad():
        together = mixed.logits(tokens)
    for row, method in enumerate((None, first, second)):
        alone = Tokens(tokens.ids[row : row + 1], tokens.mask[row : row + 1])
        assert_close(together[row][alone.mask[0]], logits(base, method, alone)[0][alone.mask[0]], **TOLERANCE)


@pytest.mark.parametrize("case", cases(("vit",)), ids=str)
def test_mixed_pictures_equal_separate_passes(case):
    """Base and an adapter in one batch of pictures: each row as if it were alone."""
    base, method = case.build()
    mixed = base.view()
    mixed.sites.rows = slice(1, 2)
    randomise(method).attach(mixed.sites)
    with torch.no_grad():
        together = mixed.logits(inputs_for(base))
    assert_close(together[0], logits(base)[0], **TOLERANCE)
    assert_close(together[1], logits(base, method)[1], **TOLERANCE)


@pytest.mark.parametrize("family", FEW)
def test_different_methods_in_one_batch(family):
    """LLaMA-Adapter, LoRA and prompt tuning side by side with the base, generating together."""
    base = tiny_base(family)
    by_method = {case.method: case for case in cases((family,))}  # the last example of every method
    methods = [randomise(case.build()[1], seed=index) for index, case in enumerate(by_method.values())]
    mixed = base.view()
    for row, method in enumerate(methods, 1):
        mixed.sites.rows = slice(row, row + 1)
        method.attach(mixed.sites)
    prompt, sampling = [5, 9, 33, 61], Sampling(max_new_tokens=8)
    steps = list(generate(mixed, [prompt] * (1 + len(methods)), sampling, pad_id=PAD, eos_id=EOS))
    for row, method in enumerate((None, *methods)):
        alone = list(generate(viewed(base, method), [prompt], sampling, pad_id=PAD, eos_id=EOS))
        assert [step.ids[row] for step in steps if step.ids[row] is not None] == [step.ids[0] for step in alone]


@pytest.mark.parametrize("family", CAUSAL)
def test_rows_without_an_act_stay_equal_to_the_bit(family):
    """Beside a LoRA or gated row, base rows run through the very same arithmetic."""
    for name in ("lora", "llama_adapter"):
        case = next(case for case in cases((family,), name))
        base, method = case.build()
        mixed = base.view()
        mixed.sites.rows = slice(1, 2)
        randomise(method).attach(mixed.sites)
        with torch.no_grad():
            together = mixed.logits(words(2, 8))
        assert torch.equal(together[0], logits(base, tokens=words(2, 8))[0])


@pytest.mark.parametrize("family", CAUSAL)
def test_shifted_positions_matter_only_where_they_are_learned(family):
    """With rotary positions, pushing the text back changes nothing; with learned positions it does."""
    base, plain = Case("prompt", {"prompt_len": 3}, family).build()
    _, shifted = Case("prompt", {"prompt_len": 3, "shift_positions": True}, family).build()
    difference = float((logits(base, randomise(plain)) - logits(base, randomise(shifted))).abs().max())
    if base.shape.family.positions == "learned":
        assert difference > 0.1
    else:
        assert difference == pytest.approx(0, abs=2e-4)

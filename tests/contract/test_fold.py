"""Folding: what only training needs is dropped, and nobody can tell from the answers."""

import pytest
import torch
from torch.testing import assert_close

from engine.exchange.native import load_adapter, save_adapter
from tests.tiny import VARIED, cases, copies, logits, randomise

every_case = pytest.mark.parametrize("case", cases((*VARIED, "vit")), ids=str)
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""


def reading(method):
    """A method as chat uses it: dropout off, experts averaged."""
    return method.eval()


@every_case
def test_folding_keeps_the_logits(case):
    """A folded copy answers as the method does; folding again changes nothing, to the bit."""
    base, method = case.build()
    expected = logits(base, reading(randomise(method)))
    once = method.folded()
    unfolded = logits(base, reading(once))
    assert_close(unfolded, expected, **CLOSE)
    assert torch.equal(logits(base, reading(once.folded())), unfolded)


@every_case
def test_folding_a_copy_leaves_the_method_alone(case):
    """Saving in mid-training folds a copy: the method keeps its structure and every value."""
    _, method = case.build()
    before = copies(randomise(method))
    method.folded()
    after = copies(method)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@every_case
def test_strength_works_on_a_loaded_adapter(case, tmp_path):
    """What was saved and loaded obeys the dial: 0 is the base, and halfway equals the trained method halfway."""
    base, method = case.build()
    save_adapter(randomise(method), base, tmp_path)
    loaded = reading(load_adapter(tmp_path, base))
    loaded.control.strength = 0.0
    assert torch.equal(logits(base, loaded), logits(base))
    for each in (loaded, reading(method)):
        each.control.strength = 0.5
    assert_close(logits(base, loaded), logits(base, method), **CLOSE)

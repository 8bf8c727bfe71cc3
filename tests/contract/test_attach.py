"""Attaching, detaching and the strength dial: what a method may do to the base, and what it may not."""

import pytest
import torch

from engine.models.base import hash_weights
from tests.tiny import (
    TEXT,
    VARIED,
    cases,
    inputs_for,
    logits,
    loss_of,
    plain_model,
    randomise,
    tiny_base,
    viewed,
    words,
)

POINTS = (0.0, 0.5, 1.0)
"""Strengths at which the dial is tried for jumps; beyond 0, where virtual tokens vanish, on few families only."""

every_case = pytest.mark.parametrize("case", cases(), ids=str)


@pytest.mark.parametrize("family", TEXT)
def test_bare_view_is_the_plain_model(family):
    """With nothing attached, logits are equal to the bit to those of the untouched transformers model."""
    plain = plain_model(family)
    tokens = words(3, 9)
    tokens.mask[1, 6:] = False
    with torch.no_grad():
        expected = plain(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    actual = logits(tiny_base(family), tokens=tokens)
    assert torch.equal(actual[tokens.mask], expected[tokens.mask])


def test_bare_view_of_a_picture_is_the_plain_model():
    """The classes of a picture are equal to the bit, too."""
    base = tiny_base("vit")
    with torch.no_grad():
        expected = plain_model("vit")(pixel_values=inputs_for(base).values).logits
    assert torch.equal(logits(base)[:, 0], expected)


@every_case
def test_base_is_never_changed(case):
    """Training and dropping a view leaves every tensor of the base, and its logits, as they were."""
    base, method = case.build()
    before, plain = hash_weights(base.model), logits(base)
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    view = viewed(base, randomise(method))
    optimiser = torch.optim.SGD(method.parameters(), lr=0.1)
    loss_of(view, inputs_for(base)).backward()
    optimiser.step()
    assert not torch.equal(logits(base, method), plain)
    assert hash_weights(base.model) == before
    assert torch.equal(logits(base), plain)
    assert all(parameter.grad is None for parameter in base.model.parameters())


@every_case
def test_starts_at_base_tells_the_truth(case):
    """`starts_at_base` is true exactly when the untrained method leaves the logits equal to the bit."""
    base, method = case.build()
    assert torch.equal(logits(base, method), logits(base)) is method.starts_at_base


@every_case
def test_strength_zero_is_the_base(case):
    """Strength 0 is the base to the bit, whatever was learned."""
    base, method = case.build()
    randomise(method).control.strength = 0.0
    assert torch.equal(logits(base, method), logits(base))


@every_case
def test_strength_one_is_the_trained_model(case):
    """Strength 1 is what no dial at all gives, also after it was turned away and back."""
    base, method = case.build()
    view = viewed(base, randomise(method))
    with torch.no_grad():
        trained = view.logits(inputs_for(base))
        method.control.strength = 0.3
        weaker = view.logits(inputs_for(base))
        method.control.strength = 1.0
        assert torch.equal(view.logits(inputs_for(base)), trained)
    assert not torch.equal(weaker, trained)


@pytest.mark.parametrize(
    ("case", "at"), [(c, at) for c in cases() for at in POINTS if at == 0 or c.family in VARIED], ids=str
)
def test_strength_is_continuous(case, at):
    """Ten times smaller turns of the dial change the logits about ten times less: no jump anywhere.

    Logits of size 5 carry a rounding error of a few 1e-6, hence the 2e-5.
    """
    base, method = case.build()
    view, inputs = viewed(base, randomise(method, std=0.2)), inputs_for(base)

    @torch.no_grad()
    def at_strength(strength):
        method.control.strength = strength
        return view.logits(inputs).double()

    here = at_strength(at)
    jumps = [float((at_strength(at + turn) - here).abs().max()) for turn in (1e-4, 1e-5, 1e-6)]
    assert jumps[0] > 0
    assert jumps[1] <= 0.3 * jumps[0] + 2e-5
    assert jumps[2] <= 0.3 * jumps[1] + 2e-5


@pytest.mark.parametrize("case", cases(VARIED), ids=str)
def test_twin_shares_tensors_and_has_its_own_dials(case):
    """Chat's twin sees every update of the trained method at once, and turning its dials touches nobody else."""
    base, method = case.build()
    twin = method.sharing_copy()
    for mine, its in zip(method.parameters(), twin.parameters(), strict=True):
        assert mine is its
    randomise(method)
    assert torch.equal(logits(base, twin), logits(base, method))
    twin.control.strength = 0.0
    assert method.control.strength == 1.0
    assert torch.equal(logits(base, twin), logits(base))
    assert not torch.equal(logits(base, method), logits(base))
    twin.eval()
    assert method.training

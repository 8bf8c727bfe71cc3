"""Sites on every family: what a method registers there acts alike, whatever the architecture.

Methods act through sites alone. What holds here for one function at each site and all families, and elsewhere for every
method on four families, need not be tried for their product (`python -m tests --all` does).
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import DynamicCache

from engine.models.attention_site import JoinedKeys
from engine.models.inputs import Tokens
from engine.models.layout import SoftPrompt
from engine.models.sites import Sites
from tests.tiny import ALL, FAMILIES, PAD, TEXT, WRITERS, inputs_for, tiny_base, words

WITH_ATTENTION = (*FAMILIES, "vit")
TOLERANCE = {"rtol": 1e-3, "atol": 5e-4}


class Probe(nn.Module):
    """A trained vector, and a way to act with it at one site; with `on` false it has nothing to add."""

    def __init__(self, act: Callable[["Probe", Sites], None]) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.linspace(-1.0, 1.0, 48))
        self.act = act
        self.on = True

    def near(self, x: torch.Tensor) -> torch.Tensor | None:
        """A change of x: its own tanh, scaled element by element."""
        return 0.5 * x.float().tanh() * self.vector[: x.shape[-1]].repeat(9)[: x.shape[-1]] if self.on else None


def joined(probe: Probe, site) -> JoinedKeys | None:
    """Two keys and values more, the same for every row."""
    shape = site.shape
    size = 2 * shape.g * shape.k
    keys = probe.vector.repeat(-(-size // 48))[:size].view(shape.g, 2, shape.k)
    return JoinedKeys(keys, keys.flip(1), strength=0.7) if probe.on else None


def soft(probe: Probe, d: int) -> SoftPrompt | None:
    """Two virtual tokens in front of the text."""
    vectors = torch.stack([probe.vector[:d], probe.vector[:d].flip(0)])
    return SoftPrompt(vectors, strength=0.7) if probe.on else None


def roles(sites: Sites) -> list[str]:
    return list(sites.shape.family.linears)


SITES: dict[str, tuple[tuple[str, ...], Callable[[Probe, Sites], None]]] = {
    "attention": (WITH_ATTENTION, lambda p, s: s.add_attention(1, lambda query, _: p.near(query))),
    "keys": (WITH_ATTENTION, lambda p, s: s.join_keys(1, lambda site: joined(p, site))),
    "linears": (ALL, lambda p, s: [s.add_linear(1, role, lambda x, y: p.near(y)) for role in roles(s)]),
    "inputs": (ALL, lambda p, s: [s.add_linear_input(1, role, p.near) for role in roles(s)]),
    "after attention": (ALL, lambda p, s: s.add_sublayer(1, "attention", lambda x, y: p.near(y))),
    "after mlp": (ALL, lambda p, s: s.add_sublayer(1, "mlp", lambda x, y: p.near(y))),
    "norms": (ALL, lambda p, s: [s.add_norm(path, lambda x, y: p.near(y)) for path in s.shape.norms]),
    "embedding": (TEXT, lambda p, s: s.prepend(lambda: soft(p, s.shape.d))),
    "last hidden": (ALL, lambda p, s: s.add_last_hidden(lambda h, _: p.near(h))),
}

PAIRS = [(site, family) for site, (families, _) in SITES.items() for family in families]
every_site = pytest.mark.parametrize(("site", "family"), PAIRS)
writers = pytest.mark.parametrize(("site", "family"), [pair for pair in PAIRS if pair[1] in WRITERS])
of_text = pytest.mark.parametrize(("site", "family"), [pair for pair in PAIRS if pair[1] in TEXT])


def probed(site: str, family: str, rows: slice | None = None):
    """A view on which the site has something to add in some rows, and the probe that adds it."""
    view, probe = tiny_base(family).view(), Probe(SITES[site][1])
    view.sites.rows = rows
    probe.act(probe, view.sites)
    return view, probe


@every_site
def test_nothing_to_add_is_the_base_to_the_bit(site, family):
    """With hooks that return None, logits are those of a bare view; with something to add, they are not."""
    base = tiny_base(family)
    view, probe = probed(site, family)
    with torch.no_grad():
        plain, changed = base.view().logits(inputs_for(base)), view.logits(inputs_for(base))
        probe.on = False
        assert torch.equal(view.logits(inputs_for(base)), plain)
    assert (changed - plain).abs().max() > 1e-3


@every_site
def test_only_the_rows_that_are_served_change(site, family):
    """In a batch of two, the first row is the base's; the second is what it is where all rows are served."""
    base = tiny_base(family)
    with torch.no_grad():
        plain, whole = base.view().logits(inputs_for(base)), probed(site, family)[0].logits(inputs_for(base))
        some = probed(site, family, slice(1, 2))[0].logits(inputs_for(base))
    assert_close(some[0], plain[0], **TOLERANCE)
    assert_close(some[1], whole[1], **TOLERANCE)


@every_site
def test_gradients_arrive(site, family):
    """What a site adds has a finite gradient that is not zero, and the frozen model has none."""
    base = tiny_base(family)
    view, probe = probed(site, family)
    view.logits(inputs_for(base)).float().logsumexp(-1).sum().backward()
    assert probe.vector.grad is not None
    assert torch.isfinite(probe.vector.grad).all()
    assert probe.vector.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in base.model.parameters())


@writers
def test_a_cache_changes_nothing(site, family):
    """Token by token gives the logits of one forward over the whole text."""
    view, _ = probed(site, family)
    ids = words(2, 8).ids
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        whole = view.logits(Tokens(ids, mask))
        cache = DynamicCache(config=view.model.config)
        steps = [view.logits(Tokens(ids[:, :5], mask[:, :5]), cache)]
        steps += [view.logits(Tokens(ids[:, at : at + 1], mask[:, : at + 1]), cache) for at in range(5, 8)]
    assert_close(torch.cat(steps, 1), whole, **TOLERANCE)


@of_text
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_nothing(site, family, side):
    """A short row has the same logits alone and padded in a batch with a longer one."""
    view, _ = probed(site, family)
    ids = words(2, 8).ids
    mask = torch.ones_like(ids, dtype=torch.bool)
    gap = slice(0, 3) if side == "left" else slice(5, 8)
    mask[1, gap] = False
    with torch.no_grad():
        short = ids[1:, mask[1]]
        alone = view.logits(Tokens(short, torch.ones_like(short, dtype=torch.bool)))
        together = view.logits(Tokens(ids.masked_fill(~mask, PAD), mask))
    assert_close(together[1][mask[1]], alone[0], **TOLERANCE)

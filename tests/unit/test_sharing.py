"""Copies that share tensors: everything else is their own."""

import copy
from collections import OrderedDict

import torch
from torch import nn

from engine.models.sharing import share_tensors
from tests.tiny import plain_model


class Odd(nn.Module):
    """Attributes as models have them, and some that they should not have."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.again = self.inner
        self.table = {"a": [1, 2], "b": {}}
        self.same_table = self.table
        self.register_buffer("steps", torch.zeros(1))
        self.tied = self.inner.weight
        self.hidden = [self.inner]
        self.note = None


class Special(nn.Linear):
    """Says itself how it is copied."""

    def __deepcopy__(self, memo):
        return "special"


def test_only_tensors_are_shared():
    """Parameters and buffers are the very same; modules, tables and lists are new, and shared within as before."""
    odd = Odd()
    twin = share_tensors(odd)
    assert twin.inner is not odd.inner
    assert twin.again is twin.inner
    assert twin.hidden[0] is twin.inner
    assert twin.tied is odd.tied is twin.inner.weight
    assert twin.steps is odd.steps
    assert twin.table is twin.same_table is not odd.table
    assert twin.table == odd.table
    twin.table["a"].append(3)
    twin.note = "mine"
    assert odd.table["a"] == [1, 2]
    assert odd.note is None


def test_hooks_of_the_copy_are_its_own():
    """A hook on the copy is no hook on the original, whose own hooks come along."""
    odd, called = Odd(), []
    odd.inner.register_forward_hook(lambda *_: called.append("old"))
    twin = share_tensors(odd)
    twin.inner.register_forward_hook(lambda *_: called.append("new"))
    odd.inner(torch.zeros(1, 2))
    assert called == ["old"]
    twin.inner(torch.zeros(1, 2))
    assert called == ["old", "old", "new"]
    assert isinstance(twin._forward_hooks, OrderedDict)


def test_modules_may_copy_themselves():
    """A module with a way of its own keeps it."""
    assert share_tensors(nn.ModuleList([Special(1, 1)]))._modules["0"] == "special"


def test_it_is_what_deepcopy_gives():
    """Module by module the copy has the attributes that copy.deepcopy would give it."""
    model = plain_model("llama")
    mine, its = share_tensors(model), copy.deepcopy(model)
    for (name, a), (other, b) in zip(mine.named_modules(), its.named_modules(), strict=True):
        assert name == other
        assert type(a) is type(b)
        assert vars(a).keys() == vars(b).keys()
        assert {key: type(value) for key, value in vars(a).items()} == {k: type(v) for k, v in vars(b).items()}
    assert mine.config is not model.config
    assert all(p is q for p, q in zip(mine.parameters(), model.parameters(), strict=True))

"""The picture in `Layout`'s docstring, column by column, and the way back to the text."""

import pytest
import torch

from engine.models.inputs import Tokens
from engine.models.layout import CachedColumns, Layout, SoftPrompt

THE, CAT, SAT, PAD = 3, 4, 5, 0
TOKENS = Tokens(
    torch.tensor([[PAD, PAD, THE, CAT, SAT], [THE, -1, CAT, -2, SAT], [THE, -1, CAT, -2, SAT]]),
    torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]).bool(),
)
V0, V1 = 10.0, 11.0
VECTORS = torch.tensor([[V0], [V1]])


def embed(ids):
    """A word's vector is its id."""
    return ids[..., None].float()


def layout(strength=1.0, shift=False):
    """The batch of the picture."""
    prompts = [SoftPrompt(VECTORS, 1.0, shift=shift), SoftPrompt(VECTORS, strength, in_slots=True), None]
    return Layout.of(TOKENS, prompts, [0, 0, 0], embed, CachedColumns())


def standing(made, values):
    """Values of the columns that hold a token, row by row."""
    return [row[mask].tolist() for row, mask in zip(values, made.mask, strict=True)]


@pytest.mark.parametrize(
    ("strength", "shift", "first", "second"),
    [
        (1.0, False, [-2, -1, 0, 1, 2], [0, 1, 2, 3, 4]),
        (1.0, True, [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
        (0.5, False, [-2, -1, 0, 1, 2], [0, 1, 1.5, 2.5, 3]),
    ],
)
def test_columns_and_positions(strength, shift, first, second):
    """Virtual tokens stand between padding and text or in their slots; unfilled slots are gone."""
    made = layout(strength, shift)
    assert standing(made, made.embeddings[..., 0]) == [
        [V0, V1, THE, CAT, SAT],
        [THE, V0, CAT, V1, SAT],
        [THE, CAT, SAT],
    ]
    assert standing(made, made.positions) == [first, second, [0, 1, 2]]
    assert made.mask.int().tolist() == [[0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1]]
    assert standing(made, made.virtual.int()) == [[1, 1, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0]]
    if strength == 1:
        assert made.bias is None
    else:
        assert made.bias[1].exp().tolist() == [strength, strength, 1, strength, 1, strength, 1]


@pytest.mark.parametrize(("strength", "v0", "v1"), [(1.0, V0, V1), (0.5, (V0 + THE) / 2, (V1 + CAT) / 2)])
def test_restore(strength, v0, v1):
    """States come back to where the text came in; a weak slot shares that of the word before, a dropped one has it."""
    made = layout(strength)
    restored = made.restore(made.embeddings)[..., 0]
    assert restored[0, 2:].tolist() == [THE, CAT, SAT]
    assert restored[1].tolist() == [THE, v0, CAT, v1, SAT]
    assert restored[2].tolist() == [THE, THE, CAT, CAT, SAT]


def test_words_alone_go_in_as_ids():
    """Without virtual tokens the backbone gets ids, so that its own embeddings are used, hooks included."""
    made = Layout.of(Tokens(TOKENS.ids[:1], TOKENS.mask[:1]), [None], [2], embed, CachedColumns())
    assert made.embeddings is None
    assert torch.equal(made.inputs["input_ids"], TOKENS.ids[:1])
    assert standing(made, made.positions) == [[2, 3, 4]]

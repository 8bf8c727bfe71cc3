"""Slots of a template: places inside of the text that a method fills with virtual tokens.

A slot is a negative token id. With strength s the virtual token in it takes up min(s, 1) positions, others see it with
weight s, and what follows it directly is predicted from min(s, 1) parts of its own state and the rest of the state of
the word before. So at s = 1 it is a token like any other; towards s = 0 it fades, and the text closes over it; and
at s = 0 it is taken out, which is the base to the bit. (Where positions are learned they are whole numbers, and the
text closes by one position at a time; bloom counts distances by its mask alone, so that there it closes only at 0.)
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from engine.models.sites import CacheState, SoftPrompt


def without_dead_holes(
    ids: Int[Tensor, "b t"], mask: Bool[Tensor, "b s"], prompts: list[SoftPrompt | None], memory: CacheState
) -> tuple[Int[Tensor, "b u"], Bool[Tensor, "b r"], Int[Tensor, "b t"] | None]:
    """Take out slots that nobody fills, as at strength 0. Rows that lose fewer than others get padding on the left.

    Returns:
        Ids and mask of what is left, and for each old place the new place of its state: that of a slot has the state of
        the last word before it. None when there was nothing to take out.
    """
    t, past = ids.shape[1], mask.shape[1] - ids.shape[1]
    filled = torch.tensor([prompt is not None and prompt.in_slots for prompt in prompts], device=ids.device)
    dead = (ids < 0) & ~filled[:, None]
    if "alive" not in memory and not bool(dead.any()):
        return ids, mask, None
    lost = dead.sum(1)
    drop = min(int(lost.min()), t - 1)
    order = (~dead).long().argsort(dim=1, stable=True)[:, drop:]  # (b, u): the dead first, then the words in order
    alive = (mask[:, past:] & ~dead).gather(1, order)
    memory["alive"] = torch.cat([memory.get("alive", mask[:, :past]), alive], dim=1)  # (b, r)
    places = (~dead).cumsum(1) - 1 + (lost - drop)[:, None]
    return ids.masked_fill(dead, 0).gather(1, order), memory["alive"], places.clamp(min=0)


def room_of_holes(
    ids: Int[Tensor, "b t"], mask: Bool[Tensor, "b s"], prompts: list[SoftPrompt | None], memory: CacheState
) -> Float[Tensor, "b s"] | None:
    """Positions that each column of the text takes up: 1, and less in the slots of a weak method; None for all 1."""
    weak = [p is not None and p.in_slots and p.strength < 1 for p in prompts]
    if not any(weak):
        return None
    past = memory.get("slots", torch.zeros_like(mask[:, ids.shape[1] :]))
    memory["slots"] = torch.cat([past, ids < 0], dim=1)
    rooms = [p.strength if p is not None and less else 1.0 for p, less in zip(prompts, weak, strict=True)]
    return torch.where(memory["slots"], torch.tensor(rooms, device=ids.device)[:, None], 1.0)


def faded(
    state: Float[Tensor, "b t d"],
    ids: Int[Tensor, "b t"],
    mask: Bool[Tensor, "b s"],
    room: Float[Tensor, "b s"] | None,
) -> Float[Tensor, "b t d"]:
    """The states, where those of weak slots give way to that of the last word before them, if there is one."""
    if room is None or not bool((ids < 0).any()):
        return state
    t, words = ids.shape[1], (ids >= 0) & mask[:, -ids.shape[1] :]
    places = torch.arange(t, device=ids.device).expand_as(ids)
    last = torch.where(words, places, -1).cummax(dim=1).values
    last = torch.where((ids < 0) & (last >= 0), last, places)
    before = state.gather(1, last[..., None].expand_as(state))
    return torch.lerp(before, state, room[:, -t:, None].to(state.dtype))

"""Where text and virtual tokens stand in one forward of the backbone, and how its states return to the text.

Virtual tokens stand in front of the text, or inside it, in the slots of a template: a slot is a negative token id. With
strength s the virtual token in a slot takes up min(s, 1) positions, others see it with weight s, and what follows it
directly is predicted from min(s, 1) parts of its own state and the rest of the state of the word before. So at s = 1 it
is a token like any other; towards s = 0 it fades, and the text closes over it; and at s = 0 the slot is dropped, which
is the base to the bit. (Learned positions are whole numbers: there the text closes by one position at a time. Where
distances are counted by the mask alone, as ALiBi does, it closes only at 0.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from engine.models.inputs import Positions, Tokens

Embed = Callable[[Int[Tensor, "b t"]], Float[Tensor, "b t d"]]


@dataclass(frozen=True, slots=True)
class SoftPrompt:
    """Virtual tokens in front of the text, or in the slots of a template.

    Attributes:
        vectors: Input embeddings of the virtual tokens.
        strength: Weight of the virtual tokens in the text's attention.
        shift: Whether they push the text's positions back, as peft does, or leave them at 0, 1, 2 ...
        in_slots: Whether vector i takes the place of token id -1 - i in the text instead of standing in front.
    """

    vectors: Float[Tensor, "p d"]
    strength: float
    shift: bool = False
    in_slots: bool = False


Prompts = Sequence[SoftPrompt | None]
"""The soft prompt of each row of a batch, None where there is none or its strength is 0."""


@dataclass(slots=True)
class CachedColumns:
    """What the layout of a forward must know of the columns that are in the key/value cache; empty before the first.

    Attributes:
        text_mask: True where a token of the text stands, dropped slots left out; None as long as none was dropped.
        slots: Which columns of the text are slots; None as long as all take up whole positions.
        virtual: Which columns are virtual, those in front of the text included.
    """

    text_mask: Bool[Tensor, "b s"] | None = None
    slots: Bool[Tensor, "b s"] | None = None
    virtual: Bool[Tensor, "b s"] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The columns of one forward of the backbone, made of a padded batch of text and the soft prompt of each row.

    Three rows of a batch; `.` is padding, -1 and -2 are the slots of two virtual tokens v0 and v1:

        soft prompt          text that comes in      columns of the backbone        their positions
        in front             .   .   the cat sat     .   .   v0  v1  the cat sat    .  . -2 -1  0  1  2
        in slots, s = 1      the -1  cat -2  sat     .   .   the v0  cat v1  sat    .  .  0  1  2  3  4
        none, or s = 0       the -1  cat -2  sat     .   .   .   .   the cat sat    .  .  .  .  0  1  2

    Virtual tokens in front stand between padding and text; where they shift the text, the first row stands at 0 ... 4.
    The third row lost its slots and is padded on the left instead. At s = 1/2 the second row stands at 0, 1, 1.5, 2.5
    and 3. `restore` leads back: of the states of the columns it takes those of the text, and in the place of a dropped
    slot the state of the word before it.

    Attributes:
        ids: The text without dropped slots; those that are left are negative.
        text_mask: True where a token of the text stands, the cached past included.
        mask: True where a token stands, virtual ones in front and the cached past included.
        positions: Of the columns that go into the backbone; those of the cached past are left out.
        embeddings: Of those columns; None where all are words, so that their ids do.
        virtual: Which columns hold virtual tokens, the cached past included.
        bias: log(strength) at virtual columns, else 0, for the attention's scores; None when all are 0.
        types: Token types of the columns that go into the backbone, 0 for virtual ones in front; None for all 0.
    """

    ids: Int[Tensor, "b u"]
    text_mask: Bool[Tensor, "b r"]
    mask: Bool[Tensor, "b s"]
    positions: Positions
    embeddings: Float[Tensor, "b n d"] | None
    virtual: Bool[Tensor, "b s"]
    bias: Float[Tensor, "b s"] | None
    types: Int[Tensor, "b n"] | None
    _sizes: Float[Tensor, "b r"] | None
    _sources: Int[Tensor, "b t"] | None

    @classmethod
    def of(cls, tokens: Tokens, prompts: Prompts, shifts: Sequence[int], embed: Embed, past: CachedColumns) -> Self:
        """Lay out a batch.

        Args:
            tokens: The text.
            prompts: The soft prompt of each row.
            shifts: How far the text of each row is pushed back, beside what its soft prompt does.
            embed: The base's input embeddings.
            past: What an earlier forward with the same cache left; noted there for later ones.
        """
        ids, text_mask, types, sources = _drop_unfilled_slots(tokens, prompts, past)
        front = [None if prompt is None or prompt.in_slots else prompt for prompt in prompts]
        width = max((len(prompt.vectors) for prompt in front if prompt is not None), default=0)
        order = _order_behind_padding(text_mask, width)
        embeddings, first = _embed_slots(ids, prompts, embed), past.virtual is None
        virtual = past.virtual = _virtual_columns(ids, width, order, past.virtual)
        sizes = _sizes_of_columns(ids, text_mask, prompts, past)
        columns = _columns(text_mask, front, shifts, width, sizes)
        mask, positions = (_reorder(x, order) for x in columns)
        if width and first:
            words = embed(ids) if embeddings is None else embeddings
            embeddings = _reorder(torch.cat([_stack(front, width, words), words], dim=1), order)
        else:
            positions = positions[:, -ids.shape[1] :]
        return cls(
            ids=ids,
            text_mask=text_mask,
            mask=mask,
            positions=positions,
            embeddings=embeddings,
            virtual=virtual,
            bias=_strength_bias(virtual, prompts),
            types=None if types is None else _reorder(nn.functional.pad(types, (width, 0)), order),
            _sizes=sizes,
            _sources=sources,
        )

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What a transformers model takes: ids, or embeddings where virtual tokens are among them; and token types."""
        words = {"input_ids": self.ids} if self.embeddings is None else {"inputs_embeds": self.embeddings}
        return words if self.types is None else {**words, "token_type_ids": self.types}

    def restore(self, state: Float[Tensor, "b n d"]) -> Float[Tensor, "b t d"]:
        """The states of the text as it came in, from those of the columns."""
        state = self._blend_weak_slots(state[:, -self.ids.shape[1] :])
        if self._sources is None:
            return state
        return state.gather(1, self._sources[..., None].expand(-1, -1, state.shape[-1]))

    def _blend_weak_slots(self, state: Float[Tensor, "b u d"]) -> Float[Tensor, "b u d"]:
        """The states, where those of weak slots give way to that of the last word before them, if there is one."""
        ids = self.ids
        if self._sizes is None or not bool((ids < 0).any()):
            return state
        t, words = ids.shape[1], (ids >= 0) & self.text_mask[:, -ids.shape[1] :]
        places = torch.arange(t, device=ids.device).expand_as(ids)
        last = torch.where(words, places, -1).cummax(dim=1).values
        last = torch.where((ids < 0) & (last >= 0), last, places)
        before = state.gather(1, last[..., None].expand_as(state))
        return torch.lerp(before, state, self._sizes[:, -t:, None].to(state.dtype))


def _drop_unfilled_slots(
    tokens: Tokens, prompts: Prompts, past: CachedColumns
) -> tuple[Int[Tensor, "b u"], Bool[Tensor, "b r"], Int[Tensor, "b u"] | None, Int[Tensor, "b t"] | None]:
    """Drop slots that nobody fills, as at strength 0. Rows that lose fewer than others get padding on the left.

    Returns:
        Ids, mask and token types of what is left, and for each token that came in the place of its state in what is
        left: that of a dropped slot has the state of the last word before it. None when there was nothing to drop.
    """
    ids, mask = tokens.ids, tokens.mask
    t, before = ids.shape[1], mask.shape[1] - ids.shape[1]
    filled = torch.tensor([prompt is not None and prompt.in_slots for prompt in prompts], device=ids.device)
    unfilled = (ids < 0) & ~filled[:, None]
    if past.text_mask is None and not bool(unfilled.any()):
        return ids, mask, tokens.types, None
    lost = unfilled.sum(1)
    drop = min(int(lost.min()), t - 1)
    order = (~unfilled).long().argsort(dim=1, stable=True)[:, drop:]  # (b, u): unfilled slots first, then words
    kept = (mask[:, before:] & ~unfilled).gather(1, order)
    earlier = mask[:, :before] if past.text_mask is None else past.text_mask
    past.text_mask = torch.cat([earlier, kept], dim=1)  # (b, r)
    sources = (~unfilled).cumsum(1) - 1 + (lost - drop)[:, None]
    types = None if tokens.types is None else tokens.types.gather(1, order)
    return ids.masked_fill(unfilled, 0).gather(1, order), past.text_mask, types, sources.clamp(min=0)


def _embed_slots(ids: Int[Tensor, "b t"], prompts: Prompts, embed: Embed) -> Float[Tensor, "b t d"] | None:
    """Embedded text with virtual tokens in its slots; None for a text without slots."""
    slot = ids < 0
    if not bool(slot.any()):
        return None
    words = embed(ids.clamp(min=0))
    filled = [
        words[row] if prompt is None or not prompt.in_slots else prompt.vectors[(-1 - ids[row]).clamp(min=0)]
        for row, prompt in enumerate(prompts)
    ]
    return torch.where(slot[..., None], torch.stack([vectors.to(words.dtype) for vectors in filled]), words)


def _virtual_columns(
    ids: Int[Tensor, "b u"], width: int, order: Int[Tensor, "b n"] | None, past: Bool[Tensor, "b _"] | None
) -> Bool[Tensor, "b s"]:
    """Which columns are virtual: the first forward with a cache puts those in front, later ones add slots."""
    if past is not None:
        return torch.cat([past, ids < 0], dim=1)
    front = torch.ones(len(ids), width, dtype=torch.bool, device=ids.device)
    return _reorder(torch.cat([front, ids < 0], dim=1), order)


def _strength_bias(virtual: Bool[Tensor, "b s"], prompts: Prompts) -> Float[Tensor, "b s"] | None:
    """log(strength) at virtual columns, else 0; None where every strength is 1."""
    strengths = [1.0 if prompt is None else prompt.strength for prompt in prompts]
    if all(strength == 1.0 for strength in strengths):
        return None
    return torch.where(virtual, torch.tensor(strengths, device=virtual.device).log()[:, None], 0.0)


def _sizes_of_columns(
    ids: Int[Tensor, "b u"], text_mask: Bool[Tensor, "b r"], prompts: Prompts, past: CachedColumns
) -> Float[Tensor, "b r"] | None:
    """Positions that each column of the text takes up: 1, and less in the slots of a weak prompt; None for all 1."""
    weak = [prompt is not None and prompt.in_slots and prompt.strength < 1 for prompt in prompts]
    if not any(weak):
        return None
    earlier = torch.zeros_like(text_mask[:, ids.shape[1] :]) if past.slots is None else past.slots
    past.slots = torch.cat([earlier, ids < 0], dim=1)
    sizes = [p.strength if p is not None and less else 1.0 for p, less in zip(prompts, weak, strict=True)]
    return torch.where(past.slots, torch.tensor(sizes, device=ids.device)[:, None], 1.0)


def _columns(
    text_mask: Bool[Tensor, "b r"],
    front: Prompts,
    shifts: Sequence[int],
    width: int,
    sizes: Float[Tensor, "b r"] | None,
) -> tuple[Bool[Tensor, "b {width}+r"], Positions]:
    """Mask and positions with the virtual columns in front.

    Text stands at 0, 1, 2 ... whatever the padding; virtual tokens before it at -p ... -1. A row's shift moves both.
    A column of the text takes up its size, which is 1 where there is None.
    """
    lengths = [0 if prompt is None else len(prompt.vectors) for prompt in front]
    pushed = [
        shift + (length if prompt is not None and prompt.shift else 0)
        for shift, length, prompt in zip(shifts, lengths, front, strict=True)
    ]
    shift = torch.tensor(pushed, device=text_mask.device)[:, None]
    sizes = torch.ones_like(text_mask, dtype=torch.long) if sizes is None else sizes
    positions = ((sizes * text_mask).cumsum(-1) - torch.where(text_mask, sizes, 1)).clamp(min=0)
    if width == 0:
        return text_mask, positions + shift
    columns = torch.arange(width, device=text_mask.device) - width  # -w ... -1
    # Rows with fewer virtual tokens are padded on the left.
    front_mask = columns[None] >= -torch.tensor(lengths, device=text_mask.device)[:, None]  # (b, w)
    both = torch.cat([columns[None].expand(len(front), -1), positions], dim=1) + shift
    return torch.cat([front_mask, text_mask], dim=1), both


def _order_behind_padding(text_mask: Bool[Tensor, "b r"], width: int) -> Int[Tensor, "b {width}+r"] | None:
    """Where each column comes from when the virtual ones stand right before the text, behind its padding on the left.

    A layer with a sliding window counts columns, so padding in between would push the virtual ones out of sight. None
    where they stand there anyway.
    """
    pads = text_mask.int().argmax(1, keepdim=True)
    if width == 0 or not bool(pads.any()):
        return None
    columns = torch.arange(width + text_mask.shape[1], device=text_mask.device).expand(len(text_mask), -1)
    return torch.where(columns < pads, columns + width, torch.where(columns < pads + width, columns - pads, columns))


def _reorder(x: Tensor, order: Int[Tensor, "b n"] | None) -> Tensor:
    """Columns of a tensor (b, n, ...) in a new order."""
    if order is None:
        return x
    return x.gather(1, order if x.dim() == 2 else order[..., None].expand_as(x))


def _stack(prompts: Prompts, width: int, words: Float[Tensor, "b u d"]) -> Float[Tensor, "b {width} d"]:
    """The virtual tokens of every row, padded on the left with zeros, in the words' dtype."""
    rows = []
    for prompt in prompts:
        if prompt is None:
            rows.append(words.new_zeros(width, words.shape[-1]))
        else:
            vectors = prompt.vectors.to(words.dtype)
            rows.append(nn.functional.pad(vectors, (0, 0, width - len(vectors), 0)))
    return torch.stack(rows)

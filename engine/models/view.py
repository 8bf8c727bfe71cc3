"""A view: a structural copy of the frozen base that shares every tensor, where methods are attached.

Measured on the embedded base: a few milliseconds and no weight memory. Dropping the view detaches everything, so the
base can never be left dirty, and training and chat cannot corrupt each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel

from engine.models.attention import add_strength_through_mask
from engine.models.inputs import Inputs, Pixels, Positions, Tokens
from engine.models.layer_calls import LayerCall
from engine.models.layout import faded, room_of_holes, without_dead_holes
from engine.models.shape import ModelShape
from engine.models.sharing import share_tensors
from engine.models.sites import BackboneTrace, CacheState, SoftPrompt, sites_of


class View:
    """The base as one user sees it: the trainer, the chat, or a probe."""

    def __init__(self, model: PreTrainedModel, shape: ModelShape) -> None:
        self.model = share_tensors(model)
        self.model.eval()
        self.shape = shape
        self.sites = sites_of(self.model, shape)
        if shape.family.attention is None:
            for layer in self.sites.layers:
                add_strength_through_mask(layer, self.sites.context)
        self._backbone: nn.Module = getattr(self.model, self.model.base_model_prefix)

    def logits(self, inputs: Inputs, cache: Cache | None = None) -> Float[Tensor, "b t v"]:
        """Vocabulary scores at every text position, virtual ones left out; of a picture its classes (t = 1)."""
        hidden = self.hidden(inputs, cache)
        return self.head(hidden[:, 0])[:, None] if isinstance(inputs, Pixels) else self.head(hidden)

    def head(self, hidden: Float[Tensor, "*n d"]) -> Float[Tensor, "*n v"]:
        """The head alone: call it on just the positions that are needed."""
        return self.shape.family.head(self.model, hidden)

    def hidden(self, inputs: Inputs, cache: Cache | None = None) -> Float[Tensor, "b t d"]:
        """The backbone's last hidden states: at the text positions, or of a picture's class token and its patches."""
        return self._seen(inputs) if isinstance(inputs, Pixels) else self._said(inputs, cache)

    def _seen(self, pixels: Pixels) -> Float[Tensor, "b t d"]:
        """Pictures hold no virtual tokens, no padding and no past."""
        context = self.sites.context
        context.rows, context.width, context.virtual, context.bias = len(pixels.values), 0, None, None
        with self._traced() as (states, calls):
            state: Tensor = self._backbone(pixel_values=pixels.values).last_hidden_state
        return self._finished(
            state, BackboneTrace(states, torch.ones_like(state[..., 0], dtype=torch.bool), None, calls)
        )

    def _said(self, tokens: Tokens, cache: Cache | None) -> Float[Tensor, "b t d"]:
        """The states of a text.

        With a cache, the first call puts the virtual tokens in front; later calls find them in the cache.
        """
        prompts = self._soft_prompts(len(tokens.ids))
        memory = {} if cache is None else _memory(cache)
        ids, text, places = without_dead_holes(tokens.ids, tokens.mask, prompts, memory)
        front = [None if prompt is None or prompt.in_slots else prompt for prompt in prompts]
        width = max((len(prompt.vectors) for prompt in front if prompt is not None), default=0)
        order = _order(text, width)
        self._note(ids, prompts, width, order, memory)
        room = room_of_holes(ids, text, prompts, memory)
        mask, positions = (_placed(x, order) for x in _layout(text, front, self._shifts(front), width, room))
        words, t = self._embedded(ids, prompts), ids.shape[1]
        inputs = {"input_ids": ids} if words is None else {"inputs_embeds": words}
        if width and (cache is None or cache.get_seq_length() == 0):
            words = self.model.get_input_embeddings()(ids) if words is None else words
            inputs = {"inputs_embeds": _placed(torch.cat([_stack(front, width, words), words], dim=1), order)}
        else:
            positions = positions[:, -t:]
        keep = {"past_key_values": cache, "use_cache": True} if cache is not None else self._no_cache()
        with self._traced() as (states, calls):
            out = self._backbone(**inputs, position_ids=self._legal(positions), attention_mask=mask.long(), **keep)
        state = self._finished(
            out.last_hidden_state, BackboneTrace(states, mask, None if cache is None else memory, calls)
        )
        state = faded(state[:, -t:], ids, text, room)
        return state if places is None else state.gather(1, places[..., None].expand(-1, -1, state.shape[-1]))

    def _embedded(self, ids: Int[Tensor, "b t"], prompts: list[SoftPrompt | None]) -> Float[Tensor, "b t d"] | None:
        """Embedded text with virtual tokens in the slots of a template; None for a text without slots."""
        slot = ids < 0
        if not bool(slot.any()):
            return None
        words: Tensor = self.model.get_input_embeddings()(ids.clamp(min=0))  # type: ignore[misc]
        filled = [
            words[row] if prompt is None or not prompt.in_slots else prompt.vectors[(-1 - ids[row]).clamp(min=0)]
            for row, prompt in enumerate(prompts)
        ]
        return torch.where(slot[..., None], torch.stack([vectors.to(words.dtype) for vectors in filled]), words)

    @property
    def max_text_tokens(self) -> int:
        """Tokens of text that fit into the model's positions, beside virtual tokens that push them back."""
        limit: int | None = getattr(self.model.config, "max_position_embeddings", None)
        if limit is None:
            return 2**31
        prompts = [hook.run() for hook in self.sites.prepends]
        shifts = [len(prompt.vectors) for prompt in prompts if prompt is not None and prompt.shift]
        shifts += [hook.run() for hook in self.sites.shifts]
        return limit - self.shape.first_position - max(shifts, default=0)

    def _no_cache(self) -> dict[str, bool]:
        return {"use_cache": False} if self.shape.family.causal else {}

    def _legal(self, positions: Positions) -> Positions:
        """Learned positions are whole numbers and cannot be negative: there, virtual tokens in front stand at 0."""
        if self.shape.family.positions == "rotary":
            return positions
        return positions.round().long().clamp(min=0) + self.shape.first_position

    def _soft_prompts(self, b: int) -> list[SoftPrompt | None]:
        """The soft prompt of each row of the batch, None where there is none or its strength is 0."""
        prompts: list[SoftPrompt | None] = [None] * b
        for hook in self.sites.prepends:
            prompt = hook.run()
            for row in range(b)[hook.rows or slice(None)]:
                prompts[row] = prompt
        return prompts

    def _shifts(self, front: list[SoftPrompt | None]) -> list[int]:
        """How far the text of each row is pushed back."""
        shifts = [len(prompt.vectors) if prompt is not None and prompt.shift else 0 for prompt in front]
        for hook in self.sites.shifts:
            for row in range(len(front))[hook.rows or slice(None)]:
                shifts[row] += hook.run()
        return shifts

    def _note(
        self,
        ids: Int[Tensor, "b t"],
        prompts: list[SoftPrompt | None],
        width: int,
        order: Int[Tensor, "b s"] | None,
        memory: CacheState,
    ) -> None:
        """Tell the sites which positions are virtual, and how strong they are."""
        context, b = self.sites.context, len(ids)
        if "virtual" in memory:
            memory["virtual"] = torch.cat([memory["virtual"], ids < 0], dim=1)
        else:
            front = torch.ones(b, width, dtype=torch.bool, device=ids.device)
            memory["virtual"] = _placed(torch.cat([front, ids < 0], dim=1), order)
        context.rows, context.width, context.virtual, context.bias = b, width, memory["virtual"], None
        if any(prompt is not None and prompt.strength != 1.0 for prompt in prompts):
            strengths = torch.tensor([1.0 if p is None else p.strength for p in prompts], device=ids.device)
            context.bias = torch.where(context.virtual, strengths.log()[:, None], 0.0)

    @contextmanager
    def _traced(self) -> Iterator[tuple[list[Tensor], list[LayerCall]]]:
        """Collects the states before and after every layer, and how each was called, where a hook wants it.

        Where hooks only stand beside the backbone, it keeps nothing for a backward pass.
        """
        states: list[Tensor] = []
        calls: list[LayerCall] = []
        hooks = []

        def enter(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            state, call = LayerCall.of(args, kwargs)
            states.extend([] if states else [state])
            calls.append(call)

        def leave(_module: nn.Module, _args: tuple[Any, ...], out: Tensor | tuple[Tensor, ...]) -> None:
            states.append(out[0] if isinstance(out, tuple) else out)

        for layer in self.sites.layers if self.sites.last_hidden else ():
            hooks.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.append(layer.register_forward_hook(leave))
        try:
            with torch.set_grad_enabled(torch.is_grad_enabled() and self.sites.needs_backbone_grad):
                yield states, calls
        finally:
            for hook in hooks:
                hook.remove()

    def _finished(self, state: Float[Tensor, "b t d"], trace: BackboneTrace) -> Float[Tensor, "b t d"]:
        """The last states, with what hooks beside the backbone add."""
        for index, hook in enumerate(self.sites.last_hidden):
            rows = hook.rows or slice(None)
            memory = None if trace.cache_state is None else trace.cache_state.setdefault(f"finish {index}", {})
            calls = [call.of_rows(rows, len(state)) for call in trace.calls]
            own = BackboneTrace([s[rows] for s in trace.states], trace.mask[rows], memory, calls)
            added = hook.run(state[rows], own)
            if added is not None:
                state = state.clone()
                state[rows] = state[rows] + added.to(state.dtype)
        return state


def _memory(cache: Cache) -> CacheState:
    """What the view keeps with a cache from one forward to the next."""
    memory: CacheState = vars(cache).setdefault("gatelight", {})
    return memory


def _layout(
    mask: Bool[Tensor, "b s"],
    prompts: list[SoftPrompt | None],
    shifts: list[int],
    width: int,
    room: Float[Tensor, "b s"] | None,
) -> tuple[Bool[Tensor, "b {width}+s"], Positions]:
    """Mask and positions with the virtual columns in front.

    Text stands at 0, 1, 2 ... whatever the padding; virtual tokens before it at -p ... -1. A row's shift moves both.
    A virtual token inside of the text takes up `room`, which is 1 where there is None.
    """
    room = torch.ones_like(mask, dtype=torch.long) if room is None else room
    positions = ((room * mask).cumsum(-1) - torch.where(mask, room, 1)).clamp(min=0)
    pushed = torch.tensor(shifts, device=mask.device)[:, None]
    if width == 0:
        return mask, positions + pushed
    lengths = torch.tensor([0 if p is None else p.vectors.shape[0] for p in prompts], device=mask.device)
    columns = torch.arange(width, device=mask.device) - width  # -w ... -1
    soft_mask = columns[None] >= -lengths[:, None]  # (b, w): rows with fewer virtual tokens are padded on the left
    both = torch.cat([columns[None].expand(len(prompts), -1), positions], dim=1) + pushed
    return torch.cat([soft_mask, mask], dim=1), both


def _order(mask: Bool[Tensor, "b s"], width: int) -> Int[Tensor, "b {width}+s"] | None:
    """Where each column comes from when the virtual ones stand right before the text, behind its padding on the left.

    A layer with a sliding window counts columns, so padding in between would push the virtual ones out of sight. None
    where they stand there anyway.
    """
    pads = mask.int().argmax(1, keepdim=True)
    if width == 0 or not bool(pads.any()):
        return None
    columns = torch.arange(width + mask.shape[1], device=mask.device).expand(len(mask), -1)
    return torch.where(columns < pads, columns + width, torch.where(columns < pads + width, columns - pads, columns))


def _placed(x: Tensor, order: Int[Tensor, "b s"] | None) -> Tensor:
    """Columns of a tensor (b, s, ...) in a new order."""
    if order is None:
        return x
    return x.gather(1, order if x.dim() == 2 else order[..., None].expand_as(x))


def _stack(prompts: list[SoftPrompt | None], width: int, words: Float[Tensor, "b t d"]) -> Float[Tensor, "b {width} d"]:
    """The virtual tokens of every row, padded on the left with zeros, in the words' dtype."""
    rows = []
    for prompt in prompts:
        if prompt is None:
            rows.append(words.new_zeros(width, words.shape[-1]))
        else:
            vectors = prompt.vectors.to(words.dtype)
            rows.append(nn.functional.pad(vectors, (0, 0, width - len(vectors), 0)))
    return torch.stack(rows)

"""A view: a structural copy of the frozen base that shares every tensor, where methods are attached.

Measured on the model that ships: a few milliseconds and no weight memory. Dropping the view detaches everything, so the
base can never be left changed, and training and chat cannot corrupt each other.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel

from engine.models.attention import add_strength_through_mask
from engine.models.inputs import Inputs, Pictures, Pixels, Positions, Tokens
from engine.models.layout import CachedColumns, Layout, SoftPrompt
from engine.models.shape import ModelShape
from engine.models.sharing import share_tensors
from engine.models.sites import sites_of
from engine.models.trace import BackboneTrace, CacheState, traced


@dataclass(slots=True)
class _Past:
    """What a view keeps with a key/value cache from one forward to the next: of its columns, hooks and pictures."""

    columns: CachedColumns = field(default_factory=CachedColumns)
    hooks: CacheState = field(default_factory=dict)
    read: dict[nn.Module, Tensor] | None = None

    @classmethod
    def of(cls, cache: Cache | None) -> "_Past":
        """That of a cache; a fresh one without."""
        past: _Past = cls() if cache is None else vars(cache).setdefault("gatelight", cls())
        return past


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
        """The backbone's last hidden states: at the text positions, or of a picture's class token and its patches.

        With a cache, the first call puts the virtual tokens in front; later calls find them in the cache.
        """
        return self._hidden_of_pixels(inputs) if isinstance(inputs, Pixels) else self._hidden_of_text(inputs, cache)

    @property
    def max_text_tokens(self) -> int:
        """Tokens of text that fit into the model's positions, beside virtual tokens that push them back."""
        limit: int | None = getattr(self.model.config, "max_position_embeddings", None)
        if limit is None:
            return 2**31
        return limit - self.shape.first_position - self._most_shifted()

    @property
    def switch_tokens(self) -> int | None:
        """Tokens of text beyond which the model turns all positions otherwise (LongRoPE), cached keys included.

        None where it never does.
        """
        rope = getattr(self.model.config, "rope_parameters", None) or {}
        if rope.get("rope_type") != "longrope":
            return None
        original: int = rope["original_max_position_embeddings"]
        return original - self._most_shifted()

    def _most_shifted(self) -> int:
        """Places by which virtual tokens push the text back, in the row where they are most."""
        prompts = [hook.run() for hook in self.sites.prepends]
        shifts = [len(prompt.vectors) for prompt in prompts if prompt is not None and prompt.shift]
        shifts += [hook.run() for hook in self.sites.shifts]
        return max(shifts, default=0)

    def _hidden_of_pixels(self, pixels: Pixels) -> Float[Tensor, "b t d"]:
        """Pictures hold no virtual tokens, no padding and no past."""
        context = self.sites.context
        context.rows, context.virtual, context.bias, context.pictures = len(pixels.values), None, None, ()
        context.read = {}
        return self._run(None, None, {"pixel_values": pixels.values})

    def _hidden_of_text(self, tokens: Tokens, cache: Cache | None) -> Float[Tensor, "b t d"]:
        rows, past, context = len(tokens.ids), _Past.of(cache), self.sites.context
        embed = self.model.get_input_embeddings()
        if tokens.types is not None and getattr(self.model.config, "type_vocab_size", 0) < 2:
            tokens = replace(tokens, types=None)  # the model tells no types apart, whatever its tokenizer says
        layout = Layout.of(tokens, self._soft_prompts(rows), self._shifts(rows), embed, past.columns)
        context.rows, context.virtual, context.bias = rows, layout.virtual, layout.bias
        context.pictures = tokens.pictures
        past.read = self._read(tokens.pictures) if past.read is None else past.read
        context.read = past.read
        inputs: dict[str, Any] = {
            **layout.inputs,
            "position_ids": self._position_ids(layout.positions),
            "attention_mask": layout.mask.long(),
        }
        if cache is not None:
            inputs |= {"past_key_values": cache, "use_cache": True}
        elif self.shape.family.causal:
            inputs |= {"use_cache": False}
        return layout.restore(self._run(layout.mask, None if cache is None else past.hooks, inputs))

    def _read(self, pictures: Pictures) -> dict[nn.Module, Tensor]:
        """What readers make of the pictures of the rows that they serve, where one of these has a picture."""
        served = [(hook.run, pictures[hook.rows or slice(None)]) for hook in self.sites.readers]
        return {module: module(own) for module, own in served if any(own)}

    def _run(
        self, mask: Bool[Tensor, "b s"] | None, cache_state: CacheState | None, inputs: dict[str, Any]
    ) -> Float[Tensor, "b n d"]:
        """The backbone's last states, with what hooks beside it add.

        Where hooks only stand beside the backbone, it keeps nothing for a backward pass.
        """
        layers = self.sites.layers if self.sites.last_hidden else ()
        grad = torch.is_grad_enabled() and self.sites.needs_backbone_grad
        with traced(layers) as (states, calls), torch.set_grad_enabled(grad):
            last: Tensor = self._backbone(**inputs).last_hidden_state
        mask = torch.ones_like(last[..., 0], dtype=torch.bool) if mask is None else mask
        return self._add_last_hidden(last, BackboneTrace(states, mask, cache_state, calls))

    def _add_last_hidden(self, state: Float[Tensor, "b n d"], trace: BackboneTrace) -> Float[Tensor, "b n d"]:
        for index, hook in enumerate(self.sites.last_hidden):
            rows = hook.rows or slice(None)
            added = hook.run(state[rows], trace.of_rows(rows, f"hook {index}"))
            if added is not None:
                state = state.clone()
                state[rows] = state[rows] + added.to(state.dtype)
        return state

    def _position_ids(self, positions: Positions) -> Positions:
        """Learned positions are whole numbers and cannot be negative: there, virtual tokens in front stand at 0."""
        if self.shape.family.positions != "learned":
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

    def _shifts(self, b: int) -> list[int]:
        """How far hooks push back the text of each row."""
        shifts = [0] * b
        for hook in self.sites.shifts:
            for row in range(b)[hook.rows or slice(None)]:
                shifts[row] += hook.run()
        return shifts

"""A view: a structural copy of the frozen base that shares every tensor, where methods are attached.

Measured on the embedded base: a few milliseconds and no weight memory. Dropping the view detaches everything, so the
base can never be left dirty, and training and chat cannot corrupt each other.
"""

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel

from engine.models.shape import ModelShape
from engine.models.sites import SoftPrompt, sites_of

M = TypeVar("M", bound=nn.Module)


def share_tensors(module: M) -> M:
    """A structural copy with its own flags, hooks and attributes, and the very same parameters and buffers."""
    memo: dict[int, object] = {}
    for part in module.modules():
        # bitsandbytes keeps its quantised weight in `state`, outside the parameters.
        quantised = vars(part.state).values() if hasattr(part, "state") else ()
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False), *quantised):
            if isinstance(tensor, Tensor):
                memo[id(tensor)] = tensor
    return copy.deepcopy(module, memo)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A padded batch of token ids, without virtual tokens.

    Attributes:
        ids: Token ids.
        mask: True where a token stands. In cached decoding it covers the past as well.
    """

    ids: Int[Tensor, "b t"]
    mask: Bool[Tensor, "b s"]


class View:
    """The base as one user sees it: the trainer, the chat, or a probe."""

    def __init__(self, model: PreTrainedModel, shape: ModelShape) -> None:
        self.model = share_tensors(model)
        self.model.eval()
        self.shape = shape
        self.sites = sites_of(self.model, shape)
        self._backbone: nn.Module = getattr(self.model, self.model.base_model_prefix)
        self._head = self.model.get_submodule(shape.family.head)

    def logits(self, tokens: Tokens, cache: Cache | None = None) -> Float[Tensor, "b t v"]:
        """Vocabulary scores at every text position; virtual positions are left out."""
        return self.read(self.hidden(tokens, cache))

    def read(self, hidden: Float[Tensor, "*n d"]) -> Float[Tensor, "*n v"]:
        """The head alone: call it on just the positions that are needed."""
        return self._head(hidden)  # type: ignore[no-any-return]

    def hidden(self, tokens: Tokens, cache: Cache | None = None) -> Float[Tensor, "b t d"]:
        """The backbone's last hidden states at the text positions.

        With a cache, the first call puts the virtual tokens in front; later calls find them in the cache.
        """
        prompts = self._soft_prompts(tokens.ids.shape[0])
        width = max((prompt.vectors.shape[0] for prompt in prompts if prompt is not None), default=0)
        first = cache is None or cache.get_seq_length() == 0
        self._note_strength(prompts, width)
        t = tokens.ids.shape[1]
        mask, positions = _layout(tokens.mask, prompts, width)
        if not first or width == 0:
            inputs = {"input_ids": tokens.ids, "position_ids": self._legal(positions[:, -t:])}
        else:
            words = self.model.get_input_embeddings()(tokens.ids)
            inputs = {
                "inputs_embeds": torch.cat([_stack(prompts, width, words), words], dim=1),
                "position_ids": self._legal(positions),
            }
        keep = {"past_key_values": cache, "use_cache": True} if cache is not None else self._no_cache()
        state = self._backbone(**inputs, attention_mask=mask.long(), **keep)
        return state.last_hidden_state[:, -t:]  # type: ignore[no-any-return]

    def _no_cache(self) -> dict[str, bool]:
        return {"use_cache": False} if self.shape.family.causal else {}

    def _legal(self, positions: Int[Tensor, "b t"]) -> Int[Tensor, "b t"]:
        """Learned positions cannot be negative: there, virtual tokens all stand at position 0."""
        return positions.clamp(min=0) if self.shape.family.positions == "learned" else positions

    def _soft_prompts(self, b: int) -> list[SoftPrompt | None]:
        """The soft prompt of each row of the batch, None where there is none or its strength is 0."""
        prompts: list[SoftPrompt | None] = [None] * b
        for act in self.sites.prepends:
            prompt = act.run()
            for row in range(b)[act.rows or slice(None)]:
                prompts[row] = prompt
        return prompts

    def _note_strength(self, prompts: list[SoftPrompt | None], width: int) -> None:
        soft = self.sites.soft
        soft.width, soft.log_strength = width, None
        if any(prompt is not None and prompt.strength != 1.0 for prompt in prompts):
            strengths = [1.0 if prompt is None else prompt.strength for prompt in prompts]
            soft.log_strength = torch.tensor(strengths, device=self.model.device).log()


def _layout(
    mask: Bool[Tensor, "b s"], prompts: list[SoftPrompt | None], width: int
) -> tuple[Bool[Tensor, "b w+s"], Int[Tensor, "b w+s"]]:
    """Mask and positions with the virtual columns in front.

    Text stands at 0, 1, 2 ... whatever the padding; virtual tokens before it at -p ... -1, or, with `shift`, at
    0 ... p-1 with the text behind them.
    """
    positions = (mask.long().cumsum(-1) - 1).clamp(min=0)
    if width == 0:
        return mask, positions
    lengths = torch.tensor([0 if p is None else p.vectors.shape[0] for p in prompts], device=mask.device)
    shifts = torch.tensor([p.vectors.shape[0] if p and p.shift else 0 for p in prompts], device=mask.device)
    columns = torch.arange(width, device=mask.device) - width  # -w ... -1
    soft_mask = columns[None] >= -lengths[:, None]  # (b, w): rows with fewer virtual tokens are padded on the left
    both = torch.cat([columns[None].expand(len(prompts), -1), positions], dim=1) + shifts[:, None]
    return torch.cat([soft_mask, mask], dim=1), both


def _stack(
    prompts: list[SoftPrompt | None], width: int, words: Float[Tensor, "b t d"]
) -> Float[Tensor, "b w d"]:
    """The virtual tokens of every row, padded on the left with zeros, in the words' dtype."""
    rows = []
    for prompt in prompts:
        if prompt is None:
            rows.append(words.new_zeros(width, words.shape[-1]))
        else:
            vectors = prompt.vectors.to(words.dtype)
            rows.append(nn.functional.pad(vectors, (0, 0, width - len(vectors), 0)))
    return torch.stack(rows)

"""The attention function that transformers calls for every layer, so that one site serves all families.

With nothing attached it hands over to scaled-dot-product attention and is equal to it to the bit.
Joined keys and soft-prompt strength need an additive mask; everything else leaves the mask alone.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from engine.models.sites import AttentionSite, Glimpse, JoinedKeys

NAME = "gatelight"
Mask = Bool[Tensor, "#b 1 t s"] | Float[Tensor, "#b 1 t s"] | None


def register() -> None:
    """Make the function known to transformers under `NAME`; harmless when done twice."""
    AttentionInterface.register(NAME, site_attention)
    AttentionMaskInterface.register(NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


def site_attention(
    module: nn.Module,
    query: Float[Tensor, "b h t k"],
    key: Float[Tensor, "b g s k"],
    value: Float[Tensor, "b g s k"],
    attention_mask: Mask,
    **options: Any,  # noqa: ANN401 - passed through to transformers' own function
) -> tuple[Float[Tensor, "b t h k"], None]:
    """Frozen attention, plus what the acts of this layer's site add.

    `query` is rotated already, `key` and `value` come out of the cache.
    """
    site: AttentionSite | None = getattr(module, "gatelight_site", None)
    if site is None or site.idle:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    joined = [(act.rows, keys) for act in site.joins if (keys := act.run(site)) is not None]
    if joined or site.soft.log_strength is not None:
        attention_mask = additive_mask(module, query, key, attention_mask, options.get("is_causal"))
        attention_mask = _soften(attention_mask, site, query.shape[0], query.shape[2], key.shape[2])
    for rows, extra in joined:
        key, value, attention_mask = _join(key, value, attention_mask, rows, extra)
    out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)  # (b, t, h, k)
    out = _add_outputs(out, query, site)
    for observe in site.observers:
        mask = additive_mask(module, query, key, attention_mask, options.get("is_causal"))
        observe(
            site,
            Glimpse(query, site.to_query_heads(key), site.to_query_heads(value), mask, out.transpose(1, 2)),
        )
    return out, None


def _add_outputs(
    out: Float[Tensor, "b t h k"], query: Float[Tensor, "b h t k"], site: AttentionSite
) -> Float[Tensor, "b t h k"]:
    for act in site.adds:
        rows = act.rows or slice(None)
        added = act.run(query[rows], site)
        if added is None:
            continue
        added = added.transpose(1, 2).to(out.dtype)  # (b, t, h, k)
        if act.rows is None:
            out = out + added
        else:
            out = out.clone()
            out[rows] = out[rows] + added
    return out


def additive_mask(
    module: nn.Module,
    query: Float[Tensor, "b h t k"],
    key: Float[Tensor, "b g s k"],
    mask: Mask,
    is_causal: bool | None,
) -> Float[Tensor, "#b 1 t s"]:
    """The mask as numbers to add to the scores: 0 where visible, the dtype's lowest number where not.

    No mask means "purely causal" for a decoder and "all visible" for an encoder; a single query sees all.
    """
    t, s = query.shape[2], key.shape[2]
    low = torch.finfo(query.dtype).min
    if mask is None:
        visible = torch.ones(t, s, dtype=torch.bool, device=query.device)
        causal = is_causal if is_causal is not None else getattr(module, "is_causal", True)
        mask = (visible.tril(s - t) if causal and t > 1 else visible)[None, None]
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=query.dtype, device=query.device).masked_fill(~mask, low)


def _soften(mask: Tensor, site: AttentionSite, b: int, t: int, s: int) -> Tensor:
    """Add log(strength) where the text looks at the soft prompt; virtual tokens among themselves are left alone."""
    soft = site.soft
    if soft.log_strength is None or soft.width == 0:
        return mask
    mask = mask.expand(b, 1, t, s).clone()
    first_text_query = soft.width if t == s else 0
    mask[:, :, first_text_query:, : soft.width] += soft.log_strength.to(mask.dtype)[:, None, None, None]
    return mask.clamp(min=torch.finfo(mask.dtype).min)


def _join(
    key: Tensor, value: Tensor, mask: Tensor, rows: slice | None, extra: JoinedKeys
) -> tuple[Tensor, Tensor, Tensor]:
    """Put the extra keys in front; rows that they do not serve cannot see them."""
    b, p = key.shape[0], extra.keys.shape[1]
    bias = mask.new_full((b, 1, 1, 1), torch.finfo(mask.dtype).min)
    bias[rows or slice(None)] = float(torch.tensor(extra.strength).log())
    mask = torch.cat([bias.expand(b, 1, mask.shape[2], p), mask.expand(b, -1, -1, -1)], dim=-1)
    key = torch.cat([extra.keys.to(key.dtype).expand(b, -1, -1, -1), key], dim=2)  # (b, g, p + s, k)
    value = torch.cat([extra.values.to(value.dtype).expand(b, -1, -1, -1), value], dim=2)
    return key, value, mask

"""The attention function that transformers calls for every layer, so that one site serves all families.

With nothing attached it hands over to scaled-dot-product attention, and is equal to it to the bit; where a model caps
its scores, which no fused kernel can, it takes the steps of transformers' own eager attention. Joined keys and
soft-prompt strength need an additive mask; everything else leaves the mask alone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from engine.models.attention_site import AttentionRecord, AttentionSite, JoinedKeys, cap_scores
from engine.models.hooks import ForwardContext

NAME = "gatelight"
Mask = Bool[Tensor, "#b #h t s"] | Float[Tensor, "#b #h t s"] | None


KERNELS = {
    "math": [SDPBackend.MATH],
    "efficient": [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
    "cudnn": [SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}
"""Which of torch's kernels may serve, the first that can. A fused one cannot serve every mask or number format."""

_KERNEL_LOCK = threading.Lock()
"""Torch's choice of kernels is the whole process's: what one thread sets for a moment no other may save and restore."""


def implementation_name(kernel: str) -> str:
    """What transformers calls the function with this kernel first; "auto" leaves the order to torch.

    A number, since transformers takes every name with "flash" in it for a package of its own.
    """
    return NAME if kernel == "auto" else f"{NAME}_{list(KERNELS).index(kernel)}"


def register_attention() -> None:
    """Make the functions known to transformers under their names; harmless when done twice."""
    for kernel in ("auto", *KERNELS):
        AttentionInterface.register(implementation_name(kernel), partial(site_attention, kernel=kernel))
        AttentionMaskInterface.register(implementation_name(kernel), ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


@contextmanager
def _kernels(kernel: str) -> Iterator[None]:
    """A context in which torch uses this kernel, or the next of its list that can serve a call."""
    if kernel == "auto":
        yield
        return
    with _KERNEL_LOCK, sdpa_kernel(KERNELS[kernel], set_priority=True):
        yield


def site_attention(
    module: nn.Module,
    query: Float[Tensor, "b h t k"],
    key: Float[Tensor, "b g s k"],
    value: Float[Tensor, "b g s k"],
    attention_mask: Mask,
    kernel: str = "auto",
    **options: Any,  # noqa: ANN401 - passed on by transformers
) -> tuple[Float[Tensor, "b t h k"], None]:
    """Frozen attention, plus what the hooks of this layer's site add.

    `query` is rotated already, `key` and `value` come out of the cache.
    """
    site: AttentionSite | None = getattr(module, "gatelight_site", None)
    if site is None or site.idle:
        return _attend(module, query, key, value, attention_mask, kernel, **options), None
    site.scale, site.softcap = _arithmetic(query, **options)
    joined = [(hook.rows, keys) for hook in site.key_hooks if (keys := hook.run(site)) is not None]
    if joined or site.context.bias is not None:
        attention_mask = additive_mask(module, query, key, attention_mask, options.get("is_causal"))
        attention_mask = add_strength(attention_mask, site.context)
    for rows, extra in joined:
        assert attention_mask is not None  # made additive above
        key, value, attention_mask = _join(key, value, attention_mask, rows, extra, site.shape.h)
    out = _attend(module, query, key, value, attention_mask, kernel, **options)
    out = _add_outputs(out, query, site)
    for observe in site.observers:
        mask = additive_mask(module, query, key, attention_mask, options.get("is_causal"))
        observe(
            site,
            AttentionRecord(
                query, site.to_query_heads(key), site.to_query_heads(value), mask, out.transpose(1, 2), site.softcap
            ),
        )
    return out, None


def _arithmetic(
    query: Float[Tensor, "b h t k"],
    *,
    scaling: float | None = None,
    softcap: float | None = None,
    **_: Any,  # noqa: ANN401 - options that do not concern the scores
) -> tuple[float, float | None]:
    """Factor and cap of the scores; a family that scales its queries itself asks for a factor of 1."""
    return query.shape[-1] ** -0.5 if scaling is None else float(scaling), softcap


def _attend(
    module: nn.Module,
    query: Float[Tensor, "b h t k"],
    key: Float[Tensor, "b g s k"],
    value: Float[Tensor, "b g s k"],
    mask: Mask,
    kernel: str,
    **options: Any,  # noqa: ANN401 - passed on by transformers
) -> Float[Tensor, "b t h k"]:
    """The frozen attention itself; fused kernels cannot cap scores."""
    if options.get("softcap") is None:
        with _kernels(kernel):
            return sdpa_attention_forward(module, query, key, value, mask, **options)[0]
    mask = additive_mask(module, query, key, mask, options.get("is_causal"))
    return _capped_attention(module, query, key, value, mask, **options)


def _capped_attention(
    module: nn.Module,
    query: Float[Tensor, "b h t k"],
    key: Float[Tensor, "b g s k"],
    value: Float[Tensor, "b g s k"],
    mask: Float[Tensor, "#b #h t s"],
    *,
    dropout: float = 0.0,
    **options: Any,  # noqa: ANN401 - passed on by transformers
) -> Float[Tensor, "b t h k"]:
    """Attention whose scores are kept softly within a cap, step by step as transformers' eager attention."""
    scale, softcap = _arithmetic(query, **options)
    repeats = query.shape[1] // key.shape[1]
    scores = cap_scores(query @ repeat_kv(key, repeats).transpose(2, 3) * scale, softcap) + mask
    shares = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    shares = nn.functional.dropout(shares, p=dropout, training=module.training)
    return (shares @ repeat_kv(value, repeats)).transpose(1, 2).contiguous()


def _add_outputs(
    out: Float[Tensor, "b t h k"], query: Float[Tensor, "b h t k"], site: AttentionSite
) -> Float[Tensor, "b t h k"]:
    for hook in site.output_hooks:
        rows = hook.rows or slice(None)
        added = hook.run(query[rows], site)
        if added is None:
            continue
        added = added.transpose(1, 2).to(out.dtype)  # (b, t, h, k)
        if hook.rows is None:
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
) -> Float[Tensor, "#b #h t s"]:
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


def add_strength_through_mask(layer: nn.Module, context: ForwardContext) -> None:
    """Let virtual tokens obey their strength where no site reaches the attention: through the mask of its layer."""

    def enter(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"attention_mask": add_strength(kwargs["attention_mask"], context)}

    layer.register_forward_pre_hook(enter, with_kwargs=True)


def add_strength(mask: Float[Tensor, "#b 1 t s"], context: ForwardContext) -> Float[Tensor, "#b #h t s"]:
    """Add log(strength) where the text looks at virtual tokens; those among themselves are left alone.

    A layer that sees a sliding window gets only the latest keys out of the cache.
    """
    bias, virtual = context.bias, context.virtual
    if bias is None or virtual is None:
        return mask
    t, s = mask.shape[2:]
    bias, from_text = bias[:, -s:], ~virtual[:, -t:]  # (b, s), (b, t)
    mask = mask + (bias[:, None, :] * from_text[:, :, None]).to(mask.dtype)[:, None]  # (b, 1, t, s)
    return mask.clamp(min=torch.finfo(mask.dtype).min)


def _join(
    key: Tensor, value: Tensor, mask: Tensor, rows: slice | None, extra: JoinedKeys, h: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Put the extra keys in front; rows that they do not serve, and excluded heads, cannot see them."""
    b, p, low = key.shape[0], extra.keys.shape[-2], torch.finfo(mask.dtype).min
    heads = h if extra.excluded_heads else mask.shape[1]
    bias = mask.new_full((b, heads, 1, 1), low)
    bias[rows or slice(None)] = float(torch.tensor(extra.strength).log())
    bias[:, list(extra.excluded_heads)] = low
    mask = torch.cat([bias.expand(-1, -1, mask.shape[2], p), mask.expand(b, heads, -1, -1)], dim=-1)
    key = torch.cat([_for_rows(extra.keys, key, rows), key], dim=2)  # (b, g, p + s, k)
    value = torch.cat([_for_rows(extra.values, value, rows), value], dim=2)
    return key, value, mask


def _for_rows(extra: Tensor, like: Tensor, rows: slice | None) -> Tensor:
    """Extra keys or values for every row of the batch; rows that they do not serve get zeros."""
    extra = extra.to(like.dtype)
    if extra.dim() == 3 or rows is None:
        return extra.expand(len(like), -1, -1, -1)
    every = like.new_zeros(len(like), *extra.shape[1:])
    every[rows] = extra
    return every

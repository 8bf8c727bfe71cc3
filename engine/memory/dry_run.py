"""Runs a training step on meta tensors, to measure in seconds what a large model's step would allocate.

Parameters are on torch's meta device, where operations yield shapes and no values. Token ids and masks, on whose values
shapes depend, are real tensors on the CPU; an operation on both kinds moves the real ones to the meta device. So code
that looks for slots in a text or picks the labelled positions runs unchanged. Scalars that a method reads from its
weights are placeholders.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map
from typing_extensions import override

from engine.memory.ledger import Ledger, tensors_of

META = torch.device("meta")
FLASH = 1
"""Value of `torch._fused_sdp_choice` for the fused attention kernel of a CPU."""


@contextmanager
def dry_run(device: str, width: int = 0) -> Iterator[Ledger]:
    """Inside, operations may mix real and meta tensors; the ledger counts the bytes they would take on a device."""
    with _Shapes(device), _Dry(width) as ledger:
        yield ledger


def shape_mode(device: str) -> TorchFunctionMode:
    """The mode to enter again while activations are recomputed: a backward pass disables such modes."""
    return _Shapes(device)


class _Dry(Ledger):
    @override
    def run(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default and args[0].is_meta:
            return {torch.bool: False}.get(args[0].dtype, 1 if not args[0].is_floating_point() else 1.0)
        if func is torch.ops.aten._to_copy.default and args[0].is_meta and kwargs.get("device") == torch.device("cpu"):
            return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype, device="cpu")
        if func is torch.ops.aten._to_copy.default and not args[0].is_meta and not args[0].is_floating_point():
            kwargs.pop("device", None)  # masks stay real: transformers checks whether anything is padded
        on_meta = [tensor.is_meta for tensor in tensors_of((*args, *kwargs.values()))]
        if any(on_meta) or kwargs.get("device") == META:
            kwargs |= {"generator": None} if "generator" in kwargs else {}
            if not all(on_meta):
                args, kwargs = tree_map(_to_meta, (args, kwargs))
        return func(*args, **kwargs)


def _to_meta(value: Any) -> Any:  # noqa: ANN401 - any argument
    """A tensor moved to the meta device. Scalars stay: they combine with tensors of every device."""
    return value.to(META) if isinstance(value, Tensor) and not value.is_meta and value.dim() else value


class _Shapes(TorchFunctionMode):
    """Intercepts what must be decided above autograd: indexing by a real mask, and the choice of attention kernel."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    @override
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is Tensor.__getitem__ and args[0].is_meta and _is_real_mask(args[1]):
            return args[0][tuple(args[1].nonzero().unbind(1))]
        if func is nn.functional.scaled_dot_product_attention and args[0].is_meta:
            return _attention(self._device, *args, **kwargs)
        return func(*args, **kwargs)


def _is_real_mask(index: object) -> bool:
    return isinstance(index, Tensor) and index.dtype == torch.bool and not index.is_meta


def _attention(
    device: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The kernel that would run on the device; on the meta device torch would take the one that keeps all scores."""
    out: Tensor
    options = {"is_causal": is_causal, "scale": scale}
    if attn_mask is not None and not attn_mask.is_meta:
        attn_mask = attn_mask.to(META)
    if not _fused(device, query, key, attn_mask, is_causal, enable_gqa):
        out = torch.ops.aten._scaled_dot_product_attention_math(
            query, key, value, attn_mask, dropout_p, enable_gqa=enable_gqa, **options
        )[0]
        return out
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.zeros(attn_mask.shape, dtype=query.dtype, device=META).masked_fill(~attn_mask, -torch.inf)
    if device == "cpu":
        out = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, dropout_p, attn_mask=attn_mask, **options
        )[0]
        return out
    if enable_gqa:
        key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], dim=1) for x in (key, value))
    if attn_mask is not None:
        attn_mask = attn_mask.expand(len(query), query.shape[1], query.shape[2], key.shape[2])
    out = torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, attn_mask, query.requires_grad or key.requires_grad, dropout_p, **options
    )[0]
    return out


def _fused(device: str, query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool, gqa: bool) -> bool:
    """Whether a fused kernel runs. For a CPU, torch's own choice is queried with small real tensors."""
    if device != "cpu":
        return torch.backends.cuda.mem_efficient_sdp_enabled() and not (gqa and query.dtype == torch.float32)

    def small(like: Tensor) -> Tensor:
        return torch.empty(1, like.shape[1], 2, like.shape[3], dtype=like.dtype, device="cpu")

    small_mask = None if mask is None else torch.zeros(1, 1, 2, 2, dtype=mask.dtype, device="cpu")
    choice: int = torch._fused_sdp_choice(
        small(query), small(key), small(key), small_mask, 0.0, is_causal, scale=None, enable_gqa=gqa
    )
    return choice == FLASH

"""Import and export of official LLaMA-Adapter checkpoints (`*.pth` of the authors' v1 code).

A flat dictionary: `adapter_query.weight` (L K, d) and, for every layer of the model, `layers.{i}.attention.gate`
(1, h, 1, 1); layers below the adapted ones have zeros. The training code applies tanh to gates, the inference code
does not, and the file does not record which applies: exports are for tanh, and imports assume it by default.
"""

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.core.errors import ExchangeError
from engine.methods.base import Method, Start
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import Base

DAMAGE = (OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)
"""What `torch.load` raises for a damaged file, beside errors of pickle."""


def export_official(method: Method, path: Path) -> None:
    """Write a checkpoint that the authors' code can load.

    Raises:
        ExchangeError: As in `as_official`.
    """
    write_checkpoint(as_official(method), path)


def need_llama_adapter(cls: type[Method]) -> None:
    """Refuse other methods.

    Raises:
        ExchangeError: It is one.
    """
    if not issubclass(cls, LlamaAdapter):
        raise _no_form()


def _no_form() -> ExchangeError:
    return refused("only gated LLaMA-Adapters on LLaMA models have this form", "export as a Gatelight adapter")


def as_official(method: Method) -> dict[str, Tensor]:
    """The tensors of such a checkpoint.

    Raises:
        ExchangeError: It is another method, or its gates cannot be written as tanh(g), or it has parameters beyond v1.
    """
    need_llama_adapter(type(method))
    assert isinstance(method, LlamaAdapter)
    if method.gates is None or "llama_adapter" not in method.shape.family.adapter_formats:
        raise _no_form()
    if method.head is not None:
        raise refused("there is no place for a task head", "export as a Gatelight adapter")
    if tuned := method.settings.beyond_v1:
        raise refused(
            f"a v1 checkpoint has no place for what {', '.join(tuned)} trained",
            f"train without {', '.join(tuned)}, or export as a Gatelight adapter",
        )
    gates = native_gates(method)
    tensors = {"adapter_query.weight": method.prompts.detach().cpu().flatten(0, 1)}
    return tensors | {f"layers.{n}.attention.gate": gates_of_layer(method, gates, n) for n in range(method.shape.l)}


def native_gates(method: LlamaAdapter) -> Tensor:
    """Gates of the adapted layers as the authors' code reads them, for tanh, one for every head, (l, h).

    Raises:
        ExchangeError: A gate is no tanh of anything.
    """
    assert method.gates is not None
    gates = method.gates.detach().cpu().expand(-1, method.shape.h)
    if method.settings.activation == "identity":
        if bool((gates.abs() >= 1).any()):
            raise refused("a gate without tanh lies outside of -1 and 1", "export as a Gatelight adapter")
        gates = gates.atanh()
    return gates


def gates_of_layer(method: LlamaAdapter, gates: Tensor, layer: int) -> Tensor:
    """One layer's gates in the authors' shape; zeros below the adapted layers."""
    row = layer - method.first_layer
    gate = gates[row] if row >= 0 else torch.zeros(method.shape.h)
    return gate.reshape(1, -1, 1, 1).clone()


def write_checkpoint(held: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    torch.save(held, temporary)
    temporary.replace(path)


def import_official(path: Path, base: Base, prompt_len: int = 10, activation: str = "tanh") -> Method:
    """Read a checkpoint; only tensors are unpickled.

    Args:
        path: The `.pth` file.
        base: The model it was trained on.
        prompt_len: K; the number of layers follows from it.
        activation: "tanh" for checkpoints of the training code, "identity" for those of its inference code.

    Raises:
        ExchangeError: It is not such a checkpoint or does not fit the model.
    """
    tensors = read_checkpoint(path)
    queries = tensors["adapter_query.weight"].float()
    layers, rest = divmod(queries.shape[0] if queries.ndim else 0, prompt_len)
    if rest or not 0 < layers <= base.shape.l or queries.shape[1:] != (base.shape.d,):
        raise refused(
            f"adapter_query has shape {tuple(queries.shape)}, which is not (layers x {prompt_len}, {base.shape.d})",
            "check prompt_len and the model",
        )
    settings = LlamaAdapterSettings(prompt_len=prompt_len, layers=layers, activation=activation)
    method = LlamaAdapter.build(settings, base.shape, Start.of(base, 0))
    assert isinstance(method, LlamaAdapter)
    assert method.gates is not None
    with torch.no_grad():
        method.prompts.copy_(queries.view(layers, prompt_len, -1))
        for row in range(layers):
            method.gates[row].copy_(_gate(tensors, method.first_layer + row, base.shape.h))
    return method.to(base.device)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint; only tensors are unpickled.

    Raises:
        ExchangeError: It cannot be read, or holds no prompts.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # training scripts keep their flags beside
            tensors = _unwrapped(torch.load(path, map_location="cpu", weights_only=True))
        tensors["adapter_query.weight"].float()
        if not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
            raise ValueError("it holds something that is no tensor")
    except (*DAMAGE, pickle.UnpicklingError) as error:
        raise ExchangeError(
            "bad_file", f"The file {path.name} cannot be read: {_reason(error)}", file=path.name, reason=_reason(error)
        ) from error
    return tensors


WRAPPERS = ("model", "state_dict", "model_state_dict", "module", "adapter")
"""Names under which training checkpoints keep the tensors beside their optimiser, epoch and flags."""


def _unwrapped(held: Any) -> dict[str, Tensor]:  # noqa: ANN401 - whatever the file holds
    """The adapter's tensors, taken out of the checkpoints and wrappers around them."""
    inner = next((held[name] for name in WRAPPERS if isinstance(held, dict) and isinstance(held.get(name), dict)), None)
    if inner is not None and "adapter_query.weight" not in held:
        return _unwrapped(inner)
    return {str(name).removeprefix("module."): tensor for name, tensor in held.items()}


def _reason(error: Exception) -> str:
    """The first line of an error; of a missing name what is missing."""
    if isinstance(error, KeyError):
        return f"it has no tensor {error}, so it is no LLaMA-Adapter checkpoint"
    return next(iter(str(error).splitlines()), "it is no LLaMA-Adapter checkpoint")


def _gate(tensors: dict[str, Tensor], layer: int, h: int) -> Tensor:
    name = f"layers.{layer}.attention.gate"
    if name not in tensors:
        raise refused(f"the tensor {name!r} is missing", "check that it is a LLaMA-Adapter v1 checkpoint")
    gate = tensors[name].float().flatten()
    if len(gate) not in (1, h):
        raise refused(f"the tensor {name!r} has {len(gate)} gates, not {h}", "check the model")
    return gate.expand(h)


def refused(reason: str, fix: str) -> ExchangeError:
    """The error for what has no such form: why, and what to do."""
    return ExchangeError(
        "no_official",
        f"This cannot be exchanged as an official LLaMA-Adapter checkpoint: {reason}; {fix}.",
        reason=reason,
        fix=fix,
    )

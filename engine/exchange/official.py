"""Import and export of official LLaMA-Adapter checkpoints (`*.pth` of the authors' v1 code).

A flat dictionary: `adapter_query.weight` (L K, d) and, for every layer of the model, `layers.{i}.attention.gate`
(1, h, 1, 1); layers below the adapted ones have zeros. The training code applies tanh to gates, the inference code
does not, and the file does not record which applies: exports are for tanh, and imports assume it by default.
"""

import pickle
from pathlib import Path

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
        ExchangeError: It is another method, or its gates cannot be written as tanh(g), or it has parameters beyond v1.
    """
    if (
        not isinstance(method, LlamaAdapter)
        or method.gates is None
        or "llama_adapter" not in method.shape.family.adapter_formats
    ):
        raise _refused("only gated LLaMA-Adapters on LLaMA models have this form", "export as a Gatelight adapter")
    if method.head is not None:
        raise _refused("there is no place for a task head", "export as a Gatelight adapter")
    if tuned := method.settings.beyond_v1:
        raise _refused(
            f"a v1 checkpoint has no place for what {', '.join(tuned)} trained",
            f"train without {', '.join(tuned)}, or export as a Gatelight adapter",
        )
    gates = method.gates.detach().cpu().expand(-1, method.shape.h)
    if method.settings.activation == "identity":
        if bool((gates.abs() >= 1).any()):
            raise _refused("a gate without tanh lies outside of -1 and 1", "export as a Gatelight adapter")
        gates = gates.atanh()
    tensors = {"adapter_query.weight": method.prompts.detach().cpu().flatten(0, 1)}
    for layer in range(method.shape.l):
        row = layer - method.first_layer
        gate = gates[row] if row >= 0 else torch.zeros(method.shape.h)
        tensors[f"layers.{layer}.attention.gate"] = gate.reshape(1, -1, 1, 1).clone()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    torch.save(tensors, temporary)
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
    try:
        tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        queries = tensors["adapter_query.weight"].float()
        if not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
            raise ValueError("it holds something that is no tensor")
    except (*DAMAGE, pickle.UnpicklingError) as error:
        raise ExchangeError(
            "bad_file", f"The file {path.name} cannot be read: {error}", file=path.name, reason=str(error)
        ) from error
    layers, rest = divmod(queries.shape[0] if queries.ndim else 0, prompt_len)
    if rest or not 0 < layers <= base.shape.l or queries.shape[1:] != (base.shape.d,):
        raise _refused(
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


def _gate(tensors: dict[str, Tensor], layer: int, h: int) -> Tensor:
    name = f"layers.{layer}.attention.gate"
    if name not in tensors:
        raise _refused(f"the tensor {name!r} is missing", "check that it is a LLaMA-Adapter v1 checkpoint")
    gate = tensors[name].float().flatten()
    if len(gate) not in (1, h):
        raise _refused(f"the tensor {name!r} has {len(gate)} gates, not {h}", "check the model")
    return gate.expand(h)


def _refused(reason: str, fix: str) -> ExchangeError:
    return ExchangeError(
        "no_official",
        f"This cannot be exchanged as an official LLaMA-Adapter checkpoint: {reason}; {fix}.",
        reason=reason,
        fix=fix,
    )

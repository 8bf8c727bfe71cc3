"""Gatelight's adapter files: `adapter.json` (method, settings, base) and `adapter.safetensors` (the method's tensors).

A file with a missing tensor, an extra one, or one of another shape is refused by the tensor's name; no default is used.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.core.atomic import replacing, write_json
from engine.core.errors import ExchangeError, ModelError
from engine.core.plain_json import loads
from engine.core.tensors import write_tensors
from engine.core.writing import writing
from engine.data.head_spec import HeadSpec
from engine.methods import method_class
from engine.methods.base import METHOD_FORMAT, Method, Start
from engine.models.base import Base


def save_adapter(method: Method, base: Base, folder: Path, **facts: object) -> None:
    """Write a folded method's adapter folder; each file is replaced atomically. `facts` are added to adapter.json."""
    said = {} if method.text is None else {"text": method.text}
    write_tensors(folder / "adapter.safetensors", method.folded_tensors())
    write_json(
        folder / "adapter.json",
        {
            "format": METHOD_FORMAT,
            "method": method.spec.name,
            "settings": method.settings.to_dict(),
            "base": {
                "name": base.name,
                "model_type": base.shape.model_type,
                "precision": base.precision,
                "fingerprint": base.fingerprint,
            },
            "head": method.head.spec.to_dict() if method.head else None,
            "trainable": sum(parameter.numel() for parameter in method.parameters()),
            **said,
            **facts,
        },
    )


def copy_adapter(source: Path, folder: Path) -> None:
    """Copy an adapter folder over another one; each file is replaced atomically."""
    for name in ("adapter.safetensors", "adapter.json"):
        with writing(folder / name), replacing(folder / name) as fresh:
            shutil.copyfile(source / name, fresh)


def load_adapter(folder: Path, base: Base, *, other_weights: bool = False) -> Method:
    """Read an adapter folder and build its method for a base.

    Args:
        folder: The adapter's.
        base: The model.
        other_weights: Whether the base may have other weights than the one it was trained on.

    Raises:
        ExchangeError: The folder holds no adapter, or tensors do not fit.
        ModelError: The adapter was trained on another model, or in another number format.
    """
    facts = read_facts(folder)
    cls = method_class(facts["method"])
    settings = cls.spec.settings.from_dict(facts["settings"])
    if facts["base"]["fingerprint"] != base.fingerprint and not other_weights:
        if (precision := facts["base"].get("precision", base.precision)) != base.precision:
            raise ModelError(
                "other_precision",
                f"precision: this adapter was trained on {facts['base']['name']!r} in {precision}, but {base.name!r} "
                f"is loaded in {base.precision}: load it in {precision}.",
                trained=facts["base"]["name"],
                wanted=precision,
                name=base.name,
                loaded=base.precision,
            )
        raise ModelError(
            "other_base",
            f"This adapter was trained on {facts['base']['name']!r} with other weights than {base.name!r}: "
            "load the model it was trained on.",
            wanted=facts["base"]["name"],
            name=base.name,
        )
    start = Start.of(base, 0)
    spec = HeadSpec.from_dict(facts["head"]) if facts.get("head") else None
    method = cls.build(settings, base.shape, start).with_head(spec, start.rng)
    method.fold()
    load_tensors(method, folder / "adapter.safetensors")
    return method.to(base.device)


def read_facts(folder: Path) -> dict[str, Any]:
    """Contents of adapter.json.

    Raises:
        ExchangeError: It is missing, damaged or from a newer version.
    """
    try:
        facts = loads((folder / "adapter.json").read_text(encoding="utf-8"))
        if facts["format"] != METHOD_FORMAT:
            raise ValueError(f"format {facts['format']} instead of {METHOD_FORMAT}")
        missing = {"method", "settings", "base"} - facts.keys()
        if missing:
            raise ValueError(f"adapter.json lacks {', '.join(sorted(missing))}")
        _check_kinds(facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExchangeError(
            "no_adapter",
            f"The folder {folder.name!r} holds no adapter: {error}",
            name=folder.name,
            reason=str(error),
        ) from error
    out: dict[str, Any] = facts
    return out


def _check_kinds(facts: dict[str, Any]) -> None:
    """Raise a ValueError or KeyError unless an adapter.json's entries are of the kinds that `save_adapter` writes."""
    base, head = facts["base"], facts.get("head") or {"labels": [], "pooling": "last"}
    kinds = ((facts, "method", str), (facts, "settings", dict), (base, "name", str), (base, "fingerprint", str))
    for values, name, kind in (*kinds, (head, "labels", list), (head, "pooling", str)):
        if not isinstance(values, dict) or not isinstance(values[name], kind):
            raise ValueError(f"{name} in adapter.json is of another kind")
    if not all(isinstance(label, str) for label in head["labels"]):
        raise ValueError("labels in adapter.json are no texts")
    HeadSpec.from_dict(head)


def load_tensors(method: Method, path: Path) -> None:
    """Put a file's tensors into a folded method.

    Raises:
        ExchangeError: The file cannot be read, or a tensor is missing, extra, or of another shape.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ExchangeError(
            "bad_file", f"The file {path.name} cannot be read: {error}", file=path.name, reason=str(error)
        ) from error
    put_tensors(method, tensors, path.name)


def put_tensors(method: Method, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Put tensors into a folded method by name.

    Raises:
        ExchangeError: One is missing, extra, or of another shape.
    """
    check_tensors(method.adapter_tensors(), tensors, source)
    method.load_adapter_tensors(tensors)


def check_tensors(expected: dict[str, torch.Tensor], tensors: dict[str, torch.Tensor], source: str) -> None:
    """Refuse tensors whose names or shapes differ from the expected ones.

    Raises:
        ExchangeError: One is missing, extra, or of another shape.
    """
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors:
            problem = "is missing"
        elif name not in expected:
            problem = "does not belong there"
        elif tensors[name].shape != expected[name].shape:
            problem = f"has shape {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
        else:
            continue
        raise ExchangeError(
            "bad_tensor",
            f"The tensor {name!r} in {source} {problem}.",
            tensor=name,
            file=source,
            problem=problem,
        )

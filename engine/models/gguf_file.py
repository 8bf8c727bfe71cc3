"""Models in one GGUF file: its header is read here without torch, its weights are dequantised as they load."""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.core.confine import is_plain
from engine.core.errors import ModelError
from engine.models.resolve import locate

T = TypeVar("T")
SUFFIX = ".gguf"
BROKEN = (Exception,)
"""What readers of a damaged or strange file raise: that of a vocabulary raises plain exceptions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufFacts:
    """What a file says of its model.

    Attributes:
        architecture: Its kind, as the file calls it; see `engine.models.families.family_in_gguf`.
        quantisation: How most of its weights are stored, such as "Q4_1"; empty where it does not say.
        parameters: Numbers in its tensors.
        chats: Whether it comes with a chat template.
    """

    architecture: str
    quantisation: str
    parameters: int
    chats: bool


def is_gguf(name: str) -> bool:
    """Whether a model is named by a GGUF file."""
    return name.lower().endswith(SUFFIX)


def source_of(name: str) -> tuple[str, dict[str, str]]:
    """What `from_pretrained` takes for a model: its folder or hub id, and more arguments where it is a GGUF file."""
    path = Path(locate(name))
    return (str(path.parent), {"gguf_file": path.name}) if is_gguf(name) else (locate(name), {})


def gguf_facts(name: str) -> GgufFacts:
    """What the header of a model's file says; the tensors must all lie within the file.

    Raises:
        ModelError: It is no GGUF file, or damaged.
    """
    path = Path(locate(name))
    try:
        return _facts(path, _stamp(path))
    except BROKEN as error:
        raise bad_gguf(name, error) from error


def check_precision(name: str, precision: str) -> None:
    """See that the weights of a file are not to be quantised a second time.

    Raises:
        ModelError: They are.
    """
    if is_gguf(name) and precision in ("int8", "nf4"):
        stored = gguf_facts(name).quantisation or "GGUF"
        raise ModelError(
            "gguf_precision",
            f"precision is {precision!r}, but the weights of {Path(name).name} are stored as {stored} and are "
            "dequantised as they load: choose fp32, bf16 or fp16.",
            value=precision,
            file=Path(name).name,
            stored=stored,
        )


def bad_gguf(name: str, error: Exception) -> ModelError:
    """The error of a file that cannot be loaded."""
    reason = (next(iter(str(error).splitlines()), "") or type(error).__name__).rstrip(".")
    return ModelError(
        "bad_gguf",
        f"The GGUF file {Path(name).name} cannot be loaded ({reason}): fetch it again, or choose another one.",
        file=Path(name).name,
        reason=reason,
    )


def read_once(name: str, kind: str, read: Callable[[], T]) -> T:
    """What a slow reader makes of a file, read once while the file stays the same; each caller has a copy."""
    path = Path(locate(name))
    key = (str(path), kind, _stamp(path))
    if key not in _READ:
        while len(_READ) >= MOST_READ:
            _READ.pop(next(iter(_READ)))
        _READ[key] = read()
    out: T = copy.deepcopy(_READ[key])
    return out


MOST_READ = 4
"""Configs and tokenizers that are kept: the words of a vocabulary are read one by one, which takes seconds."""
_READ: dict[tuple[str, str, tuple[int, int]], Any] = {}


def _stamp(path: Path) -> tuple[int, int]:
    if not is_plain(path):
        raise FileNotFoundError("there is no such file")
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


@functools.lru_cache(maxsize=64)
def _facts(path: Path, _: tuple[int, int]) -> GgufFacts:
    from gguf import GGUFReader, LlamaFileType  # noqa: PLC0415 - only where there is such a file

    reader = GGUFReader(path)
    architecture = reader.fields.get("general.architecture")
    stored = reader.fields.get("general.file_type")
    try:
        quantisation = LlamaFileType(stored.contents()).name if stored is not None else ""
    except ValueError:  # newer than the library
        quantisation = ""
    return GgufFacts(
        architecture=str(architecture.contents()) if architecture is not None else "",
        quantisation=quantisation.removeprefix("MOSTLY_").removeprefix("ALL_"),
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors),
        chats="tokenizer.chat_template" in reader.fields,
    )

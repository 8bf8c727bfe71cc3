"""Models that are on this machine already: those that ship, local folders, and what the hub's cache holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CacheNotFound, constants, scan_cache_dir
from safetensors import SafetensorError, safe_open

from engine.core.confine import is_plain
from engine.core.errors import ModelError
from engine.core.plain_json import loads
from engine.models.families import FAMILIES, family_in_gguf
from engine.models.gguf_file import GgufFacts, gguf_facts, is_gguf


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalModel:
    """A model's files.

    Attributes:
        name: What to call it in a run: a name that ships, a folder or a hub id.
        source: "shipped", "folder" or "cache".
        family: Its transformers type; empty where its config does not say.
        parameters: Numbers in its safetensors, read from their headers.
        size_bytes: Of its weight files.
        path: Their folder, or the GGUF file.
        problem: Why it cannot be used: "unknown_family", "model_pickled", "model_corrupt", "bad_gguf" or ""; see
            `load_errors`.
        quantisation: How a GGUF file stores most of its weights; empty for others.
    """

    name: str
    source: str
    family: str
    parameters: int
    size_bytes: int
    path: Path
    problem: str
    quantisation: str = ""


def inspect_folder(folder: Path, name: str, source: str) -> LocalModel | None:
    """What a folder holds; None where there is no config of a model."""
    if not is_plain(folder / "config.json"):
        return None
    try:
        config = loads((folder / "config.json").read_text(encoding="utf-8"))
        family = str(config.get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return None
    files = sorted(filter(is_plain, folder.glob("*.safetensors")))
    try:
        parameters, problem = sum(map(_numbers, files)), "" if files else "model_pickled"
    except (SafetensorError, OSError):
        parameters, problem = 0, "model_corrupt"
    if family not in FAMILIES:
        problem = "unknown_family"
    sizes = [file.stat().st_size for file in (files or folder.glob("*.bin")) if file.exists()]
    return LocalModel(
        name=name,
        source=source,
        family=family,
        parameters=parameters,
        size_bytes=sum(sizes),
        path=folder,
        problem=problem,
    )


def _numbers(file: Path) -> int:
    """How many numbers a safetensors file holds."""
    total = 0
    with safe_open(file, framework="pt") as tensors:
        for key in tensors.keys():  # noqa: SIM118 - not a mapping
            count = 1
            for axis in tensors.get_slice(key).get_shape():
                count *= axis
            total += count
    return total


def cached_models() -> Iterator[LocalModel]:
    """Models in the hub's cache, by name; those of which only a config was fetched are passed over."""
    try:
        repos = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, ValueError):
        return
    for repo in sorted((repo for repo in repos if repo.repo_type == "model"), key=lambda repo: repo.repo_id.lower()):
        newest = max(repo.revisions, key=lambda revision: revision.last_modified, default=None)
        revision = next((each for each in repo.revisions if "main" in each.refs), newest)
        model = inspect_folder(revision.snapshot_path, repo.repo_id, "cache") if revision else None
        if model is not None and model.size_bytes:
            yield model


def models_in_folder(root: Path) -> Iterator[LocalModel]:
    """Models in the folders right below `root`, by name, and GGUF files there and in it."""
    for path in sorted(root.glob("*/config.json")):
        model = inspect_folder(path.parent, str(path.parent), "folder")
        if model is not None and model.size_bytes:
            yield model
    files = (path for pattern in ("*", "*/*") for path in root.glob(pattern) if is_gguf(path.name))
    yield from map(inspect_gguf, sorted(filter(is_plain, files)))


def inspect_gguf(path: Path) -> LocalModel:
    """The model in a GGUF file."""
    try:
        facts, problem = gguf_facts(str(path)), ""
    except ModelError as error:
        facts, problem = GgufFacts(architecture="", quantisation="", parameters=0, chats=False), error.key
    family = family_in_gguf(facts.architecture)
    return LocalModel(
        name=str(path),
        source="folder",
        family=family,
        parameters=facts.parameters,
        size_bytes=path.stat().st_size,
        path=path,
        problem=problem or ("" if family in FAMILIES else "unknown_family"),
        quantisation=facts.quantisation,
    )

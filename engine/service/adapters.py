"""Lists adapters with their training data and their size on disk. Needs no torch.

An adapter's folder suffices to use it: its training data and its run may have been deleted.
"""

from pathlib import Path
from typing import Any

from engine.core.errors import RunError
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.runs.summary import AdapterInfo
from engine.runs.typed import checked


def list_adapters(root: Path, model: str | None = None) -> list[AdapterInfo]:
    """Adapters below a folder, in separate folders or in run folders, oldest first; of one model or of all."""
    paths = [*root.glob("*/adapter.json"), *root.glob("*/adapter/adapter.json")]
    infos = [info for path in paths if (info := _info(path.parent)) is not None]
    return sorted((info for info in infos if model in (None, info.model)), key=lambda info: info.created)


def _info(folder: Path) -> AdapterInfo | None:
    """Facts of the adapter in a folder; None where they cannot be read."""
    run = RunFolder(folder.parent) if folder.name == "adapter" and (folder.parent / "run.json").exists() else None
    try:
        facts: dict[str, Any] = read_json(folder / "adapter.json")
        run_facts = run.facts() if run is not None else None
        head = facts.get("head")
        return AdapterInfo(
            id=folder.name if run is None else run.id,
            name=(run_facts and run_facts.name) or folder.name,
            path=str(folder),
            model=checked("name", facts["base"]["name"], str),
            fingerprint=checked("fingerprint", facts["base"]["fingerprint"], str),
            method=checked("method", facts["method"], str),
            dataset=checked("data", facts.get("data") or (run_facts.dataset if run_facts else ""), str),
            labels=tuple(checked("labels", head["labels"], list[str])) if head else None,
            step=checked("step", facts.get("step", 0), int),
            trainable=checked("trainable", facts.get("trainable") or (run_facts.trainable if run_facts else 0), int),
            size_bytes=sum(path.stat().st_size for path in folder.iterdir()),
            marks=bool(head and head.get("span")),
            created=(run_facts and run_facts.created) or (folder / "adapter.safetensors").stat().st_mtime,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RunError):
        return None

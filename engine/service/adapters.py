"""The adapters of a base: what each of them was trained on and what it costs on the disk. Needs no torch.

An adapter's folder says all that is needed to use it: the data it learned from and the run that made it may be gone.
"""

import json
from pathlib import Path
from typing import Any

from engine.core.errors import RunError
from engine.core.types import AdapterInfo
from engine.runs.folder import RunFolder


def list_adapters(root: Path, model: str | None = None) -> list[AdapterInfo]:
    """Adapters below a folder, in folders of their own or in their run's, oldest first; of one model or of all."""
    paths = [*root.glob("*/adapter.json"), *root.glob("*/adapter/adapter.json")]
    infos = [info for path in paths if (info := _info(path.parent)) is not None]
    return sorted((info for info in infos if model in (None, info.model)), key=lambda info: info.created)


def _info(folder: Path) -> AdapterInfo | None:
    """What an adapter's folder says about it; None where it cannot be read."""
    run = RunFolder(folder.parent) if folder.name == "adapter" and (folder.parent / "run.json").exists() else None
    try:
        facts: dict[str, Any] = json.loads((folder / "adapter.json").read_text(encoding="utf-8"))
        told = run.facts() if run is not None else None
        head = facts.get("head")
        return AdapterInfo(
            id=folder.name if run is None else run.id,
            name=(told and told.name) or folder.name,
            path=str(folder),
            model=facts["base"]["name"],
            fingerprint=facts["base"]["fingerprint"],
            method=facts["method"],
            dataset=facts.get("data") or (told.dataset if told else ""),
            labels=tuple(head["labels"]) if head else None,
            step=facts.get("step", 0),
            trainable=facts.get("trainable") or (told.trainable if told else 0),
            size_bytes=sum(path.stat().st_size for path in folder.iterdir()),
            created=(told and told.created) or (folder / "adapter.safetensors").stat().st_mtime,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RunError):
        return None

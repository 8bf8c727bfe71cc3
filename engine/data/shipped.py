"""The datasets that ship: their names, and the settings that suit them. Needs nothing that reads files of others."""

from pathlib import Path
from typing import Any

from engine.core.plain_json import loads

DATASETS = Path(__file__).resolve().parents[2] / "assets" / "datasets"
DESCRIPTION = "dataset.json"


def shipped() -> list[str]:
    """Names of the datasets that ship with the workbench, the default one first."""
    names = sorted(path.parent.name for path in DATASETS.glob(f"*/{DESCRIPTION}"))
    return sorted(names, key=lambda name: name != "town-qa")


def suited_settings(name: str, method: str) -> dict[str, Any]:
    """Settings of a method that suit a dataset that ships better than its defaults; none for one's own data."""
    return dict(_facts(name).get("suited", {}).get(method, {}))


def suited_training(name: str) -> dict[str, Any]:
    """The same of the training loop's settings."""
    return {key: value for key, value in _facts(name).items() if key == "steps"}


def _facts(name: str) -> dict[str, Any]:
    if name not in shipped():
        return {}
    facts: dict[str, Any] = loads((DATASETS / name / DESCRIPTION).read_text(encoding="utf-8"))
    return facts

"""Default folders of runs, models and caches: $GATELIGHT_HOME, else ~/.gatelight."""

import os
from pathlib import Path


def home() -> Path:
    """The workbench's home folder."""
    return Path(os.environ.get("GATELIGHT_HOME") or Path.home() / ".gatelight").expanduser()


def models_root() -> Path:
    """Folder of the user's models: each subfolder with a model is listed."""
    return home() / "models"


def runs_root() -> Path:
    """Folder of all runs."""
    return home() / "runs"


def cache_root() -> Path:
    """Folder of what can be computed again; it may be deleted at any time."""
    return home() / "cache"

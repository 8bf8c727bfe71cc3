"""The zips of exported adapters: each goes with its run."""

import re
from pathlib import Path

from engine.exchange.forms import EXPORT_FORMATS
from engine.runs.folder import RunFolder
from engine.runs.scan import is_run_id
from engine.service.leftovers import remove
from engine.service.rows import RECORDINGS

EXPORTS = "exports"
"""Folder below the workbench's own."""
_NAME = re.compile(rf"(?P<run>.+)-({'|'.join(EXPORT_FORMATS)})\.zip", re.DOTALL)


class Exports:
    """The folder of all zips.

    Args:
        folder: Theirs.
        runs: Folder of the run folders.
    """

    def __init__(self, folder: Path, runs: Path) -> None:
        self.folder = folder
        self._runs = runs

    def path(self, run: str, form: str) -> Path:
        """Where a run's adapter goes in a form."""
        return self.folder / f"{run}-{form if form.isidentifier() else 'x'}.zip"

    def drop(self, run: str) -> None:
        """Delete those of a run."""
        for path, of in self._zips():
            if of == run:
                remove(path)

    def drop_orphans(self) -> None:
        """Delete those whose run is gone, as where a kill came between the two."""
        for path, run in self._zips():
            if is_run_id(run) and not any(RunFolder(root / run).is_run() for root in (self._runs, RECORDINGS)):
                remove(path)

    def _zips(self) -> list[tuple[Path, str]]:
        """Each zip, and the run that it is of: no form has a dash in its name."""
        matches = ((path, _NAME.fullmatch(path.name)) for path in self.folder.glob("*.zip"))
        return [(path, match["run"]) for path, match in matches if match]

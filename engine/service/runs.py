"""The runs on the shelf, one's own and the recordings: what can be said and done without the worker. All instant."""

import re
from pathlib import Path

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError
from engine.core.types import AdapterInfo, Live, Predicted, RunSummary, Since
from engine.runs.folder import RunFolder, run_folders
from engine.runs.log import read_events
from engine.service.adapters import adapters

RECORDINGS = Path(__file__).resolve().parents[2] / "assets" / "recordings"
NAME_LENGTH = 120


class Shelf:
    """Run folders, and what is going on right now: the one state that the folders do not hold."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._live = Live()

    def live(self) -> Live:
        """What is going on right now. Instant."""
        return self._live

    def runs(self) -> list[RunSummary]:
        """Own runs, newest first, then the recordings. Instant."""
        own = [(folder, False) for folder in run_folders(self._runs)]
        recorded = [(folder, True) for folder in run_folders(RECORDINGS)]
        return [self._summary(folder, recording=recording) for folder, recording in own + recorded]

    def library(self, model: str) -> list[AdapterInfo]:
        """Every adapter of a model, own ones and recordings, oldest first. Instant."""
        found = adapters(self._runs, model) + adapters(RECORDINGS, model)
        return sorted(found, key=lambda info: info.created)

    def run_config(self, run: str) -> RunConfig:
        """What determines a run. Instant."""
        return self._folder(run).config

    def since(self, run: str, cursor: int, epoch: int | None) -> Since:
        """News of a run since a cursor. Instant; see `Since`."""
        folder = self._folder(run)
        facts = folder.facts()
        events, after = read_events(folder.events_path, cursor if epoch == facts["epoch"] else 0)
        return {
            "run": run,
            "name": facts["name"],
            "status": self._status(folder),
            "message": facts["message"],
            "problem": facts.get("problem"),
            "recording": folder.path.parent == RECORDINGS,
            "emits": facts["emits"],
            "layered": facts["layered"],
            "pictures": bool(facts.get("pictures")),
            "steps": facts["steps"],
            "config": facts["config"],
            "memory": facts.get("memory"),
            "early": facts.get("stopped_early", False),
            "kept": facts.get("kept_step"),
            "epoch": facts["epoch"],
            "cursor": after,
            "more": folder.events_path.exists() and after < folder.events_path.stat().st_size and bool(events),
            "events": events,
        }

    def rename(self, run: str, name: str) -> None:
        """Give a run another name.

        Raises:
            WorkbenchError: The name is empty, or the run is a recording.
        """
        if not short(name):
            raise SettingError("no_name", "The name is empty: type a name for the run.")
        self._own(run).update(name=short(name))

    def annotate(self, run: str, notes: str) -> None:
        """Keep notes with a run."""
        self._own(run).update(notes=notes)

    def delete(self, run: str) -> None:
        """Remove a run for good.

        Raises:
            RunError: It is active, or a recording.
        """
        folder = self._own(run)
        if self._live.run == run:
            raise RunError("delete_active", f"The run {run!r} is active: stop it before you delete it.", run=run)
        folder.delete()

    def kept_predictions(self, run: str) -> Predicted | None:
        """The held-out rows of a run as they were answered before; None where they were not. Instant."""
        rows = self._folder(run).kept_predictions()
        return None if rows is None else Predicted(rows=rows, total=len(rows))

    def snapshots(self, run: str) -> list[int]:
        """Steps of a run that one can chat with, in order. Instant."""
        return self._folder(run).snapshots()

    def _folder(self, run: str) -> RunFolder:
        """An own run or a recording by its id; an id is one plain folder name."""
        if re.fullmatch(r"[\w-][\w.-]*", run):
            for root in (self._runs, RECORDINGS):
                if (root / run / "run.json").exists():
                    return RunFolder.open(root / run)
        raise RunError("no_such_run", f"There is no run {run!r}: it may have been deleted.", run=run)

    def _own(self, run: str) -> RunFolder:
        folder = self._folder(run)
        if folder.path.parent == RECORDINGS:
            raise RunError("recording", f"{run!r} is a recording and stays as it is.", run=run)
        return folder

    def _status(self, folder: RunFolder) -> str:
        if self._live.run == folder.id and folder.path.parent == self._runs:
            return self._live.status
        if folder.path.parent == RECORDINGS:
            return "finished"
        return folder.status()

    def _summary(self, folder: RunFolder, *, recording: bool) -> RunSummary:
        facts = folder.facts()
        config, active = facts["config"], self._live.run == folder.id and not recording
        files = folder.adapter_path.glob("*")
        return RunSummary(
            id=folder.id,
            name=facts["name"],
            notes=facts["notes"],
            status=self._status(folder),
            recording=recording,
            model=config["model"],
            method=config["method"],
            dataset=config["dataset"],
            step=self._live.step if active else facts["step"],
            steps=facts["steps"],
            best_validation=facts["best_validation"],
            kept_step=facts.get("kept_step"),
            trainable=facts["trainable"],
            size_bytes=sum(path.stat().st_size for path in files),
            created=facts["created"],
            emits=facts["emits"],
            labels=folder.head.labels if folder.head else None,
            pictures=bool(facts.get("pictures")),
            chips=facts.get("chips"),
        )


def short(name: str) -> str:
    """A name as it is kept: one line, at most `NAME_LENGTH` characters."""
    return " ".join(name.split())[:NAME_LENGTH]

"""A run is a folder. The process that holds its lock trains it; all others only read.

run.json          identity, config, status, counts
run.yaml          reproduces the run: python -m engine train run.yaml
events.jsonl      telemetry, one event per line
snapshots/        the method's tensors at frame steps
checkpoint/       state from which training is resumed
adapter/          the adapter in Gatelight's format: the newest state, or the best one where `keep` says so
best/             adapter with the lowest validation loss, where `keep` is "best"
predictions.json  predictions for the test rows, and the step at which they were made
"""

import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from engine.config.run import RunConfig, trust_asked
from engine.core.atomic import sync, sync_tree, write_json, write_text
from engine.core.errors import RunError
from engine.data.head_spec import HeadSpec
from engine.runs.facts import RunFacts

SNAPSHOT_BUDGET = 64 * 2**20
"""Bytes that a run's snapshots may take; beyond it every second one is deleted, but never the first or the newest."""

UPDATE_PATIENCE_S = 30
"""Seconds that a change of run.json waits for another process that changes it."""

ACTIVE = ("loading", "running", "paused")


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / "lock")

    @classmethod
    def create(cls, path: Path, config: RunConfig, facts: RunFacts) -> Self:
        """Make the folder of a new run; the config and the time of creation are added to its facts.

        Raises:
            RunError: The folder exists and is not empty, or cannot be made.
        """
        try:
            if path.exists() and any(path.iterdir()):
                raise RunError(
                    "run_exists",
                    f"The folder {str(path)!r} is not empty: choose another --out, or resume it.",
                    path=str(path),
                )
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / "run.yaml", config.to_yaml(), durable=True)
            facts = replace(facts, config=config.to_dict(), created=facts.created or time.time())
            write_json(path / "run.json", facts.to_json(), durable=True)
            sync(path.parent)
        except OSError as error:
            raise RunError(
                "run_not_made",
                f"The run folder {str(path)!r} cannot be made: {error.strerror or error}.",
                path=str(path),
                reason=error.strerror or str(error),
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """An existing run.

        Raises:
            RunError: There is none, or its description cannot be read.
        """
        folder = cls(path)
        folder.facts()
        return folder

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def config(self) -> RunConfig:
        """The run's config, without trust in its model's authors, which no file can give."""
        return RunConfig.from_dict(self.facts().config)

    @property
    def trust_asked(self) -> tuple[str, ...]:
        """The settings of trust that the run was started with; whoever goes on with it gives them anew."""
        return trust_asked(self.facts().config)

    @property
    def head(self) -> HeadSpec | None:
        """Spec of the run's task head; None without one."""
        return self.facts().head

    @property
    def template(self) -> str | None:
        """Text around a prompt, as in training; None in runs of older versions, which do not store it."""
        return self.facts().template

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def adapter_path(self) -> Path:
        """Folder of the run's adapter."""
        return self.path / "adapter"

    def best_path(self, step: int) -> Path:
        """The adapter of the step with the lowest validation loss."""
        return self.path / "best" / f"step-{step:08d}"

    def trim_best(self, step: int) -> None:
        """Delete all best adapters but that of `step`, the best one according to the checkpoint."""
        for path in (self.path / "best").glob("step-*"):
            if path != self.best_path(step):
                shutil.rmtree(path, ignore_errors=True)

    @property
    def checkpoint_path(self) -> Path:
        """The newest complete checkpoint: after a crash between two renames, the one that was being replaced."""
        path, old = self.path / "checkpoint", self.path / "checkpoint.old"
        return old if old.exists() and not path.exists() else path

    def facts(self) -> RunFacts:
        """Contents of run.json.

        Raises:
            RunError: It is missing or damaged.
        """
        try:
            return RunFacts.from_json(json.loads((self.path / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                "no_run",
                f"The folder {str(self.path)!r} holds no run: run.json is missing or damaged.",
                run=self.id,
            ) from error

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - any field of RunFacts
        """Change entries of run.json, by their names in `RunFacts`. A deleted run is not recreated.

        The page and the trainer both do this: one at a time, and each keeps what the other changed.

        Raises:
            RunError: run.json is gone.
        """
        self.facts()  # the lock would bring a deleted folder back
        with FileLock(self.path / "run.json.lock", timeout=UPDATE_PATIENCE_S):
            write_json(self.path / "run.json", replace(self.facts(), **changes).to_json(), durable=True)

    def status(self) -> str:
        """The present status: a run that is active in its file but that no process trains is "interrupted"."""
        status = self.facts().status
        return "interrupted" if status in ACTIVE and not self.busy() else status

    def busy(self) -> bool:
        """Whether some process holds the run's lock, so trains it."""
        if not (self.path / "lock").exists():
            return False
        try:
            with FileLock(self.path / "lock", timeout=0):
                return False
        except Timeout:
            return True

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the run's lock; the operating system releases it when the process dies.

        Raises:
            RunError: Another process trains it.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise RunError(
                "run_busy",
                f"The run {self.id!r} is being trained by another process: stop it there.",
                run=self.id,
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def replace_checkpoint(self, fresh: Path) -> None:
        """Replace the checkpoint by a complete new one; at every moment one is complete, after a power cut, too."""
        path, old = self.path / "checkpoint", self.path / "checkpoint.old"
        sync_tree(fresh)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        fresh.rename(path)
        sync(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def snapshot_path(self, step: int) -> Path:
        """File with the adapter's tensors after `step` updates."""
        return self.path / "snapshots" / f"step-{step:08d}.safetensors"

    def snapshots(self) -> list[int]:
        """Steps that have a snapshot, in order."""
        return sorted(
            int(path.stem.removeprefix("step-")) for path in (self.path / "snapshots").glob("step-*.safetensors")
        )

    def trim_snapshots(self, budget: int = SNAPSHOT_BUDGET) -> None:
        """Delete every second snapshot, but the first and the newest, until the rest fit into the budget of bytes."""
        steps = self.snapshots()
        if not steps:
            return
        size = self.snapshot_path(steps[-1]).stat().st_size
        while len(steps) > 2 and len(steps) * size > budget:
            for step in steps[1:-1:2]:
                self.snapshot_path(step).unlink(missing_ok=True)
            steps = self.snapshots()

    def drop_snapshots_after(self, step: int) -> None:
        """Delete the snapshots after `step`: a resumed run makes those steps again."""
        for later in self.snapshots():
            if later > step:
                self.snapshot_path(later).unlink(missing_ok=True)

    def keep_predictions(self, rows: list[dict[str, Any]]) -> None:
        """Store the predictions for the test rows, made at the run's present step."""
        write_json(self.path / "predictions.json", {"step": self.facts().step, "rows": rows})

    def kept_predictions(self) -> list[dict[str, Any]] | None:
        """The stored predictions; None where there are none, or the run was trained further since."""
        try:
            kept = json.loads((self.path / "predictions.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return kept["rows"] if kept["step"] == self.facts().step else None

    def delete(self) -> None:
        """Delete the run.

        Raises:
            RunError: It is being trained.
        """
        with self.owned():
            self.path.rename(self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.deleted"))
        sweep_deleted(self.path.parent)


def sweep_deleted(root: Path) -> None:
    """Remove deleted runs, also what is left of those whose removal a crash cut off."""
    for path in root.glob(".*.deleted"):
        shutil.rmtree(path, ignore_errors=True)


def new_run_path(root: Path, config: RunConfig) -> Path:
    """An unused path of a run folder, named after time, method and dataset."""
    dataset = re.sub(r"[^\w.-]+", "-", Path(config.dataset).name)  # an id has no other characters, a file's name may
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{config.method}-{dataset}"
    path, number = root / stem, 2
    while path.exists():
        path, number = root / f"{stem}-{number}", number + 1
    return path


def run_folders(root: Path) -> list[RunFolder]:
    """All runs below a folder, newest first; folders without a readable run are skipped."""
    readable = []
    for path in root.glob("*/run.json"):
        folder = RunFolder(path.parent)
        try:
            readable.append((folder.facts().created, folder.path.name, folder))
        except RunError:
            continue
    return [
        folder
        for _, _, folder in sorted(readable, key=lambda row: row[:2], reverse=True)
        if folder.path.suffix != ".deleted"
    ]

"""A run is a folder. The process that holds its lock trains it; all others only read.

run.json          identity, config, status, counts
run.yaml          reproduces the run: python -m engine train run.yaml
events.jsonl      telemetry, one event per line
snapshots/        the method's tensors at frame steps
checkpoint/       state from which training is resumed
adapter/          the adapter in Gatelight's format: the newest state, or the best one where `keep` says so
best/             adapter with the lowest validation loss; gone when a run finishes well and `keep` is "newest"
predictions.json  predictions for the test rows, and the step at which they were made
"""

import functools
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from engine.config.run import RunConfig, trust_asked
from engine.core.atomic import sync, sync_tree, write_json, write_text
from engine.core.errors import RunError, WorkbenchError
from engine.core.writing import not_written, writing
from engine.data.head_spec import HeadSpec
from engine.runs.facts import RunFacts
from engine.runs.files import open_regular, read_json

SNAPSHOT_BUDGET = 64 * 2**20
"""Bytes that a run's snapshots may take; beyond it every second one is deleted, but never the first or the newest."""

LOCK_PATIENCE_S = 1.0
LOCK_POLL_S = 0.02
"""A run's lock is waited for so long: whoever asks whether a run is active holds it for a moment, too."""

UPDATE_PATIENCE_S = 30
"""Seconds that a change of run.json waits for another process that changes it."""

CACHED_AFTER_S = 2
MOST_CACHED = 10_000
LONGEST_YAML = 2**20
_SNAPSHOT = re.compile(r"step-(\d{1,12})\.safetensors")

ACTIVE = ("loading", "running", "paused")


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @functools.cached_property
    def _lock(self) -> FileLock:
        return FileLock(self.path / "lock")

    @classmethod
    def create(cls, path: Path, config: RunConfig, facts: RunFacts) -> Self:
        """Make the folder of a new run; the config and the time of creation are added to its facts.

        Raises:
            RunError: The folder exists and is not empty.
            NotWrittenError: It cannot be made.
        """
        exists = RunError(
            "run_exists",
            f"The folder {str(path)!r} is not empty: choose another --out, or resume it.",
            path=str(path),
        )
        made = False
        try:
            if path.exists() and any(path.iterdir()):
                raise exists
            path.mkdir(parents=True, exist_ok=True)
            (path / "lock").touch(exist_ok=False)  # of two that make the same folder at once, one
            made = True
            facts = replace(facts, config=config.to_dict(), created=facts.created or time.time())
            write_json(path / "run.json", facts.to_json(), durable=True)  # first: a run that is there can be opened
            write_text(path / "run.yaml", config.to_yaml(), durable=True)
            sync(path.parent)
        except FileExistsError as error:
            raise exists from error
        except OSError as error:
            if made:
                shutil.rmtree(path, ignore_errors=True)
            raise not_written(path, error) from error
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

    def drop_best(self) -> None:
        """Delete all best adapters: the run has ended without need of them."""
        shutil.rmtree(self.path / "best", ignore_errors=True)

    @property
    def checkpoint_paths(self) -> list[Path]:
        """The checkpoints that there are, the newest first. After a crash between two renames: the older one."""
        paths = (self.path / "checkpoint", self.path / "checkpoint.old")
        return [path for path in paths if os.path.lexists(path)]

    def facts(self) -> RunFacts:
        """Contents of run.json.

        Raises:
            RunError: It is missing or damaged; the sentence says why and which parts of the run are still there.
        """
        path = self.path / "run.json"
        try:
            facts = _read_facts(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            if self.is_run():
                raise self._damaged("it is missing") from error
            raise RunError(
                "no_run", f"The folder {str(self.path)!r} holds no run: run.json is missing.", run=self.id
            ) from error
        except (OSError, ValueError) as error:
            raise self._damaged(getattr(error, "strerror", None) or str(error)) from error
        return facts if facts.name else replace(facts, name=self.id)

    def _damaged(self, reason: str) -> RunError:
        saved = ", ".join(self.saved_parts()) or "–"
        text = f"The run {self.id!r} is damaged: run.json cannot be used, {reason}. Still there: {saved}."
        if self.saved_config() is None:
            return RunError("run_damaged", text, run=self.id, reason=reason, saved=saved)
        text += " Start it again with `python -m engine train` and its run.yaml."
        return RunError("run_startable", text, run=self.id, reason=reason, saved=saved)

    def saved_config(self) -> RunConfig | None:
        """The config of run.yaml, with which a damaged run can be started again; None where it is not whole either."""
        try:
            with open_regular(self.path / "run.yaml") as file:
                return RunConfig.from_yaml(file.read(LONGEST_YAML).decode())
        except (OSError, ValueError, WorkbenchError):
            return None

    def is_run(self) -> bool:
        """Whether the folder has a part of a run, damaged or not."""
        return any(os.path.lexists(self.path / part) for part in ("run.json", "run.yaml", "events.jsonl", "checkpoint"))

    def saved_parts(self) -> list[str]:
        """Names of the parts of a damaged run that can be used without its run.json."""
        parts = ("adapter/adapter.safetensors", "checkpoint/trainer.json", "events.jsonl", "run.yaml")
        return [part for part in parts if (self.path / part).is_file()]

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - any field of RunFacts
        """Change entries of run.json, by their names in `RunFacts`. A deleted run is not recreated.

        The page and the trainer both do this: one at a time, and each keeps what the other changed. Where nothing
        changes, nothing is written: whoever polls the file sees no news.

        Raises:
            RunError: run.json is gone.
            NotWrittenError: It cannot be written; it is as it was.
        """
        self.facts()  # the lock would bring a deleted folder back
        path = self.path / "run.json"
        with writing(path), FileLock(self.path / "run.json.lock", timeout=UPDATE_PATIENCE_S):
            facts = self.facts()
            changed = replace(facts, **changes)
            if changed != facts:
                write_json(path, changed.to_json(), durable=True)

    def change_training(self, training: dict[str, Any]) -> None:
        """Put other settings of the loop into run.json and run.yaml.

        Raises:
            RunError: run.json is gone.
        """
        config = {**self.facts().config, "training": training}
        self.update(config=config)
        known = {field.name for field in fields(RunConfig)}
        plain = RunConfig(**{name: value for name, value in config.items() if name in known})
        write_text(self.path / "run.yaml", plain.to_yaml(), durable=True)

    def tidy(self) -> None:
        """Remove what a kill left half-written, and write what it left out. Only the owner may do this."""
        with FileLock(self.path / "run.json.lock", timeout=UPDATE_PATIENCE_S):  # whose writers are not only the owner
            for path in self.path.rglob("*.tmp"):
                path.unlink(missing_ok=True)
        shutil.rmtree(self.path / "checkpoint.new", ignore_errors=True)
        if not (self.path / "run.yaml").exists():
            write_text(self.path / "run.yaml", self.config.to_yaml())

    def status(self) -> str:
        """The present status: a run that is active in its file but that no process trains is "interrupted".

        It is "finished" where all of its steps are in the checkpoint, so that only the word was missing.
        """
        facts = self.facts()
        if facts.status not in ACTIVE or self.busy():
            return facts.status
        return "finished" if facts.step >= facts.steps > 0 else "interrupted"

    def busy(self) -> bool:
        """Whether some process holds the run's lock, so trains it."""
        if not (self.path / "lock").exists():
            return False
        try:
            with FileLock(self.path / "lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a folder in its place, or a file system that is only read
            return False

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the run's lock; the operating system releases it when the process dies.

        Raises:
            RunError: Another process trains it.
            NotWrittenError: The lock cannot be made.
        """
        try:
            with writing(self.path / "lock"):
                self._lock.acquire(timeout=LOCK_PATIENCE_S, poll_interval=LOCK_POLL_S)
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
        """Put a new checkpoint in front of the last one; at every moment one is complete, after a power cut, too."""
        path, old = self.path / "checkpoint", self.path / "checkpoint.old"
        sync_tree(fresh)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        fresh.rename(path)
        sync(self.path)

    def snapshot_path(self, step: int) -> Path:
        """File with the adapter's tensors after `step` updates."""
        return self.path / "snapshots" / f"step-{step:08d}.safetensors"

    def snapshots(self) -> list[int]:
        """Steps that have a snapshot, in order."""
        names = (path.name for path in (self.path / "snapshots").glob("step-*.safetensors"))
        return sorted(int(match[1]) for name in names if (match := _SNAPSHOT.fullmatch(name)))

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
            kept = read_json(self.path / "predictions.json")
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or not isinstance(rows := kept.get("rows"), list):
            return None
        return rows if kept.get("step") == self.facts().step else None

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


_cache: dict[Path, tuple[tuple[int, int, int], RunFacts]] = {}
"""Contents of run.json files that were not changed lately, with the files' time, size and number."""


def _read_facts(path: Path) -> RunFacts:
    """Contents of a run.json, read anew only when the file has changed.

    A file that was changed in the last seconds is not kept: its time may not tell it from the next change.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    kept = _cache.get(path)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    facts = RunFacts.from_json(read_json(path))
    if abs(time.time() - status.st_mtime) > CACHED_AFTER_S:
        if len(_cache) >= MOST_CACHED:
            _cache.clear()
        _cache[path] = (stamp, facts)
    return facts

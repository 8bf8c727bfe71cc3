"""A run as the list of runs shows it, made of its files; damaged ones, too. Needs no torch."""

from pathlib import Path

from engine.config.training import TrainingSettings
from engine.core.errors import RunError
from engine.runs.folder import RunFolder
from engine.runs.summary import RunSummary

RECORDINGS = Path(__file__).resolve().parents[2] / "assets" / "recordings"
"""Folder of the runs that ship."""
USUAL_SEED = TrainingSettings().seed


def row_of(folder: RunFolder) -> RunSummary | None:
    """A run as its files have it; None where it is none."""
    try:
        return _summary(folder)
    except RunError as error:  # damaged, or deleted in between
        return _damaged(folder, error) if folder.is_run() else None


def _summary(folder: RunFolder) -> RunSummary:
    facts = folder.facts()
    seed = facts.config.get("training", {}).get("seed", USUAL_SEED)
    return RunSummary(
        id=folder.id,
        name=facts.name,
        notes=facts.notes,
        status="finished" if recorded(folder) else facts.status,
        recording=recorded(folder),
        model=facts.model,
        method=facts.method,
        dataset=facts.dataset,
        step=facts.step,
        steps=facts.steps,
        best_validation=facts.best_validation,
        kept_step=facts.kept_step,
        trainable=facts.trainable,
        size_bytes=sum(map(size_of, folder.adapter_path.glob("*"))),
        created=facts.created,
        emits=facts.emits,
        labels=facts.head.labels if facts.head else None,
        marks=facts.head is not None and facts.head.span is not None,
        pictures=facts.pictures,
        sees_pictures=facts.sees_pictures,
        chips=facts.chips,
        score=facts.score,
        forgetting=facts.forgetting,
        wall_s=facts.wall_s,
        seed=seed if isinstance(seed, int) else None,
        learning_rate=facts.learning_rate,
        owner=facts.owner,
        tags=facts.tags,
        text=facts.text,
    )


def _damaged(folder: RunFolder, problem: RunError) -> RunSummary:
    """What is known of a run that cannot be read: its folder, and what is wrong with it."""
    return RunSummary(
        id=folder.id,
        name=folder.id,
        notes=str(problem),
        status="damaged",
        recording=False,
        model="",
        method="",
        dataset="",
        step=0,
        steps=0,
        best_validation=None,
        kept_step=None,
        trainable=0,
        size_bytes=0,
        created=0.0,
        emits=[],
        labels=None,
        problem=problem.to_dict(),
    )


def recorded(folder: RunFolder) -> bool:
    """Whether a run ships with the workbench."""
    return folder.path.parent == RECORDINGS


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""What to expect of a run before it is started: what was measured of its method on its dataset, with more behind it."""

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.markup import safe
from app.method_names import method_title
from app.scores import score_text
from app.words import Say
from engine.config.run import RunConfig
from engine.methods import METHODS
from engine.runs.score import RunScore

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""Where `python -m benchmarks.methods` writes zoo.json, for one dataset, and `benchmarks.expected` expected.json."""
MODEL = "town"
"""The model that all was measured on."""
MUCH = 0.25
"""Share of the best score by which another method must be better to be named."""
FROM_WITHIN = "prompts"
"""The group of methods that can only bring up what the base knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A run with default settings.

    Attributes:
        steps: Updates that it made.
        forgetting: Rise of the loss on plain text, in nats per token; None where it was not measured.
        seconds: From the start to the finished adapter.
        machine: Which processor, how many threads, and which torch.
    """

    dataset: str
    method: str
    steps: int
    score: RunScore
    forgetting: float | None
    seconds: float
    machine: str


def expectation(say: Say, config: RunConfig) -> str:
    """What a run came to with the defaults, and a method that reaches much more there; empty where none was measured.

    Args:
        say: The page's words.
        config: The run on the form.
    """
    rows = measured(ASSETS) if config.model == MODEL else ()
    there = [row for row in rows if row.dataset == config.dataset]
    row = next((row for row in there if row.method == config.method), None)
    if row is None:
        return ""
    best = max(there, key=lambda each: each.score.value)
    better = best.score.value - row.score.value >= MUCH * best.score.value
    return (
        f'<details class="gl-expected"><summary>{safe(_short(say, row, best if better else None))}</summary>'
        f'<p class="gl-fact">{safe(_whole(say, row, best if better else None))}</p></details>'
    )


def _short(say: Say, row: Measured, better: Measured | None) -> str:
    score = say("train.expected.short", score=score_text(say, row.score), baseline=_baseline(say, row))
    if better is None:
        return score
    reached = score_text(say, better.score)
    return f"{score} {say('train.expected.better', method=method_title(say, better.method), score=reached)}"


def _whole(say: Say, row: Measured, better: Measured | None) -> str:
    """All that was measured; why the chosen method cannot reach what a much better one does, where that is known."""
    score = score_text(say, row.score)
    told = say(
        "train.expected",
        reached=say(f"watch.score.{row.score.against}", score=score, rows=row.score.rows, baseline=_baseline(say, row)),
        steps=row.steps,
        forgetting="–" if row.forgetting is None else f"{row.forgetting:+.2f}",
        seconds=round(row.seconds),
        machine=row.machine,
    )
    from_within = better is not None and METHODS[row.method].group == FROM_WITHIN != METHODS[better.method].group
    return f"{told} {say('train.expected.prompts')}" if from_within else told


def _baseline(say: Say, row: Measured) -> str:
    return score_text(say, dataclasses.replace(row.score, value=row.score.baseline))


@functools.lru_cache(maxsize=2)
def measured(folder: Path) -> tuple[Measured, ...]:
    """All rows that were measured, of methods that there still are."""
    rows = [*_of_zoo(folder), *_of_all(folder / "expected.json")]
    return tuple(row for row in rows if row.method in METHODS)


def _of_zoo(folder: Path) -> list[Measured]:
    zoo = _read(folder / "zoo.json")
    if not zoo:
        return []
    splits = _read(folder / "datasets" / zoo["dataset"] / "dataset.json")["splits"]
    return [
        Measured(
            dataset=zoo["dataset"],
            method=row["name"],
            steps=row["steps"],
            score=RunScore(
                name="exact_match",
                value=row["exact_match"],
                baseline=row["base_exact_match"],
                against="untuned",
                rows=splits["test"],
            ),
            forgetting=row["base_ability"] - row["base_ability_before"],
            seconds=row["seconds"],
            machine=zoo["machine"],
        )
        for row in zoo["methods"]
    ]


def _of_all(path: Path) -> list[Measured]:
    table = _read(path)
    return [
        Measured(
            dataset=row["dataset"],
            method=row["method"],
            steps=row["steps"],
            score=RunScore(**row["score"]),
            forgetting=row["forgetting"],
            seconds=row["cpu_seconds"],
            machine=table["machine"],
        )
        for row in table.get("rows", ())
    ]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content

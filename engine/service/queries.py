"""What may be asked of a run, even while it trains: one table of queries, for the page and the command line alike.

A new query is its function in `engine.analysis` (or below) and a row here: `Workbench.ask`, the page's `server.ask` and
the worker know it then by its name. The page's panel or a command that shows the answer comes on top.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.analysis.ablation import ablation, routes
from engine.analysis.image_probe import probe_one_of
from engine.analysis.probe import probe
from engine.analysis.strength import strength_curve
from engine.evaluation.predictions import predict_rows
from engine.methods.base import Method
from engine.models.base import Base
from engine.runs.folder import RunFolder

Need = Literal["data", "pictures", "training_state"]

SHOWN_PICTURES = 40


@dataclass(frozen=True, slots=True)
class Query:
    """One row.

    Attributes:
        function: Given base, method, what `needs` asks for, and the query's arguments by name; returns a typed report.
        arguments: Names of its arguments.
        needs: "data": the run's dataset. "pictures": the first pictures that it is validated on, by name.
            "training_state": the method as it trains, not as the adapter that the run gives away has it.
        past: Whether the state at an earlier snapshot can be asked as well.
    """

    function: Callable[..., Any]
    arguments: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ("data",)
    past: bool = True

    def answer(self, base: Base, method: Method, folder: RunFolder, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - the row's own report
        """Provide what the function needs, and call it."""
        needed: list[Any] = []
        if "data" in self.needs:
            needed.append(folder.config.load_data(base.processor))
        if "pictures" in self.needs:
            needed.append(_pictures(folder.path))
        return self.function(base, method, *needed, **arguments)


@functools.lru_cache(maxsize=1)
def _pictures(path: Path) -> dict[str, Path]:
    """The first pictures that a run is validated on, by name."""
    rows = RunFolder(path).config.load_data().rows("validation")[:SHOWN_PICTURES]
    return {row.prompt: row.picture for row in rows if row.picture is not None}


QUERIES: dict[str, Query] = {
    "probe": Query(probe, ("sentence",), needs=()),
    "probe_picture": Query(probe_one_of, ("name",), needs=("pictures",)),
    "strength": Query(strength_curve),
    "ablation": Query(ablation),
    "routes": Query(routes, needs=("training_state", "data"), past=False),
    "predictions": Query(predict_rows, ("start",), past=False),
}
"""Every query by its name."""

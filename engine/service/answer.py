"""The answer to a query about a run. Needs no torch."""

from dataclasses import dataclass
from typing import Any

from engine.telemetry.probe_reports import PictureProbe, Report
from engine.telemetry.serialise import picture_to_json, to_json

WITHOUT_DATA = frozenset({"probe"})
"""Queries that need no row of the run's dataset; for the others it is read before the worker is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The report of one query.

    Attributes:
        report: The typed report that the query's function returned, see `engine.service.queries`.
        step: Updates that made the queried state; None for the run's adapter.
    """

    report: Any
    step: int | None

    def to_json(self) -> dict[str, Any]:
        """The report's plain values and the step; a report of another type is put under "report" unchanged."""
        match self.report:
            case Report():
                plain = to_json(self.report)
            case PictureProbe():
                plain = picture_to_json(self.report)
            case _:
                plain = {"report": self.report}
        return {**plain, "step": self.step}

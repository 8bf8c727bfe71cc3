"""What a run answers to a query. Needs no torch."""

from dataclasses import dataclass
from typing import Any

from engine.telemetry.probe_reports import Report
from engine.telemetry.serialise import to_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The report of one query.

    Attributes:
        report: The typed report that the query's function returned, see `engine.service.queries`.
        step: Updates that made the state which was asked; None for the adapter that the run gives away.
    """

    report: Any
    step: int | None

    def to_json(self) -> dict[str, Any]:
        """The report's plain values beside the step; what is no `Report` stands under "report" as it is."""
        if isinstance(self.report, Report):
            return {**to_json(self.report), "step": self.step}
        return {**(self.report if isinstance(self.report, dict) else {"report": self.report}), "step": self.step}

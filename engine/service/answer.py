"""What a run answers to a query. Needs no torch."""

from dataclasses import dataclass
from typing import Any

from engine.telemetry.probe_reports import PictureProbe, Report
from engine.telemetry.serialise import picture_to_json, to_json


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
        match self.report:
            case Report():
                plain = to_json(self.report)
            case PictureProbe():
                plain = picture_to_json(self.report)
            case _:
                plain = {"report": self.report}
        return {**plain, "step": self.step}

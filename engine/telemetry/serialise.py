"""Events and reports as JSON and back: `to_json` and `from_json` are inverse to each other; the browser reads the same.

Here stands every kind that there is. A kind of event and a kind of report may share a name ("updates"): they never
come from the same place.
"""

import dataclasses
from typing import Any, TypeVar

from engine.telemetry.events import (
    EvalEvent,
    Event,
    LossEvent,
    MovedEvent,
    SampleEvent,
    SnapshotEvent,
    Started,
    StatusEvent,
)
from engine.telemetry.method_events import (
    AdapterFrame,
    AgreementFrame,
    BlendFrame,
    ExpertFrame,
    GateFrame,
    LadderFrame,
    MaskFrame,
    MassFrame,
    NormFrame,
    PrefixFrame,
    PromptFrame,
    RankFrame,
    RungFrame,
    SideFrame,
    TriggerFrame,
    UpdateFrame,
)
from engine.telemetry.probe_reports import (
    AdaptionPromptReport,
    BesideReport,
    BlendReport,
    ChangeReport,
    LayerAblation,
    PictureProbe,
    Report,
    RouteLosses,
    RungReport,
    TogetherReport,
    VirtualTokenReport,
)

Value = TypeVar("Value")

EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Started,
        LossEvent,
        EvalEvent,
        MovedEvent,
        GateFrame,
        UpdateFrame,
        RankFrame,
        PromptFrame,
        TriggerFrame,
        PrefixFrame,
        MassFrame,
        AdapterFrame,
        NormFrame,
        ExpertFrame,
        AgreementFrame,
        MaskFrame,
        SideFrame,
        BlendFrame,
        LadderFrame,
        RungFrame,
        SampleEvent,
        SnapshotEvent,
        StatusEvent,
    )
}
"""Every kind of event, by its name in JSON."""

REPORTS: dict[str, type[Report]] = {
    cls.kind: cls
    for cls in (
        AdaptionPromptReport,
        VirtualTokenReport,
        ChangeReport,
        RungReport,
        BlendReport,
        TogetherReport,
        BesideReport,
        LayerAblation,
        RouteLosses,
    )
}
"""Every kind of report, by its name in JSON."""


def to_json(value: Event | Report) -> dict[str, Any]:
    """Plain values of an event or a report, with its kind. Lists are the value's own: do not change them."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Report):
        fields = {name: entry for name, entry in fields.items() if entry is not None}
    if isinstance(value, TogetherReport):
        fields["reports"] = {name: to_json(report) for name, report in value.reports.items()}
    return {"kind": value.kind, **fields}


def picture_to_json(probe: PictureProbe) -> dict[str, Any]:
    """Plain values of the report on a picture, and beside them those of the picture."""
    about: dict[str, Any] = {
        "side": probe.side,
        "picture": probe.picture,
        "name": probe.name,
        "names": list(probe.names),
    }
    if probe.verdict is not None:
        about["verdict"] = [list(pair) for pair in probe.verdict]
    return {**to_json(probe.report), **about}


def from_json(values: dict[str, Any]) -> Event:
    """The event that `to_json` described.

    Raises:
        KeyError: The kind is unknown.
        TypeError: A field is missing or not known.
    """
    return _read(EVENTS, values)


def report_from_json(values: dict[str, Any]) -> Report:
    """The report that `to_json` described.

    Raises:
        KeyError: The kind is unknown.
        TypeError: A field is missing or not known.
    """
    if values["kind"] == TogetherReport.kind:
        values = {**values, "reports": {name: report_from_json(part) for name, part in values["reports"].items()}}
    return _read(REPORTS, values)


def _read(kinds: dict[str, type[Value]], values: dict[str, Any]) -> Value:
    values = dict(values)
    return kinds[values.pop("kind")](**values)

"""Events as JSON and back: `to_json` and `from_json` are inverse to each other; the browser reads the same JSON."""

import dataclasses
from typing import Any

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
    RungFrame,
    SideFrame,
    UpdateFrame,
)

EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Started,
        LossEvent,
        EvalEvent,
        MovedEvent,
        GateFrame,
        UpdateFrame,
        PromptFrame,
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


def to_json(event: Event) -> dict[str, Any]:
    """Plain values of an event, with its kind."""
    return {"kind": event.kind, **dataclasses.asdict(event)}


def from_json(values: dict[str, Any]) -> Event:
    """The event that `to_json` described.

    Raises:
        KeyError: The kind is unknown.
        TypeError: A field is missing or not known.
    """
    values = dict(values)
    return EVENTS[values.pop("kind")](**values)

"""Events and reports as JSON: the keys that the browser reads, and the way back."""

import dataclasses
import json
import re

import pytest

from engine.models.resolve import ASSETS
from engine.runs.log import all_events
from engine.telemetry import events, method_events, probe_reports
from engine.telemetry.events import Event, StatusEvent
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
from engine.telemetry.serialise import EVENTS, REPORTS, from_json, picture_to_json, report_from_json, to_json

EVENT_KEYS = {
    "started": "step steps trainable total wall",
    "loss": "step loss lr grad_norm tokens_per_s wall_s",
    "eval": "step validation_loss base_ability_loss score score_name",
    "moved": "step groups grad_norms update_norms norms",
    "gates": "step layers gate grad shared",
    "updates": "step layers targets ratio",
    "ranks": "step layers targets ranks mean",
    "prompt": "step norms drift words cosines usual_norm usual_cosine stride",
    "trigger": "step words same place before loss candidates predicted actual taken",
    "prefix": "step keys values norm moved stride",
    "mass": "step mass even",
    "adapters": "step layers parts share asleep",
    "norms": "step norms gamma beta",
    "experts": "step layers targets pools counts chi_square cosine",
    "agreement": "step tokens between from_average",
    "masks": "step layers targets off flipped threshold edges counts",
    "side": "step base_share grad",
    "blend": "step ratio cosine base side",
    "ladder": "step layers kept grad",
    "rungs": "step layers fresh added",
    "sample": "step prompt answer reference picture mark",
    "snapshot": "step",
    "status": "step status message",
}
"""What the browser finds beside "kind" in every kind of event; run folders hold the same."""

TOKENS = ["a", "b"]
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REPORTED = {
    "prompts": (
        AdaptionPromptReport(tokens=TOKENS, layers=[1], weights=[[[[1.0], [1.0]]]], contribution=[[[0.1, 0.2]]]),
        "tokens layers weights contribution",
    ),
    "soft": (
        VirtualTokenReport(tokens=TOKENS, layers=[0], weights=[[[[1.0], [0.0]]]], mass=[[[0.1, 0.0]]]),
        "tokens layers weights mass",
    ),
    "updates": (
        ChangeReport(tokens=TOKENS, layers=[0], targets=["q"], contribution=[[[0.1, 0.2]]]),
        "tokens layers targets contribution",
    ),
    "together": (
        TogetherReport(
            tokens=TOKENS, reports={"lora": RungReport(tokens=TOKENS, layers=[0], fresh=[[1.0]], added=[0.1])}
        ),
        "tokens reports",
    ),
    "rungs": (RungReport(tokens=TOKENS, layers=[0], fresh=[[0.5, 0.6]], added=[0.1, 0.2]), "tokens layers fresh added"),
    "blend": (
        BlendReport(
            tokens=TOKENS, ratio=[0.1, 0.2], cosine=[0.3, 0.4], next={"base": TOKENS, "side": TOKENS, "blend": TOKENS}
        ),
        "tokens ratio cosine next",
    ),
    "beside": (
        BesideReport(
            tokens=TOKENS,
            question="a b?",
            reference="c",
            answers={"seen": "c", "withheld": "d", "other": ""},
            layers=[1],
            weights=[[[[0.25, 0.75], [0.5, 0.5]]]],
            loudness=[[0.5]],
            withheld=[[0.125]],
            picture=f"data:image/png;base64,{DOT}",
            other=f"data:image/png;base64,{DOT}",
            side=2,
            depths=[3],
            looks=[[0.125, 0.25, 0.5, 0.125]],
            row=1,
            rows=["e?", "a b?"],
        ),
        "tokens question reference answers layers weights loudness withheld picture other side depths looks row rows",
    ),
    "ablation": (LayerAblation(whole=0.5, spans=[[1.0, 2.0], [None, 3.0]]), "whole spans"),
    "routes": (RouteLosses(average=1.0, experts=[1.1], random=[1.2]), "average experts random"),
}
"""A report of every kind, and what the browser finds in it beside "kind"."""


def kinds_in(*modules):
    """The kinds of all events or reports that modules define, by the class of each."""
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return {cls: cls.kind for cls in classes if issubclass(cls, Event | Report) and hasattr(cls, "kind")}


def test_every_kind_is_declared_once():
    """The two tables hold every class that has a kind, under that kind, and no two classes share one."""
    assert kinds_in(events, method_events) == {cls: kind for kind, cls in EVENTS.items()}
    assert kinds_in(probe_reports) == {cls: kind for kind, cls in REPORTS.items()}


def test_keys_of_every_event():
    """What is written in run folders and read by the browser."""
    assert {kind: " ".join(field.name for field in dataclasses.fields(cls)) for kind, cls in EVENTS.items()} == (
        EVENT_KEYS
    )


@pytest.mark.parametrize("kind", REPORTS)
def test_keys_of_every_report(kind):
    """What the browser reads; the report comes back from it."""
    report, keys = REPORTED[kind]
    values = json.loads(json.dumps(to_json(report), allow_nan=False))
    assert list(values) == ["kind", *keys.split()]
    assert values["kind"] == kind
    assert report_from_json(values) == report


def test_what_does_not_apply_to_a_report_is_left_out():
    """The patches of a picture have no next token; entries of a list may well be None."""
    report = BlendReport(tokens=["[CLS]"], ratio=[0.1], cosine=[0.2])
    assert list(to_json(report)) == ["kind", "tokens", "ratio", "cosine"]
    assert report_from_json(to_json(report)) == report
    assert to_json(REPORTED["ablation"][0])["spans"][1] == [None, 3.0]


def test_keys_of_a_picture():
    """They stand beside those of the report; what a head says is there where there is a head."""
    bare = picture_to_json(PictureProbe(report=REPORTED["updates"][0], side=4, picture="data:"))
    assert list(bare) == ["kind", *REPORTED["updates"][1].split(), "side", "picture", "name", "names"]
    judged = PictureProbe(report=REPORTED["updates"][0], side=4, picture="data:", verdict=[("cat", 0.9), ("dog", 0.1)])
    assert picture_to_json(judged) == bare | {"verdict": [["cat", 0.9], ["dog", 0.1]]}


@pytest.mark.parametrize("cls", [*EVENTS.values(), *REPORTS.values()], ids=lambda cls: cls.__name__)
def test_every_field_is_described(cls):
    """Every field of an event or a report stands in the docstring of the class that has it, with unit and shape."""
    described = "\n".join(base.__doc__ or "" for base in cls.__mro__ if issubclass(base, Event | Report))
    assert {field.name for field in dataclasses.fields(cls)} == set(re.findall(r"^        (\w+): ", described, re.M))


@pytest.mark.parametrize("name", ["llama_adapter", "lora", "prompt"])
def test_recorded_runs_read_as_events(name):
    """Every line of the recordings that ship is an event of today's types, and nothing of it is lost in reading."""
    lines = list(all_events(ASSETS / "recordings" / name / "events.jsonl"))
    assert len(lines) > 300
    for values in lines:
        again = json.loads(json.dumps(to_json(from_json(values))))
        assert again == again | values  # fields that came later have their defaults
    assert {"started", "loss", "eval", "moved", "sample", "status"} <= {values["kind"] for values in lines}


@pytest.mark.parametrize(
    ("value", "read"), [(StatusEvent(step=1, status="running"), from_json), (REPORTED["routes"][0], report_from_json)]
)
def test_what_is_unknown_is_an_error(value, read):
    """An unknown kind or field is not taken for something else, and reading leaves the values alone."""
    values = to_json(value)
    before = dict(values)
    assert read(values) == value
    assert values == before
    with pytest.raises(KeyError):
        read({**values, "kind": "gossip"})
    with pytest.raises(TypeError):
        read({**values, "stranger": 1})

"""The active run on Runs: what it takes of the machine, and its log as it is written."""

import dataclasses
import json
from typing import Any

from app.markup import html
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.service.visitor import own_names
from engine.service.workbench import Workbench

LOGGED = ("started", "loss", "eval", "sample", "status")
"""Kinds of events that a line of the log tells."""
NEEDED = {
    "loss": ("loss", "lr", "tokens_per_s", "wall_s"),
    "sample": ("answer",),
}
"""What a line needs of those events that hold more."""

_ON_LOAD = "Gatelight.ready.then(({ mountActivity }) => mountActivity(element, JSON.parse(props.words), server));"


def build(workbench: Workbench, say: Say) -> None:
    """Lay out the line and the drawer, which are hidden while no run is active."""

    def machine(_: object) -> dict[str, Any]:
        """What this process takes of the machine."""
        return dataclasses.asdict(workbench.machine.use())

    def log(asked: object) -> dict[str, Any]:
        """The events of a run since a cursor, as far as the log tells them; nothing of a run that one may not see."""
        wish = asked if isinstance(asked, dict) else {}
        cursor, epoch = wish.get("cursor"), wish.get("epoch")
        try:
            update = workbench.runs.since(
                str(wish.get("run", "")),
                cursor if isinstance(cursor, int) and cursor >= 0 else 0,
                epoch if isinstance(epoch, int) else None,
            )
        except WorkbenchError:
            return {}
        events = [own_names(_short(event)) for event in update.events if event["kind"] in LOGGED]
        return {"cursor": update.cursor, "epoch": update.epoch, "more": update.more, "events": events}

    html(
        '<section class="gl-activity" hidden></section>',
        elem_id="gl-activity",
        js_on_load=_ON_LOAD,
        server_functions=[machine, log],
        words=json.dumps({**say.part("activity"), **say.part("status")}, ensure_ascii=False),
    )


def _short(event: dict[str, Any]) -> dict[str, Any]:
    """An event with what its line needs."""
    needed = NEEDED.get(event["kind"])
    return event if needed is None else {name: event.get(name) for name in ("kind", "step", *needed)}

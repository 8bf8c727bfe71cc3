"""The queue of runs, on Runs above the table: which are next and when, moved by drag, by arrows, or taken out."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from app.errors import in_words, sentence
from app.markup import html
from app.method_names import method_title
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.service.visitor import own_name
from engine.service.workbench import Workbench

_ON_LOAD = "Gatelight.ready.then(({ mountQueue }) => mountQueue(element, JSON.parse(props.words), server));"


def queue_row(say: Say, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass of the engine
    """A run of the queue as the browser draws it."""
    values = in_words(say, dataclasses.asdict(row))
    data = own_name(row.dataset)
    usual = f"{method_title(say, row.method)} · {data if data.startswith('hub:') else Path(data).name}"
    return values | {"name": row.name or usual, "message": own_name(values["message"])}


def build(workbench: Workbench, say: Say) -> None:
    """Lay out the list, which is hidden while nothing waits. It is told of the queue by the header's poll."""

    def changed(asked: object) -> dict[str, Any]:
        """Move a run to a place, or take it out where there is none; a sentence where that cannot be."""
        wish = asked if isinstance(asked, dict) else {}
        run, place = str(wish.get("run", "")), wish.get("place")
        try:
            if isinstance(place, int):
                workbench.queue.move(run, place)
            else:
                workbench.queue.remove(run)
        except WorkbenchError as error:
            return {"error": sentence(say, error)}
        return {"queue": [queue_row(say, row) for row in workbench.queue.shown()]}

    html(
        '<section class="gl-queue" hidden></section>',
        elem_id="gl-queue",
        js_on_load=_ON_LOAD,
        server_functions=[changed],
        words=json.dumps(say.part("queue"), ensure_ascii=False),
    )

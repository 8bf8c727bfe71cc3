"""Watch: pictures of a run, drawn in the browser from the run's events; live, and at any step afterwards."""

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.as_json import as_json
from app.errors import in_words, sentence
from app.expected import reached_elsewhere
from app.method_names import method_title
from app.tabs.controls import MORE_STEPS, more_steps
from app.words import Say
from engine.config.resuming import AS_IT_WAS
from engine.core.errors import WorkbenchError
from engine.methods import METHODS
from engine.service.visitor import own_names
from engine.service.workbench import Workbench

Asked = dict[str, Any]

ADDRESS = ("query", "run", "step", "last")
"""What says which query is asked of which state; whatever else a question holds is an argument of the query."""

_BEGIN = """
Gatelight.ready.then(({ mountWatch }) =>
  mountWatch(element.querySelector('.gl-watch'), server, JSON.parse(props.words)));
"""


def build(workbench: Workbench, say: Say) -> gr.HTML:
    """All of Watch in one component, built once; afterwards it fetches only what is new."""
    parts = {f"watch.moved.group.{name}": method_title(say, name) for name in METHODS}  # of several together
    on = {"paused": say("train.go_on"), "stopped": say("train.resume"), "finished": say("runs.more", n=MORE_STEPS)}
    parts |= {f"watch.go_on.{status}": text for status, text in on.items()}
    words = parts | say.part("watch") | say.part("status") | say.part("method") | say.part("unit")
    return gr.HTML(
        html_template='<div class="gl-watch"></div>',
        js_on_load=_BEGIN,
        elem_id="gl-watch",
        server_functions=[as_json(answering(say, function)) for function in served(workbench, say)],
        words=json.dumps(words, ensure_ascii=False),
    )


def served(workbench: Workbench, say: Say) -> list[Callable[[Asked], Any]]:
    """What the view asks for: how the run goes on, and the queries of `engine.service.queries`."""

    def since(asked: Asked) -> Asked:
        cursor, epoch = whole(asked.get("cursor")) or 0, whole(asked.get("epoch"))
        update = workbench.runs.since(str(asked.get("run")), cursor, epoch)
        better = reached_elsewhere(say, update.config, update.score) if update.status == "finished" else None
        told = in_words(say, update.to_json() | {"better": better})
        events = [own_names(event) if event["kind"] == "status" else event for event in told["events"]]
        return told | {name: own_names(told[name]) for name in ("config", "message", "problem")} | {"events": events}

    def runs(_: Asked) -> list[Asked]:
        wanted, visitor = ("id", "name", "status", "recording", "created"), workbench.rights.who()
        return [
            {name: getattr(run, name) for name in wanted} | {"drives": visitor.changes(run.owner)}
            for run in workbench.runs.summaries()
        ]

    def live(_: Asked) -> Asked:
        return in_words(say, dataclasses.asdict(workbench.seen_live()))

    def ask(asked: Asked) -> Asked:
        arguments: Asked = {name: str(value) for name, value in asked.items() if name not in ADDRESS}
        return workbench.ask(str(asked["query"]), *_state(workbench, asked), **arguments).to_json()

    def one_step(_: Asked) -> Asked:
        workbench.one_step()
        return {}

    def go_on(asked: Asked) -> Asked:
        """Continue a paused run, resume one that was stopped, or give a finished one more steps."""
        run = str(asked.get("run"))
        if workbench.live().run == run:
            workbench.go_on()
        else:
            workbench.resume(run, resuming=more_steps(workbench, run) if asked.get("more") else AS_IT_WAS)
        return {}

    return [since, runs, live, ask, one_step, go_on]


def _state(workbench: Workbench, asked: Asked) -> tuple[str, int | None]:
    """A run, and which of its snapshots is nearest to the step that is shown; None for its newest state."""
    run, step = str(asked.get("run")), whole(asked.get("step"))
    return run, None if asked.get("last") or step is None else nearest(workbench.runs.snapshots(run), step)


def whole(value: object) -> int | None:
    """A whole number that a page sent; None for whatever else a program may send in its place."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def nearest(steps: list[int], step: int) -> int | None:
    """The stored step that is nearest to a step; None, which means the newest state, when nothing is stored."""
    return min(steps, key=lambda stored: abs(stored - step), default=None)


def answering(say: Say, function: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """The function, answering {"error": a sentence in the page's language} where it raises a `WorkbenchError`."""

    @functools.wraps(function)
    def answer(asked: Asked) -> Any:  # noqa: ANN401 - whatever the function answers
        try:
            return function(asked)
        except WorkbenchError as error:
            return {"error": sentence(say, error)}

    return answer

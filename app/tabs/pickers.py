"""Which model answers in a column of the chat: the base or a run, and at which step."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.scores import score_text
from app.words import Say
from engine.inference.messages import ChatSide
from engine.runs.summary import RunSummary
from engine.service.workbench import Workbench

BASE = "base"
NEWEST = -1
FIRST_SHOWN = "llama_adapter"  # among the recordings
ACTIVE = ("loading", "running", "waiting", "paused")


@dataclass(frozen=True)
class Picker:
    """The two menus of one column."""

    run: gr.Dropdown
    step: gr.Dropdown


def build(say: Say, name: str, label: str) -> Picker:
    """Lay out the menus of one column."""
    run = gr.Dropdown(
        [(say("common.base"), BASE)],
        value=BASE,
        label=label,
        filterable=False,
        interactive=True,
        scale=3,
        min_width=180,
        elem_id=f"gl-side-{name}",
    )
    step = gr.Dropdown(
        [(say("chat.newest"), NEWEST)],
        value=NEWEST,
        label=say("chat.step"),
        filterable=False,
        interactive=True,
        scale=1,
        min_width=110,
        elem_id=f"gl-step-{name}",
    )
    return Picker(run, step)


def side(run: str, step: int, strength: float) -> ChatSide:
    """What a column's menus ask for."""
    if run == BASE:
        return ChatSide()
    return ChatSide(run=run, step=None if step == NEWEST else step, strength=strength)


def title(say: Say, run: RunSummary) -> str:
    """How a run reads in a menu."""
    score = f" · {score_text(say, run.score)}" if run.score else ""
    if run.recording:
        return f"{run.name} ({say('common.recording')}){score}"
    if run.status in ACTIVE:
        return f"{run.name} ({say('common.live')})"
    begun, today = time.localtime(run.created), time.localtime()
    moment = "%H:%M" if begun[:3] == today[:3] else "%m-%d %H:%M"
    return f"{run.name} · {time.strftime(moment, begun)}{score}"


def runs_menu(workbench: Workbench, say: Say, chosen: str, present: str | None = None) -> Any:  # noqa: ANN401
    """The menu of runs as it should be now, with the choice kept if it still exists.

    Args:
        workbench: Whose runs they are.
        say: The page's words.
        chosen: What shall be chosen.
        present: What is chosen: where it stays, nothing is said of it, for somebody may be choosing meanwhile.
    """
    choices = [(say("common.base"), BASE)]
    choices += [
        (title(say, run), run.id) for run in workbench.runs.summaries() if run.recording or run.step > 0 or active(run)
    ]
    known = {value for _, value in choices}
    wanted = chosen if chosen in known else BASE
    return gr.Dropdown(choices) if wanted == present else gr.Dropdown(choices, value=wanted)


def steps_menu(workbench: Workbench, say: Say, run: str, chosen: int = NEWEST) -> Any:  # noqa: ANN401
    """The menu of a run's snapshots, newest first; of a run that was deleted as of the base, which stands for it."""
    there = any(one.id == run for one in workbench.runs.summaries())
    steps = workbench.runs.snapshots(run) if there else []
    stored = [(say("common.step", step=step), step) for step in reversed(steps)]
    choices = [(_newest(workbench, say, run), NEWEST), *stored]
    return gr.Dropdown(choices, value=chosen if chosen in steps else NEWEST, interactive=there)


def kept(run: RunSummary) -> int | None:
    """The step whose state a run gives away, where that is not its last one."""
    return None if active(run) or run.kept_step == run.step else run.kept_step


def _newest(workbench: Workbench, say: Say, run: str) -> str:
    """What the newest state of a run is called: the best one, where the run keeps that."""
    step = next((kept(known) for known in workbench.runs.summaries() if known.id == run), None)
    return say("chat.newest") if step is None else say("chat.kept", step=step)


def active(run: RunSummary) -> bool:
    """Whether a run is going on."""
    return run.status in ACTIVE and not run.recording


def most_interesting(workbench: Workbench) -> str:
    """The run that one would ask first: the active one, else the newest own one, else the first recording."""
    runs = workbench.runs.summaries()
    ready = [run for run in runs if active(run) or run.recording or run.step > 0]
    ready.sort(key=lambda run: (not active(run), run.recording, run.recording and run.method != FIRST_SHOWN))
    return ready[0].id if ready else BASE

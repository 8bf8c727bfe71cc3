"""Buttons that apply the way out of what went wrong with a run: a lower learning rate, or less memory per step."""

from typing import Any

import gradio as gr

from app.wiring import Updates
from app.words import Say
from engine.config.resuming import Resuming
from engine.config.training import SAME_RESULT
from engine.service.status import LiveStatus

TOO_HIGH = ("diverged", "loss_not_finite")
TOO_LARGE = ("out_of_memory",)


class WaysOut:
    """Two buttons, each of which is there when it would help."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.lower = gr.Button(visible=False, elem_id="gl-lower-rate", min_width=160)
        self.frugal = gr.Button(visible=False, elem_id="gl-less-memory", min_width=160)

    def states(self, live: LiveStatus) -> Updates:
        """Which of them is there, and what it says."""
        rate, less = lower_rate(live), less_memory(live)
        named = ", ".join(f"{self._say(f'setting.{name}')}: {self._shown(value)}" for name, value in less.items())
        return {
            self.lower: gr.Button(self._say("train.lower", rate=rate), visible=bool(rate)),
            self.frugal: gr.Button(self._say("train.frugal", changes=named), visible=bool(less)),
        }

    def _shown(self, value: Any) -> str:  # noqa: ANN401 - a number, or on and off
        return self._say("train.frugal.on") if value is True else str(value)


def lower_rate(live: LiveStatus) -> str:
    """The learning rate to start again with; empty where the rate was not too high."""
    problem = live.problem or {}
    return str(problem["values"]["lower"]) if problem.get("key") in TOO_HIGH else ""


def less_memory(live: LiveStatus) -> dict[str, Any]:
    """The settings with which the last run can go on; none where it did not run out of memory, or another is active."""
    problem = live.problem or {}
    if problem.get("key") not in TOO_LARGE or live.status != "idle":
        return {}
    return {name: problem["values"][name] for name in SAME_RESULT if name in problem["values"]}


def about(live: LiveStatus) -> tuple[str, Resuming]:
    """The run that the buttons are about, and with what it goes on."""
    return str((live.problem or {}).get("values", {}).get("run", "")), Resuming(training=less_memory(live))

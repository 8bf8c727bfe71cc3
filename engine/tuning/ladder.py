"""The learning-rate ladder: five rates on the same batches, of which the better half goes on at each rung.

Published comparisons agree that the rate decides more than the method. Successive halving (Jamieson and Talwalkar 2016,
https://arxiv.org/abs/1502.07943) finds a good one for the price of two or three runs: all rates are trained for a tenth
of the steps, the better half goes on to three tenths, and the better half of these to the end. The criterion is the
validation loss. Each rate is a run of its own, stopped and resumed like any other.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from engine.config.run import RunConfig
from engine.core.errors import SettingError
from engine.runs.typed import checked, hints_of

RATES = 5
FACTOR = 3.0
"""Between two neighbours."""
SHARES = (0.1, 0.3, 1.0)
"""Of the steps, at which the better half goes on."""
USUAL_STEPS = 50
"""Most steps of a rate where nobody says: a ladder on the embedded model then takes less than two minutes, or little
more where a method is taught before (docs/ladders.md)."""
FEWEST_STEPS = 10
LOWEST, HIGHEST = 1e-8, 10.0
STATES = ("running", "finished", "stopped", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """A ladder, as its file has it.

    Attributes:
        tag: Its name, and the tag of its runs.
        config: `RunConfig` of the run whose rate is looked for, as plain values.
        usual: The rate in the middle, which suits the method.
        rates: From low to high.
        runs: Ids of their runs, in the same order.
        rungs: Steps at which runs are compared; the last one is their end.
        rung: How many of these have been queued.
        alive: Places of the rates that were queued for the newest of these.
        state: "running", "finished", "stopped" or "failed".
        best: Place of the best rate; None until it is found.
        owner: Who asked for it, on a server with several visitors; empty otherwise.
        created: Seconds since the epoch.
    """

    tag: str
    config: dict[str, Any]
    usual: float
    rates: list[float]
    runs: list[str]
    rungs: list[int]
    rung: int = 0
    alive: list[int] = field(default_factory=list)
    state: str = "running"
    best: int | None = None
    owner: str = ""
    created: float = 0.0

    @property
    def steps(self) -> int:
        """Steps of a rate that goes to the end."""
        return self.rungs[-1]

    def of_rate(self, place: int) -> RunConfig:
        """The run of one rate: that of the config, with fewer steps, validated at each tenth of them."""
        config = RunConfig.from_dict(self.config)
        training = {
            **config.training,
            "learning_rate": self.rates[place],
            "steps": self.steps,
            "eval_every": self.steps // 10,
            "patience": None,
            "score_rows": 0,
        }
        return dataclasses.replace(config, training=training).checked()

    @classmethod
    def from_json(cls, values: Any) -> Self:  # noqa: ANN401 - any JSON value
        """The contents of its file.

        Raises:
            ValueError: They are none.
        """
        values, hints = checked("a ladder", values, dict[str, Any]), hints_of(cls)
        known = {
            f.name: checked(f.name, values.get(f.name), hints[f.name])
            for f in dataclasses.fields(cls)
            if f.name in values or f.default is dataclasses.MISSING is f.default_factory
        }
        ladder = cls(**known)
        same = len(ladder.rates) == len(ladder.runs) > 0 and 0 <= ladder.rung <= len(ladder.rungs) > 0
        places = [*ladder.alive, *([] if ladder.best is None else [ladder.best])]
        if not same or ladder.state not in STATES or any(place >= len(ladder.runs) for place in places):
            raise ValueError("it is no ladder")
        return ladder


def rates_around(usual: float) -> list[float]:
    """The rates of a ladder, from low to high, with two significant figures."""
    half = RATES // 2
    rates = [min(HIGHEST, max(LOWEST, usual * FACTOR**power)) for power in range(-half, half + 1)]
    return sorted({float(f"{rate:.1e}") for rate in rates})


def rungs_of(steps: int) -> list[int]:
    """The steps at which runs are compared; the last one is a multiple of ten, so that validations fall on all of them.

    Raises:
        SettingError: There are too few steps.
    """
    if steps < FEWEST_STEPS:
        text = f"steps is {steps}, but a learning-rate ladder needs at least {FEWEST_STEPS}: raise it."
        raise SettingError("ladder_steps", text, field="steps", value=steps, low=FEWEST_STEPS)
    whole = steps // 10 * 10
    return [round(whole * share) for share in SHARES]


def better_half(losses: dict[int, float | None]) -> list[int]:
    """Places of the rates that go on, the best first; those without a finite loss do not."""
    finite = [(loss, place) for place, loss in losses.items() if loss is not None and math.isfinite(loss)]
    return [place for _, place in sorted(finite)][: math.ceil(len(losses) / 2)]


def after_rung(ladder: Ladder, losses: Sequence[float | None]) -> Ladder:
    """The ladder after all runs of its newest rung have ended: who goes on, or which rate is the best.

    Args:
        ladder: Before.
        losses: Validation loss of each rate at that rung; None where it did not get there.
    """
    if ladder.rung == 0:
        return dataclasses.replace(ladder, rung=1, alive=list(range(len(ladder.rates))))
    good = better_half({place: losses[place] for place in ladder.alive})
    if not good:
        return dataclasses.replace(ladder, state="failed", alive=[])
    if ladder.rung == len(ladder.rungs):
        return dataclasses.replace(ladder, state="finished", best=good[0])
    return dataclasses.replace(ladder, rung=ladder.rung + 1, alive=good)

"""A search's memory: an Optuna study in SQLite, which proposes settings and learns from what they came to.

Its objectives are those of the plan: the validation loss, and where asked the number of trained parameters (as its
logarithm, so that halving counts the same at every size), what the base forgets of plain text, and the seconds of
training. A trial that was stopped at a rung counts with what it had there.
"""

import math
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from engine.config.run import RunConfig
from engine.tuning.plan import SearchPlan
from engine.tuning.space import RATE, RATE_FACTOR, Choice

METHOD = "method"
EMPTY = "empty"
"""Marks what was proposed and would train nothing: it is no trial, and costs nothing."""
ENOUGH = 8
"""Trials of a method from which on the importance of its settings is told."""
NAME = "search"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One trial.

    Attributes:
        number: Counts from 0.
        run: Id of its run; empty before it has one.
        method: Its method.
        settings: Settings of the method that it tries.
        learning_rate: Its rate; None before it began.
        state: "waiting", "trains", "done", "pruned" or "failed".
        loss: Validation loss, nats per token; None before it is known.
        trainable: Parameters that train; None likewise.
        step: At which it ended.
        forgetting: Rise of the loss on plain text until then, nats per token; None where it was not measured.
        seconds: Of training until then.
        best: Whether no other trial that is done is as good in all objectives, and better in one.
    """

    number: int
    run: str
    method: str
    settings: dict[str, Any]
    learning_rate: float | None
    state: str
    loss: float | None
    trainable: int | None
    step: int | None
    forgetting: float | None = None
    seconds: float | None = None
    best: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a trial came to; each value as `Point` has it.

    Attributes:
        loss: Validation loss.
        trainable: Parameters that train.
        step: At which it ended.
        pruned: Whether it ended at a rung.
        forgetting: Rise of the loss on plain text; None where it was not measured.
        seconds: Of training.
    """

    loss: float
    trainable: int
    step: int
    pruned: bool
    forgetting: float | None = None
    seconds: float | None = None

    def value(self, objective: str) -> float | None:
        """What one of `OBJECTIVES` is, as it is made small."""
        if objective == "trainable":
            return math.log10(max(1, self.trainable))
        value: float | None = getattr(self, objective)
        return value


class Study:
    """The study of one search.

    Args:
        path: The SQLite file; it is made where there is none.
        plan: What is searched.
    """

    def __init__(self, path: Path, plan: SearchPlan) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._plan, self._space = plan, plan.space
        self._study = optuna.create_study(
            storage=optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 30}}),
            study_name=NAME,
            directions=["minimize"] * len(plan.objectives),
            load_if_exists=True,
        )
        self._study.sampler = self._sampler()
        if not self._study.get_trials(deepcopy=False) and plan.sampler != "random":
            for method in plan.methods:
                coded = self._coded(self._space.defaults(method))
                self._study.enqueue_trial({METHOD: method, **coded, f"{method}.{RATE}": 1.0})

    def ask(self, usual_rate: Callable[[RunConfig], float]) -> tuple[int, RunConfig]:
        """The next trial: its number, and the run to train.

        Args:
            usual_rate: The learning rate that an empty setting stands for.
        """
        while True:
            trial = self._study.ask()
            method = str(trial.suggest_categorical(METHOD, self._plan.methods))
            values = {choice.name: _suggested(trial, choice) for choice in self._space.choices(method)}
            if (found := self._space.run_of(method, values)) is not None:
                break
            trial.set_user_attr(EMPTY, value=True)
            self._study.tell(trial, state=TrialState.FAIL)
        trained, settings = found
        factor = trial.suggest_float(f"{method}.{RATE}", 1 / RATE_FACTOR, RATE_FACTOR, log=True)
        config = self._plan.of_method(trained, settings)
        rate = float(f"{factor * usual_rate(config):.2g}")
        self._note(trial.number, "method", trained)
        self._note(trial.number, "settings", settings)
        self._note(trial.number, "learning_rate", rate)
        config.training["learning_rate"] = rate
        return trial.number, config.checked()

    def begun(self, number: int, run: str) -> None:
        """A trial has a run."""
        self._note(number, "run", run)

    def tell(self, number: int, outcome: Outcome) -> None:
        """What a trial came to; it counts as failed where an objective was not measured."""
        for name, value in asdict(outcome).items():
            self._note(number, name, value)
        values = [value for name in self._plan.objectives if (value := outcome.value(name)) is not None]
        if len(values) < len(self._plan.objectives):
            self.fail(number)
        else:
            self._study.tell(number, values, skip_if_finished=True)

    def fail(self, number: int) -> None:
        """A trial came to nothing."""
        self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True)

    def fail_unfinished(self) -> None:
        """Give up what was begun and is in nobody's hands: a crash came between its beginning and the next write."""
        for trial in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            self.fail(trial.number)

    def points(self) -> list[Point]:
        """All trials that were begun, in order."""
        notes = self._study.user_attrs
        trials = [trial for trial in self._study.get_trials(deepcopy=False) if EMPTY not in trial.user_attrs]
        points = [_point(trial, notes) for trial in trials if _method_of(trial)]
        done = [self._values(point) for point in points if point.state == "done"]
        return [replace(point, best=self._is_best(point, done)) for point in points]

    def _values(self, point: Point) -> tuple[float, ...]:
        """What a point came to, in the order of the objectives."""
        return tuple(getattr(point, name) for name in self._plan.objectives)

    def _is_best(self, point: Point, done: list[tuple[float, ...]]) -> bool:
        """Whether a trial is done and no other one dominates it."""
        if point.state != "done":
            return False
        here = self._values(point)
        return not any(other != here and all(a <= b for a, b in zip(other, here, strict=True)) for other in done)

    def importance(self) -> dict[str, float]:
        """How much each setting decides the validation loss of its method, 0 to 1, as Optuna estimates it.

        Empty for methods with few trials.
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # noqa: PLC0415

        trials = self._study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        counts = Counter(map(_method_of, trials))
        found = dict[str, float]()
        for method in (method for method in self._plan.methods if counts[method] >= ENOUGH):
            names = [choice.name for choice in self._space.choices(method)] + [f"{method}.{RATE}"]
            evaluator = PedAnovaImportanceEvaluator(evaluate_on_local=False)
            found |= get_param_importances(
                self._study, evaluator=evaluator, params=names, target=lambda trial: trial.values[0]
            )
        return {name: round(share, 3) for name, share in found.items()}

    @property
    def asked(self) -> int:
        """How many trials were begun."""
        return len(self.points())

    def _sampler(self) -> BaseSampler:
        """Optuna's, seeded anew with every trial, so that a search that goes on draws other numbers."""
        seed = self._plan.seed * 100_003 + len(self._study.get_trials(deepcopy=False))
        match self._plan.sampler:
            case "random":
                return RandomSampler(seed=seed)
            case "nsga2":
                return NSGAIISampler(seed=seed, population_size=max(4, self._plan.trials // 5))
            case _:
                start = max(4, self._plan.trials // 4)
                with warnings.catch_warnings():  # methods have different settings, so groups of them it has to be
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    return TPESampler(seed=seed, n_startup_trials=start, multivariate=True, group=True)

    def _coded(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values as Optuna has them: sizes by their place."""
        known = {choice.name: choice for method in self._plan.methods for choice in self._space.choices(method)}
        return {
            name: known[name].values.index(value) if known[name].ordered else value
            for name, value in values.items()
            if value in known[name].values
        }

    def _note(self, number: int, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        self._study.set_user_attr(f"{number}.{name}", value)


def _suggested(trial: Trial, choice: Choice) -> Any:  # noqa: ANN401 - a value of the choice
    if choice.ordered:
        return choice.values[trial.suggest_int(choice.name, 0, len(choice.values) - 1)]
    return trial.suggest_categorical(choice.name, choice.values)


def _method_of(trial: FrozenTrial) -> str:
    return str(trial.params.get(METHOD, ""))


def _point(trial: FrozenTrial, of_all: dict[str, Any]) -> Point:
    mine = f"{trial.number}."
    notes = {name.removeprefix(mine): value for name, value in of_all.items() if name.startswith(mine)}
    states = {TrialState.COMPLETE: "pruned" if notes.get("pruned") else "done", TrialState.RUNNING: "trains"}
    return Point(
        number=trial.number,
        run=notes.get("run", ""),
        method=notes.get("method", _method_of(trial)),
        settings=notes.get("settings", {}),
        learning_rate=notes.get("learning_rate"),
        state=states.get(trial.state, "failed"),
        loss=trial.values[0] if trial.values else None,
        forgetting=notes.get("forgetting"),
        seconds=notes.get("seconds"),
        trainable=notes.get("trainable"),
        step=notes.get("step"),
    )

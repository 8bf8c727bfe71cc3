"""What a search shall do, as plain values: kept beside its study, so that it goes on after any crash."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from engine.config.run import RunConfig
from engine.core.errors import SettingError
from engine.tuning.recipes import RECIPES
from engine.tuning.space import Space, checked_methods

SAMPLERS = ("tpe", "nsga2", "random")
OBJECTIVES = ("loss", "trainable", "forgetting", "seconds")
"""What a search may make small; see `SearchPlan.objectives`."""
RUNGS = (0.1, 0.3)
"""Shares of the steps after which a trial has to be among the best to go on."""
KEPT = 3
"""Of so many trials at a rung one goes on."""
LIMITS = {"trials": (2, 1000), "steps": (10, 1_000_000), "minutes": (0.1, 10_000.0)}


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchPlan:
    """A search over methods and their settings, on one model and one dataset.

    Attributes:
        model: Embedded name, folder or hub id.
        dataset: As in `RunConfig`.
        data: The same.
        training: The same; what is searched replaces it.
        methods: Those that are tried.
        trials: How many runs are begun at most.
        minutes: How long they may train together; None without a limit.
        steps: Updates of a whole trial.
        sampler: Optuna's: "tpe" (model of good settings), "nsga2" (evolution), or "random".
        seed: Of the sampler; every trial trains with the seed in `training`.
        prune: Whether trials stop early that are not among the best of `RUNGS`.
        objectives: What shall be small, the validation loss among it: "loss", "trainable" (parameters), "forgetting"
            (rise of the loss on plain text, nats per token), "seconds" (of training).
        layers: Whether the layers on which methods act are searched too, where their settings can name them.
        recipe: Name of the paper whose space is searched, of `RECIPES`; it says which methods, and that their layers
            are searched. Empty for a space of one's own.
        depth: Layers of the model, where these are searched; noted when the search begins.
        owner: Who began it, on a server with several visitors; empty otherwise.
    """

    model: str
    dataset: str
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    methods: list[str] = field(default_factory=list)
    trials: int = 20
    minutes: float | None = None
    steps: int = 200
    sampler: str = "tpe"
    seed: int = 0
    prune: bool = True
    objectives: list[str] = field(default_factory=lambda: ["loss", "trainable"])
    layers: bool = False
    recipe: str = ""
    depth: int = 0
    owner: str = ""

    def checked(self) -> Self:
        """The same with all methods named.

        Raises:
            SettingError: A value is out of bounds or unknown; the sentence names it.
        """
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                text = f"{name} is {value}, but it must be between {low:g} and {high:g}."
                raise SettingError("search_bounds", text, field=name, value=value, low=low, high=high)
        if self.sampler not in SAMPLERS:
            text = f"sampler is {self.sampler!r}: choose one of {', '.join(SAMPLERS)}."
            raise SettingError("search_sampler", text, value=self.sampler, known=", ".join(SAMPLERS))
        if "loss" not in self.objectives or not set(self.objectives) <= set(OBJECTIVES):
            text = f"objectives are {', '.join(self.objectives)}: take loss, and any of {', '.join(OBJECTIVES[1:])}."
            raise SettingError(
                "search_objectives", text, value=", ".join(self.objectives), known=", ".join(OBJECTIVES[1:])
            )
        if self.recipe and self.recipe not in RECIPES:
            text = f"recipe is {self.recipe!r}: choose one of {', '.join(RECIPES)}, or none."
            raise SettingError("search_recipe", text, value=self.recipe, known=", ".join(RECIPES))
        methods = [RECIPES[self.recipe].method] if self.recipe else list(checked_methods(self.methods))
        objectives = [name for name in OBJECTIVES if name in self.objectives]
        layers = self.layers or bool(self.recipe)
        return replace(self, methods=methods, objectives=objectives, layers=layers)

    def of_method(self, method: str, settings: dict[str, Any] | None = None) -> RunConfig:
        """The run of a trial, checked; its learning rate is the method's usual one.

        Raises:
            SettingError: A setting is invalid.
        """
        own = {"steps": self.steps, "eval_every": self.eval_every, "learning_rate": None}
        return RunConfig(
            model=self.model,
            dataset=self.dataset,
            data=self.data,
            method=method,
            method_settings=settings or {},
            training={**self.training, **own},
        ).checked()

    @property
    def space(self) -> Space:
        """What is varied of its methods."""
        return Space(self.depth if self.layers else 0, RECIPES.get(self.recipe))

    @property
    def eval_every(self) -> int:
        """Steps between validations: one falls on each rung; without rungs there are two."""
        return max(1, round(RUNGS[0] * self.steps)) if self.prune else (self.steps + 1) // 2

    @property
    def rungs(self) -> list[int]:
        """Steps after which a trial is judged, the last one being its end."""
        early = [round(share / RUNGS[0]) * self.eval_every for share in RUNGS] if self.prune else []
        return [*dict.fromkeys(step for step in early if step < self.steps), self.steps]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; entries that this version does not know are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known}).checked()

"""What can be said of a method without building it: name, paper, settings, presets, defaults. It loads no torch.

Every method has one `MethodSpec`, the value `SPEC` of its folder's `spec.py`. Forms, flags, lists and documents are
made from it; the module that trains is imported when `implementation` is called, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal

from typing_extensions import TypeVar

from engine.core.settings import Settings
from engine.telemetry.events import Event

if TYPE_CHECKING:
    from engine.methods.base import Method

S = TypeVar("S", bound=Settings, default=Any)
"""A method's own settings class; a bare `Method` or `MethodSpec` is that of any."""

Group = Literal["prompts", "adapters", "weights", "beside"]
Part = Literal["embedding", "attention", "linear", "norm", "residual", "beside"]
Place = Literal[
    "embedding", "attention", "q", "k", "v", "o", "gate", "up", "down", "norm",
    "after_attention", "after_mlp", "beside_mlp", "reads_embedding", "reads_layers",
]  # fmt: skip
Need = Literal["attention", "text"]

EMBEDDED_WIDTH = 192
"""Width of the model on which usual rates were found."""
WIDTHS = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 2)
"""Widths of hidden layers that may stand in place of one that follows from the model's."""
LINEARS: tuple[Place, ...] = ("q", "k", "v", "o", "gate", "up", "down")
LINEAR_GROUPS: Mapping[str, tuple[str, ...]] = {
    "all": LINEARS,
    "attention": ("q", "k", "v", "o"),
    "mlp": ("gate", "up", "down"),
}
"""Words for several linears at once."""
WITHIN: Mapping[Part, tuple[Place, ...]] = {
    "embedding": ("embedding",),
    "attention": ("attention",),
    "linear": LINEARS,
    "norm": ("norm",),
    "residual": ("after_attention", "after_mlp"),
    "beside": ("reads_layers",),
}
"""The places that a part consists of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """Where a method comes from."""

    title: str
    authors: str
    year: int
    url: str


def _reads_no_weights(_: Settings) -> bool:
    return False


def _one_rate(_: Settings, __: int) -> Mapping[str, float]:
    return {}


@dataclass(frozen=True, kw_only=True)
class MethodSpec(Generic[S]):
    """The description of one method.

    Attributes:
        name: Its key in `METHODS`, in files and in flags.
        title: Its name for people.
        paper: Where it comes from.
        equation: What it computes, in one line.
        learned: The symbols of the equation that are learned; all others are frozen, or follow from the input.
        group: What it adds to the frozen model, by which menus and charts sort methods: virtual "prompts", "adapters"
            after sub-layers, changes of "weights", or a network "beside" the model.
        acts_on: Parts of the model that it touches.
        places: Where it acts with given settings, where that is not everywhere in `acts_on`.
        settings: Its settings class.
        presets: Settings that differ from the defaults, by preset name; the first preset is the defaults.
        learning_rate: Rate that works with default settings on the embedded base; see `usual_rate` for others.
        implementation: Imports and returns the module's class.
        rate: The usual rate with given settings on a model of width d, where it is not always `learning_rate`.
        smaller: What may stand in place of the defaults on a large base, the largest first; every entry has the same
            settings. See `engine.methods.sizing`.
        rate_factors: Multiples of the learning rate with given settings on a model of width d, by beginnings of the
            names of parameters; the first that fits counts.
        reads_weights: Whether it reads frozen weights with given settings; then `build` refuses a base whose weights
            are quantised (8-bit, 4-bit).
        needs: What not every model has: an attention that sites reach, or text for virtual tokens to stand in.
        finds_words: Whether a text is all that it finds, see `Method.text`.
        emits: The kinds of events that tell of it; decides which panels appear.
        emits_with: Those of them that it emits with given settings, where that is not all.
        no_decay: Beginnings of the names of parameters that weight decay leaves alone.
        former_tensors: Present names of tensors by the names that checkpoints of earlier versions have for them.
        examples: Settings under which the contract suite runs, sized for tiny models.
        quick: Settings that shorten what a run does before its first step, for tests of anything else.
    """

    name: str
    title: str
    paper: Paper
    equation: str
    learned: tuple[str, ...]
    group: Group
    acts_on: tuple[Part, ...]
    settings: type[S]
    presets: Mapping[str, Mapping[str, object]]
    learning_rate: float
    implementation: Callable[[], type[Method[S]]]
    places: Callable[[S], tuple[Place, ...]] | None = None
    rate: Callable[[S, int], float] | None = None
    smaller: tuple[Mapping[str, object], ...] = ()
    rate_factors: Callable[[S, int], Mapping[str, float]] = _one_rate
    reads_weights: Callable[[S], bool] = _reads_no_weights
    needs: tuple[Need, ...] = ()
    finds_words: bool = False
    emits: tuple[type[Event], ...] = ()
    emits_with: Callable[[S], tuple[type[Event], ...]] | None = None
    no_decay: tuple[str, ...] = ()
    former_tensors: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Mapping[str, object], ...] = ({},)
    quick: Mapping[str, object] = field(default_factory=dict)

    def usual_rate(self, settings: S, d: int) -> float:
        """What an empty learning rate means with these settings on a model of width d."""
        return self.learning_rate if self.rate is None else self.rate(settings, d)

    def acts_at(self, settings: S) -> tuple[Place, ...]:
        """Where in a layer, or beside the layers, it acts with these settings."""
        if self.places is not None:
            return self.places(settings)
        return tuple(place for part in self.acts_on for place in WITHIN[part])

    def emitted(self, settings: S) -> tuple[type[Event], ...]:
        """The kinds of events that it emits with these settings."""
        return self.emits if self.emits_with is None else self.emits_with(settings)

    @property
    def sized(self) -> tuple[str, ...]:
        """Names of the settings that a new run on a large base takes from its size, where nobody said them."""
        return tuple(self.smaller[0]) if self.smaller else ()

    @property
    def layered(self) -> bool:
        """Whether its acts belong to layers, so that it can be switched off in some of them."""
        return bool({"attention", "linear", "norm", "residual"} & set(self.acts_on))


def smaller(name: str, values: Iterable[int]) -> tuple[Mapping[str, object], ...]:
    """Values of one setting that may stand in place of its default, the one that trains most first."""
    return tuple({name: value} for value in values)


def rate_by_width(rate: float, power: float = 1.0) -> Callable[[Settings, int], float]:
    """A rate found on the embedded model that falls with the width: more numbers add up to one output.

    Args:
        rate: The one on the embedded model, and on narrower ones.
        power: By how much: 2 where a wider model also moves further with each of them, as docs/rates.md measures.
    """
    return lambda _, d: rate * min(1.0, EMBEDDED_WIDTH / d) ** power


def named_linears(targets: str) -> tuple[Place, ...]:
    """The linears that a setting names: words with spaces between, also "attention", "mlp" and "all"."""
    named = {linear for word in targets.split() for linear in LINEAR_GROUPS.get(word, (word,))}
    return tuple(name for name in LINEARS if name in named)

"""The contract of a method: it owns its parameters, attaches to sites, obeys its strength, and tells what it sees."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.knobs import Settings
from engine.models.base import Base
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View, share_tensors
from engine.telemetry.events import Event
from engine.telemetry.looking import Look

METHOD_FORMAT = 1
"""Version of the tensor names and meanings in adapter files; raised when a method changes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """Where a method comes from."""

    title: str
    authors: str
    year: int
    url: str


@dataclass(slots=True)
class Control:
    """Dials that are turned between forwards, outside of training.

    Attributes:
        strength: 0 is the base to the bit, 1 the trained model, beyond it extrapolates.
        knocked_out: (layer, head) pairs that are switched off, where the method has heads.
    """

    strength: float = 1.0
    knocked_out: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Start:
    """What a method may use to draw its first values.

    Attributes:
        rng: The only source of randomness.
        vocabulary: Gives the base's input embeddings; called only by methods that start from words.
        tokenize: Turns text into token ids without special tokens.
        words: Turns a token id into readable text, for telemetry.
    """

    rng: torch.Generator
    vocabulary: Callable[[], Float[Tensor, "v d"]]
    tokenize: Callable[[str], list[int]]
    words: Callable[[int], str]

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """A start is never changed, so copies of a method share it."""
        return self

    @classmethod
    def of(cls, base: Base, seed: int) -> Self:
        """The start for a loaded base."""
        tokenizer = base.tokenizer
        return cls(
            torch.Generator().manual_seed(seed),
            base.vocabulary,
            lambda text: tokenizer.encode(text, add_special_tokens=False),
            lambda index: str(tokenizer.decode([index])),
        )


class Method(nn.Module, ABC):
    """One parameter-efficient method on one frozen model.

    A subclass names itself in `engine.methods.METHODS`. Its forward functions write to nothing but their return
    value and keep no derived tensors. Its parameters are fp32 whatever the base.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    equation: ClassVar[str]
    acts_on: ClassVar[tuple[str, ...]]
    paper: ClassVar[Paper]
    settings_class: ClassVar[type[Settings]]
    presets: ClassVar[dict[str, dict[str, object]]]
    learning_rate: ClassVar[float]
    """Rate that works on the embedded base when the user gives none."""
    no_decay: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of parameters that weight decay leaves alone."""
    emits: ClassVar[tuple[type[Event], ...]] = ()
    """Decides which panels appear."""
    examples: ClassVar[tuple[dict[str, object], ...]] = ({},)
    """Settings under which the contract suite runs, sized for tiny models."""

    def __init__(self, settings: Settings, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.control = Control()

    @classmethod
    @abstractmethod
    def build(cls, settings: Settings, shape: ModelShape, start: Start) -> Self:
        """A fresh method with its first values.

        Raises:
            SettingError: A setting does not fit this model.
            ModelError: The method cannot serve this model.
        """

    @classmethod
    @abstractmethod
    def count(cls, settings: Settings, shape: ModelShape) -> dict[str, int]:
        """Trainable parameters by group, from the closed form; nothing is built."""

    @property
    @abstractmethod
    def settings(self) -> Settings:
        """The settings it was built with."""

    @property
    @abstractmethod
    def starts_at_base(self) -> bool:
        """Whether the untrained method leaves the logits exactly as they are."""

    @abstractmethod
    def attach(self, sites: Sites) -> None:
        """Register functions at the sites of one view."""

    @abstractmethod
    def look(self, view: View, look: Look) -> dict[str, object]:
        """Run one sentence through a view on which this method is attached and report how it is used.

        The result is JSON for the attention panel; `look` runs the forward and collects what observers saw.
        """

    def frames(self, step: int) -> Iterator[Event]:
        """Telemetry of this method at a frame step. Called under no_grad, after the update."""
        yield from ()

    def fold(self) -> None:  # noqa: B027 - most methods have nothing that only training needs
        """Drop structure that only training needs. Logits do not change."""

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name under which telemetry reports them: the part before the first dot."""
        found: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            found.setdefault(name.split(".")[0], []).append(parameter)
        return found

    def twin(self) -> Self:
        """A copy that shares every tensor but has its own dials: what chat uses while training goes on."""
        twin = share_tensors(self)
        twin.control = Control()
        return twin

"""The contract of a method: it owns its parameters, adds to activations at sites, and reports what it does."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Generic, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.core.errors import SettingError
from engine.data.head_spec import HeadSpec
from engine.data.picture_features import PictureFeatures
from engine.methods.parts.task_head import TaskHead
from engine.methods.serving import must_serve
from engine.methods.spec import MethodSpec, S
from engine.methods.trial import Trial
from engine.models.base import Base
from engine.models.shape import ModelShape
from engine.models.sharing import share_tensors
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ProbeReport

RANDOM = -1
"""Value of `Control.routing`."""

HEAD = "head."
"""What the names of a task head's tensors begin with in files."""

METHOD_FORMAT = 1
"""Version of the tensor names and meanings in adapter files; raised when a method changes them."""


@dataclass(slots=True)
class Control:
    """How a method acts in the next forward; set between forwards, outside of training.

    Attributes:
        strength: 0 is the base to the bit, 1 the trained model, beyond it extrapolates.
        knocked_out: (layer, head) pairs that are switched off, where the method has heads.
        off_layers: Layers in which the method does nothing.
        routing: Which expert answers, where the method has some: None for their average, a number for that one, and
            RANDOM for a fresh sample in every pass.
    """

    strength: float = 1.0
    knocked_out: frozenset[tuple[int, int]] = frozenset()
    off_layers: frozenset[int] = frozenset()
    routing: int | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What a method may use to draw its first values.

    Attributes:
        rng: The only source of randomness.
        input_embeddings: Gives the base's input embeddings; called only by methods that start from words.
        tokenize: Turns text into token ids without special tokens.
        words: Turns a token id into readable text, for telemetry.
        base: The loaded base, for methods that start from what it computes; do not change it.
    """

    rng: torch.Generator
    input_embeddings: Callable[[], Float[Tensor, "v d"]]
    tokenize: Callable[[str], list[int]]
    words: Callable[[int], str]
    base: Base

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """A start is never changed, so copies of a method share it."""
        return self

    @classmethod
    def of(cls, base: Base, seed: int) -> Self:
        """The start for a loaded base."""
        return cls(
            torch.Generator().manual_seed(seed),
            base.input_embeddings,
            lambda text: base.tokenizer.encode(text, add_special_tokens=False),
            lambda index: str(base.tokenizer.decode([index])),
            base,
        )

    def repeated(self, text: str, count: int) -> list[int]:
        """Token ids of a text to start from, repeated or cut to so many.

        Raises:
            SettingError: The text holds no token.
        """
        ids = self.tokenize(text)
        if not ids:
            raise SettingError(
                "no_init_text",
                "init_text holds no token of this model: write the sentence to start from.",
                field="init_text",
            )
        return (ids * -(-count // len(ids)))[:count]


class Method(nn.Module, ABC, Generic[S]):
    """One parameter-efficient method on one frozen model.

    S is the class of its settings. Its forward functions write to nothing but their return value and keep no derived
    tensors. Its parameters are fp32 whatever the base.
    """

    spec: ClassVar[MethodSpec]
    """Its description."""

    def __init__(self, settings: S, shape: ModelShape) -> None:
        super().__init__()
        must_serve(self.spec, shape.family, shape.model_type)
        self.settings = settings
        self.shape = shape
        self.control = Control()
        self.head: TaskHead | None = None
        """The task head that trains with the method; a run adds it, no method reads it."""

    @classmethod
    @abstractmethod
    def build(cls, settings: S, shape: ModelShape, start: Start) -> Self:
        """A fresh method with its first values.

        Raises:
            SettingError: A setting does not fit this model.
            ModelError: The method cannot serve this model.
        """

    @classmethod
    def blank(cls, settings: S, shape: ModelShape) -> Self:
        """A method without first values: whose tensors there are, and of which shape."""
        return cls(settings, shape)

    @classmethod
    @abstractmethod
    def count(cls, settings: S, shape: ModelShape) -> dict[str, int]:
        """Trainable parameters by group, from the closed form; nothing is built."""

    @property
    @abstractmethod
    def starts_at_base(self) -> bool:
        """Whether the untrained method leaves the logits exactly as they are."""

    @abstractmethod
    def attach(self, sites: Sites) -> None:
        """Register functions at the sites of one view."""

    @abstractmethod
    def probe(self, view: View, probe_input: ProbeInput) -> ProbeReport:
        """Report how one input uses this method, which is attached to the view.

        Registers observers at the view's sites, runs the forward once, and collects what they saw. The view is not
        used again.

        Raises:
            ModelError: What the report is about cannot be observed in this model.
        """

    def parameter_events(self, step: int) -> Iterator[Event]:
        """Events that follow from the parameters and their gradients alone.

        Called under no_grad at the steps that have a frame (see `engine.telemetry.schedule`), after the update.
        """
        yield from ()

    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        """Events that need a forward, as in `probe`: of the run's sample sentence, or its sample picture.

        Called under no_grad at every validation, with a view and a copy of the method of their own.
        """
        yield from ()

    def warm_up(self, start: Start) -> Iterator[float]:
        """What a new run does once before its first step: first values that are costly to compute, piece by piece.

        Yields the share that is done, so that whoever waits knows how long. Adapters that are read from a file are
        built without it.
        """
        yield from ()

    @property
    def emitted(self) -> tuple[type[Event], ...]:
        """The kinds of events that it emits with its settings."""
        return self.spec.emitted(self.settings)

    @property
    def template(self) -> str | None:
        """A template with `{prompt}` and a slot `{p}` for every virtual token; None where the dataset's is used."""
        return None

    @property
    def text(self) -> str | None:
        """The words that it has found, which say what it does wherever they are put; None where it is no text."""
        return None

    @property
    def sees_pictures(self) -> bool:
        """Whether it tells the model of the pictures beside texts."""
        return False

    @property
    def picture_features(self) -> PictureFeatures | None:
        """What gives the features of those pictures; None where it sees none, or nothing is computed."""
        return None

    def enter_step(self, step: int) -> None:
        """Choose what trains in the step after `step` others: parameters that require no gradient then stay."""

    @property
    def passes(self) -> int:
        """Forwards in a training step. With 2, `consistency_loss` is added to the loss of the first."""
        return 1

    def sample_routing(self) -> None:
        """Draw the random routing of the next training forwards; it holds until the next call."""

    def consistency_loss(self, first: Float[Tensor, "n v"], second: Float[Tensor, "n v"]) -> Float[Tensor, ""]:
        """Extra loss, summed over n labelled positions, from the logits of two passes with different routing."""
        raise AssertionError(f"{self.spec.name} makes one pass")

    def penalty(self) -> Float[Tensor, ""] | None:
        """What training makes small beside the loss, from the parameters alone; the loss that is told is without it."""
        return None

    def search(self, trial: Trial) -> None:
        """Choose by trying what no gradient step can reach; called after each backward pass, before the update.

        Its parameters and buffers stay as they are until `after_update`, so that a checkpoint of that moment holds the
        step before.
        """

    def after_update(self, step: int, steps: int) -> None:
        """Called after each optimiser update, when `step` of `steps` are finished; the gradients still stand."""

    def fold(self) -> None:
        """Drop structure that only training needs. Logits do not change, and folding twice is folding once."""

    def method_tensors(self) -> dict[str, Tensor]:
        """Tensors of a folded method as an adapter file holds them, without those of a task head."""
        return self.state_dict()

    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Load what `method_tensors` gave, from a file; names and shapes have been checked."""
        self.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})

    def adapter_tensors(self) -> dict[str, Tensor]:
        """All that the file of a folded adapter holds: the method's tensors and its task head's."""
        with self._without_head() as head:
            tensors = self.method_tensors()
        return tensors if head is None else tensors | {HEAD + name: value for name, value in head.state_dict().items()}

    def load_adapter_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Load all tensors of a file; names and shapes have been checked against `adapter_tensors`."""
        with self._without_head() as head:
            self.load_method_tensors({name: tensor for name, tensor in tensors.items() if not name.startswith(HEAD)})
        if head is not None:
            head.load_state_dict(
                {name.removeprefix(HEAD): value.float() for name, value in tensors.items() if name.startswith(HEAD)}
            )

    @contextmanager
    def _without_head(self) -> Iterator[TaskHead | None]:
        head, self.head = self.head, None
        try:
            yield head
        finally:
            self.head = head

    def with_head(self, spec: HeadSpec | None, rng: torch.Generator) -> Self:
        """The same method, with a fresh task head if there is a spec."""
        if spec is not None:
            self.head = TaskHead.build(spec, self.shape, rng)
        return self

    def is_off(self, layer: int | None = None) -> bool:
        """Whether it changes nothing: at strength 0, or in a layer that is switched off."""
        return self.control.strength == 0 or layer in self.control.off_layers

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name under which telemetry reports them: the part before the first dot."""
        groups: dict[str, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            groups.setdefault(name.split(".")[0], []).append(parameter)
        return groups

    def folded(self) -> Self:
        """A copy without training's structure; the method itself goes on training."""
        copied = copy.deepcopy(self)
        copied.fold()
        return copied

    def folded_tensors(self) -> dict[str, Tensor]:
        """What an adapter file of this method holds; nothing is copied where there is no structure to fold."""
        return (self if type(self).fold is Method.fold else self.folded()).adapter_tensors()

    def sharing_copy(self) -> Self:
        """A copy that shares all tensors and has a `control` of its own: chat uses it while training goes on."""
        copied = share_tensors(self)
        copied.control = Control()
        return copied

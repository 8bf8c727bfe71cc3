"""What parts of a tuned model contribute: the validation loss without spans of layers, and with single experts."""

from engine.analysis.validation_loss import validation_loss
from engine.core.errors import SettingError
from engine.core.parts import InParts, Parts
from engine.data.dataset import Dataset
from engine.methods.adamix.method import AdaMix
from engine.methods.base import Method
from engine.models.base import Base
from engine.telemetry.probe_reports import LayerAblation, RouteLosses


@InParts
def ablation(base: Base, method: Method, dataset: Dataset) -> Parts[LayerAblation]:
    """Validation loss with the method off in every span of layers, as in figure 6 of the adapter paper.

    Raises:
        SettingError: The method does not act in layers.
    """
    if not method.spec.layered:
        raise SettingError(
            "no_layers",
            f"{method.spec.title} does not act in layers, so none can be switched off: choose a run of another method.",
            method=method.spec.title,
        )
    tuned = method.sharing_copy().eval()
    loss = validation_loss(base, tuned, dataset)
    whole = yield from loss()
    spans: list[list[float | None]] = []
    for first in range(base.shape.l):
        spans.append([None] * first)
        for last in range(first, base.shape.l):
            tuned.control.off_layers = frozenset(range(first, last + 1))
            spans[-1].append((yield from loss()))
    return LayerAblation(whole=whole, spans=spans)


@InParts
def routes(base: Base, method: Method, dataset: Dataset, samples: int = 16) -> Parts[RouteLosses]:
    """Validation loss of the averaged experts, of each expert alone in all layers, and along random routes.

    A random route is one sample of the method's own routing; it stays the same for all rows.

    Raises:
        SettingError: The method has no experts, or they were averaged already.
    """
    tuned = method.sharing_copy().eval()
    mixture = next((part for part in tuned.modules() if isinstance(part, AdaMix) and part.experts > 1), None)
    if mixture is None:
        raise SettingError(
            "no_experts",
            f"{method.spec.title} has no experts to choose from here: choose an AdaMix run that keeps its checkpoint.",
            method=method.spec.title,
        )
    loss = validation_loss(base, tuned, dataset)
    single, sampled = list[float](), list[float]()
    average = yield from loss()
    for expert in range(mixture.experts):
        tuned.control.routing = expert
        single.append((yield from loss()))
    tuned.control.routing = None
    mixture.train()  # training mode routes at random; AdaMix has no dropout that this would switch on
    for number in range(samples):
        mixture.use_sample(-1 - number)  # numbers of samples that training never takes
        sampled.append((yield from loss()))
    return RouteLosses(average=average, experts=single, random=sampled)

"""What if a part of a tuned model kept silent? Its layers in spans, or all experts but the ones on one route."""

from collections.abc import Callable
from typing import Any

import torch

from engine.core.errors import SettingError
from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.tokenise import encode_for
from engine.evaluation.loss import mean_loss
from engine.methods.adamix.method import AdaMix
from engine.methods.base import Method
from engine.models.base import Base

ROWS = 32
"""Validation rows that are asked."""


@torch.inference_mode()
def ablation(base: Base, method: Method, dataset: Dataset) -> list[list[float | None]]:
    """Validation loss with the method off in every span of layers, as in figure 6 of the adapter paper.

    Entry [i][j] belongs to the span from layer i to layer j; where j < i there is no span and the entry is None.

    Raises:
        SettingError: The method does not act in layers.
    """
    if not method.spec.layered:
        raise SettingError(
            "no_layers",
            f"{method.spec.title} does not act in layers, so none can be switched off: choose a run of another method.",
            method=method.spec.title,
        )
    twin, loss = _on_validation(base, method.sharing_copy().eval(), dataset)
    spans: list[list[float | None]] = []
    for first in range(base.shape.l):
        spans.append([None] * first)
        for last in range(first, base.shape.l):
            twin.control.off_layers = frozenset(range(first, last + 1))
            spans[-1].append(loss())
    return spans


@torch.inference_mode()
def routes(base: Base, method: Method, dataset: Dataset, draws: int = 16) -> dict[str, Any]:
    """Validation loss of the averaged experts, of each expert alone in all layers, and along random routes.

    A random route is one throw of the method's own dice and stays the same for all rows.

    Raises:
        SettingError: The method has no experts, or they were averaged already.
    """
    if not isinstance(method, AdaMix) or method.experts == 1:
        raise SettingError(
            "no_experts",
            f"{method.spec.title} has no experts to choose from here: choose an AdaMix run that keeps its checkpoint.",
            method=method.spec.title,
        )
    twin, loss = _on_validation(base, method.sharing_copy().eval(), dataset)
    assert isinstance(twin, AdaMix)
    average, single, drawn = loss(), [], []
    for expert in range(method.experts):
        twin.control.routing = expert
        single.append(loss())
    twin.control.routing = None
    twin.train()  # then the dice decide; AdaMix has no dropout that this would wake
    for number in range(draws):
        twin.lay(-1 - number)  # throws that training never makes
        drawn.append(loss())
    return {"average": average, "experts": single, "random": drawn}


def _on_validation(base: Base, twin: Method, dataset: Dataset) -> tuple[Method, Callable[[], float]]:
    """The twin, and a function that gives its loss on the first validation rows as its dials are turned now."""
    dataset, spec = dataset.in_template(twin.template), twin.head.spec if twin.head else None
    rows = encode_for(base.processor, dataset, dataset.rows("validation")[:ROWS], 256, spec)
    view = base.view()
    twin.attach(view.sites)
    return twin, lambda: round(mean_loss(view, rows, collator_of(base), head=twin.head), 4)

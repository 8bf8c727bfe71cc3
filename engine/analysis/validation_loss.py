"""The validation loss of a method whose control changes between two measurements, on few rows so that one can wait."""

from collections.abc import Callable

from engine.core.parts import Parts
from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.encode import encode_for
from engine.evaluation.loss import mean_loss
from engine.methods.base import Method
from engine.models.base import Base

ROWS = 32
"""Validation rows that the loss is the mean of, or all where there are fewer."""

MAX_SEQ_LEN = 256
"""Tokens after which a row is cut."""


def validation_loss(base: Base, tuned: Method, dataset: Dataset) -> Callable[[], Parts[float]]:
    """Attach a method, a copy that nobody else uses, to a view of its own and return what measures its loss in parts.

    It gives nats per labelled token (with a task head nats per row, or the mean squared error where it estimates a
    number), rounded to four digits, and reads `tuned.control` anew at every call.
    """
    dataset, spec = dataset.in_template(tuned.template), tuned.head.spec if tuned.head else None
    rows = encode_for(base.processor, dataset, dataset.rows("validation")[:ROWS], MAX_SEQ_LEN, spec)
    view = base.view()
    tuned.attach(view.sites)

    def loss() -> Parts[float]:
        return round((yield from mean_loss.parts(view, rows, collator_of(base), head=tuned.head)), 4)

    return loss

"""The strength curve: how the validation loss changes as a method is turned from 0, the base, to 2."""

from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.tokenise import encode_for
from engine.evaluation.loss import mean_loss
from engine.methods.base import Method
from engine.models.base import Base

STRENGTHS = tuple(step / 4 for step in range(9))

CURVE_ROWS = 32


def strength_curve(base: Base, method: Method, dataset: Dataset) -> list[tuple[float, float]]:
    """(strength, validation loss) from 0 to 2; a task head stays the same at every strength."""
    dataset, spec = dataset.in_template(method.template), method.head.spec if method.head else None
    rows = encode_for(base.processor, dataset, dataset.rows("validation")[:CURVE_ROWS], 256, spec)
    view, twin = base.view(), method.sharing_copy().eval()
    twin.attach(view.sites)
    curve = []
    for strength in STRENGTHS:
        twin.control.strength = strength
        curve.append((strength, round(mean_loss(view, rows, collator_of(base), head=twin.head), 4)))
    return curve

"""The strength curve: how the validation loss changes as a method goes from strength 0, the base, to 2."""

from engine.analysis.validation_loss import validation_loss
from engine.core.parts import InParts, Parts
from engine.data.dataset import Dataset
from engine.methods.base import Method
from engine.models.base import Base
from engine.telemetry.probe_reports import StrengthPoint

STRENGTHS = tuple(step / 4 for step in range(9))


@InParts
def strength_curve(base: Base, method: Method, dataset: Dataset) -> Parts[list[StrengthPoint]]:
    """Validation loss at each of `STRENGTHS`; a task head stays the same at every strength."""
    tuned = method.sharing_copy().eval()
    loss = validation_loss(base, tuned, dataset)
    curve = []
    for strength in STRENGTHS:
        tuned.control.strength = strength
        curve.append(StrengthPoint(strength, (yield from loss())))
    return curve

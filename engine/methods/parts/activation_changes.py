"""How much a method changes what modules take in or give out, token by token, on one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor

from engine.models.module_site import ModuleSite
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded
from engine.telemetry.probe_reports import ChangeReport

Place = tuple[int, str]
"""A layer, and the name of a place in it."""

Changes = dict[Place, Float[Tensor, " t"]]
"""|change| / |what was there before| of every token, by place; every layer has the same places."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What to look at.

    Attributes:
        site: The module.
        columns: Which of its numbers; None for all.
        at_input: Whether to look at what goes in instead of what comes out.
    """

    site: ModuleSite
    columns: Int[Tensor, " o"] | None = None
    at_input: bool = False


def relative_changes(spots: Mapping[Place, Spot], probe_input: ProbeInput) -> Changes:
    """Run the sentence and compare what is there with what the frozen model alone would have there."""
    seen: Changes = {}

    def compare(place: Place, before: Tensor, after: Tensor) -> None:
        columns = spots[place].columns
        if columns is not None:
            before, after = before[..., columns], after[..., columns]
        # One sentence is one row; some families flatten rows and positions before their MLP anyway.
        seen[place] = relative_norm(after - before, before).flatten().detach()

    for place, spot in spots.items():
        if spot.at_input:
            spot.site.observe_input(partial(compare, place))
        else:
            spot.site.observe(partial(_output, partial(compare, place)))
    probe_input.run()
    return {place: seen[place] for place in spots}


def _output(compare: partial[None], _x: Tensor, frozen: Tensor, total: Tensor) -> None:
    compare(frozen, total)


def change_report(changes: Changes, probe_input: ProbeInput) -> ChangeReport:
    """The report on one input, token by token."""
    layers, names = _axes(changes)
    return ChangeReport(
        tokens=probe_input.tokens,
        layers=layers,
        targets=names,
        contribution=[[rounded(changes[layer, name]) for name in names] for layer in layers],
    )


def mean_frame(step: int, changes: Changes) -> UpdateFrame:
    """The mean over the sentence's tokens at every place."""
    layers, names = _axes(changes)
    ratio = [[round(float(changes[layer, name].mean()), 6) for name in names] for layer in layers]
    return UpdateFrame(step=step, layers=layers, targets=names, ratio=ratio)


def _axes(changes: Changes) -> tuple[list[int], list[str]]:
    return list(dict.fromkeys(layer for layer, _ in changes)), list(dict.fromkeys(name for _, name in changes))

"""How much a method changes inputs or outputs of modules, token by token, on one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor

from engine.models.module_site import ModuleSite
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded
from engine.telemetry.probe_reports import ChangeReport

Location = tuple[int, str]
"""A layer, and the name of an activation in it."""

Changes = dict[Location, Float[Tensor, " t"]]
"""|change| / |activation before| of every token; every layer has the same activations."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An activation that is compared.

    Attributes:
        site: The module that has it.
        columns: Which of its entries; None for all.
        at_input: Whether it is the module's input instead of its output.
    """

    site: ModuleSite
    columns: Int[Tensor, " o"] | None = None
    at_input: bool = False


def relative_changes(observed: Mapping[Location, Observed], probe_input: ProbeInput) -> Changes:
    """Run the sentence and compare every activation with what the frozen modules alone give."""
    seen: Changes = {}

    def compare(location: Location, before: Tensor, after: Tensor) -> None:
        columns = observed[location].columns
        if columns is not None:
            before, after = before[..., columns], after[..., columns]
        # One sentence is one row; some families flatten rows and positions before their MLP anyway.
        seen[location] = relative_norm(after - before, before).flatten().detach()

    for location, one in observed.items():
        if one.at_input:
            one.site.observe_input(partial(compare, location))
        else:
            one.site.observe(partial(_output, partial(compare, location)))
    probe_input.run()
    return {location: seen[location] for location in observed}


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
    """The mean over the sentence's tokens at every location."""
    layers, names = _axes(changes)
    ratio = [[round(float(changes[layer, name].mean()), 6) for name in names] for layer in layers]
    return UpdateFrame(step=step, layers=layers, targets=names, ratio=ratio)


def _axes(changes: Changes) -> tuple[list[int], list[str]]:
    return list(dict.fromkeys(layer for layer, _ in changes)), list(dict.fromkeys(name for _, name in changes))

"""The layers, ranks and scales of a LoRA, between HF peft's config and the settings here.

peft says what differs by patterns of module paths; here a text names linears by role, in all layers or in one.
"""

import re
from collections import Counter
from typing import Any

from engine.exchange.refusals import refused
from engine.methods.lora.method import Lora
from engine.models.family import Family

LONGEST, MOST_REPEATS = 500, 3
REPEATS = re.compile(r"(?<!\\)[*+{]")
GROUP_REPEATS = re.compile(r"\)[*+{]")
"""A file's patterns are regexes of a stranger: these bounds keep the time to match one short."""

Ranks = dict[tuple[int, str], int]
"""By layer and role."""


def patterns_for_peft(method: Lora) -> dict[str, Any]:
    """The entries `r`, `lora_alpha`, `rank_pattern` and `alpha_pattern` of a folded adapter.

    Where folding doubled a rank, alpha grows with it, so that the scale stays.
    """
    settings, family = method.settings, method.shape.family
    grown = len(method.a[method.places[0].key]) / method.places[0].rank
    alpha_grown = grown**0.5 if settings.rslora else grown
    config: dict[str, Any] = {
        "r": int(settings.rank * grown),
        "lora_alpha": settings.alpha * alpha_grown,
        "rank_pattern": {},
        "alpha_pattern": {},
    }
    for place in method.places:
        path = re.escape(f"{family.layers}.{place.layer}.{family.linears[place.role]}")
        if place.rank != settings.rank:
            config["rank_pattern"][path] = int(place.rank * grown)
        if place.alpha != settings.alpha:
            config["alpha_pattern"][path] = place.alpha * alpha_grown
    return config


def said_by_peft(config: dict[str, Any], ranks: Ranks, family: Family, count: int) -> dict[str, Any]:
    """The settings rank, alpha, targets, layers, rank_pattern and alpha_pattern for peft's config.

    Args:
        config: Peft's.
        ranks: Those of the file's tensors.
        family: The model's.
        count: Layers of the model.

    Raises:
        ExchangeError: A tensor lies in a layer that the model lacks, or a rank is not the one that the config says.
    """
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    if max(layer for layer, _ in ranks) >= count:
        raise refused(f"it adapts layer {max(ranks)[0]}, and this model has {count}", "check the model")
    for (layer, role), found in ranks.items():
        said = _matched(config.get("rank_pattern"), f"{family.layers}.{layer}.{family.linears[role]}", rank)
        if found != said:
            raise refused(f"the rank of {role} in layer {layer} is {found}, not {said:g}", "save it with HF peft")
    alphas = {
        (layer, role): _matched(config.get("alpha_pattern"), f"{family.layers}.{layer}.{family.linears[role]}", alpha)
        for layer, role in ranks
    }
    layers = sorted({layer for layer, _ in ranks})
    roles = [role for role in family.linears if any(role == other for _, other in ranks)]
    everywhere = {(layer, role): ranks.get((layer, role), 0) for layer in layers for role in roles}
    return {
        "rank": rank,
        "alpha": alpha,
        "targets": " ".join(roles),
        "layers": "" if len(layers) == count else " ".join(map(str, layers)),
        "rank_pattern": _text(everywhere, rank),
        "alpha_pattern": _text(alphas, alpha),
    }


def _matched(patterns: dict[str, Any] | None, path: str, otherwise: float) -> float:
    """The value of the first of peft's patterns that a module's path matches, as in `peft.utils.get_pattern_key`.

    Raises:
        ExchangeError: A pattern is no regex, or one that may take for ever.
    """
    for pattern, value in (patterns or {}).items():
        try:
            if len(pattern) > LONGEST or len(REPEATS.findall(pattern)) > MOST_REPEATS or GROUP_REPEATS.search(pattern):
                raise re.error("it repeats too much")
            if re.match(rf"(.*\.)?({pattern})$", path):
                return float(value)
        except re.error as error:
            raise refused(
                f"the pattern {pattern[:80]!r} cannot be read ({error})", "name modules by their ends"
            ) from error
    return otherwise


def _text(values: dict[tuple[int, str], Any], usual: float) -> str:
    """Entries for all values that differ from the usual one; what most layers share stands once."""
    entries = []
    for role in dict.fromkeys(role for _, role in values):
        own = {layer: value for (layer, other), value in values.items() if other == role}
        (common, _), *_ = Counter(own.values()).most_common(1)
        if common != usual:
            entries.append(f"{role}={common:g}")
        entries += [f"{layer}.{role}={value:g}" for layer, value in own.items() if value != common]
    return " ".join(entries)

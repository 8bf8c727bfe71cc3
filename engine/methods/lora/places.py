"""Which linears a LoRA updates, and with which rank and scale: its texts `layers`, `rank_pattern`, `alpha_pattern`.

A pattern names linears by role, in all layers or in one, and the more precise entry wins:

    rank_pattern: "q=4 down=16 3.down=2 0.q=0"        rank 0: no update there
"""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.methods.layers import chosen_layers

if TYPE_CHECKING:
    from engine.methods.lora.spec import LoraSettings
    from engine.models.shape import ModelShape

ENTRY = re.compile(r"(?:(\d+)\.)?([a-z_]+)=(\d+(?:\.\d*)?)")

Pattern = dict[tuple[int | None, str], float]
"""Values by layer (None for all) and role."""


@dataclass(frozen=True, slots=True)
class Place:
    """One linear that has an update.

    Attributes:
        layer: Counted from the lowest, 0.
        role: The family's name of the linear.
        rank: Directions that the update may change.
        alpha: Its scale before it is divided by the rank or its root.
        scale: The factor on B A x.
    """

    layer: int
    role: str
    rank: int
    alpha: float
    scale: float

    @property
    def key(self) -> str:
        """Its name among the method's parameters."""
        return f"{self.layer}_{self.role}"


def parse_pattern(field: str, text: str) -> Pattern:
    """The entries of a pattern.

    Raises:
        SettingError: One is no `linear=number`.
    """
    out: Pattern = {}
    for word in text.split():
        match = ENTRY.fullmatch(word)
        if match is None or (field == "rank_pattern" and not float(match[3]).is_integer()):
            raise SettingError(
                "bad_pattern",
                f"{field} holds {word!r}: write entries such as q=4 or 3.down=16, with spaces between.",
                field=field,
                value=word,
            )
        out[int(match[1]) if match[1] else None, match[2]] = float(match[3])
    return out


def places_of(settings: "LoraSettings", shape: "ModelShape") -> list[Place]:
    """Every linear that gets an update, lowest layer first.

    Raises:
        ModelError: The family has no such linear.
        SettingError: The model has no such layer, or nothing is left.
    """
    from engine.models.family import linear_roles, targeted_linears  # noqa: PLC0415 - the settings need no models

    roles = targeted_linears(shape.family, settings.targets)
    values = []
    for field, text in (("rank_pattern", settings.rank_pattern), ("alpha_pattern", settings.alpha_pattern)):
        pattern = parse_pattern(field, text)
        values.append({(at, linear_roles(shape.family, (role,))[0]): value for (at, role), value in pattern.items()})
    ranks, alphas = values
    out = []
    for layer in chosen_layers(settings.layers, shape.l):
        for role in roles:
            rank = int(ranks.get((layer, role), ranks.get((None, role), settings.rank)))
            alpha = alphas.get((layer, role), alphas.get((None, role), settings.alpha))
            if rank:
                out.append(Place(layer, role, rank, alpha, alpha / (math.sqrt(rank) if settings.rslora else rank)))
    if not out:
        raise SettingError(
            "no_updates", "rank_pattern leaves no linear with an update: remove an entry with 0.", field="rank_pattern"
        )
    return out

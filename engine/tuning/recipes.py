"""Search spaces of papers: methods that stand together, which sizes of theirs vary, what is fixed. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.methods import part_names
from engine.methods.together.spec import SIGN, joined, part_settings, whole_settings

GRID = (0, 1, 2, 4, 8, 16, 32, 64)
"""Sizes of a part; 0 leaves it out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The space of one paper. Each layer has a bit too, common to all parts.

    Attributes:
        method: The methods together.
        sizes: The settings of each part that are sizes, by the part's name.
        fixed: Settings of each part that stay.
        without: Settings that leave out what a size of 0 belongs to, where the part has more than one size.
        grid: What is tried for the sizes.
    """

    method: str
    sizes: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, Mapping[str, Any]]
    without: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    grid: tuple[int, ...] = GRID

    @property
    def varied(self) -> tuple[str, ...]:
        """The sizes, under their names in the whole combination."""
        return tuple(joined(part, size) for part, sizes in self.sizes.items() for size in sizes)

    def run_of(self, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The methods that are left, and their settings, without what has size 0; None where nothing is left.

        Args:
            settings: Of the whole combination.
        """
        parts = part_names(self.method)
        kept = [part for part in parts if any(settings[joined(part, size)] for size in self.sizes[part])]
        name = SIGN.join(kept)
        of_parts = {part: self._part(part, part_settings(self.method, part, dict(settings))) for part in kept}
        return (name, whole_settings(name, of_parts)) if kept else None

    def _part(self, part: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a part of which something is left."""
        gone = {size: self.without[size] for size in self.sizes[part] if not settings[size] and size in self.without}
        left = {name: value for name, value in settings.items() if name not in gone}
        return {**self.fixed[part], **left, **{name: value for fixed in gone.values() for name, value in fixed.items()}}


RECIPES: Mapping[str, Recipe] = {
    # Zhou, Wan, Vulic, Korhonen. AutoPEFT: Automatic Configuration Search for Parameter-Efficient Fine-Tuning. TACL
    # 2024. https://arxiv.org/abs/2301.12132. Adapters after the MLP, parallel ones beside it, and a prefix. Its grid
    # goes on to the model's width.
    "autopeft": Recipe(
        method="bottleneck+prefix",
        sizes={"bottleneck": ("width", "parallel"), "prefix": ("prompt_len",)},
        fixed={
            "bottleneck": {"position": "pfeiffer", "norms": False},
            "prefix": {"reparametrisation": "flat"},
        },
        without={"width": {"position": "nowhere"}},
    )
}

"""Search spaces of papers: methods that stand together, which sizes of theirs vary, what is fixed. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
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
        sizes: The setting of each part that is its size, by the part's name.
        fixed: Settings of each part that stay.
        grid: What is tried for the sizes.
    """

    method: str
    sizes: Mapping[str, str]
    fixed: Mapping[str, Mapping[str, Any]]
    grid: tuple[int, ...] = GRID

    def run_of(self, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The methods that are left, and their settings, without what has size 0; None where nothing is left.

        Args:
            settings: Of the whole combination.
        """
        kept = [part for part in part_names(self.method) if settings[joined(part, self.sizes[part])]]
        name = SIGN.join(kept)
        of_parts = {part: {**self.fixed[part], **part_settings(self.method, part, dict(settings))} for part in kept}
        return (name, whole_settings(name, of_parts)) if kept else None


RECIPES: Mapping[str, Recipe] = {
    # Zhou, Wan, Vulic, Korhonen. AutoPEFT: Automatic Configuration Search for Parameter-Efficient Fine-Tuning. TACL
    # 2024. https://arxiv.org/abs/2301.12132. It has serial adapters, parallel adapters and a prefix; there are no
    # parallel adapters here. Its grid goes on to the model's width.
    "autopeft": Recipe(
        method="bottleneck+prefix",
        sizes={"bottleneck": "width", "prefix": "prompt_len"},
        fixed={
            "bottleneck": {"position": "pfeiffer", "norms": False},
            "prefix": {"reparametrisation": "flat"},
        },
    )
}

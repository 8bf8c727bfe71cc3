"""The name of a dataset of the Hugging Face hub: `hub:owner/name[:config[:split]]`."""

from dataclasses import dataclass
from typing import Self

from typing_extensions import override

from engine.core.errors import DataError

HUB = "hub:"
LONGEST = 400
"""Characters: the hub allows 96 for each part of a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubName:
    """The parts of a hub dataset's name; None for those that are left out."""

    path: str
    config: str | None
    split: str | None

    @classmethod
    def of(cls, name: str) -> Self:
        """Read a name; an empty config is the only one there is.

        Raises:
            DataError: It has another form.
        """
        parts = name.removeprefix(HUB).split(":")
        usual = name.isprintable() and len(name) <= LONGEST
        if not usual or not 1 <= len(parts) <= 3 or not parts[0].strip() or parts[0].count("/") > 1:
            raise DataError(
                "bad_hub_name",
                f"{name!r} is no hub dataset: write hub:owner/name, and if needed :config and :split behind it.",
                name=name,
            )
        path, config, split = [*parts, "", ""][:3]
        return cls(path=path.strip(), config=config.strip() or None, split=split.strip() or None)

    @override
    def __str__(self) -> str:
        """The name as a user writes it."""
        return f"{HUB}{self.path}:{self.config or ''}:{self.split or ''}"

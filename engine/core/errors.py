"""Errors that are shown to the user: each names the field, the value and the fix.

Any other exception is a bug and keeps its built-in type and traceback.
"""

from collections.abc import Mapping
from typing import Any, Self


class WorkbenchError(Exception):
    """A problem that the user can fix. `str(error)` is one English sentence for display.

    Args:
        key: Name of the sentence in the page's word list (`app/words`), by which the page translates it.
        text: The English sentence, complete.
        values: The values that appear in the sentence, by name.
    """

    def __init__(self, key: str, text: str, **values: object) -> None:
        super().__init__(text)
        self.key = key
        self.values = values

    def to_dict(self) -> dict[str, object]:
        """Plain values, for run.json and the page: key, values as text or numbers, and the English sentence."""
        plain = {name: v if isinstance(v, int | float | None) else str(v) for name, v in self.values.items()}
        return {"key": self.key, "values": plain, "text": str(self)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The error that `to_dict` described."""
        return cls(plain["key"], plain["text"], **plain["values"])


class SettingError(WorkbenchError):
    """A setting has an invalid value."""


class ModelError(WorkbenchError):
    """A model cannot be loaded, or cannot serve the chosen method."""


class DataError(WorkbenchError):
    """A dataset cannot be read or holds nothing that can be trained on."""


class RunError(WorkbenchError):
    """A run folder is missing, damaged, busy, or already exists."""


class ExchangeError(WorkbenchError):
    """An adapter cannot be imported or exported without loss."""

"""The few errors that are meant for a person: each names the field, the value and the fix.

Everything else that goes wrong is a bug and keeps its built-in type and traceback.
"""


class WorkbenchError(Exception):
    """A problem the user can mend. `str(error)` is one sentence that is fit for the screen.

    Args:
        key: Name of the sentence in the page's word list (`app/words`), so that it can be said in the page's language.
        text: The English sentence, complete.
        values: The values that appear in the sentence, by name.
    """

    def __init__(self, key: str, text: str, **values: object) -> None:
        super().__init__(text)
        self.key = key
        self.values = values


class SettingError(WorkbenchError):
    """A setting has a value that cannot work."""


class ModelError(WorkbenchError):
    """A model cannot be loaded, or cannot serve the chosen method."""


class DataError(WorkbenchError):
    """A dataset cannot be read or holds nothing that can be trained on."""


class RunError(WorkbenchError):
    """A run folder is missing, damaged, busy, or already exists."""


class ExchangeError(WorkbenchError):
    """An adapter cannot be imported or exported without loss."""

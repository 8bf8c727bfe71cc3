"""What goes from process to process, and what is said when one of them is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch

from engine.core.errors import RunError

PATIENCE = timedelta(days=7)
"""How long a process waits for another one, which may validate meanwhile, or be stopped by hand."""


@contextmanager
def wire() -> Iterator[None]:
    """Around what goes from process to process.

    Raises:
        RunError: One of them is gone.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise RunError(
            "process_lost",
            "Another process of the run is gone, or cannot be reached. What the newest checkpoint holds is kept: "
            "resume the run.",
        ) from error

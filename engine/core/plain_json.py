"""Reads JSON that others wrote."""

import json
from typing import Any


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - any contents of a file
    """What a text of JSON says.

    Raises:
        ValueError: It is not JSON, or nested more deeply than can be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None

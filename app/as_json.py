"""Answers to the page's scripts as JSON, made in the thread of whoever asks.

Gradio hands what a server function returns to FastAPI, whose encoder walks through it value by value in the thread that
serves everybody: 300 ms for a thousand runs, 20 ms for a part of a run's events, which orjson writes in 1.5 and 0.4.
"""

import functools
from collections.abc import Callable
from typing import Any

import orjson
from starlette.responses import Response

OPTIONS = orjson.OPT_NON_STR_KEYS


def as_json(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A server function whose answer is written as JSON at once.

    What orjson cannot write, such as a whole number of more than 64 bits in a file of somebody else's, takes Gradio's
    own way.
    """

    @functools.wraps(function)
    def answer(asked: Any) -> Any:  # noqa: ANN401 - whatever the page asks and the function answers
        told = function(asked)
        try:
            return Response(orjson.dumps(told, option=OPTIONS), media_type="application/json")
        except TypeError:
            return told

    return answer

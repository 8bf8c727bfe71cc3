"""Answers to the page's scripts: what orjson writes, and what takes Gradio's own way."""

import inspect
import json

import pytest
from starlette.responses import Response

from app.as_json import as_json


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"name": "小镇 <b>", "steps": [1, 2.5, None, True]}, {"name": "小镇 <b>", "steps": [1, 2.5, None, True]}),
        ({7: "a step", "pair": (1, 2)}, {"7": "a step", "pair": [1, 2]}),
        ({"loss": float("nan"), "most": float("inf")}, {"loss": None, "most": None}),  # a browser reads no NaN
        (None, None),
    ],
)
def test_an_answer_is_json(told, read):
    """As a browser reads it."""
    answer = as_json(lambda asked: told)("anything")
    assert isinstance(answer, Response)
    assert json.loads(answer.body) == read
    assert answer.media_type == "application/json"


def test_what_cannot_be_written_is_left_to_gradio():
    """A file of somebody else's may hold any whole number."""
    told = {"config": {"rank": 2**70}}
    assert as_json(lambda asked: told)(None) is told


def test_gradio_finds_the_function_that_it_knows():
    """By its name, and by what it takes."""

    def listed(version: object) -> str:
        return str(version)

    served = as_json(listed)
    assert served.__name__ == "listed"
    assert inspect.signature(served) == inspect.signature(listed)

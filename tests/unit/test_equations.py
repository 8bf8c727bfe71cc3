"""What is learned in the equation of a method, as its card on Train marks it."""

import re

import pytest

from app.cards import equation
from engine.methods import METHODS


@pytest.mark.parametrize("name", METHODS)
def test_every_learned_symbol_is_marked(name):
    """Each stands in the equation by itself, not within the name of another one."""
    marked = re.findall("<b>(.*?)</b>", equation(METHODS[name]))
    assert marked
    assert set(marked) == set(METHODS[name].learned)


def test_a_symbol_is_marked_within_brackets_and_below_a_superscript():
    """The gate stands in brackets, the keys of the prompt are transposed; the text's own keys stay as they are."""
    marked = equation(METHODS["llama_adapter"])
    assert "softmax(q·kᵀ) v + tanh(<b>g</b>) · softmax(q·<b>k_P</b>ᵀ) <b>v_P</b>" in marked

"""Groups of methods, by what they add to the frozen model: so they stand in the menu, and so the zoo colours them."""

from typing import get_args

from engine.methods import METHODS
from engine.methods.spec import Group

GROUPS: tuple[Group, ...] = get_args(Group)
"""In the order in which they are shown; names in `train.family.*`."""


def group(method: str) -> Group:
    """The group of a method, by its name."""
    return METHODS[method].group

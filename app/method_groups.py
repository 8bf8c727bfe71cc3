"""Methods in families, by what they add to the frozen model: so they stand in the menu, and so the zoo colours them."""

FAMILIES = ("prompts", "adapters", "weights", "beside")
"""In the order in which they are shown; names in `train.family.*`."""

_OF = {
    "attention": "prompts",
    "embedding": "prompts",
    "residual": "adapters",
    "linear": "weights",
    "norm": "weights",
    "beside": "beside",
}


def family(acts_on: tuple[str, ...] | list[str]) -> str:
    """The family of a method, by the first part that it touches."""
    return _OF[acts_on[0]]

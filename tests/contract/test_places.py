"""Where a description says that a method acts is where it does."""

import pytest

from engine.methods import METHODS
from engine.methods.spec import LINEARS
from engine.models.sites import Sites
from tests.tiny import built, tiny_base, viewed

BESIDE = {"reads_embedding", "reads_layers"}
CALLS = {
    "add_attention": lambda layer, run: "attention",
    "join_keys": lambda layer, run: "attention",
    "add_linear": lambda layer, role, run: role,
    "add_linear_input": lambda layer, role, run: role,
    "add_layer": lambda layer, run: "after_mlp",
    "add_sublayer": lambda layer, part, run: f"after_{part}",
    "add_beside_mlp": lambda layer, run: "beside_mlp",
    "add_norm": lambda path, run: "norm",
    "prepend": lambda run: "embedding",
    "add_last_hidden": lambda run: "beside",
}
CHOICES = [
    pytest.param(name, dict(settings), id=f"{name}-{number}")
    for name, spec in METHODS.items()
    for number, settings in enumerate([*spec.examples, *spec.presets.values()])
]


@pytest.mark.parametrize(("name", "settings"), CHOICES)
def test_places_are_those_of_the_hooks(name, settings, monkeypatch):
    """With examples and presets alike: the drawing of Train is made from `acts_at`."""
    spec, base = METHODS[name], tiny_base("llama")
    used = set()
    for call, place in CALLS.items():
        real = getattr(Sites, call)

        def noted(sites, *words, real=real, place=place):
            used.add(place(*words))
            return real(sites, *words)

        monkeypatch.setattr(Sites, call, noted)
    viewed(base, built(name, base, settings))
    told = set(spec.acts_at(spec.settings.from_dict(settings)))
    assert {"beside" if place in BESIDE else place for place in told} == used


def test_finer_places_belong_to_the_parts():
    """What `places` names finely, `acts_on` names coarsely, with default settings."""
    for spec in METHODS.values():
        told = set(spec.acts_at(spec.settings()))
        coarse = {"linear" if place in LINEARS else place.split("_")[0] for place in told}
        parts = {"residual": "after", "beside": "reads"}
        assert coarse == {parts.get(part, part) for part in spec.acts_on}, spec.name

"""Where a method is said to act is where it acts: the page draws a run's places by its settings."""

import pytest

from engine.methods import METHODS
from engine.models.view import View
from tests.tiny import built, tiny_base

BESIDE = {"reads_embedding", "reads_layers"}
"""Places of networks beside the model: what comes out of them is added to the last states."""

CASES = [
    pytest.param(name, settings, id="-".join((name, *map(str, settings.values()))))
    for name, spec in METHODS.items()
    for settings in {str(one): dict(one) for one in (*spec.presets.values(), *spec.examples)}.values()
    if "vision" not in settings
]


class Noted:
    """Sites that note where something was added to the model."""

    def __init__(self, sites):
        self.sites, self.places = sites, set()

    def __getattr__(self, name):
        return getattr(self.sites, name)

    def add_attention(self, layer, run):
        self.places.add("attention")

    join_keys = add_attention

    def add_linear(self, layer, role, run):
        self.places.add(role)

    add_linear_input = add_linear

    def add_sublayer(self, layer, part, run):
        self.places.add(f"after_{part}")

    def add_beside_mlp(self, layer, run):
        self.places.add("beside_mlp")

    def add_layer(self, layer, run):
        self.places.add("after_mlp")

    def add_norm(self, path, run):
        self.places.add("norm")

    def prepend(self, run):
        self.places.add("embedding")

    def add_last_hidden(self, run):
        self.places.add("beside")


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_what_is_drawn_is_where_it_acts(name, settings):
    """For every preset and example; a method whose slots are in the template acts on the embeddings as well."""
    base = tiny_base("llama")
    method = built(name, base, settings)
    noted = Noted(View(base.model, base.shape).sites)
    method.attach(noted)
    acts = noted.places | ({"embedding"} if method.template else set())
    drawn = set(method.spec.acts_at(method.settings))
    assert {"beside" if place in BESIDE else place for place in drawn} == acts

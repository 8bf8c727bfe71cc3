"""Layers that are switched off, routes through experts: the numbers, the dials, and who is refused."""

import json
import sys

import pytest
import torch
from torch.testing import assert_close

from engine.__main__ import main
from engine.analysis.ablation import ablation, routes
from engine.analysis.strength import strength_curve
from engine.core.errors import SettingError
from engine.core.parts import whole
from engine.data.dataset import load_dataset
from engine.methods.base import RANDOM
from engine.service.model_cache import ModelCache
from engine.service.worker import Worker
from tests.tiny import Case, cases, logits, randomise, words
from tests.unit.making import Maker, finish, load, make_dataset

WITHOUT_LAYERS = {"autoprompt", "prompt", "p_tuning", "side", "ladder"}
LAYERED = [case for case in cases(("llama", "bert")) if case.method not in WITHOUT_LAYERS]


@pytest.fixture
def data(tmp_path):
    return load_dataset(str(make_dataset(tmp_path / "data")))


@pytest.mark.parametrize("case", LAYERED, ids=str)
def test_all_layers_off_is_the_base(case):
    """With every layer off, a method that acts in layers leaves the base alone, but for norms outside of the layers.

    A prefix still pushes the positions, which rotary attention sees in its rounding.
    """
    base, method = case.build()
    trained = logits(base, randomise(method))
    method.control.off_layers = frozenset({base.shape.l - 1})
    assert not torch.equal(logits(base, method), trained)
    method.control.off_layers = frozenset(range(base.shape.l))
    if "norm" not in method.spec.acts_on and getattr(method, "norms", None) is None:
        assert_close(logits(base, method), logits(base), rtol=1e-4, atol=2e-5)
    method.control.off_layers = frozenset()
    assert torch.equal(logits(base, method), trained)


def test_ablation_is_a_triangle_of_losses(data):
    """Entry [i][j] is the loss with layers i to j off, from a second computation; the method's dials stay."""
    base, method = Case("bottleneck", {"width": 5, "norms": False}, "llama").build()
    randomise(method, std=0.3)
    spans = ablation(base, method, data).spans
    assert [[loss is None for loss in row] for row in spans] == [[j < i for j in range(3)] for i in range(3)]
    assert len({loss for row in spans for loss in row if loss is not None}) == 6
    assert spans[0][2] == dict(strength_curve(base, method, data))[0.0]
    assert method.control.off_layers == frozenset()
    with torch.no_grad():
        for part in ("attention", "mlp"):
            for values in method.up[f"1_{part}"].parameters():
                values.zero_()
    assert dict(strength_curve(base, method, data))[1.0] == spans[1][1]


def test_methods_without_layers_are_refused(data):
    """A soft prompt stands in front of all layers."""
    base, method = Case("prompt", {"prompt_len": 2}, "llama").build()
    with pytest.raises(SettingError, match="does not act in layers"):
        ablation(base, method, data)


def test_routes_beside_another_method(data):
    """The experts of a combination are found, and the other part stays as it is."""
    settings = {"adamix_experts": 3, "adamix_width": 5, "prefix_prompt_len": 3, "prefix_mlp_width": 5}
    base, method = Case("adamix+prefix", settings, "llama").build()
    randomise(method, std=0.4)
    losses = routes(base, method, data, samples=3)
    assert losses.average == dict(strength_curve(base, method, data))[1.0]
    assert (len(losses.experts), len(set(losses.random))) == (3, 3)


def test_routes_through_experts(data):
    """The averaged loss is the strength curve's, each expert's that of a method with this expert alone, and random
    routes are the same every time and leave the state of the method's routing as it is."""
    base, method = Case("adamix", {"experts": 3, "width": 5}, "llama").build()
    randomise(method, std=0.4)
    state = {name: value.clone() for name, value in method.state_dict().items()}
    losses = routes(base, method, data, samples=5)
    assert losses == routes(base, method, data, samples=5)
    assert losses.average == dict(strength_curve(base, method, data))[1.0]
    assert (len(losses.experts), len(losses.random)) == (3, 5)
    assert len(set(losses.random)) > 2
    assert all(torch.equal(value, state[name]) for name, value in method.state_dict().items())
    _, single = Case("adamix", {"experts": 1, "width": 5}, "llama").build()
    parameters = {name: (value[2:] if len(value) == 3 else value) for name, value in method.named_parameters()}
    single.load_state_dict(parameters, strict=False)
    assert losses.experts[2] == dict(strength_curve(base, single, data))[1.0]


@pytest.mark.parametrize("case", [Case("lora", {}, "llama"), Case("adamix", {"experts": 1}, "llama")], ids=str)
def test_routes_need_experts(case, data):
    """Without experts there is nothing to choose from, and that is said."""
    base, method = case.build()
    with pytest.raises(SettingError, match="no experts"):
        routes(base, method, data)


def test_routes_of_a_finished_run(tmp_path):
    """A finished run's file holds averaged experts; its checkpoint still has all of them."""
    maker = Maker(tmp_path)
    trainer = finish(maker.start("a", "adamix", {"experts": 3, "width": 5}))
    worker = Worker(lambda _live: None)
    worker.models.base = load
    report = whole(worker.ask("routes", trainer.folder, None, {})).report
    assert len(report.experts) == 3
    assert report == routes(trainer.base, trainer.method, maker_data(maker))
    answer = whole(worker.ask("ablation", trainer.folder, None, {})).to_json()
    assert answer == json.loads(json.dumps(answer))
    assert (answer["kind"], answer["step"], len(answer["spans"])) == ("ablation", None, 3)


def maker_data(maker):
    """The dataset of a maker's runs."""
    return load_dataset(str(maker.folder / "data"))


def test_random_routing_while_answering():
    """RANDOM asks other experts in every pass, also on a cached one, and only for the rows it serves."""
    base, method = Case("adamix", {"experts": 4, "width": 5}, "llama").build()
    randomise(method).eval().control.routing = RANDOM
    mixed = base.view()
    mixed.sites.rows = slice(1, 2)
    method.attach(mixed.sites)
    with torch.no_grad():
        passes = [mixed.logits(words(2)) for _ in range(4)]
    assert all(torch.equal(each[0], passes[0][0]) for each in passes)
    assert len({round(float(each[1].sum()), 3) for each in passes}) > 1


def test_commands(tmp_path, monkeypatch, capsys):
    """`ablate` draws the triangle, `routes` lists the losses; with --json both say what the workbench says."""
    trainer = finish(Maker(tmp_path).start("a", "adamix", {"experts": 2, "width": 5}))
    monkeypatch.setattr(ModelCache, "base", lambda _self, name, precision="fp32": load(name, precision))

    def said(*words):
        monkeypatch.setattr(sys, "argv", ["engine", *words, str(trainer.folder.path)])
        assert main() == 0
        return capsys.readouterr().out

    spans = json.loads(said("ablate", "--json"))["spans"]
    lines = said("ablate").splitlines()
    assert len(lines) == 5
    assert lines[3].split() == ["1", *(f"{loss:.4f}" for loss in spans[1][1:])]
    report = json.loads(said("routes", "--json"))
    assert f"expert 1 alone: {report['experts'][1]:.4f}" in said("routes")
    assert len(report["random"]) == 16

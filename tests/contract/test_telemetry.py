"""What methods tell: declared events, plain JSON, numbers that agree with a second computation."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

from app.words import LANGUAGES, Say
from engine.methods import METHODS
from engine.methods.base import Start
from engine.methods.parts.soft_prompts import prompt_frame
from engine.models.loading import load_base
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ProbeReport
from engine.telemetry.serialise import EVENTS, REPORTS, from_json, report_from_json, to_json
from tests.tiny import FAMILIES, VARIED, Case, cases, logits, loss_of, randomise, tiny_base, viewed, words

ROOT = Path(__file__).resolve().parents[2]
every_case = pytest.mark.parametrize("case", cases((*VARIED, "gemma2")), ids=str)


def probed(base, method, tokens=None):
    """A method's report on one sentence."""
    view = viewed(base, method)
    tokens = words(1, 6) if tokens is None else tokens

    def run():
        with torch.inference_mode():
            view.logits(tokens)

    return method.probe(view, ProbeInput([f"t{index}" for index in range(tokens.ids.shape[1])], run))


def told(base, method, step):
    """All that a method tells at a step: from its parameters, and from a sentence on a view of its own."""
    view, twin = base.view(), method.sharing_copy().eval()
    twin.attach(view.sites)
    with torch.no_grad():
        watched = twin.validation_events(
            step, view, ProbeInput([f"t{index}" for index in range(7)], lambda: view.hidden(words(1)))
        )
        return [*method.parameter_events(step), *watched]


@every_case
def test_events_are_declared_and_survive_json(case):
    """Events come in the kinds that the method says it tells, at the given step, before and after a backward; JSON
    gives them back."""
    base, method = case.build()
    events = told(base, method, 0)
    loss_of(viewed(base, method), words()).backward()
    events += told(base, method, 5)
    assert {type(event) for event in events} == set(method.emitted)
    assert set(method.emitted) <= set(method.spec.emits)
    assert {event.step for event in events} == ({0, 5} if method.emitted else set())
    for event in events:
        text = json.dumps(to_json(event), allow_nan=False)
        assert from_json(json.loads(text)) == event
        assert EVENTS[event.kind] is type(event)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_group_of_parameters_has_a_name(name):
    """In both languages, for what moves in Watch; VeRA's vectors have the letters of its equation."""
    groups = {group for case in cases(("llama",), name) for group in case.build()[1].groups()}
    named = set() if name == "vera" else groups
    for say in map(Say, LANGUAGES):
        assert {group for group in named if f"watch.moved.group.{group}" not in say} == set(), say.language


@pytest.mark.parametrize("name", list(METHODS))
def test_every_declared_kind_is_told(name):
    """What a class declares, it tells with some of its example settings: no panel waits for nothing."""
    tellers = [case.build()[1] for case in cases(("llama",), name)]
    assert {kind for method in tellers for kind in method.emitted} == set(METHODS[name].emits)


@every_case
def test_reports_survive_json_and_change_nothing(case):
    """A report is of a declared kind, has the tokens given, and JSON gives it back; the logits stay as they were."""
    base, method = case.build()
    before = logits(base, randomise(method), words(1, 6))
    report = probed(base, method)
    assert torch.equal(logits(base, method, words(1, 6)), before)
    text = json.dumps(to_json(report), allow_nan=False)
    assert report_from_json(json.loads(text)) == report
    assert report.tokens == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert REPORTS[report.kind] is type(report)
    assert isinstance(report, ProbeReport)


def reach(values, *, low, high):
    """All numbers of nested lists lie within bounds; returns their largest."""
    flat = torch.tensor(values).flatten()
    assert float(flat.min()) >= low
    assert float(flat.max()) <= high
    return float(flat.max())


@pytest.mark.parametrize("case", cases(FAMILIES, "llama_adapter"), ids=str)
def test_report_on_adaption_prompts(case):
    """Weights over the prompts add up to one per token and head; a shut gate contributes nothing."""
    base, method = case.build()
    report = probed(base, randomise(method))
    layers, heads = len(method.prompts), base.shape.h
    weights = torch.tensor(report.weights)
    assert weights.shape == (layers, heads, 6, method.settings.prompt_len)
    assert float((weights.sum(-1) - 1).abs().max()) < 1e-3  # four digits are kept
    assert reach(report.contribution, low=0, high=1e3) > 0
    method.control.strength = 0.0
    if method.gates is not None:
        assert reach(probed(base, method).contribution, low=0, high=0) == 0


@pytest.mark.parametrize("case", cases(FAMILIES, "prompt"), ids=str)
def test_report_on_virtual_tokens(case):
    """The mass on the virtual tokens is a share, and the weights within it add up to one."""
    base, method = case.build()
    report = probed(base, randomise(method))
    weights, mass = torch.tensor(report.weights), torch.tensor(report.mass)
    assert weights.shape == (base.shape.l, base.shape.h, 6, method.settings.prompt_len)
    reach(report.mass, low=0, high=1.0001)
    seen = mass > 1e-2
    assert bool(seen.any())
    assert float((weights.sum(-1)[seen] - 1).abs().max()) < 1e-3


def test_report_on_virtual_tokens_at_strength_zero():
    """With the virtual tokens gone there is nothing to report, and nothing breaks."""
    base, method = Case("prompt", {"prompt_len": 3}, "llama").build()
    method.control.strength = 0.0
    report = probed(base, method)
    assert float(torch.tensor(report.mass).abs().max()) == 0


@pytest.mark.parametrize("case", cases(("llama", "gpt2"), "lora"), ids=str)
def test_update_ratio_is_the_norm_of_the_product(case):
    """The ratio |s B A| / |W| that frames report equals the one computed from the full product."""
    base, method = case.build()
    viewed(base, randomise(method))
    (frame,) = method.parameter_events(0)
    places = {(place.layer, place.role): place for place in method.places}
    for row, layer in enumerate(frame.layers):
        for column, role in enumerate(frame.targets):
            if (layer, role) not in places:
                assert frame.ratio[row][column] == 0
                continue
            place = places[layer, role]
            a, b = method.pair(place.key)
            delta = place.scale * b.detach() @ a.detach()
            weight = base.view().sites.linear(layer, role).module.weight
            assert frame.ratio[row][column] == pytest.approx(float(delta.norm() / weight.norm()), rel=1e-4)


def test_gate_frame_tells_the_effective_gate():
    """A frame has tanh(g), the raw gate's gradient, and the layers they belong to."""
    base, method = Case("llama_adapter", {"prompt_len": 3, "layers": 2}, "llama").build()
    loss_of(viewed(base, randomise(method)), words()).backward()
    (frame,) = method.parameter_events(3)
    assert frame.layers == [1, 2]
    assert frame.gate[1][2] == pytest.approx(math.tanh(method.gates[1, 2].item()), abs=1e-5)
    assert frame.grad[0][1] == pytest.approx(method.gates.grad[0, 1].item(), abs=1e-6)
    assert not frame.shared


def test_prompt_frame_names_the_nearest_words():
    """A prompt that starts from text is nearest to the words of that text, and has not drifted."""
    case = Case("prompt", {"prompt_len": 4, "init": "text", "init_text": "a b"}, "llama")
    _, method = case.build()
    (frame,) = method.parameter_events(0)
    assert [row[0] for row in frame.words] == ["a", " ", "b", "a"]
    assert frame.drift == [0.0] * 4
    assert [row[0] for row in frame.cosines] == pytest.approx([1.0] * 4)
    randomise(method)
    (moved,) = method.parameter_events(1)
    assert min(moved.drift) > 0


def test_virtual_tokens_are_read_as_whole_words():
    """Of the entries near a vector, words are told and pieces of words are not, unless it is that piece."""
    base = load_base(str(ROOT / "assets" / "town"))
    start = Start.of(base, 0)
    with torch.no_grad():
        vocabulary = base.input_embeddings().float()
        piece = next(n for n in range(1000, 2000) if base.tokenizer.decode([n]).isalpha())
        prompts = torch.stack([vocabulary[piece], vocabulary[piece] + vocabulary[1500:1600].mean(0)])
        frame = prompt_frame(1, prompts, prompts, start)
    assert frame.words[0][0] == base.tokenizer.decode([piece])
    told = [*frame.words[0][1:], *frame.words[1]]
    assert all(re.fullmatch(r" [^\W\d_]+", word) for word in told), told
    assert all(row == sorted(row, reverse=True) for row in frame.cosines)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("gate", ["per_head", "per_layer"])
def test_knocked_out_heads_are_shut_gates(family, gate):
    """Knocking out (layer, head) equals a gate of zero there; other heads and the stored gates stay."""
    base, method = Case("llama_adapter", {"prompt_len": 3, "layers": 2, "gate": gate}, family).build()
    randomise(method)
    whole, gates = logits(base, method), method.gates.detach().clone()
    method.control.knocked_out = frozenset({(2, 1)})
    knocked = logits(base, method)
    assert torch.equal(method.gates, gates)
    assert float((knocked - whole).abs().max()) > 1e-3
    if gate == "per_head":
        method.control.knocked_out = frozenset()
        with torch.no_grad():
            method.gates[1, 1] = 0
        assert torch.equal(logits(base, method), knocked)
    method.control.knocked_out = frozenset((layer, head) for layer in range(3) for head in range(4))
    assert torch.equal(logits(base, method), logits(tiny_base(family)))


@pytest.mark.parametrize("family", ["llama", "opt", "gpt2"])
@pytest.mark.parametrize("method", ["lora", "ia3", "bias"])
def test_change_report_tells_of_every_token(method, family):
    """One number per layer, place and token, also where a family flattens rows and positions before its MLP."""
    base, method = Case(method, {"targets": "v up down"}, family).build()
    report = probed(base, randomise(method))
    shape = (base.shape.l, len(report.targets), 6)
    assert torch.tensor(report.contribution).shape == shape
    assert float(torch.tensor(report.contribution).min()) > 0
    method.control.strength = 0.0
    assert float(torch.tensor(probed(base, method).contribution).max()) == 0

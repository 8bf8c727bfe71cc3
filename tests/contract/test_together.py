"""Several methods on one base at once: each does what it does alone, and the combination is a method like any other."""

from itertools import combinations

import pytest
import torch

from engine.config.training import TrainingSettings
from engine.core.errors import SettingError
from engine.core.sampling import Sampling
from engine.exchange.native import load_adapter, save_adapter
from engine.inference.generate import generate
from engine.methods import METHODS, method_spec, part_settings, whole_settings
from engine.models.base import hash_weights
from engine.models.inputs import Tokens
from engine.telemetry.observe import ProbeInput
from engine.telemetry.serialise import report_from_json, to_json
from engine.training.optimiser import optimiser_for
from tests.tiny import ALL_CASES, PAD, VARIED, built, logits, loss_of, randomise, tiny_base, viewed, words


def pairs() -> list[str]:
    """All that can be trained together; without `--all` each method stands in at least one of them."""
    names = [f"{one}+{two}" for one, two in combinations(METHODS, 2) if fits(f"{one}+{two}")]
    if ALL_CASES:
        return names
    met, few = set[str](), []
    for name in names:
        if not met >= set(name.split("+")):
            met |= set(name.split("+"))
            few.append(name)
    return [*few, "bottleneck+prefix", "prompt+prefix+lora"]


def fits(name: str) -> bool:
    try:
        method_spec(name).settings.from_dict(example(name))
    except SettingError:
        return False
    return True


def example(name: str) -> dict:
    return whole_settings(name, {part: METHODS[part].examples[0] for part in name.split("+") if part in METHODS})


CASES = [(name, VARIED[at % len(VARIED)]) for at, name in enumerate(pairs())]
every_pair = pytest.mark.parametrize(("name", "family"), CASES)


def test_every_method_that_may_stands_in_a_pair():
    met = {part for name, _ in CASES for part in name.split("+")}
    assert met == {name for name, spec in METHODS.items() if spec.group != "beside"}


@every_pair
def test_a_pair_is_a_method(name, family, tmp_path):
    """Strength 0 is the base to the bit, counts are true, gradients live, and an adapter comes back to the bit."""
    base = tiny_base(family)
    plain, before = logits(base), hash_weights(base.model)
    method = built(name, base, example(name), 1)
    assert torch.equal(logits(base, method), plain) is method.starts_at_base
    randomise(method)
    method.control.strength = 0.0
    assert torch.equal(logits(base, method), plain)
    method.control.strength = 1.0
    twin = method.sharing_copy()
    twin.control.strength = 0.0
    assert torch.equal(logits(base, twin), plain)
    assert not torch.equal(logits(base, method), plain)
    loss_of(viewed(base, method), words()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in method.parameters() if p.requires_grad)
    counted = type(method).count(method.settings, base.shape)
    assert counted == {part: sum(p.numel() for p in group) for part, group in method.groups().items()}
    folded = method.folded()
    save_adapter(folded, base, tmp_path / "adapter")
    loaded = load_adapter(tmp_path / "adapter", base)
    assert loaded.spec.name == name
    assert torch.equal(logits(base, loaded), logits(base, folded))
    assert hash_weights(base.model) == before


@every_pair
def test_each_part_reports(name, family):
    """On all tokens of the sentence, whatever another part puts in front of them; the report survives JSON."""
    base = tiny_base(family)
    method = randomise(built(name, base, example(name), 1))
    view = base.view()
    method.sharing_copy().eval().attach(view.sites)
    report = method.probe(view, ProbeInput([str(at) for at in range(4)], lambda: view.hidden(words(1, 4))))
    assert list(report.reports) == name.split("+")
    assert report_from_json(to_json(report)) == report
    shapes = {tuple(torch.tensor(part.mass).shape[2:]) for part in report.reports.values() if part.kind == "soft"}
    assert shapes <= {(4,)}


def test_parts_add_up():
    """Two parts on different sites, equal to attaching both by hand."""
    base = tiny_base("llama")
    both = randomise(built("lora+prompt", base, example("lora+prompt"), 3))
    alone = [built(name, base, METHODS[name].examples[0], 5) for name in ("lora", "prompt")]
    for method in alone:
        start = f"{method.spec.name}."
        own = {key.removeprefix(start): value for key, value in both.state_dict().items() if key.startswith(start)}
        method.load_state_dict(own)
    view = base.view()
    for method in alone:
        method.attach(view.sites)
    with torch.no_grad():
        assert torch.equal(view.logits(words()), logits(base, both))


def test_greedy_generation_equals_recomputation():
    """With virtual tokens, a prefix and linears at once, too."""
    base = tiny_base("llama")
    method = randomise(built("prompt+prefix+lora", base, example("prompt+prefix+lora"), 1))
    prompt, sampling = [7, 30, 12, 9], Sampling(max_new_tokens=6)
    steps = generate(viewed(base, method), [prompt], sampling, pad_id=PAD, eos_id=None)
    generated, ids = [step.ids[0] for step in steps], list(prompt)
    for _ in range(6):
        row = torch.tensor([ids])
        ids.append(int(logits(base, method, Tokens(row, torch.ones_like(row, dtype=torch.bool)))[0, -1].argmax()))
    assert generated == ids[4:]


def test_each_part_has_its_own_rate():
    """The learning rate is the first part's; the others keep the proportion of their usual rates, LoRA+ its own."""
    base = tiny_base("llama")
    method = built("prefix+lora", base, whole_settings("prefix+lora", {"lora": {"loraplus_ratio": 16.0}}))
    spec, d = method.spec, base.shape.d
    prefix, lora = (METHODS[name].usual_rate(METHODS[name].settings(), d) for name in ("prefix", "lora"))
    assert spec.usual_rate(method.settings, d) == prefix
    optimiser = optimiser_for(method, TrainingSettings(), prefix)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for key, parameter in method.named_parameters():
        factor = 16.0 if key.startswith("lora.b.") else 1.0
        expected = prefix if key.startswith("prefix.") else lora * factor
        assert rates[id(parameter)] == pytest.approx(expected), key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("lora+ia3", "methods_alike"),
        ("prefix+p_tuning_v2", "methods_alike"),
        ("lora+lora", "method_twice"),
        ("lora+ladder", "method_beside"),
        ("lora+unicorn", "unknown_method"),
        ("lora+", "unknown_method"),
    ],
)
def test_what_cannot_be_trained_together(name, key):
    with pytest.raises(SettingError) as caught:
        method_spec(name).settings()
    assert caught.value.key == key


def test_settings_of_parts():
    """Each part's settings have its name in front; a name that begins with another's is not mixed up with it."""
    name = "p_tuning+p_tuning_v2"
    parts = {"p_tuning": {"prompt_len": 3}, "p_tuning_v2": {"prompt_len": 5}}
    whole = whole_settings(name, parts)
    assert whole == {"p_tuning_prompt_len": 3, "p_tuning_v2_prompt_len": 5}
    assert {part: part_settings(name, part, whole) for part in parts} == parts
    with pytest.raises(SettingError, match="prefix_prompt_len"):
        method_spec("lora+prefix").settings.from_dict({"prefix_prompt_len": 0})
    with pytest.raises(SettingError, match="init_text"):
        method_spec("lora+prefix").settings.from_dict({"prefix_init": "text"})

"""VeRA, MiSS, SHiRA and OFT against HF peft, with every parameter random, and carried there and back."""

import json

import pytest
import torch
from peft import MissConfig, OFTConfig, PeftModel, ShiraConfig, VeraConfig, get_peft_model
from peft.tuners.oft.layer import Linear as PeftOft
from peft.tuners.shira.mask_functions import random_mask
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close

from engine.core.errors import ExchangeError, SettingError
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.peft import export_peft, import_peft
from engine.methods.oft.method import fitting_block, minus_identity
from engine.methods.shira.method import drawn_places
from tests.tiny import built, logits, loss_of, plain_model, randomise, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
GPT2 = {"target_modules": ["c_attn", "c_fc"], "fan_in_fan_out": True}
THEIRS = {"target_modules": ["q_proj", "down_proj"]}
PAIRS = [
    ("vera", "llama", {"rank": 5, "projection_seed": 3}, VeraConfig, {"r": 5, "projection_prng_key": 3}),
    ("vera", "gpt2", {"rank": 5, "targets": "qkv up"}, VeraConfig, {"r": 5, **GPT2}),
    ("miss", "llama", {"rank": 5}, MissConfig, {"r": 5}),
    ("miss", "qwen3", {"rank": 4}, MissConfig, {"r": 4}),
    ("shira", "llama", {"rank": 2}, ShiraConfig, {"r": 2, "random_seed": 4}),
    ("oft", "llama", {"block": 5}, OFTConfig, {"oft_block_size": 5}),
    ("oft", "qwen3", {"block": 8, "terms": 0}, OFTConfig, {"oft_block_size": 8, "use_cayley_neumann": False}),
    ("oft", "llama", {"block": 4, "terms": 3}, OFTConfig, {"oft_block_size": 4, "num_cayley_neumann_terms": 3}),
]
every_pair = pytest.mark.parametrize(
    ("name", "family", "settings", "config", "theirs"), PAIRS, ids=lambda v: str(v)[:30]
)


def peft_model(name, family, config, theirs):
    """A peft model on the same weights, every adapter parameter random."""
    model = get_peft_model(plain_model(family), config(task_type="CAUSAL_LM", **{**THEIRS, **theirs})).eval()
    std = 0.1 if name == "oft" else 0.5
    rng = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in trained(model):
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * std)
    return model


def trained(model):
    """Parameters that train."""
    return [p for p in model.parameters() if p.requires_grad]


def said(model):
    """Logits of a transformers model."""
    tokens = words()
    return model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits


@every_pair
def test_it_comes_in_and_goes_out_again(name, family, settings, config, theirs, tmp_path):
    """peft's file gives equal logits and gradients here, with the settings that mean the same; ours does in peft."""
    model, base = peft_model(name, family, config, theirs), tiny_base(family)
    model.save_pretrained(tmp_path / "theirs")
    method, expected = import_peft(tmp_path / "theirs", base), said(model)
    assert method.spec.name == name
    assert_close(logits(base, method), expected.detach(), **CLOSE)
    assert float((expected - logits(base)).detach().abs().max()) > 0.1
    assert sum(method.count(method.settings, base.shape).values()) == sum(p.numel() for p in trained(model))
    wanted = built(name, base, {"targets": "q down", **settings})
    assert method.settings == wanted.settings
    loss_of(viewed(base, method), words()).backward()
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    (expected.log_softmax(-1) * weights.exp()).mean().backward()
    mine = sorted(float(p.grad.norm()) for p in method.parameters())
    assert mine == pytest.approx(sorted(float(p.grad.norm()) for p in trained(model)), rel=1e-3, abs=1e-6)
    export_peft(method, base, tmp_path / "ours")
    again = PeftModel.from_pretrained(plain_model(family), tmp_path / "ours").eval()
    assert_close(said(again).detach(), expected.detach(), **CLOSE)
    assert torch.equal(logits(base, import_peft(tmp_path / "ours", base)), logits(base, method))


@every_pair
def test_it_starts_as_peft_does(name, family, settings, config, theirs, tmp_path):
    """Untrained, it is the base to the bit, its frozen parts are peft's, and as many numbers train."""
    torch.manual_seed(0)
    model, base = (
        get_peft_model(plain_model(family), config(task_type="CAUSAL_LM", **{**THEIRS, **theirs})),
        tiny_base(family),
    )
    model.save_pretrained(tmp_path)
    read, method = import_peft(tmp_path, base), built(name, base, {"targets": "q down", **settings})
    assert torch.equal(logits(base, method), logits(base))
    state = read.adapter_tensors()
    places = {key for key in state if key.startswith("places.")}  # drawn anew by every run
    assert all(torch.equal(state[key], method.adapter_tensors()[key]) for key in state.keys() - places)


@pytest.mark.parametrize("name", ["vera", "miss", "shira", "oft"])
def test_frames_tell_the_size_of_the_change(name):
    """|dW| / |W| from the method's own short cut is that of the full matrix; at inputs, |R - I| / |I|."""
    base = tiny_base("llama")
    method = randomise(
        built(name, base, {"targets": "down"} if name != "oft" else {"targets": "down", "block": 6}), std=0.2
    )
    viewed(base, method)
    (frame,) = method.parameter_events(0)
    inputs = base.shape.linears["down"][0]
    with torch.no_grad():
        matrix = method.change("1_down", torch.eye(inputs))
    weight = base.view().sites.linear(1, "down").module.weight
    whole = inputs**0.5 if name == "oft" else float(weight.norm())
    assert frame.ratio[1][0] == pytest.approx(float(matrix.norm()) / whole, rel=1e-4)


def test_blocks_of_oft_fit_as_in_peft():
    """Where the inputs are no multiple of the size, peft's own choice; the exact form is orthogonal."""
    for inputs in (32, 48, 30, 7, 97):
        for wanted in (2, 4, 5, 16, 31, 64):
            fits = inputs % wanted == 0
            theirs = wanted if fits else PeftOft.adjust_oft_parameters(None, inputs, wanted)
            assert fitting_block(inputs, wanted) == theirs, (inputs, wanted)
    q = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(0))
    r = minus_identity(q - q.mT, 0) + torch.eye(6)
    assert_close(r @ r.mT, torch.eye(6).expand(3, 6, 6), atol=1e-5, rtol=1e-4)


def test_places_of_shira_are_pefts():
    """The same seed means the same weights as in peft's random mask."""
    mask = random_mask(nn.Linear(48, 32), 2, random_seed=5)
    drawn = drawn_places(32 * 48, 2 * 80, torch.Generator().manual_seed(5))
    assert torch.equal(drawn, mask.flatten().nonzero()[:, 0].int())


@pytest.mark.parametrize(
    ("name", "change"),
    [("vera", {"bias": "all"}), ("miss", {"init_weights": "bat"}), ("oft", {"coft": True}), ("oft", {"r": 4})],
)
@pytest.mark.fault("load", "A peft adapter is of a form of its method that is not here: it is refused by name.")
def test_other_forms_are_refused(name, change, tmp_path):
    base = tiny_base("llama")
    export_peft(built(name, base, {"targets": "q"}), base, tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ExchangeError, match=next(iter(change))):
        import_peft(tmp_path, base)


@pytest.mark.parametrize("name", ["miss", "shira", "oft"])
@pytest.mark.fault("code", "peft has no GPT-2 linears for a method: export says so and writes nothing.")
def test_conv1d_is_refused(name, tmp_path):
    base = tiny_base("gpt2")
    with pytest.raises(ExchangeError, match="Conv1D"):
        export_peft(built(name, base, {"targets": "q"}), base, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.fault("damaged", "Places of a sparse adapter lie outside of their matrix: its tensor is named.")
def test_places_beyond_the_matrix(tmp_path):
    base = tiny_base("llama")
    method = built("shira", base, {"targets": "q", "rank": 1})
    save_adapter(method, base, tmp_path / "own")
    export_peft(method, base, tmp_path / "peft")
    for folder, file, part in (
        ("own", "adapter", "places.1_q"),
        ("peft", "adapter_model", "1.self_attn.q_proj.shira_in"),
    ):
        path = tmp_path / folder / f"{file}.safetensors"
        tensors = load_file(path)
        (name,) = [name for name in tensors if part in name]
        tensors[name][..., -1] = 10**6
        save_file(tensors, path)
    for read in (lambda: load_adapter(tmp_path / "own", base), lambda: import_peft(tmp_path / "peft", base)):
        with pytest.raises(ExchangeError, match="matrix of 32 by 32"):
            read()


@pytest.mark.fault("hand", "SHiRA is asked for more values than a linear has weights: a sentence says so.")
def test_more_values_than_weights():
    with pytest.raises(SettingError, match="rank is 30"):
        built("shira", tiny_base("llama"), {"rank": 30})


@pytest.mark.fault("load", "A VeRA whose random matrices are not those of its number is refused.")
def test_other_projections(tmp_path):
    base = tiny_base("llama")
    export_peft(built("vera", base, {"rank": 3}), base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors["base_model.vera_A"] += 1
    save_file(tensors, path)
    with pytest.raises(ExchangeError, match="projection_prng_key"):
        import_peft(tmp_path, base)

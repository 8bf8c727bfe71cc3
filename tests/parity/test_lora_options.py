"""LoRA's options against HF peft, with every parameter random: forward, gradients, and carried there and back."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file
from torch.testing import assert_close

from engine.config.training import TrainingSettings
from engine.core.errors import ExchangeError, ModelError, SettingError
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.peft import export_peft, import_peft
from engine.methods.base import Start
from engine.methods.layers import parse_layers
from engine.methods.lora.places import parse_pattern
from engine.methods.lora.spec import LoraSettings
from engine.models.loading import load_base
from engine.training.optimiser import optimiser_for
from tests.tiny import built, logits, loss_of, plain_model, randomise, save_tiny, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
CLOSE = {"rtol": 1e-4, "atol": 3e-5}

OPTIONS = [
    ("llama", {"targets": "all", "rank": 2, "alpha": 3.0}, {"target_modules": "all-linear"}),
    ("gpt2", {"targets": "all", "rank": 2, "alpha": 3.0}, {"target_modules": "all-linear"}),
    ("llama", {"layers": "0 2", "rank": 3}, {"layers_to_transform": [0, 2], "layers_pattern": "layers"}),
    (
        "llama",
        {"targets": "q v down", "rank": 3, "rank_pattern": "q=1 1.down=5 0.v=0", "alpha_pattern": "v=6"},
        {
            "target_modules": r".*(q_proj|down_proj|layers\.[12]\..*v_proj)",
            "rank_pattern": {"q_proj": 1, r"layers\.1\.mlp\.down_proj": 5},
            "alpha_pattern": {"v_proj": 6},
        },
    ),
    ("llama", {"dora": True, "rank": 3}, {"use_dora": True}),
    ("gpt2", {"dora": True, "rank": 3, "targets": "q up", "rslora": True}, {"use_dora": True, "use_rslora": True}),
    ("bert", {"dora": True, "rank": 2, "targets": "q"}, {"use_dora": True}),
    ("llama", {"init": "pissa", "rank": 3, "alpha": 5.0}, {"init_lora_weights": "pissa"}),
    ("gpt2", {"init": "pissa", "rank": 3, "targets": "up"}, {"init_lora_weights": "pissa"}),
    ("llama", {"init": "olora", "rank": 3, "rslora": True}, {"init_lora_weights": "olora", "use_rslora": True}),
    ("llama", {"init": "pissa", "dora": True, "rank": 3}, {"init_lora_weights": "pissa", "use_dora": True}),
    ("qwen3", {"init": "gaussian", "rank": 3}, {"init_lora_weights": "gaussian"}),
]
every_option = pytest.mark.parametrize(("family", "settings", "theirs"), OPTIONS, ids=lambda value: str(value)[:60])
TARGETS = {"q up": ["c_attn", "c_fc"], "up": ["c_fc"], "q": ["query"], "q v": ["q_proj", "v_proj"]}


def peft_model(family, settings, theirs):
    """A peft model on the same weights, with peft's own start."""
    torch.manual_seed(0)
    config = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings.get("alpha", 16.0),
        fan_in_fan_out=family == "gpt2",
        **{"target_modules": TARGETS.get(settings.get("targets", "q v"))} | theirs,
        **({} if family == "bert" else {"task_type": "CAUSAL_LM"}),
    )
    return get_peft_model(plain_model(family), config).eval()


def trained(model):
    """Its parameters that train, nudged by random numbers: a start from the weights stays near."""
    rng = torch.Generator().manual_seed(7)
    parameters = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn(parameter.shape, generator=rng) * 0.3)
    return parameters


def said(model):
    """Logits of a transformers model."""
    tokens = words()
    return model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits


@every_option
def test_it_comes_in_and_goes_out_again(family, settings, theirs, tmp_path):
    """What peft trained and saved gives equal logits here; exported from here, peft loads it with equal logits."""
    model, base = peft_model(family, settings, theirs), tiny_base(family)
    trained(model)
    model.save_pretrained(tmp_path / "theirs")
    method = import_peft(tmp_path / "theirs", base)
    expected = said(model).detach()
    assert_close(logits(base, method), expected, **CLOSE)
    assert float((expected - logits(base)).abs().max()) > 0.1
    assert torch.equal(logits(base, import_peft(tmp_path / "theirs", base)), logits(base, method))
    export_peft(method, base, tmp_path / "ours")
    again = PeftModel.from_pretrained(plain_model(family), tmp_path / "ours").eval()
    assert_close(said(again).detach(), expected, **CLOSE)
    method.control.strength = 0.0
    assert torch.equal(logits(base, method), logits(base))


@every_option
def test_settings_mean_the_same(family, settings, theirs, tmp_path):
    """Settings and config with the same meaning: as many parameters, and the settings come back from peft's file."""
    model, base = peft_model(family, settings, theirs), tiny_base(family)
    method = built("lora", base, settings)
    mine = sum(method.count(method.settings, base.shape).values())
    assert mine == sum(p.numel() for p in model.parameters() if p.requires_grad)
    model.save_pretrained(tmp_path)
    read = import_peft(tmp_path, base)
    assert [(p.key, p.rank, p.scale) for p in read.places] == [(p.key, p.rank, p.scale) for p in method.places]
    assert (read.settings.dora, read.settings.rslora) == (method.settings.dora, method.settings.rslora)


@every_option
def test_gradients_are_pefts(family, settings, theirs, tmp_path):
    """From the same values, every parameter gets peft's gradient, before a start is folded away."""
    model, base = peft_model(family, settings, theirs), tiny_base(family)
    method = built("lora", base, settings)
    list(method.warm_up(Start.of(base, 0)))
    parameters = trained(model)
    mine = in_peft_order(method)
    with torch.no_grad():
        for (name, parameter), other in zip(mine, parameters, strict=True):
            assert parameter.shape == other.shape, name
            parameter.copy_(other)
    loss_of(viewed(base, method), words()).backward()
    actual = said(model)
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    (actual.log_softmax(-1) * weights.exp()).mean().backward()
    for (name, parameter), other in zip(mine, parameters, strict=True):
        assert_close(parameter.grad, other.grad, rtol=2e-3, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


def in_peft_order(method):
    """Our parameters in the order in which peft's model lists them."""
    parts = [("a", method.a), ("b", method.b), *([("magnitudes", method.magnitudes)] if len(method.magnitudes) else [])]
    return [(f"{name}.{place.key}", group[place.key]) for place in in_model_order(method) for name, group in parts]


def in_model_order(method):
    """Places as the model lists its modules."""
    order = [name for name, _ in tiny_base(method.shape.model_type).model.named_modules()]
    family = method.shape.family
    return sorted(
        method.places, key=lambda place: order.index(f"{family.layers}.{place.layer}.{family.linears[place.role]}")
    )


@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_a_start_from_the_weights(init):
    """The first A and B are peft's, the untrained model is the base to the bit, and the base keeps its weights."""
    settings = {"init": init, "rank": 3, "alpha": 5.0}
    model, base = peft_model("llama", settings, {"init_lora_weights": init}), tiny_base("llama")
    method, before = built("lora", base, settings), logits(base)
    shares = list(method.warm_up(Start.of(base, 0)))
    assert shares[0] == 0
    assert len(shares) == len(method.places)
    assert torch.equal(logits(base, method), before)
    assert torch.equal(logits(base), before)
    theirs = [p for p in model.parameters() if p.requires_grad]
    products = zip(theirs[::2], theirs[1::2], strict=True)
    for place, (a, b) in zip(in_model_order(method), products, strict=True):
        # A decomposition may turn the sign of a direction, in A and in B alike.
        assert_close(method.b[place.key] @ method.a[place.key], b @ a, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_a_start_from_the_weights_is_saved(init, tmp_path):
    """Trained, saved and loaded it answers as before, and the file is a plain LoRA of twice the rank."""
    base = tiny_base("llama")
    method = built("lora", base, {"init": init, "rank": 3})
    list(method.warm_up(Start.of(base, 0)))
    trained(method)
    save_adapter(method, base, tmp_path)
    assert_close(logits(base, load_adapter(tmp_path, base)), logits(base, method), **CLOSE)
    assert load_file(tmp_path / "adapter.safetensors")["a.0_q"].shape == (6, 32)
    state = method.state_dict()
    fresh = built("lora", base, {"init": init, "rank": 3})
    fresh.load_state_dict(state)
    assert torch.equal(logits(base, fresh), logits(base, method))


def test_loraplus_rates_are_pefts():
    """B learns at a multiple of A's rate, and every parameter's rate is the one that peft's optimiser has."""
    base, ratio = tiny_base("llama"), 16.0
    method = built("lora", base, {"rank": 2, "loraplus_ratio": ratio})
    mine = rates(optimiser_for(method, TrainingSettings(), 1e-3), dict(method.named_parameters()))
    assert {rate for name, rate in mine.items() if name.startswith("a.")} == {1e-3}
    assert {rate for name, rate in mine.items() if name.startswith("b.")} == {1e-3 * ratio}
    model = peft_model("llama", {"rank": 2}, {})
    theirs = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=ratio)
    assert sorted(mine.values()) == sorted(rates(theirs, dict(model.named_parameters())).values())


def rates(optimiser, named):
    """Learning rate of every parameter."""
    names = {id(parameter): name for name, parameter in named.items()}
    return {names[id(p)]: group["lr"] for group in optimiser.param_groups for p in group["params"]}


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_dora_reads_rounded_weights(precision, tmp_path):
    """On a base in 8 or 4 bits its lengths are those of the rounded weights: it starts at the base, before and after
    the first forward, which moves bitsandbytes' scales."""
    base = load_base(str(save_tiny(tmp_path, "llama")), precision)
    method = built("lora", base, {"dora": True, "rank": 2})
    rounded = base.view().model.get_submodule("model.layers.0.self_attn.q_proj")
    with torch.no_grad():
        assert_close(method.magnitudes["0_q"], rounded(torch.eye(32)).float().norm(dim=0), rtol=0.02, atol=1e-3)
    assert torch.equal(logits(base, method), logits(base))
    assert torch.equal(built("lora", base, {"dora": True, "rank": 2}).magnitudes["0_q"], method.magnitudes["0_q"])
    assert float((logits(base, randomise(method)) - logits(base)).abs().max()) > 0.1


@pytest.mark.parametrize(
    ("field", "text"), [("rank_pattern", "q"), ("rank_pattern", "q=1.5"), ("alpha_pattern", "q:3"), ("layers", "3-1")]
)
@pytest.mark.fault("hand", "A LoRA's layers or patterns are mistyped: a sentence names the word and shows the form.")
def test_mistyped_texts(field, text):
    with pytest.raises(SettingError, match=field) as caught:
        LoraSettings(**{field: text})
    assert caught.value.values["value"] in text


def test_texts_that_do_not_fit_the_model():
    """A layer or a linear that the model lacks is refused by name; so is a pattern that leaves nothing."""
    base = tiny_base("llama")
    with pytest.raises(SettingError, match=r"layers names 3, .* 0 to 2"):
        built("lora", base, {"layers": "1-3"})
    with pytest.raises(ModelError, match="nonsense"):
        built("lora", base, {"rank_pattern": "nonsense=3"})
    with pytest.raises(SettingError, match="leaves no linear"):
        built("lora", base, {"rank_pattern": "q=0 v=0"})
    assert parse_layers("0 2-4, 3") == (0, 2, 3, 4)
    assert parse_pattern("alpha_pattern", "q=4 3.down=0.5") == {
        (None, "q"): 4.0,
        (3, "down"): 0.5,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"alpha_pattern": {"(q_proj)+": 3}},
        {"alpha_pattern": {".*.*.*.*x": 3}},
        {"alpha_pattern": {"(": 3}},
        {"rank_pattern": {"q_proj": 7}},
        {"init_lora_weights": "pissa_niter_4"},
        {"init_lora_weights": "loftq"},
    ],
    ids=str,
)
@pytest.mark.fault("load", "A peft LoRA's patterns do not fit its tensors, or take for ever to match: it is refused.")
def test_patterns_of_strangers(change, tmp_path):
    base = tiny_base("llama")
    export_peft(randomise(built("lora", base, {"rank": 3})), base, tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ExchangeError):
        import_peft(tmp_path, base)

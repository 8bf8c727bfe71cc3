"""(IA)^3 against the paper's equation and HF peft, with every parameter random, and carried there and back."""

import pytest
import torch
from peft import IA3Config, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from engine.core.errors import ExchangeError, ModelError, SettingError
from engine.exchange.peft import export_peft, import_peft
from engine.methods.ia3.spec import IA3Settings
from engine.models.fused import outputs_of_role
from tests.parity.test_peft import CLOSE, peft_logits, trainables
from tests.tiny import FAMILIES, Case, logits, loss_of, plain_model, randomise, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
WHOLE = {"whole_linears": True}
EVERYTHING = {"targets": "q k v o gate up down", "inputs": "o down"}
PAIRS = [
    (Case("ia3", {}, "llama"), ["k_proj", "v_proj", "down_proj"], ["down_proj"]),
    (Case("ia3", {}, "qwen3"), ["k_proj", "v_proj", "down_proj"], ["down_proj"]),
    (Case("ia3", {}, "gemma2"), ["k_proj", "v_proj", "down_proj"], ["down_proj"]),
    (
        Case("ia3", EVERYTHING, "llama"),
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        ["o_proj", "down_proj"],
    ),
    (Case("ia3", {"targets": "q v down", "inputs": ""}, "mistral"), ["q_proj", "v_proj", "down_proj"], []),
    (Case("ia3", WHOLE, "gpt2"), ["c_attn", "mlp.c_proj"], ["mlp.c_proj"]),
    (Case("ia3", WHOLE, "gpt_neox"), ["query_key_value", "dense_4h_to_h"], ["dense_4h_to_h"]),
    (Case("ia3", WHOLE, "phi3"), ["qkv_proj", "down_proj"], ["down_proj"]),
    (
        Case("ia3", {"targets": "k v o down", "inputs": "o down"}, "bert"),
        ["key", "value", "output.dense"],
        ["output.dense"],
    ),
]
every_pair = pytest.mark.parametrize(("case", "targets", "inputs"), PAIRS, ids=lambda value: str(value)[:60])
FUSED = ("gpt2", "gpt_neox", "phi3")


def peft_model(case, targets, inputs):
    """A peft model on the same weights, every vector random, in evaluation mode."""
    causal = {} if case.family == "bert" else {"task_type": "CAUSAL_LM"}
    config = IA3Config(
        target_modules=targets, feedforward_modules=inputs, fan_in_fan_out=case.family == "gpt2", **causal
    )
    model = get_peft_model(plain_model(case.family), config)
    randomise(trainables(model))
    return model.eval()


def reference(family, method):
    """The plain model with the paper's factors multiplied into activations by hooks of the test's own."""
    model, shape = plain_model(family), method.shape
    for layer in range(shape.l):
        stem = model.get_submodule(f"{shape.family.layers}.{layer}")
        for role in ("k", "v"):
            part = outputs_of_role(shape, role)

            def scale(_module, _args, out, part=part, role=role, layer=layer):
                columns = torch.arange(out.shape[-1]) if part.columns is None else part.columns
                return out * torch.ones(out.shape[-1]).index_copy(0, columns, method.vectors[f"{layer}_{role}"])

            stem.get_submodule(shape.family.linears[part.linear]).register_forward_hook(scale)
        stem.get_submodule(shape.family.linears["down"]).register_forward_pre_hook(
            lambda _module, args, layer=layer: (args[0] * method.vectors[f"{layer}_down"],)
        )
    return model


@pytest.mark.parametrize("family", [family for family in FAMILIES if tiny_base(family).shape.family.reads_text])
def test_paper_equation(family):
    """l_k * k, l_v * v and W_down (l_ff * h): logits, and the gradient of every vector."""
    base, method = Case("ia3", {}, family).build()
    tokens = words()
    expected = reference(family, randomise(method))(input_ids=tokens.ids).logits
    actual = viewed(base, method).logits(tokens)
    assert_close(actual, expected, **CLOSE)
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    gradients = [
        torch.autograd.grad((x.log_softmax(-1) * weights.exp()).mean(), list(method.parameters()))
        for x in (actual, expected)
    ]
    for mine, its in zip(*gradients, strict=True):
        assert_close(mine, its, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", FUSED)
def test_parts_of_a_fused_linear_are_keys_and_values(family):
    """The columns that are called q, k and v are what the model's own attention takes for them."""
    base = tiny_base(family)
    x = torch.randn(5, base.shape.d, generator=torch.Generator().manual_seed(0))
    attention = base.view().sites.attention[0].module
    keys, values = base.shape.family.project_keys_values(attention, x, base.shape.k)
    (fused_role,) = {outputs_of_role(base.shape, role).linear for role in "qkv"}
    out = base.view().sites.linear(0, fused_role).module(x)
    for role, expected in (("k", keys), ("v", values)):
        actual = out[:, outputs_of_role(base.shape, role).columns]  # (p, g k)
        assert torch.equal(actual.unflatten(-1, (base.shape.g, base.shape.k)).transpose(0, 1), expected)
    columns = torch.cat([outputs_of_role(base.shape, role).columns for role in "qkv"])
    assert sorted(columns.tolist()) == list(range(out.shape[-1]))


def test_parts_of_a_fused_mlp():
    """phi3's one linear gives gate and up: its MLP multiplies the second half by the activated first."""
    shape = tiny_base("phi3").shape
    width = shape.linears["gate_up"][1]
    assert outputs_of_role(shape, "gate").columns.tolist() == list(range(width // 2))
    assert outputs_of_role(shape, "up").columns.tolist() == list(range(width // 2, width))


@every_pair
def test_peft_adapter_comes_in(case, targets, inputs, tmp_path):
    """An adapter that peft saved gives equal logits here, and its vectors get peft's gradients."""
    model, base = peft_model(case, targets, inputs), tiny_base(case.family)
    model.save_pretrained(tmp_path)
    method = import_peft(tmp_path, base)
    view, tokens = viewed(base, method), words()
    actual, expected = view.logits(tokens), peft_logits(model, tokens)
    assert_close(actual, expected, **CLOSE)
    assert float((actual - base.view().logits(tokens)).abs().max()) > 0.1
    loss_of(view, tokens).backward()
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    (expected.log_softmax(-1) * weights.exp()).mean().backward()
    theirs = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    ours = dict(method.vectors.items())
    assert len(theirs) == len(ours)
    for key, vector in ours.items():
        layer, role = key.split("_", 1)
        path = f"{base.shape.family.layers}.{layer}.{base.shape.family.linears[role]}.ia3_l.default"
        assert_close(vector.grad, theirs[f"base_model.model.{path}"].flatten(), rtol=1e-3, atol=1e-6)


@every_pair
def test_our_adapter_goes_out_and_back(case, targets, inputs, tmp_path):
    """What we export loads with `PeftModel.from_pretrained` on untouched weights, with equal logits, and comes back."""
    base, method = case.build()
    export_peft(randomise(method), base, tmp_path)
    model = PeftModel.from_pretrained(plain_model(case.family), tmp_path).eval()
    expected = logits(base, method)
    with torch.no_grad():
        assert_close(peft_logits(model, words()), expected, **CLOSE)
        assert float((expected - logits(base)).abs().max()) > 0.1
    again = import_peft(tmp_path, base)
    assert_close(logits(base, again), expected, rtol=1e-6, atol=1e-5)
    if again.settings == method.settings:
        assert torch.equal(logits(base, again), expected)


@pytest.mark.parametrize("family", FUSED)
def test_keys_and_values_of_a_fused_linear_go_out(family, tmp_path):
    """The paper's form has no loss in peft: queries get a factor of one."""
    base, method = Case("ia3", {}, family).build()
    export_peft(randomise(method), base, tmp_path)
    model = PeftModel.from_pretrained(plain_model(family), tmp_path).eval()
    with torch.no_grad():
        assert_close(peft_logits(model, words()), logits(base, method), **CLOSE)
    assert_close(logits(base, import_peft(tmp_path, base)), logits(base, method), **CLOSE)


def test_both_sides_of_one_linear_are_refused(tmp_path):
    """Scaling the keys at the input and the values at the output of one fused linear has no form in peft."""
    base, method = Case("ia3", {"targets": "k v", "inputs": "k"}, "gpt2").build()
    with pytest.raises(ExchangeError, match="both"):
        export_peft(method, base, tmp_path)


@pytest.mark.parametrize("damage", ["missing", "extra", "misshapen", "all"])
def test_damaged_tensors_are_refused_by_name(damage, tmp_path):
    """A file that does not fit is refused; the sentence names the tensor."""
    base, method = Case("ia3", {}, "llama").build()
    export_peft(randomise(method), base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    match damage:
        case "missing":
            del tensors[name]
        case "extra":
            name = "base_model.model.stranger"
            tensors[name] = torch.ones(1)
        case "misshapen":
            tensors[name] = torch.ones(3, 3)
        case "all":
            tensors = {"other": torch.ones(1)}
            name = "base_model.model.model.layers.0.mlp.down_proj.ia3_l"
    save_file(tensors, path)
    with pytest.raises(ExchangeError) as caught:
        import_peft(tmp_path, base)
    assert caught.value.values["tensor"] == name


@pytest.mark.parametrize("family", FUSED)
def test_counts(family):
    """Keys, values and the MLP's width in every layer; with whole linears the queries too."""
    base, method = Case("ia3", {}, family).build()
    shape = base.shape
    parts = 2 * shape.g * shape.k + shape.linears["down"][0]
    assert sum(p.numel() for p in method.parameters()) == shape.l * parts
    _, wide = Case("ia3", WHOLE, family).build()
    assert sum(p.numel() for p in wide.parameters()) == shape.l * (parts + shape.h * shape.k)


def test_settings_are_checked():
    """Nothing to scale, or a name that no linear has."""
    with pytest.raises(SettingError, match="targets"):
        IA3Settings(targets=" ")
    for example in ({"targets": "k nonsense"}, {"inputs": "nonsense"}, {"targets": "gate"}):
        with pytest.raises(ModelError, match=r"nonsense|gate"):
            Case("ia3", example, "gpt2").build()


def test_frame_tells_the_deviation():
    """The root mean square of l - 1 by layer and target; all zero at the start."""
    _, method = Case("ia3", {}, "llama").build()
    (start,) = method.parameter_events(0)
    assert start.targets == ["k", "v", "down"]
    assert start.ratio == [[0.0] * 3] * 3
    with torch.no_grad():
        method.vectors["1_v"].fill_(0.75)
        method.vectors["2_down"] *= 1.5
    (frame,) = method.parameter_events(1)
    assert frame.ratio == [[0.0, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.5]]


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_look_tells_what_a_factor_does(family):
    """A factor of 1.25 changes what it scales by a quarter at every token, at strength 2 by half; others by nothing."""
    from tests.contract.test_telemetry import probed

    base, method = Case("ia3", {}, family).build()
    with torch.no_grad():
        method.vectors["1_v"].fill_(1.25)
        method.vectors["0_down"].fill_(0.5)
    for strength in (1.0, 2.0, 0.0):
        method.control.strength = strength
        actual = torch.tensor(probed(base, method).contribution)  # (l, targets, t)
        expected = torch.zeros(3, 3, 6)
        expected[1, 1], expected[0, 2] = 0.25 * strength, 0.5 * strength
        assert_close(actual, expected, rtol=0, atol=2e-4)

"""Adapters: against the paper's equation written anew, against AdapterHub's numbers, and the paper's counts."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)

from engine.core.errors import SettingError
from engine.methods.base import Start
from engine.methods.bottleneck.method import Bottleneck
from engine.methods.bottleneck.spec import SPEC, BottleneckSettings
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from engine.models.shape import shape_of
from engine.telemetry.observe import ProbeInput
from tests.tiny import (
    FAMILIES,
    Case,
    built,
    logits,
    loss_of,
    plain_model,
    randomise,
    tiny_base,
    tokenizer,
    viewed,
    words,
)

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""


def sub_layer(block, path):
    """The module whose output is a sub-layer's, after its dropout and before the residual sum.

    It is the direct child of the layer on the way to the sub-layer's last module; where the residual sum is within that
    child, or the last module stands in the layer itself, it is the dropout or that module.
    """
    inner = block.get_submodule(path.rpartition(".")[0])
    if hasattr(inner, "dropout") and hasattr(inner, "LayerNorm"):
        return inner.dropout
    return block.get_submodule(path.partition(".")[0])


class Adapted(nn.Module):
    """A transformers model whose sub-layers are followed by adapters and whose norms have really changed."""

    def __init__(self, family, method):
        super().__init__()
        self.model = plain_model(family)
        self.values = {name: value.detach().clone().requires_grad_() for name, value in method.named_parameters()}
        self.phi = {"gelu": nn.functional.gelu, "relu": nn.functional.relu}[method.settings.activation]
        shape = method.shape
        for layer, block in enumerate(self.model.get_submodule(shape.family.layers).children()):
            for part, path in shape.family.sublayers.items():
                if f"down.{layer}_{part}.weight" in self.values:
                    sub_layer(block, path).register_forward_hook(self.adapter(f"{layer}_{part}"))
            if f"down.{layer}_parallel.weight" in self.values:
                self.put_beside(block, shape, f"{layer}_parallel", method.settings.scaling)
        self.renew_norms(shape)

    def adapter(self, key):
        """h + W_up phi(W_down h + b_down) + b_up."""

        def hook(_module, _args, output):
            h = output[0] if isinstance(output, tuple) else output
            inner = self.phi(h @ self.values[f"down.{key}.weight"].T + self.values[f"down.{key}.bias"])
            h = h + inner @ self.values[f"up.{key}.weight"].T + self.values[f"up.{key}.bias"]
            return (h, *output[1:]) if isinstance(output, tuple) else h

        return hook

    def put_beside(self, block, shape, key, scaling):
        """h + s (W_up phi(W_down x + b_down) + b_up), x what the MLP's first linear reads."""
        read = []
        linears = shape.family.linears
        first = block.get_submodule(linears.get("up") or linears["gate_up"])
        first.register_forward_pre_hook(lambda _module, args: read.append(args[0]))

        def hook(_module, _args, output):
            h, x = (output[0] if isinstance(output, tuple) else output), read.pop()
            inner = self.phi(x @ self.values[f"down.{key}.weight"].T + self.values[f"down.{key}.bias"])
            added = inner @ self.values[f"up.{key}.weight"].T + self.values[f"up.{key}.bias"]
            h = h + scaling * added.view(h.shape)
            return (h, *output[1:]) if isinstance(output, tuple) else h

        sub_layer(block, shape.family.sublayers["mlp"]).register_forward_hook(hook)

    def renew_norms(self, shape):
        """Put new gains and biases in the place of the frozen ones."""
        biased = 0
        for row, (path, norm) in enumerate(shape.norms.items()):
            if "norms.gamma" not in self.values:
                return
            module = self.model.get_submodule(path)
            gain = module.weight.detach() + self.values["norms.gamma"][row]
            del module.weight
            module.weight = gain
            if norm.bias:
                bias = module.bias.detach() + self.values["norms.beta"][biased]
                del module.bias
                module.bias, biased = bias, biased + 1

    def logits(self, tokens):
        """Scores of the reference."""
        return self.model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "settings",
    [
        {"width": 5},
        {"width": 3, "position": "pfeiffer", "activation": "relu"},
        {"position": "nowhere", "parallel": 4, "scaling": 4.0, "activation": "relu"},
        {"width": 3, "parallel": 2, "scaling": 0.5},
    ],
    ids=str,
)
def test_equals_the_papers_equation(family, settings):
    """Logits and the gradient of every parameter are those of a model that really has adapters and other norms."""
    base, method = Case("bottleneck", settings, family).build()
    reference = Adapted(family, randomise(method, std=0.3))
    loss = loss_of(viewed(base, method), words())
    loss.backward()
    actual = reference.logits(words())
    assert_close(logits(base, method), actual.detach(), **CLOSE)
    assert float((actual.detach() - logits(base)).abs().max()) > 0.1
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    (actual.log_softmax(-1) * weights.exp()).mean().backward()
    for name, parameter in method.named_parameters():
        assert_close(parameter.grad, reference.values[name].grad, rtol=1e-3, atol=1e-6)


def oracle(name):
    """Tensors and the model's config; skips where the file is not on this machine."""
    path = ORACLES / f"{name}.safetensors"
    if not path.exists():
        pytest.skip("AdapterHub's numbers are not on this machine")
    with safe_open(path, "pt") as file:
        facts = file.metadata()
    return load_file(path), json.loads(facts["model_config"])


def adapterhub(base, tensors, stems):
    """Our method in AdapterHub's settings with the weights of a file; `stems` say where it keeps each part's."""
    settings = BottleneckSettings(**{**SPEC.presets["adapterhub"], "reduction": 4})
    method = Bottleneck.build(settings, base.shape, Start.of(base, 0))
    names = {}
    for layer in range(base.shape.l):
        for part, stem in stems.items():
            for ours, theirs in (("down", "adapter_down.0"), ("up", "adapter_up")):
                for kind in ("weight", "bias"):
                    name = f"{stem.format(layer)}.adapters.a.{theirs}.{kind}"
                    names[f"{ours}.{layer}_{part}.{kind}"] = name
    method.load_state_dict({ours: tensors[f"adapter.{theirs}"] for ours, theirs in names.items()})
    return method, names


def frozen(model, tensors):
    """A base with the file's weights."""
    model.load_state_dict({k.removeprefix("base."): v for k, v in tensors.items() if k.startswith("base.")})
    return base_from_model("oracle", model, tokenizer())


def same_gradients(method, names, tensors):
    """Every gradient is AdapterHub's."""
    assert names.keys() == dict(method.named_parameters()).keys()
    for name, parameter in method.named_parameters():
        assert_close(parameter.grad, tensors[f"grad_sum_sq.{names[name]}"], rtol=1e-4, atol=1e-5)


def test_adapterhub_on_llama():
    """Logits with and without adapters, and gradients of the sum of squared logits, are AdapterHub's."""
    tensors, config = oracle("llama_double_seq_bn")
    base = frozen(LlamaForCausalLM(LlamaConfig(**config)), tensors)
    stems = {
        part: f"model.layers.{{}}.{name}_adapters" for part, name in (("attention", "attention"), ("mlp", "output"))
    }
    method, names = adapterhub(base, tensors, stems)
    inputs = {"input_ids": tensors["in.tokens"], "attention_mask": tensors["in.attention_mask"], "use_cache": False}

    def scores(view):
        return view.model(**inputs).logits  # past the view's own positions: padding, too, must stand where theirs does

    actual = scores(viewed(base, method))
    actual.square().sum().backward()
    assert_close(actual.detach(), tensors["out.logits"], rtol=1e-5, atol=1e-5)
    assert_close(scores(viewed(base)), tensors["out.base_logits"], rtol=1e-5, atol=1e-5)
    assert float((tensors["out.logits"] - tensors["out.base_logits"]).abs().max()) > 0.1
    same_gradients(method, names, tensors)


def test_adapterhub_on_bert():
    """The same on an encoder, through its pooler and classifier."""
    tensors, config = oracle("bert_double_seq_bn")
    model = BertForSequenceClassification(BertConfig(**config))
    base = frozen(model, tensors)
    stems = {"attention": "bert.encoder.layer.{}.attention.output", "mlp": "bert.encoder.layer.{}.output"}
    method, names = adapterhub(base, tensors, stems)
    tokens = Tokens(tensors["in.tokens"], tensors["in.attention_mask"].bool())

    def judged(hidden, prefix):
        pooled = model.bert.pooler(hidden)
        return pooled @ tensors[f"{prefix}.classifier.weight"].T + tensors[f"{prefix}.classifier.bias"]

    actual = judged(viewed(base, method).hidden(tokens), "adapter")
    actual.square().sum().backward()
    assert_close(actual.detach(), tensors["out.logits"], rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        plain = judged(viewed(base).hidden(tokens), "base")
    assert_close(plain, tensors["out.base_logits"], rtol=1e-5, atol=1e-5)
    same_gradients(method, names, tensors)


@pytest.mark.parametrize(
    ("large", "width", "adapters", "norms"),
    [
        (False, None, 2_379_264, 38_400),
        (False, 8, 313_536, 38_400),
        (False, 256, 9_461_760, 38_400),
        (True, 64, 6_343_680, 100_352),
        (True, 8, 835_968, 100_352),
    ],
)
def test_paper_counts_of_bert(large, width, adapters, norms):
    """BERT-base with 64 units (the default for its width) has 2,379,264 + 38,400 parameters; BERT-large likewise."""
    sizes = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig(**(sizes if large else {}))))
    counts = Bottleneck.count(BottleneckSettings(width=width), shape)
    assert counts["down"] + counts["up"] == adapters
    assert counts["norms"] == norms


def test_near_identity_of_the_start():
    """The start moves a layer's output by about 8e-5 of its size at std 1e-3, and by more than all of it at 1e-1."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig(num_hidden_layers=1)))
    base = tiny_base("bert")
    h = torch.randn(200, shape.d, generator=torch.Generator().manual_seed(0))
    sizes = {}
    for std in (1e-3, 1e-2, 1e-1):
        method = Bottleneck.build(BottleneckSettings(init_std=std, norms=False), shape, Start.of(base, 0))
        assert float(method.down["0_mlp"].weight.detach().abs().max()) <= 2 * std
        with torch.no_grad():
            sizes[std] = float((method.adapter_output(0, "mlp", h).norm(dim=-1) / h.norm(dim=-1)).mean())
    assert 4e-5 < sizes[1e-3] < 1.2e-4
    assert 4e-3 < sizes[1e-2] < 1.4e-2
    assert sizes[1e-1] > 0.5


@pytest.mark.parametrize("family", FAMILIES)
def test_start_is_near_the_base_but_not_at_it(family):
    """The untrained method's logits are the base's to a few in a hundred thousand, and say so by not being equal."""
    base, method = Case("bottleneck", {"width": 5}, family).build()
    plain = logits(base)
    difference = float((logits(base, method) - plain).abs().max())
    assert 0 < difference < 1e-4 * float(plain.abs().max())
    assert not method.starts_at_base


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_layers_that_are_off_have_no_adapters(family):
    """With a span of layers off, the model is one whose adapters and norms of these layers were never trained."""
    base, method = Case("bottleneck", {"width": 5}, family).build()
    whole = logits(base, randomise(method, std=0.3))
    method.control.off_layers = frozenset({0, 1})
    off = logits(base, method)
    assert float((off - whole).abs().max()) > 0.1
    method.control.off_layers = frozenset()
    inside = tuple(f"{base.shape.family.layers}.{layer}." for layer in (0, 1))
    rows = [row for row, path in enumerate(base.shape.norms) if path.startswith(inside)]
    with torch.no_grad():
        for key in ("0_attention", "0_mlp", "1_attention", "1_mlp"):
            method.up[key].weight.zero_()
            method.up[key].bias.zero_()
        for offsets in (method.norms.gamma, method.norms.beta):
            if offsets is not None:
                offsets[rows] = 0.0
    assert_close(logits(base, method), off, rtol=0, atol=0)


def test_watch_tells_size_and_sleep():
    """|A(h) - h| / |h| and the share of sleeping units, against a second computation on one layer."""
    base, method = Case("bottleneck", {"width": 5, "activation": "relu"}, "llama").build()
    randomise(method, std=0.3)
    with torch.no_grad():
        method.down["1_mlp"].bias[:2] = -1e3  # two of five units can never fire
    view, seen = viewed(base, method), []
    view.sites.sublayer(1, "mlp").module.register_forward_hook(lambda _m, _x, y: seen.append(y), prepend=True)

    with torch.no_grad():
        (frame,) = method.validation_events(7, view, ProbeInput(list("abcdefg"), lambda: view.hidden(words(1))))
    assert frame.step == 7
    assert (frame.layers, frame.parts) == ([0, 1, 2], ["attention", "mlp"])
    assert frame.asleep[1][1] >= 0.4
    h = seen[0][0]
    added = method.adapter_output(1, "mlp", h)
    assert frame.share[1][1] == pytest.approx(float((added.norm(dim=-1) / h.norm(dim=-1)).mean().detach()), rel=1e-4)


def test_watch_tells_of_a_parallel_adapter():
    """Its size beside the MLP's output, and which of its units sleep at what the MLP reads; norms before it count."""
    base, method = Case("bottleneck", {"width": 5, "parallel": 4, "activation": "relu"}, "gemma2").build()
    randomise(method, std=0.3)
    with torch.no_grad():
        method.down["1_parallel"].bias[:1] = -1e3
    view, read, out = viewed(base, method), [], []
    view.sites.linear(1, "up").module.register_forward_pre_hook(lambda _m, x: read.append(x[0]))
    norm = "model.layers.1.post_feedforward_layernorm"
    view.sites.module(norm).module.register_forward_hook(lambda _m, _x, y: out.append(y), prepend=True)
    with torch.no_grad():
        (frame,) = method.validation_events(7, view, ProbeInput(list("abcdefg"), lambda: view.hidden(words(1))))
        assert frame.parts == ["attention", "mlp", "parallel"]
        x, frozen = read[0][0], out[0][0]
        asleep = (method.down["1_parallel"](x) <= 0).all(dim=0).float().mean()
        assert frame.asleep[1][2] == pytest.approx(float(asleep), abs=1e-4) != 0.0
        added = method.adapter_output(1, "parallel", x)
        row = list(base.shape.norms).index(norm)
        weight = base.model.get_submodule(norm).weight
        h = frozen * (1 + weight + method.norms.gamma[row]) / (1 + weight)
        expected = float((added.norm(dim=-1) / h.norm(dim=-1)).mean())
    assert frame.share[1][2] == pytest.approx(expected, rel=1e-4)


def test_what_has_no_adapter_is_said():
    """Neither after a sub-layer nor beside the MLP."""
    with pytest.raises(SettingError, match="position is 'nowhere' and parallel is 0"):
        BottleneckSettings(position="nowhere")


def test_norm_frames_tell_the_drift():
    """Root mean square of the offsets, norm by norm; nothing of norms where they stay frozen."""
    _, method = Case("bottleneck", {"width": 5}, "bert").build()
    (frame,) = method.parameter_events(0)
    assert set(frame.gamma) == set(frame.beta) == {0.0}
    with torch.no_grad():
        method.norms.gamma[3] = 2.0
        method.norms.beta[1, :8] = 1.0
        (frame,) = method.parameter_events(1)
    assert frame.norms[3] == "bert.encoder.layer.1.attention.output.LayerNorm"
    assert frame.gamma[3] == pytest.approx(2.0)
    assert frame.beta[1] == pytest.approx((8 / 32) ** 0.5, rel=1e-5)
    _, still = Case("bottleneck", {"norms": False}, "bert").build()
    assert list(still.parameter_events(0)) == []
    assert "norms" not in [event.kind for event in still.emitted]


def test_llama_7b_trains_half_a_per_cent():
    """On a LLaMA-7B of 64 units, twice 32 adapters and 65 norms: the closed form holds for RMSNorm, too."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForCausalLM.from_config(LlamaConfig()))
    counts = Bottleneck.count(BottleneckSettings(width=64), shape)
    assert counts["norms"] == 65 * 4096
    assert counts["down"] + counts["up"] == 64 * (2 * 64 * 4096 + 4096 + 64)


@torch.no_grad()
def test_layers_without_adapters_are_the_base():
    """As if adapters were switched off there."""
    base, settings = tiny_base("llama"), {"width": 5, "norms": False}
    some = randomise(built("bottleneck", base, {**settings, "layers": "0 2"}))
    whole = built("bottleneck", base, settings)
    whole.load_state_dict(some.state_dict(), strict=False)
    whole.control.off_layers = frozenset({1})
    assert torch.equal(logits(base, some), logits(base, whole))
    assert {name.split("_")[0] for name in some.down} == {"0", "2"}

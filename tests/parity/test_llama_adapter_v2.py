"""LLaMA-Adapter V2's bias, scale and norms: against a model whose own weights were changed that way."""

import pytest
import torch
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, LlamaConfig

from engine.core.errors import ExchangeError
from engine.exchange.official import export_official
from engine.exchange.peft import export_peft
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import base_from_model
from engine.models.shape import shape_of
from tests.tiny import Case, logits, loss_of, plain_model, randomise, tokenizer, viewed, words

V1 = {"prompt_len": 3, "layers": 2}
V2 = {**V1, "bias": True, "scale": True, "norms": True}
FAMILIES = ("llama", "qwen2", "qwen3", "gpt2", "bert")


def changed_base(family, method):
    """A frozen base with W' = c W and b' = c (b + bias) in its linears, and other gains and biases in its norms."""
    model, shape = plain_model(family), method.shape
    with torch.no_grad():
        for layer, block in enumerate(model.get_submodule(shape.family.layers).children()):
            for role, path in shape.family.linears.items():
                if f"{layer}_{role}" not in method.bias:
                    continue
                linear = block.get_submodule(path)
                c = 1 + method.scale[f"{layer}_{role}"]
                old = torch.zeros(()) if linear.bias is None else linear.bias
                linear.bias = torch.nn.Parameter(c * (old + method.bias[f"{layer}_{role}"]))
                linear.weight *= c if family == "gpt2" else c[:, None]  # Conv1D keeps its matrix transposed
        biased = 0
        for row, (path, norm) in enumerate(shape.norms.items()):
            module = model.get_submodule(path)
            module.weight += method.norms.gamma[row]
            if norm.bias:
                module.bias += method.norms.beta[biased]
                biased += 1
    return base_from_model("changed", model, tokenizer())


def alike(family):
    """A base, a random V2 adapter of it, and the same prompts and gates on a base that was changed instead."""
    base, method = Case("llama_adapter", V2, family).build()
    randomise(method, std=0.2)
    if family == "gpt2":  # the fused linear makes the prompts' keys too, in the changed base: keep that part as it is
        with torch.no_grad():
            for key in method.bias:
                if key.endswith("qkv"):
                    method.bias[key][base.shape.d :] = 0
                    method.scale[key][base.shape.d :] = 0
    other = changed_base(family, method)
    _, plain = Case("llama_adapter", V1, family).build(base=other)
    plain.load_state_dict({name: value for name, value in method.state_dict().items() if name in ("prompts", "gates")})
    return base, method, other, plain


@pytest.mark.parametrize("family", FAMILIES)
def test_equals_changed_weights(family):
    """Logits, and the gradients of prompts and gates, are those of v1 on really changed weights."""
    base, method, other, plain = alike(family)
    assert_close(logits(base, method), logits(other, plain), rtol=1e-4, atol=5e-5)
    assert float((logits(base, method) - logits(base, plain)).abs().max()) > 0.1
    for model, each in ((base, method), (other, plain)):
        loss_of(viewed(model, each), words()).backward()
    assert_close(method.prompts.grad, plain.prompts.grad, rtol=1e-3, atol=1e-6)
    assert_close(method.gates.grad, plain.gates.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_gradients_by_differences(family):
    """The gradients of bias, scale and norms point where the loss of the changed model goes (central differences)."""
    base, method, _, _ = alike(family)
    method.double()
    loss_of(viewed(base, method), words()).backward()
    rng = torch.Generator().manual_seed(5)
    for name, parameter in method.named_parameters():
        if name in ("prompts", "gates"):
            continue
        direction = torch.randn(parameter.shape, generator=rng, dtype=torch.double) * parameter.grad.abs().mean()
        direction = direction + parameter.grad
        direction /= direction.norm()
        losses, start = [], parameter.detach().clone()
        for sign in (1, -1):
            with torch.no_grad():
                parameter.copy_(start + sign * 1e-2 * direction)
                losses.append(float(loss_of(viewed(base, method), words())))
                parameter.copy_(start)
        slope = float((parameter.grad * direction).sum())
        assert (losses[0] - losses[1]) / 2e-2 == pytest.approx(slope, rel=0.05, abs=1e-5), name


def test_each_option_alone():
    """Any of the three can be on without the others; what is off has no parameters."""
    for name in ("bias", "scale", "norms"):
        base, method = Case("llama_adapter", {**V1, name: True}, "llama").build()
        assert set(method.groups()) == {"prompts", "gates", name}
        assert torch.equal(logits(base, method), logits(base))
        _, plain = Case("llama_adapter", V1, "llama").build()
        randomise(method)
        plain.load_state_dict({key: value for key, value in method.state_dict().items() if key in ("prompts", "gates")})
        assert float((logits(base, method) - logits(base, plain)).abs().max()) > 0.1, name


def test_counts_of_llama_7b():
    """One number per output of q, o and the MLP's three linears in 32 layers, and 65 norms of width 4096."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForCausalLM.from_config(LlamaConfig()))
    counts = LlamaAdapter.count(LlamaAdapterSettings(bias=True, scale=True, norms=True), shape)
    outputs = 32 * (3 * 4096 + 2 * 11008)
    assert counts == {
        "prompts": 1_228_800,
        "gates": 960,
        "bias": outputs,
        "scale": outputs,
        "norms": 65 * 4096,
    }
    assert outputs == 1_097_728


@pytest.mark.parametrize("name", ["bias", "scale", "norms"])
def test_foreign_forms_refuse_what_they_cannot_hold(name, tmp_path):
    """Neither an official v1 checkpoint nor peft has a place for V2's options; the sentence says what to do."""
    base, method = Case("llama_adapter", {**V1, name: True}, "llama").build()
    with pytest.raises(ExchangeError, match=f"{name} trained; train without {name}, or export as a Gatelight adapter"):
        export_official(method, tmp_path / "adapter.pth")
    _, method = Case(
        "llama_adapter", {**V1, "gate": "per_layer", "activation": "identity", name: True}, "llama"
    ).build()
    with pytest.raises(ExchangeError, match=f"{name} trained; train without {name}, or export as a Gatelight adapter"):
        export_peft(method, base, tmp_path / "peft")
    assert list(tmp_path.iterdir()) == []

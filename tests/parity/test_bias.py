"""Bias tuning against the models' own biases: what it computes is what tuning them, or adding them, would give."""

import pytest
import torch
from torch.testing import assert_close
from transformers import AutoModelForMaskedLM, BertConfig

from engine.core.errors import ExchangeError, SettingError
from engine.exchange.peft import export_peft
from engine.methods.bias.method import BiasTuning
from engine.methods.bias.spec import BiasSettings
from engine.models.fused import outputs_of_role
from engine.models.shape import shape_of
from tests.contract.test_telemetry import probed
from tests.tiny import FAMILIES, Case, logits, plain_model, randomise, tiny_base, viewed, words

CLOSE = {"rtol": 1e-4, "atol": 2e-5}
TEXT = [family for family in FAMILIES if tiny_base(family).shape.family.reads_text]
BIASED = ("opt", "gpt2", "gpt_neox", "bert", "roberta", "distilbert")
"""Families whose linears and norms all have biases."""


def give_biases(model, method):
    """Add what the method learned to the plain model's own biases, giving it biases where it has none."""
    shape, owners = method.shape, {}
    for layer in range(shape.l):
        for key, value in method.linears.items():
            index, role = key.split("_")
            if int(index) == layer:
                part = outputs_of_role(shape, role)
                owners[layer, part.linear, role] = part, value.detach()
    for (layer, owner, _), (part, value) in owners.items():
        linear = model.get_submodule(f"{shape.family.layers}.{layer}.{shape.family.linears[owner]}")
        if linear.bias is None:
            linear.bias = torch.nn.Parameter(torch.zeros(shape.linears[owner][1]))
        linear.bias.data += part.scatter(value, shape.linears[owner][1])
    for path, row in zip(shape.norms, method.norms.detach(), strict=True):
        norm = model.get_submodule(path)
        if getattr(norm, "bias", None) is None:
            norm.register_forward_hook(lambda _module, _args, out, row=row: out + row)
        else:
            norm.bias.data += row
    return model


@pytest.mark.parametrize("family", TEXT)
def test_it_is_tuning_the_biases(family):
    """Logits equal those of a model whose own biases were moved, or which was given biases where it had none."""
    base, method = Case("bias", {}, family).build()
    with torch.no_grad():
        expected = give_biases(plain_model(family), randomise(method, std=0.2))(input_ids=words().ids).logits
    assert_close(logits(base, method), expected, **CLOSE)
    assert float((expected - logits(base)).abs().max()) > 0.1


@pytest.mark.parametrize("family", BIASED)
def test_gradients_are_those_of_the_models_own_biases(family):
    """Where a model has biases, ours get exactly the gradients that these would get."""
    base, method = Case("bias", {}, family).build()
    model, tokens = plain_model(family), words()
    actual, expected = viewed(base, method).logits(tokens), model(input_ids=tokens.ids).logits
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    for x in (actual, expected):
        (x.log_softmax(-1) * weights.exp()).mean().backward()
    for key, parameter in method.linears.items():
        layer, role = key.split("_")
        part = outputs_of_role(base.shape, role)
        path = f"{base.shape.family.layers}.{layer}.{base.shape.family.linears[part.linear]}"
        theirs = model.get_submodule(path).bias.grad
        assert_close(parameter.grad, theirs if part.columns is None else theirs[part.columns], rtol=1e-3, atol=1e-6)
    for path, gradient in zip(base.shape.norms, method.norms.grad, strict=True):
        assert_close(gradient, model.get_submodule(path).bias.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", TEXT)
def test_key_biases_only_where_they_matter(family):
    """Softmax does not see a bias of keys that are not rotated: "all" leaves it out, and asking for it shows why."""
    base, method = Case("bias", {}, family).build()
    rotated = base.shape.family.positions == "rotary"
    assert any(key.endswith("_k") for key in method.linears) is rotated
    _, keys = Case("bias", {"targets": "k", "norms": False}, family).build()
    difference = float((logits(base, randomise(keys)) - logits(base)).abs().max())
    assert (difference > 1e-3) is rotated


def test_paper_count_of_bert_base():
    """All biases of BERT-base's layers and norms, 0.09 % of it; those of the keys are left out."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig()))
    d, wide = 768, 3072
    linears, norms = 12 * (2 * d + d + wide + d), 25 * d
    assert BiasTuning.count(BiasSettings(), shape) == {"linears": linears, "norms": norms}
    assert 0.0008 < (linears + norms) / shape.parameters < 0.001
    small = BiasTuning.count(BiasSettings(targets="q up", norms=False), shape)
    assert small == {"linears": 12 * (d + wide)}


def test_nothing_to_train_is_refused():
    """No linears and no norms."""
    with pytest.raises(SettingError, match="norms is off"):
        BiasSettings(targets=" ", norms=False)


def test_norms_alone():
    """With no target only the norms train."""
    base, method = Case("bias", {"targets": ""}, "llama").build()
    assert [name for name, _ in method.named_parameters()] == ["norms"]
    assert not torch.equal(logits(base, randomise(method)), logits(base))


def test_layers_can_be_switched_off():
    """A layer that is off is the base's own: with all of them off, only the last norm is tuned."""
    base, method = Case("bias", {}, "llama").build()
    randomise(method).control.off_layers = frozenset(range(3))
    _, last = Case("bias", {"targets": ""}, "llama").build()
    with torch.no_grad():
        last.norms[-1] = method.norms[-1]
    assert torch.equal(logits(base, method), logits(base, last))
    assert not torch.equal(logits(base, last), logits(base))


def test_look_and_frame_tell_the_share_of_the_output():
    """|b| / |y| by token, layer and place, and its mean over the tokens of the sample sentence."""
    from engine.telemetry.observe import ProbeInput

    base, method = Case("bias", {"targets": "q down"}, "llama").build()
    report = probed(base, randomise(method))
    assert report.targets == ["q", "down", "norm 1", "norm 2"]
    view, seen = base.view(), []
    view.sites.linear(0, "q").observe(lambda _x, y, _total: seen.append(y))
    view.logits(words(1, 6))
    expected = method.linears["0_q"].norm() / seen[0][0].norm(dim=-1)  # before layer 0 nothing has changed but a norm
    _, bare = Case("bias", {"targets": "q", "norms": False}, "llama").build()
    with torch.no_grad():
        bare.linears["0_q"].copy_(method.linears["0_q"])
    assert_close(torch.tensor(probed(base, bare).contribution[0][0]), expected.detach(), rtol=1e-3, atol=1e-4)
    view = viewed(base, method)
    (frame,) = method.validation_events(3, view, ProbeInput(["t"] * 6, lambda: view.hidden(words(1, 6))))
    means = torch.tensor(report.contribution).mean(-1)
    assert_close(torch.tensor(frame.ratio), means, rtol=1e-3, atol=1e-4)
    assert frame.targets == report.targets


def test_peft_has_no_form(tmp_path):
    """peft's bias option belongs to its LoRA and changes the base's own tensors."""
    base, method = Case("bias", {}, "llama").build()
    with pytest.raises(ExchangeError, match="no counterpart"):
        export_peft(method, base, tmp_path)

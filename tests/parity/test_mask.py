"""Learned masks: W' = W * 1[M > tau] in an untouched model, its straight-through gradient, and one bit per weight."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import AutoModelForMaskedLM, BertConfig

from engine.core.errors import ExchangeError, RunError
from engine.exchange.native import load_adapter, save_adapter
from engine.methods.mask.method import MaskTuning, first_scores, masked_linears
from engine.methods.mask.spec import MaskSettings
from engine.methods.parts.masking import pack, unpack
from engine.models.shape import shape_of
from tests.tiny import Case, copies, logits, loss_of, plain_model, randomise, viewed, words

FAMILIES = ("llama", "qwen3", "gpt2", "gpt_neox", "bert")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""


def masked_model(method, family):
    """The plain model with W' in the place of W as leaves that want a gradient, and W, by the name of the score."""
    model, shape = plain_model(family), method.shape
    primed, frozen = {}, {}
    for layer, role in method.places:
        linear = model.get_submodule(f"{shape.family.layers}.{layer}.{shape.family.linears[role]}")
        scores = method.scores[f"{layer}_{role}"].detach()
        if family == "gpt2":  # keeps its weights as (inputs, outputs)
            scores = scores.T
        frozen[f"{layer}_{role}"] = linear.weight.detach().clone()
        linear.weight = torch.nn.Parameter(linear.weight.detach() * (scores > method.settings.threshold))
        primed[f"{layer}_{role}"] = linear.weight
    return model, primed, frozen


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_gradients_are_those_of_masked_weights(family):
    """Logits equal those of a plain model whose weights were masked, and dL/dM = dL/dW' * W, with torch's dL/dW'."""
    base, method = Case("mask", {"threshold": 0.1}, family).build()
    model, primed, frozen = masked_model(randomise(method), family)
    tokens = words()
    expected = model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    actual = viewed(base, method).logits(tokens)
    assert_close(actual, expected, **CLOSE)
    assert float((actual.detach() - logits(base, tokens=tokens)).abs().max()) > 0.1
    loss_of(viewed(base, method), tokens).backward()
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    (expected.log_softmax(-1) * weights.exp()).mean().backward()
    for key, weight in primed.items():
        wanted = weight.grad * frozen[key]
        off = frozen[key] * weight.detach() == 0
        assert float(wanted[off].abs().max()) > 0  # weights that are off hear that they are missed
        assert_close(method.scores[key].grad, wanted.T if family == "gpt2" else wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("p", "init"),
    [*((p, "uniform") for p in (0.02, 0.05, 0.2, 0.5)), (0.02, "magnitude"), (0.5, "magnitude")],
)
def test_initial_sparsity_is_the_wanted_one(p, init):
    """The share of scores below the threshold is p within 1 % of p, and scores are uniform between -a and s."""
    settings = MaskSettings(sparsity=p, init=init)
    rng = torch.Generator().manual_seed(0)
    scores = first_scores(settings, torch.randn(2000, 2000, generator=rng), rng)
    off = float((scores <= settings.threshold).double().mean())
    assert off == pytest.approx(p, rel=0.01)
    low, high = -settings.init_scale, (settings.init_scale + settings.threshold) / p - settings.init_scale
    assert (float(scores.min()), float(scores.max())) == pytest.approx((low, high), abs=1e-4 * (high - low))
    assert float(scores.mean()) == pytest.approx((low + high) / 2, rel=0.01)


def test_smallest_weights_have_the_lowest_scores():
    """With magnitude init, no weight that is off at the start is larger than one that is on."""
    weight = torch.randn(60, 50, generator=torch.Generator().manual_seed(1))
    settings = MaskSettings(sparsity=0.3, init="magnitude")
    on = first_scores(settings, weight, torch.Generator().manual_seed(2)) > settings.threshold
    assert float(weight[~on].abs().max()) <= float(weight[on].abs().min())
    assert 0.25 < float((~on).float().mean()) < 0.35


def test_nothing_is_off_with_no_sparsity():
    """With p = 0 every score lies above the threshold, even where the random number is the lowest."""
    settings = MaskSettings(sparsity=0.0)
    scores = first_scores(settings, torch.randn(2000, 2000), torch.Generator().manual_seed(0))
    assert bool((scores > settings.threshold).all())


@pytest.mark.parametrize("inputs", [1, 7, 8, 9, 32])
def test_bits_in_bytes(inputs):
    """Rows are packed as numpy.packbits packs them, and come back whatever their length."""
    bits = torch.rand(5, inputs, generator=torch.Generator().manual_seed(inputs)) > 0.5
    packed = pack(bits)
    assert np.array_equal(packed.numpy(), np.packbits(bits.numpy(), axis=1))
    assert torch.equal(unpack(packed, inputs), bits)


def test_file_holds_one_bit_per_weight(tmp_path):
    """An adapter's file is the packed bits and a header: 32 times smaller than its scores would be."""
    base, method = Case("mask", {}, "llama").build()
    save_adapter(randomise(method), base, tmp_path)
    tensors = load_file(tmp_path / "adapter.safetensors")
    count = sum(method.count(method.settings, base.shape).values())
    assert {tensor.dtype for tensor in tensors.values()} == {torch.uint8}
    assert sum(tensor.numel() for tensor in tensors.values()) == count / 8  # all inputs are multiples of 8 here
    header = 8 + 80 * (len(tensors) + 1)
    assert (tmp_path / "adapter.safetensors").stat().st_size <= count / 8 + header


def test_loaded_mask_is_bits_and_cannot_train(tmp_path):
    """What was saved answers as the trained mask to the bit; it has no scores left, and says so when told to train."""
    base, method = Case("mask", {"sparsity": 0.2}, "gpt2").build()
    save_adapter(randomise(method), base, tmp_path)
    loaded = load_adapter(tmp_path, base)
    assert torch.equal(logits(base, loaded), logits(base, method))
    assert not list(loaded.parameters())
    with pytest.raises(RunError, match="bits only"):
        loaded.train()
    assert not loaded.eval().training


def test_numbers_in_the_place_of_bits_are_refused(tmp_path):
    """A file with scores where packed bits belong is refused by name, not rounded."""
    base, method = Case("mask", {"targets": "q"}, "llama").build()
    save_adapter(method, base, tmp_path)
    path = tmp_path / "adapter.safetensors"
    save_file({name: tensor.float() for name, tensor in load_file(path).items()}, path)
    with pytest.raises(ExchangeError, match=r"masks\.0_q.*packed bits"):
        load_adapter(tmp_path, base)


def test_bits_of_bert_base():
    """BERT-base: 84.9 million bits in all layers, 70.8 million in the paper's layers 2 to 11 (8.8 MB)."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig()))
    assert MaskTuning.count(MaskSettings(), shape) == {"scores": 70_778_880}
    assert MaskTuning.count(MaskSettings(layers=12), shape) == {"scores": 84_934_656}
    assert {layer for layer, _ in masked_linears(MaskSettings(), shape)} == set(range(2, 12))


def test_frame_counts_what_is_off_and_what_flipped():
    """A frame's shares equal a count by hand, before and after scores cross the threshold both ways."""
    _, method = Case("mask", {"sparsity": 0.2, "targets": "q down"}, "llama").build()
    started = copies(method)
    (frame,) = method.parameter_events(0)
    assert frame.targets == ["q", "down"]
    assert max(max(row) for row in frame.flipped) == 0
    randomise(method)
    (frame,) = method.parameter_events(1)
    tau = method.settings.threshold
    for row, layer in enumerate(frame.layers):
        for column, role in enumerate(frame.targets):
            now, then = method.scores[f"{layer}_{role}"] > tau, started[f"scores.{layer}_{role}"] > tau
            assert frame.off[row][column] == pytest.approx(float((~now).float().mean()), abs=1e-6)
            assert frame.flipped[row][column] == pytest.approx(float((now != then).float().mean()), abs=1e-6)
    assert len(frame.edges) == len(frame.counts) + 1
    assert sum(frame.counts) == sum(scores.numel() for scores in method.scores.values())

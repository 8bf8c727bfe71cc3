"""LoReFT against its paper's equation, with every parameter random, and its rows that stay orthonormal."""

import pytest
import torch
from torch.nn.utils.parametrizations import orthogonal
from torch.testing import assert_close

from engine.core.errors import ExchangeError, SettingError
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.peft import export_peft
from engine.methods.loreft.method import orthonormal
from tests.tiny import built, inputs_for, logits, plain_model, randomise, tiny_base, words

CLOSE = {"rtol": 1e-4, "atol": 2e-5}


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "bloom"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_it_is_the_papers_equation(family, strength):
    """Every layer of a plain model is followed by h + s R^T (W h + b - R h), written as in the paper."""
    base, model = tiny_base(family), plain_model(family)
    method = randomise(built("loreft", base, {"rank": 3, "layers": 2}), std=0.3)
    method.control.strength = strength
    layers = model.get_submodule(base.shape.family.layers)
    for row, layer in enumerate((1, 2)):
        r, w, b = method.rotation(row).detach(), method.weights[row].detach(), method.biases[row].detach()

        def edit(_module, _inputs, out, r=r, w=w, b=b):
            h = out[0] if isinstance(out, tuple) else out
            h = h + strength * torch.einsum("rd,...r->...d", r, h @ w.T + b - h @ r.T)
            return (h, *out[1:]) if isinstance(out, tuple) else h

        layers[layer].register_forward_hook(edit)
    tokens = words()
    with torch.no_grad():
        expected = model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    assert_close(logits(base, method, tokens), expected, **CLOSE)
    assert float((expected - logits(base, None, tokens)).abs().max()) > 0.1


def test_rows_are_orthonormal():
    """Of any free matrix, as of torch's own parametrisation; a matrix that is orthonormal stays itself."""
    free = torch.randn(4, 3, 32, generator=torch.Generator().manual_seed(0))
    rows = orthonormal(free)
    assert_close(rows @ rows.mT, torch.eye(3).expand(4, 3, 3), atol=1e-5, rtol=1e-5)
    assert_close(orthonormal(rows), rows, atol=1e-5, rtol=1e-5)
    assert_close(rows.mT @ (rows @ free.mT), free.mT, atol=1e-4, rtol=1e-4)  # the same subspace
    pyreft = orthogonal(torch.nn.Linear(32, 3, bias=False)).weight.detach()
    assert_close(orthonormal(pyreft[None])[0], pyreft, atol=1e-5, rtol=1e-5)


def test_it_starts_next_to_the_base_and_is_stored_folded(tmp_path):
    """Untrained it is the base but for rounding; a file holds R itself."""
    base = tiny_base("llama")
    method = built("loreft", base)
    assert_close(logits(base, method), logits(base), **CLOSE)
    save_adapter(randomise(method), base, tmp_path)
    loaded = load_adapter(tmp_path, base)
    assert_close(loaded.rotations[0] @ loaded.rotations[0].T, torch.eye(8), atol=1e-5, rtol=1e-5)
    assert_close(logits(base, loaded, inputs_for(base)), logits(base, method, inputs_for(base)), **CLOSE)


def test_more_layers_than_there_are():
    """The sentence names both numbers; HF peft has no counterpart, and says so at export."""
    with pytest.raises(SettingError, match="layers is 4, but this model has 3"):
        built("loreft", tiny_base("llama"), {"layers": 4})


def test_peft_has_none(tmp_path):
    """Export says so and writes nothing."""
    base = tiny_base("llama")
    with pytest.raises(ExchangeError, match="no counterpart of LoReFT"):
        export_peft(built("loreft", base), base, tmp_path)

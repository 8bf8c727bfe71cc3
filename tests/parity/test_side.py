"""Side-tuning and the ladder: against the equations, written down again here, and no backward pass in the backbone."""

import math

import pytest
import torch
from torch.testing import assert_close

from engine.core.errors import ModelError, SettingError
from engine.methods.base import Start
from engine.methods.parts.distillation import base_states, sampled_texts
from engine.methods.side.method import SideTuning
from engine.methods.side.spec import SideSettings
from engine.models.base import hash_weights
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from tests.tiny import FAMILIES as ALL_FAMILIES
from tests.tiny import (
    Case,
    copies,
    logits,
    loss_of,
    plain_model,
    randomise,
    save_tiny,
    tiny_base,
    viewed,
    words,
)

FAMILIES = ("llama", "qwen3", "gpt2", "bert")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""


def traced(base, tokens):
    """The untouched model's layer inputs and outputs (as transformers tells them), and its last hidden states."""
    view = base.view()
    seen = []
    view.sites.observe_last_hidden(lambda last, trace: seen.append((trace.states, last)))
    with torch.no_grad():
        view.hidden(tokens)
    return seen[0]


def norm(x, gain):
    """Root mean square norm."""
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain


def turned(x, position):
    """One head's query or key, rotated pair by pair."""
    half = len(x) // 2
    out = x.clone()
    for pair in range(half):
        angle = position / 10_000 ** (2 * pair / len(x))
        a, b = x[pair], x[pair + half]
        out[pair] = a * math.cos(angle) - b * math.sin(angle)
        out[pair + half] = b * math.cos(angle) + a * math.sin(angle)
    return out


def block_by_hand(block, x, mask, shape):
    """One side block on one row, token by token and head by head."""
    w, heads = x.shape[1], block.heads
    k = w // heads
    q, key, value = block.qkv(norm(x, block.attention_norm.weight)).split(w, dim=-1)
    positions = (mask.long().cumsum(0) - 1).clamp(min=0).tolist()
    rows = []
    for t in range(len(x)):
        parts = []
        for h in range(heads):
            cut = slice(h * k, (h + 1) * k)
            seen = [s for s in range(len(x)) if s == t or (mask[s] and (s < t or not shape.family.causal))]
            turn = turned if shape.family.positions != "learned" else lambda part, _position: part
            mine = turn(q[t, cut], positions[t])
            scores = torch.stack([mine @ turn(key[s, cut], positions[s]) / math.sqrt(k) for s in seen])
            parts.append((scores.softmax(0)[:, None] * value[seen, cut]).sum(0))
        rows.append(torch.cat(parts))
    x = x + block.out(torch.stack(rows))
    return x + block.down(torch.nn.functional.gelu(block.up(norm(x, block.mlp_norm.weight))))


def padded(b=2, t=6):
    """Two rows, the second padded on the left."""
    tokens = words(b, t)
    tokens.mask[1, :2] = False
    return tokens


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_side_tuning_is_its_equation(family, strength):
    """R = sigma(alpha) B + (1 - sigma(alpha)) S on the last hidden states, S computed by hand; halfway in between."""
    base, method = Case("side", {"width": 8, "init": "scratch"}, family).build()
    randomise(method).control.strength = strength
    tokens = padded()
    states, last = traced(base, tokens)
    share = strength * (1 - method.alpha.detach().sigmoid())
    with torch.no_grad():
        actual = viewed(base, method).hidden(tokens)
        for row in range(2):
            x = method.net.down(states[0][row])
            for block in method.net.blocks:
                x = block_by_hand(block, x, tokens.mask[row], base.shape)
            side = method.net.up(norm(x, method.net.norm.weight))
            expected = (1 - share) * last[row] + share * side
            mask = tokens.mask[row]
            assert_close(actual[row][mask], expected[mask], **CLOSE)
            assert float((expected - last[row])[mask].abs().max()) > 0.1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("residual", [True, False])
def test_ladder_is_its_equation(family, residual):
    """s_l = block_l(mu_l s + (1 - mu_l) down_l(h_l)) from the bottom to the top, and up(norm(s_L)) at the end."""
    base, method = Case("ladder", {"reduction": 4, "residual": residual}, family).build()
    tokens = padded()
    states, last = traced(base, tokens)
    randomise(method)
    mu = torch.sigmoid(method.gates.detach() / 0.1)
    with torch.no_grad():
        actual = viewed(base, method).hidden(tokens)
        for row in range(2):
            s = method.rungs[0](states[0][row])
            for layer, block in enumerate(method.blocks):
                mixed = mu[layer] * s + (1 - mu[layer]) * method.rungs[layer + 1](states[layer + 1][row])
                s = block_by_hand(block, mixed, tokens.mask[row], base.shape)
            answer = method.up(norm(s, method.norm.weight))
            mask = tokens.mask[row]
            assert_close(actual[row][mask], (answer + last[row] if residual else answer)[mask], **CLOSE)


@pytest.mark.parametrize("family", tuple(name for name in ALL_FAMILIES if name != "vit"))
def test_copied_layers_are_a_shorter_model(family):
    """S of copied layers answers as the plain model with only these layers; a copy of all is the base, so R = B."""
    base, method = Case("side", {"init": "copied", "blocks": 2}, family).build()
    assert method.net.chosen == [0, 2]
    with torch.no_grad():
        method.alpha.fill_(-40.0)
    shorter = plain_model(family)
    parent, _, name = base.shape.family.layers.rpartition(".")
    layers = shorter.get_submodule(base.shape.family.layers)
    setattr(shorter.get_submodule(parent), name, torch.nn.ModuleList([layers[0], layers[2]]))
    if kinds := getattr(shorter.config, "layer_types", None):  # gemma 3 rotates every kind of layer in its own way
        shorter.config.layer_types = [kinds[0], kinds[2]]
    tokens = words()
    with torch.no_grad():
        expected = shorter(input_ids=tokens.ids, attention_mask=tokens.mask.long(), use_cache=False).logits
    assert_close(logits(base, method, tokens), expected, **CLOSE)
    _, whole = Case("side", {"init": "copied"}, family).build()
    assert_close(logits(base, whole), logits(base), **CLOSE)
    randomise(whole)
    assert float((logits(base, whole) - logits(base)).abs().max()) > 0.1


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_quantised_layers_are_not_copied(precision, tmp_path):
    """A copy of 8-bit layers could not train: refused with the way out, while a small network runs beside them."""
    base = load_base(str(save_tiny(tmp_path)), precision)
    Case("side", {"init": "scratch"}, "llama").build(base=base)
    with pytest.raises(ModelError, match=f"Side-tuning.*{precision}.*fp32"):
        Case("side", {"init": "copied"}, "llama").build(base=base)
    with pytest.raises(SettingError, match="blocks is 4"):
        Case("side", {"init": "copied", "blocks": 4}, "llama").build()


@pytest.mark.parametrize(("alpha", "who"), [(40.0, "base"), (-40.0, "side")])
def test_ends_of_the_blend(alpha, who):
    """At one end of alpha the base answers alone, at the other the side network."""
    base, method = Case("side", {"width": 8, "init": "scratch"}, "llama").build()
    randomise(method)
    with torch.no_grad():
        method.alpha.fill_(alpha)
    actual = logits(base, method)
    if who == "base":
        assert_close(actual, logits(base), **CLOSE)
        return
    assert float((actual - logits(base)).abs().max()) > 1
    other = Case("side", {"width": 8, "init": "scratch"}, "llama").build()[1]
    other.load_state_dict(method.state_dict())
    with torch.no_grad():
        other.net.up.bias.add_(1.0)
    assert float((logits(base, other) - actual).abs().max()) > 1


def test_rung_that_is_switched_off_keeps_the_state():
    """A layer that is off is one that the ladder does not read: mu = 1 there; with all off it keeps silent."""
    base, method = Case("ladder", {"reduction": 4}, "llama").build()
    randomise(method).control.off_layers = frozenset({1})
    before = logits(base, method)
    method.control.off_layers = frozenset()
    assert float((logits(base, method) - before).abs().max()) > 1e-2
    with torch.no_grad():
        method.gates[1] = 10.0  # mu = sigmoid(100)
    assert torch.equal(logits(base, method), before)
    method.control.off_layers = frozenset(range(3))
    assert torch.equal(logits(base, method), logits(base))


def saved_for_backward(view, tokens):
    """Storages that a training forward keeps for its backward pass."""
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = loss_of(view, tokens)
    return kept, loss


def inner_outputs(view):
    """A growing list of what modules inside the backbone's layers put out (the layers' own results left out)."""
    made = []
    for layer in view.sites.layers:
        for name, module in layer.named_modules():
            if name:
                module.register_forward_hook(lambda _m, _x, out: made.append(out[0] if isinstance(out, tuple) else out))
    return made


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("name", ["ladder", "side", "lora", "bottleneck"])
def test_nothing_inside_of_the_backbone_is_kept(name, checkpointing):
    """Beside the backbone, no tensor made inside of its layers is kept for the backward pass; LoRA keeps many.

    Also with gradient checkpointing, where transformers makes the embedded text require a gradient.
    """
    base, method = Case(name, {"reduction": 4} if name == "ladder" else {}, "llama").build()
    view = viewed(base, randomise(method))
    if checkpointing:
        view.model.activation_checkpointing_enable({"use_reentrant": False})
        for layer in view.sites.layers:
            layer.training = True
    made = inner_outputs(view)
    kept, loss = saved_for_backward(view, words())
    inside = [out for out in made if out.untyped_storage().data_ptr() in kept]
    assert len(made) > 20
    if name in ("ladder", "side"):
        assert inside == []
        assert not any(out.requires_grad for out in made)
        count = len(made)
        loss.backward()
        assert len(made) == count  # nothing was computed again
    elif not checkpointing:
        assert len(inside) > 5


def test_teaching_brings_the_side_network_near_the_base():
    """Before training, a distilled side network answers more like the base than a random one; the seed decides all."""
    base = tiny_base("llama")
    before = hash_weights(base.model)
    settings = SideSettings(width=16, blocks=1, distill_steps=60)
    rng_state = torch.random.get_rng_state()
    taught = []
    for seed in (3, 3, 4):
        method = SideTuning.build(settings, base.shape, Start.of(base, seed))
        fresh = copies(method)
        shares = list(method.warm_up(Start.of(base, seed)))
        assert len(shares) == 61
        assert shares == sorted(shares)
        taught.append(copies(method))
        assert all(parameter.grad is None for parameter in method.parameters())
        distances = []
        for values in (fresh, copies(method)):
            method.load_state_dict(values)
            with torch.no_grad():
                method.alpha.fill_(-40.0)
                side = viewed(base, method).hidden(words())
            distances.append(float((side - base.view().hidden(words())).norm()))
        assert distances[1] < 0.9 * distances[0]
        assert torch.equal(fresh["alpha"], taught[-1]["alpha"])
    assert all(torch.equal(taught[0][name], taught[1][name]) for name in taught[0])
    assert not torch.equal(taught[0]["net.up.weight"], taught[2]["net.up.weight"])
    assert torch.equal(torch.random.get_rng_state(), rng_state)
    assert hash_weights(base.model) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_of_the_base(family):
    """Texts are what the base writes with that generator: drawn from its predictions, and read to its own states."""
    base = tiny_base(family)
    texts = sampled_texts(base, torch.Generator().manual_seed(0), count=40, length=12)
    assert texts.shape == (40, 12)
    first, last = base_states(base, [Tokens(texts, torch.ones_like(texts, dtype=torch.bool))])
    with torch.no_grad():
        expected = base.view().hidden(Tokens(texts[:3], torch.ones_like(texts[:3], dtype=torch.bool)))
    assert_close(last[:3], expected, **CLOSE)
    assert first.shape == last.shape
    if base.shape.family.causal:
        nats = -logits(base, tokens=Tokens(texts, torch.ones_like(texts, dtype=torch.bool)))[:, :-1].log_softmax(-1)
        loss_of_texts = nats.gather(-1, texts[:, 1:, None]).mean()
        assert float(loss_of_texts) < float(nats.mean()) - 1  # likelier than tokens drawn evenly

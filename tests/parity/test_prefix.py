"""Prefix tuning against its equation, against numbers of AdapterHub's code, and against HF peft's MLP.

AdapterHub's files lie outside of the repository (`../shared/oracles`); their headers say what made them.
"""

import copy
import json
from pathlib import Path

import pytest
import torch
from peft import PrefixTuningConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file
from torch.testing import assert_close
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from engine.exchange.peft import import_peft
from engine.methods.base import Start
from engine.methods.prefix.method import PrefixTuning
from engine.methods.prefix.spec import PrefixSettings
from engine.models.attention_site import JoinedKeys
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from tests.parity.test_peft import peft_logits, trainables
from tests.tiny import Case, cases, loss_of, plain_model, randomise, tiny_base, tokenizer, viewed, words

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"
needs_oracles = pytest.mark.skipif(not ORACLES.exists(), reason="AdapterHub's numbers are not on this machine")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""


def flat_prefix(base, p):
    """A flat prefix of a base, untrained."""
    return PrefixTuning.build(PrefixSettings(prompt_len=p, reparametrisation="flat"), base.shape, Start.of(base, 0))


@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize("case", cases(("llama", "qwen3", "gpt2", "bert"), "prefix"), ids=str)
def test_attention_is_a_blend(case, strength):
    """Each layer's output is (1 - lambda) attention(text) + lambda attention(prefix), as He et al. 2022 write it.

    With lambda = s sum exp(q K_P) / (s sum exp(q K_P) + sum exp(q K)), computed here from scratch, masked and causal.
    """
    base, method = case.build()
    randomise(method).control.strength = strength
    view, tokens, seen = viewed(base, method), words(2, 7), []
    tokens.mask[1, 5:] = False
    for site in view.sites.attention:
        site.observers.append(lambda site, record: seen.append((site, record)))
    with torch.no_grad():
        view.hidden(tokens)
    assert len(seen) == base.shape.l
    causal = base.shape.family.causal
    visible = tokens.mask[:, None, None] & (torch.ones(7, 7, dtype=torch.bool).tril() if causal else True)
    for layer, (site, record) in enumerate(seen):
        if layer not in method.layers:
            assert record.key.shape[2] == 7, "text alone"
            continue
        keys, values = (site.to_query_heads(x.detach()) for x in method.folded().layer_keys_values(layer))
        p = keys.shape[1]
        text, text_values = record.key[:, :, p:], record.value[:, :, p:]
        scores = (record.query @ text.transpose(-1, -2) * site.scale).masked_fill(~visible, -1e9)
        asked = record.query @ keys.transpose(-1, -2) * site.scale
        mass = strength * asked.exp().sum(-1, keepdim=True)
        share = mass / (mass + scores.exp().sum(-1, keepdim=True))
        expected = (1 - share) * (scores.softmax(-1) @ text_values) + share * (asked.softmax(-1) @ values)
        assert 0.01 < float(share.mean()) < 0.99
        rows = tokens.mask[:, None].expand(-1, base.shape.h, -1)
        assert_close(record.out[rows], expected[rows], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", ["prefix", "p_tuning_v2"])
def test_layers_without_a_prefix_are_the_base(name):
    """As if the prefix were switched off there; the frame has zeros for them."""
    base, flat = tiny_base("llama"), {"prompt_len": 3, "reparametrisation": "flat", "dropout": 0.0}
    _, some = Case(name, {**flat, "layers": "0 2"}, "llama").build(base=base)
    _, whole = Case(name, flat, "llama").build(base=base)
    randomise(some)
    whole.keys[[0, 2]], whole.values[[0, 2]] = some.keys, some.values
    whole.control.off_layers = frozenset({1})
    assert torch.equal(viewed(base, some).logits(words()), viewed(base, whole).logits(words()))
    assert 3 * sum(some.count(some.settings, base.shape).values()) == 2 * sum(
        whole.count(whole.settings, base.shape).values()
    )
    (frame,) = some.parameter_events(1)
    assert [size > 0 for size in frame.keys] == [size > 0 for size in frame.values] == [True, False, True]


def oracle(name):
    """All tensors of a file, and the model's config."""
    path = ORACLES / f"{name}_prefix_tuning_flat.safetensors"
    with safe_open(path, "pt") as file:
        return load_file(path), json.loads(file.metadata()["model_config"])


def loaded(model, tensors):
    """A frozen base with the file's weights."""
    model.load_state_dict({k.removeprefix("base."): v for k, v in tensors.items() if k.startswith("base.")})
    return base_from_model("oracle", model, tokenizer())


def with_prefix(base, tensors):
    """A method with AdapterHub's prefix: one vector, cut as (p, l, 2, g, k)."""
    method = flat_prefix(base, 5)
    (flat,) = [t for k, t in tensors.items() if k.startswith("adapter.") and k.endswith("control_trans")]
    keys, values = flat.view(5, base.shape.l, 2, base.shape.g, base.shape.k).permute(2, 1, 3, 0, 4)
    method.load_method_tensors({"keys": keys, "values": values})
    return method


def their_gradient(tensors):
    """The gradient of the sum of squared logits, by AdapterHub."""
    (flat,) = [t for k, t in tensors.items() if k.startswith("grad_sum_sq.") and k.endswith("control_trans")]
    return flat


def flat_gradient(method):
    """Our gradient in AdapterHub's order."""
    return torch.stack([method.keys.grad, method.values.grad]).permute(3, 1, 0, 2, 4).flatten()


@needs_oracles
def test_adapterhub_on_llama():
    """Logits and gradients agree with AdapterHub's, run as it runs: the text stays at 0, 1, 2 ..."""
    tensors, config = oracle("llama")
    base = loaded(LlamaForCausalLM(LlamaConfig(**config)), tensors)
    method = with_prefix(base, tensors)
    model = viewed(base, method).model  # called past the view, which would push the text back
    logits = model(input_ids=tensors["in.tokens"], attention_mask=tensors["in.attention_mask"]).logits
    assert_close(logits.detach(), tensors["out.logits"], rtol=1e-5, atol=2e-6)
    assert float((tensors["out.logits"] - tensors["out.base_logits"]).abs().max()) > 0.1
    logits.square().sum().backward()
    assert_close(flat_gradient(method), their_gradient(tensors), rtol=1e-4, atol=1e-5)


@needs_oracles
def test_pushing_the_text_back_turns_the_keys():
    """With rotary positions, AdapterHub's prefix is ours once its keys are rotated by P: only distances count."""
    tensors, config = oracle("llama")
    base = loaded(LlamaForCausalLM(LlamaConfig(**config)), tensors)
    method = with_prefix(base, tensors)
    tokens = Tokens(tensors["in.tokens"], tensors["in.attention_mask"].bool())
    with torch.no_grad():
        unturned = viewed(base, method).logits(tokens)
        turn = LlamaRotaryEmbedding(LlamaConfig(**config))
        cos, sin = turn(method.keys, torch.full((1, 5), 5))
        _, turned = apply_rotary_pos_emb(method.keys, method.keys, cos, sin)
        method.keys.copy_(turned)
        actual = viewed(base, method).logits(tokens)
    assert_close(actual[tokens.mask], tensors["out.logits"][tokens.mask], rtol=1e-5, atol=2e-6)
    assert float((unturned - actual)[tokens.mask].abs().max()) > 1e-2


@needs_oracles
def test_adapterhub_on_bert():
    """An encoder stays bidirectional: a classifier's logits and the prefix's gradient agree with AdapterHub's."""
    tensors, config = oracle("bert")
    base = loaded(BertForSequenceClassification(BertConfig(**config)), tensors)
    method = with_prefix(base, tensors)
    tokens = Tokens(tensors["in.tokens"], tensors["in.attention_mask"].bool())
    pooled = base.model.bert.pooler(viewed(base, method).hidden(tokens))
    logits = torch.nn.functional.linear(
        pooled, tensors["adapter.classifier.weight"], tensors["adapter.classifier.bias"]
    )
    assert_close(logits.detach(), tensors["out.logits"], rtol=1e-5, atol=1e-6)
    assert float((tensors["out.logits"] - tensors["out.base_logits"]).abs().max()) > 0.1
    logits.square().sum().backward()
    assert_close(flat_gradient(method), their_gradient(tensors), rtol=1e-4, atol=1e-8)


def peft_mlp(family):
    """A peft model whose prefix comes from an MLP, all random."""
    torch.manual_seed(0)
    config = PrefixTuningConfig(
        num_virtual_tokens=3, task_type="CAUSAL_LM", prefix_projection=True, encoder_hidden_size=5
    )
    model = get_peft_model(plain_model(family), config)
    randomise(trainables(model))
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["gpt2", "gpt_neox"])
def test_mlp_equals_peft(family):
    """With peft's weights in our MLP, logits and the gradient of every weight are peft's."""
    theirs, base = peft_mlp(family), tiny_base(family)
    example = {"prompt_len": 3, "mlp_width": 5, "shift_positions": True}
    _, ours = Case("prefix", example, family).build()
    encoder = theirs.prompt_encoder["default"]
    last, size = encoder.transform[2], 2 * base.shape.d

    def parts(of):
        """Our parameters beside the slices of peft's: one last linear, cut by layer."""
        yield ours.mlp.embedding, of(encoder.embedding.weight)
        yield ours.mlp.inner.weight, of(encoder.transform[0].weight)
        yield ours.mlp.inner.bias, of(encoder.transform[0].bias)
        for layer, linear in enumerate(ours.mlp.outer):
            yield linear.weight, of(last.weight)[layer * size : (layer + 1) * size]
            yield linear.bias, of(last.bias)[layer * size : (layer + 1) * size]

    with torch.no_grad():
        for mine, its in parts(lambda parameter: parameter):
            mine.copy_(its)
    view, tokens = viewed(base, ours), words()
    actual, expected = view.logits(tokens), peft_logits(theirs.eval(), tokens)
    assert_close(actual, expected, **CLOSE)
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual).exp()
    for logits in (actual, expected):
        (logits.log_softmax(-1) * weights).mean().backward()
    for mine, its in parts(lambda parameter: parameter.grad):
        assert_close(mine.grad, its, rtol=1e-3, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2"])
@pytest.mark.parametrize("projection", [False, True], ids=["flat", "mlp"])
def test_prefix_trained_by_peft_comes_in(family, projection, tmp_path):
    """Three steps of training by peft, saved by peft (which folds its MLP): here it answers the same."""
    shape = tiny_base(family).shape
    config = PrefixTuningConfig(
        num_virtual_tokens=4,
        task_type="CAUSAL_LM",
        token_dim=shape.g * shape.k,
        num_attention_heads=shape.g,
        num_layers=shape.l,
        prefix_projection=projection,
        encoder_hidden_size=6,
    )
    torch.manual_seed(0)
    model = get_peft_model(plain_model(family), config)
    before = copy.deepcopy(model.state_dict())
    optimiser = torch.optim.AdamW(trainables(model).parameters(), lr=0.05)
    for _ in range(3):
        optimiser.zero_grad()
        peft_logits(model, words()).log_softmax(-1)[..., 7].mean().neg().backward()
        optimiser.step()
    assert any(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    model.eval().save_pretrained(tmp_path)
    base = tiny_base(family)
    method = import_peft(tmp_path, base)
    with torch.no_grad():
        assert_close(viewed(base, method).logits(words()), peft_logits(model, words()), **CLOSE)
    loss_of(viewed(base, method), words()).backward()  # and it can go on training, which peft refuses
    assert float(method.keys.grad.norm()) > 0


def test_joined_keys_are_not_rotated():
    """What joins the attention is what the method holds, to the bit: peft puts it into the cache as it is."""
    base, method = Case("prefix", {"prompt_len": 3, "reparametrisation": "flat"}, "llama").build()
    randomise(method)
    view, seen = viewed(base, method), []
    view.sites.attention[1].observers.append(lambda _site, record: seen.append(record.key))
    with torch.no_grad():
        view.hidden(words())
    (key,) = seen
    assert torch.equal(key[0, ::2, :3], method.keys[1])
    assert isinstance(method.join(1, None, view.sites.attention[1]), JoinedKeys)

"""Against numbers that the authors' own LLaMA-Adapter training code computed, with every parameter random.

The file lies outside of the repository (`../shared/oracles`); its header says which commit made it and how.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.testing import assert_close
from transformers import LlamaConfig, LlamaForCausalLM

from engine.data.batching import Batch
from engine.data.tokenise import IGNORE
from engine.evaluation.loss import label_loss
from engine.exchange.official import export_official, import_official
from engine.methods.base import Start
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from tests.tiny import tokenizer, viewed

ORACLE = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "llama_adapter_v1_train_per_head.safetensors"
SGD_RATE = 0.5
pytestmark = pytest.mark.skipif(not ORACLE.exists(), reason="the authors' numbers are not on this machine")


@pytest.fixture(scope="module")
def oracle():
    """All tensors of the file, and the header."""
    with safe_open(ORACLE, "pt") as file:
        facts = file.metadata()
    return load_file(ORACLE), facts


@pytest.fixture(scope="module")
def base(oracle):
    """The base model in transformers' layout."""
    tensors, facts = oracle
    sizes = json.loads(facts["cfg"])
    config = LlamaConfig(
        hidden_size=sizes["dim"],
        num_hidden_layers=sizes["n_layers"],
        num_attention_heads=sizes["n_heads"],
        vocab_size=sizes["vocab_size"],
        intermediate_size=len(tensors["hf.model.layers.0.mlp.gate_proj.weight"]),
        rms_norm_eps=sizes["norm_eps"],
        max_position_embeddings=sizes["max_seq_len"],
    )
    model = LlamaForCausalLM(config)
    model.load_state_dict({k.removeprefix("hf."): v for k, v in tensors.items() if k.startswith("hf.")})
    return base_from_model("oracle", model, tokenizer())


@pytest.fixture
def method(oracle, base):
    """The method with the authors' weights."""
    tensors, facts = oracle
    settings = LlamaAdapterSettings(prompt_len=int(facts["adapter_len"]), layers=int(facts["adapter_layer"]))
    method = LlamaAdapter.build(settings, base.shape, Start.of(base, 0))
    with torch.no_grad():
        method.prompts.copy_(tensors["official.adapter_query.weight"].view_as(method.prompts))
        method.gates.copy_(gates(tensors, "official"))
    assert float(method.gates.detach().abs().min()) > 1e-3
    return method


def gates(tensors, prefix):
    """Gates of the adapted layers as (layers, heads)."""
    return torch.stack([tensors[f"{prefix}.layers.{layer}.attention.gate"].flatten() for layer in (1, 2, 3)])


def batch_of(tensors):
    """The authors' tokens; their label 0 means "not trained on"."""
    ids, labels = tensors["in.tokens"], tensors["in.labels_0_is_ignored"]
    mask = torch.ones_like(ids, dtype=torch.bool)
    return Batch(Tokens(ids, mask), labels.masked_fill(labels == 0, IGNORE))


def mean_loss(view, batch):
    """The loss that the authors minimise."""
    total, count = label_loss(view, batch)
    return total / count


def test_logits(oracle, base, method):
    """Logits agree with the authors' code, with the adapter and without (fp32, another RoPE layout: 1e-5)."""
    tensors, _ = oracle
    view = viewed(base, method)
    with torch.no_grad():
        actual = view.logits(batch_of(tensors).inputs)
        assert_close(actual, tensors["out.logits"], rtol=1e-5, atol=1e-5)
        method.control.strength = 0.0
        assert_close(view.logits(batch_of(tensors).inputs), tensors["out.logits_gate0"], rtol=1e-5, atol=1e-5)
    assert float((tensors["out.logits"] - tensors["out.logits_gate0"]).abs().max()) > 0.1


def test_loss_and_gradients(oracle, base, method):
    """Loss and the gradients of prompts and gates agree."""
    tensors, _ = oracle
    loss = mean_loss(viewed(base, method), batch_of(tensors))
    loss.backward()
    assert_close(loss.detach().view(1), tensors["out.loss"], rtol=1e-6, atol=1e-6)
    prompts = tensors["grad.adapter_query.weight"].view_as(method.prompts)
    assert_close(method.prompts.grad, prompts, rtol=1e-4, atol=1e-7)
    assert_close(method.gates.grad, gates(tensors, "grad"), rtol=1e-4, atol=1e-7)


def test_three_steps(oracle, base, method):
    """Three steps of plain SGD give the authors' losses and weights; the rate was 0.5."""
    tensors, _ = oracle
    batch, view = batch_of(tensors), viewed(base, method)
    after = tensors["after3sgd.adapter_query.weight"].view_as(method.prompts)
    optimiser, losses = torch.optim.SGD(method.parameters(), lr=SGD_RATE), []
    for _ in range(3):
        optimiser.zero_grad()
        loss = mean_loss(view, batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    losses.append(mean_loss(view, batch).detach())
    assert_close(torch.stack(losses), tensors["out.sgd_losses"], rtol=1e-5, atol=1e-6)
    assert_close(method.prompts.detach(), after, rtol=1e-5, atol=1e-6)
    assert_close(method.gates.detach(), gates(tensors, "after3sgd"), rtol=1e-5, atol=1e-6)


def test_official_checkpoint_both_ways(oracle, base, method, tmp_path):
    """A checkpoint under the authors' names loads to equal logits, and ours has their tensors to the bit."""
    tensors, facts = oracle
    official_keys = [
        k for k in tensors if k.startswith("official.") and k.endswith(("adapter_query.weight", "attention.gate"))
    ]
    theirs = {k.removeprefix("official."): tensors[k] for k in official_keys}
    torch.save(theirs, tmp_path / "theirs.pth")
    loaded = import_official(tmp_path / "theirs.pth", base, prompt_len=int(facts["adapter_len"]))
    with torch.no_grad():
        expected = viewed(base, method).logits(batch_of(tensors).inputs)
        assert torch.equal(viewed(base, loaded).logits(batch_of(tensors).inputs), expected)
    export_official(method, tmp_path / "ours.pth")
    ours = torch.load(tmp_path / "ours.pth", weights_only=True)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, torch.zeros_like(tensor) if name.startswith("layers.0.") else theirs[name])

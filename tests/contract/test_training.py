"""What training needs of a method: every parameter is reached, moved, counted, and nothing is left over from before."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from engine.core.sampling import Sampling
from engine.inference.generate import generate
from engine.methods import METHODS
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import base_from_model
from engine.models.shape import shape_of
from tests.tiny import (
    EOS,
    PAD,
    VARIED,
    cases,
    copies,
    inputs_for,
    loss_of,
    named_gradients,
    plain_model,
    randomise,
    tiny_base,
    viewed,
    words,
)
from tests.tiny import tokenizer as tiny_tokenizer

every_case = pytest.mark.parametrize("case", cases(), ids=str)


@pytest.mark.parametrize("case", cases(VARIED), ids=str)
def test_training_after_generating(case):
    """After an answer under inference_mode and an evaluation, on the same view, three steps still move everything.

    A method that keeps what it computed while reading trains no more (litgpt's prompt cache, AdaMix's merged weights).
    """
    base, method = case.build()
    view = viewed(base, randomise(method))
    prompts = [[5, 6, 7], [8, 9]]
    if base.shape.family.causal:
        list(generate(view, prompts, Sampling(max_new_tokens=3), pad_id=PAD, eos_id=EOS))
    with torch.inference_mode():
        view.logits(inputs_for(base))
    before = copies(method)
    optimiser = torch.optim.AdamW(method.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(3):
        optimiser.zero_grad()
        loss_of(view, inputs_for(base)).backward()
        optimiser.step()
    for name, parameter in method.named_parameters():
        assert not torch.equal(parameter, before[name]), f"{name} did not move"


@every_case
def test_every_gradient_is_alive(case):
    """From random parameters every entry group gets a finite gradient that is not zero: no dead branch."""
    base, method = case.build()
    loss_of(viewed(base, randomise(method)), inputs_for(base)).backward()
    for name, gradient in named_gradients(method):
        assert bool(gradient.isfinite().all()), name
        assert float(gradient.norm()) > 0, name


@every_case
def test_count_is_the_closed_form(case):
    """`count` equals what is built, group by group, and all of it trains in fp32."""
    base, method = case.build()
    built = {name: sum(p.numel() for p in group) for name, group in method.groups().items()}
    assert method.count(method.settings, base.shape) == built
    assert all(p.requires_grad and p.dtype == torch.float32 for p in method.parameters())


def test_paper_count_of_llama_7b():
    """LLaMA-7B with 10 prompts in 30 layers has the 1,229,760 parameters of the paper ("1.2M")."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    with torch.device("meta"):
        shape = shape_of(AutoModelForCausalLM.from_config(LlamaConfig()))
    assert shape.l == 32
    assert shape.parameters == 6_738_415_616
    counts = LlamaAdapter.count(LlamaAdapterSettings(), shape)
    assert counts == {"prompts": 1_228_800, "gates": 960}
    assert sum(counts.values()) == 1_229_760
    per_layer = LlamaAdapter.count(LlamaAdapterSettings(gate="per_layer"), shape)
    assert sum(per_layer.values()) == 1_228_830  # what HF peft counts


@pytest.mark.parametrize("case", cases(("llama", "gpt2", "bert")), ids=str)
def test_half_precision_base_trains(case):
    """On a bf16 base the adapter stays fp32, gets gradients close to those of fp32, and moves."""
    base, method = case.build(base=tiny_base(case.family, dtype=torch.bfloat16))
    loss_of(viewed(base, randomise(method, std=0.1)), words()).backward()
    rounded = dict(named_gradients(method))
    exact_base, exact = case.build()
    loss_of(viewed(exact_base, randomise(exact, std=0.1)), words()).backward()
    gradients = dict(named_gradients(exact))
    largest = max(float(gradient.norm()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        assert rounded[name].dtype == torch.float32
        if float(gradient.norm()) < 1e-5 * largest:  # zero but for rounding: a softmax does not feel its keys' bias
            continue
        # bf16 has 8 bits: three layers of it turn a gradient by some per cent, not more.
        cosine = cosine_similarity(rounded[name].flatten(), gradient.flatten(), dim=0)
        assert float(cosine) > 0.97, name


@pytest.mark.parametrize("case", cases(("llama", "qwen3", "gemma2", "gpt2", "bert", "vit")), ids=str)
def test_gradient_checkpointing_changes_nothing(case):
    """Recomputing the layers in the backward pass gives the same loss and gradients to the bit.

    Beside the backbone nothing is recomputed: no gradient goes through its layers.
    """
    results = []
    for checkpointing in (False, True):
        base, method = case.build()
        view = viewed(base, randomise(method))
        calls = count_calls(view)
        if checkpointing:
            view.model.activation_checkpointing_enable({"use_reentrant": False})
            for layer in view.sites.layers:
                layer.training = True
        loss = loss_of(view, inputs_for(base))
        loss.backward()
        assert len(calls) == (2 if checkpointing and method.spec.acts_on != ("beside",) else 1)
        results.append((loss.detach(), dict(named_gradients(method))))
    (loss, plain), (again, recomputed) = results
    assert torch.equal(loss, again)
    for name, gradient in plain.items():
        assert torch.equal(gradient, recomputed[name]), name


def count_calls(view):
    """A list that grows with every call of the last layer's attention output projection."""
    calls = []
    view.sites.linear(view.shape.l - 1, "o").module.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("name", list(METHODS))
def test_same_seed_same_start(name):
    """The seed alone decides the first values; where none are drawn, all numbers of a tensor begin alike."""
    case = next(case for case in cases(("llama",)) if case.method == name)
    first, again, other = (case.build(seed)[1].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = any(bool((values != values.flatten()[0]).any()) for values in first.values())
    assert any(not torch.equal(first[key], other[key]) for key in first) is drawn


@pytest.mark.parametrize(
    ("family", "changes"),
    [("gpt2", {"resid_pdrop": 0.5, "attn_pdrop": 0.5, "embd_pdrop": 0.5}), ("opt", {"dropout": 0.5})],
    ids=["gpt2", "opt"],
)
def test_model_dropout_stays_off(family, changes):
    """A base with dropout in its config answers and trains without it: the base is frozen, not regularised."""
    base = base_from_model("dropping", plain_model(family, **changes), tiny_tokenizer())
    case = next(case for case in cases((family,)) if case.method == "lora")
    _, method = case.build(base=base)
    view = viewed(base, randomise(method))
    view.model.activation_checkpointing_enable({"use_reentrant": False})
    for layer in view.sites.layers:
        layer.training = True
    assert torch.equal(loss_of(view, words()), loss_of(view, words()))

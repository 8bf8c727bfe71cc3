"""AdaMix against numbers of the authors' own code, and what its experts, random routing and two passes promise."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close
from transformers import AutoModelForMaskedLM, BertConfig, GPT2Config, GPT2LMHeadModel

from engine.data.batching import Batch
from engine.evaluation.loss import summed_loss
from engine.exchange.native import load_adapter, save_adapter
from engine.methods.adamix.method import AdaMix, divergence, symmetric_divergence
from engine.methods.adamix.spec import AdaMixSettings
from engine.methods.base import RANDOM, Start
from engine.methods.parts.experts import Experts
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from engine.models.shape import shape_of
from engine.telemetry.observe import ProbeInput
from engine.training.checkpoint import restore_method
from engine.training.objective import TrainingObjective
from tests.tiny import Case, logits, loss_of, named_gradients, randomise, tokenizer, viewed, words

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"
NLG, NLU = (
    ORACLES / f"adamix_{name}.safetensors" for name in ("nlg_gpt2_adapter_shareA0_shareB1", "nlu_expertsoup_layer")
)
authors = pytest.mark.skipif(not NLG.exists(), reason="the authors' numbers are not on this machine")
FORMER = Path(__file__).resolve().parents[1] / "data" / "checkpoint-0.1.0"
POOLS = {"down": "MoA_A", "up": "MoA_B"}


@pytest.fixture(scope="module")
def nlg():
    """Tensors of the authors' GPT-2, and the same model with its experts in ours."""
    tensors = load_file(NLG)
    with safe_open(NLG, "pt") as file:
        sizes = json.loads(file.metadata()["cfg"])
    config = GPT2Config(
        vocab_size=sizes["vocab_size_or_config_json_file"],
        **{name: sizes[name] for name in ("n_positions", "n_embd", "n_layer", "n_head")},
        activation_function="gelu_new",
    )
    model = GPT2LMHeadModel(config)
    plain = {k.removeprefix("official."): v for k, v in tensors.items() if "ExpertSoup" not in k}
    missing = model.load_state_dict({k: v for k, v in plain.items() if k.startswith("transformer.")}, strict=False)
    assert missing.missing_keys == ["lm_head.weight"]
    model.tie_weights()
    return tensors, base_from_model("oracle", model, tokenizer())


def of_authors(tensors, base):
    """Our method with the authors' weights."""
    settings = AdaMixSettings(experts=4, width=8, consistency=100.0, activation="gelu_tanh")
    method = AdaMix.build(settings, base.shape, Start.of(base, 0))
    for layer in range(base.shape.l):
        for ours, theirs in POOLS.items():
            pool: Experts = getattr(method, ours)[f"{layer}"]
            stem = f"official.transformer.h.{layer}.mlp.ExpertSoup.{theirs}.deepspeed_experts"
            with torch.no_grad():
                for kind, values in (("weight", pool.weight), ("bias", pool.bias)):
                    values.copy_(torch.stack([tensors[f"{stem}.{expert}.{kind}"] for expert in range(len(pool))]))
    return method


def as_drawn(method, choices):
    """Route as the authors' sample did: A then B, layer by layer."""
    method._routing = [choices[0::2].tolist(), choices[1::2].tolist()]
    return method


@authors
def test_authors_training_pass(nlg):
    """Logits, loss with the consistency of two passes, and the gradients of all drawn experts are the authors'."""
    tensors, base = nlg
    method, choices = of_authors(tensors, base), tensors["in.train_expert_choices"]
    assert method.passes == 2
    tokens = Tokens(tensors["in.tokens"], torch.ones_like(tensors["in.tokens"], dtype=torch.bool))
    first, second = as_drawn(method, choices[:4]), as_drawn(method.sharing_copy(), choices[4:])
    p, q = (viewed(base, each).logits(tokens) for each in (first, second))
    assert_close(p.detach(), tensors["out.train_logits_first_pass"], rtol=1e-5, atol=1e-5)
    carries = tensors["in.mask"].bool()
    n = int(carries.sum())
    loss = summed_loss(p[carries], tensors["in.labels"][carries]) + method.consistency_loss(p[carries], q[carries])
    loss = loss / n
    assert_close(loss.detach().view(1), tensors["out.train_loss_ce_plus_100_symKL"], rtol=1e-5, atol=1e-5)
    assert float(method.consistency_loss(p[carries], q[carries]).detach()) / n > 0.1
    loss.backward()
    told = 0
    for layer in range(base.shape.l):
        for ours, theirs in POOLS.items():
            for kind in ("weight", "bias"):
                grads = getattr(getattr(method, ours)[f"{layer}"], kind).grad
                for expert, gradient in enumerate(grads):
                    name = f"grad.transformer.h.{layer}.mlp.ExpertSoup.{theirs}.deepspeed_experts.{expert}.{kind}"
                    expected = tensors.get(name, torch.zeros_like(gradient))
                    assert_close(gradient, expected, rtol=1e-4, atol=1e-6, msg=name)
                    told += name in tensors
    assert told == sum(name.startswith("grad.") for name in tensors) == 10


def weighed(pool, scores):
    """The pool whose plain mean is the mean with the file's weights.

    The authors average with softmax(scores). The scores are zeros that never train; in these files they are random.
    """
    shares = len(scores) * scores.softmax(0)
    with torch.no_grad():
        for values in (pool.weight, pool.bias):
            values.mul_(shares.view(-1, *[1] * (values.dim() - 1)))
    return pool


@authors
def test_authors_averaged_weights(nlg, tmp_path):
    """Reading takes the mean of weights and biases, as the authors' evaluation does; so does the folded file."""
    tensors, base = nlg
    method = of_authors(tensors, base).eval()
    for layer in range(base.shape.l):
        stem = f"official.transformer.h.{layer}.mlp.ExpertSoup.MoA_A"
        weighed(method.down[f"{layer}"], tensors[f"{stem}.expert_score_weight"])
    tokens = Tokens(tensors["in.tokens"], torch.ones_like(tensors["in.tokens"], dtype=torch.bool))
    assert_close(logits(base, method, tokens), tensors["out.eval_logits"], rtol=1e-5, atol=1e-5)
    save_adapter(method, base, tmp_path)
    loaded = logits(base, load_adapter(tmp_path, base), tokens)
    assert_close(loaded, tensors["out.eval_logits"], rtol=1e-5, atol=1e-5)


@authors
def test_authors_expert_layer():
    """The NLU code's layer alone: output and gradients with its draw, and the averaged output."""
    tensors = load_file(NLU)
    hidden, (i, j) = tensors["in.hidden"], tensors["in.train_expert_choices"].tolist()
    pools = {}
    for ours, theirs in POOLS.items():
        stem = f"official.{theirs}.deepspeed_experts"
        count = sum(name.startswith(stem) for name in tensors) // 2
        outputs, inputs = tensors[f"{stem}.0.weight"].shape
        pools[ours] = Experts(count, inputs, outputs, bias=True)
        pools[ours].load_state_dict(
            {kind: torch.stack([tensors[f"{stem}.{e}.{kind}"] for e in range(count)]) for kind in ("weight", "bias")}
        )

    def passed(a, b):
        return hidden + pools["up"](nn.functional.gelu(pools["down"](hidden, a)), b)

    out = passed(i, j)
    assert_close(out.detach(), tensors["out.train"], rtol=1e-5, atol=1e-6)
    out.square().sum().backward()
    for ours, theirs in POOLS.items():
        for kind in ("weight", "bias"):
            drawn = i if ours == "down" else 0
            expected = tensors[f"grad_of_sum_sq.{theirs}.deepspeed_experts.{drawn}.{kind}"]
            assert_close(getattr(pools[ours], kind).grad[drawn], expected, rtol=1e-4, atol=1e-5)
    weighed(pools["down"], tensors["official.MoA_A.expert_score_weight"])
    assert_close(passed(None, None).detach(), tensors["out.eval"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "settings", "inference", "training"),
    [
        ({"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}, {}, 811_392, 1_992_192),
        ({}, {"width": 48}, 894_528, 2_223_360),
    ],
    ids=["as RoBERTa-large", "as BERT-base"],
)
def test_paper_counts(sizes, settings, inference, training):
    """The authors' numbers of parameters, in training and after averaging, with E = 4 and a shared up-projection."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig(**sizes)))
    assert sum(AdaMix.count(AdaMixSettings(**settings), shape).values()) == training
    assert sum(AdaMix.count(AdaMixSettings(experts=1, **settings), shape).values()) == inference


SHAPES = [
    {"experts": 3, "width": 5},
    {"experts": 3, "width": 5, "share_down": True, "share_up": False},
    {"module": "lora", "experts": 3, "width": 4, "share_up": False, "targets": "q o down"},
]


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("settings", SHAPES, ids=str)
def test_average_is_of_weights_not_of_outputs(family, settings):
    """Reading equals a method whose only expert has the mean weights, and differs from the mean of the answers."""
    base, method = Case("adamix", settings, family).build()
    randomise(method).eval()
    _, single = Case("adamix", {**settings, "experts": 1}, family).build()
    single.load_state_dict(
        {name: value.detach().mean(0, keepdim=True) for name, value in method.named_parameters()}, strict=False
    )
    averaged = logits(base, method)
    assert_close(averaged, logits(base, single), rtol=1e-4, atol=2e-5)
    folded = method.folded()
    assert sum(p.numel() for p in folded.parameters()) == sum(p.numel() for p in single.parameters())
    each = []
    for method.control.routing in range(3):
        each.append(logits(base, method))
    assert not torch.allclose(torch.stack(each).mean(0), averaged, atol=1e-2)


def test_lora_with_one_expert_is_lora():
    """AdaMix over LoRA with pools of one is the method `lora`, logits and gradients."""
    base, method = Case("adamix", {"module": "lora", "experts": 1, "width": 3, "alpha": 6.0}, "llama").build()
    _, lora = Case("lora", {"rank": 3, "alpha": 6.0}, "llama").build()
    randomise(method)
    with torch.no_grad():
        for key in lora.a:
            lora.a[key].copy_(method.down[key].weight[0])
            lora.b[key].copy_(method.up[key].weight[0])
    assert_close(logits(base, method), logits(base, lora), rtol=1e-5, atol=1e-5)
    for each in (method, lora):
        loss_of(viewed(base, each), words()).backward()
    for key in lora.a:
        assert_close(method.down[key].weight.grad[0], lora.a[key].grad, rtol=1e-4, atol=1e-7)
        assert_close(method.up[key].weight.grad[0], lora.b[key].grad, rtol=1e-4, atol=1e-7)


def test_routing_is_uniform_and_independent():
    """Over 4000 samples the counts of every layer and pool are flat (chi-square), and A's draw tells nothing of B's."""
    _, method = Case("adamix", {"experts": 4, "share_up": False}, "llama").build()
    pairs = torch.zeros(4, 4)
    for _ in range(4000):
        method.sample_routing()
        pairs[method._routing[0][0], method._routing[1][0]] += 1
    (frame,) = method.parameter_events(1)
    assert frame.pools == ["down", "up"]
    assert {sum(row) for pool in frame.counts for row in pool} == {4000}
    assert max(max(row) for row in frame.chi_square) < 21.1  # 3 degrees of freedom: one in ten thousand is above
    flat = float(((pairs - 250).square() / 250).sum())
    assert flat < 44.3  # 15 degrees of freedom, likewise
    counts = torch.tensor(frame.counts, dtype=torch.double)
    expected = ((counts - 1000).square() / 1000).sum(-1)
    assert_close(torch.tensor(frame.chi_square, dtype=torch.double), expected, rtol=1e-3, atol=1e-3)


def test_routing_touches_no_other_rng():
    """Sampling touches no global randomness, the same seed samples the same, and twins go on in one stream."""
    _, method = Case("adamix", {"experts": 8}, "llama").build(seed=3)
    before = torch.get_rng_state()
    method.sample_routing()
    assert torch.equal(torch.get_rng_state(), before)
    first = method._routing
    twin = method.sharing_copy()
    twin.sample_routing()
    assert method._routing == first  # the sample is its own
    assert twin._routing != first
    assert int(method.routing_rng[1]) == 2
    _, again = Case("adamix", {"experts": 8}, "llama").build(seed=3)
    again.sample_routing()
    assert again._routing == first
    again.sample_routing()
    assert again._routing == twin._routing


def test_routing_survives_a_checkpoint():
    """State of a method put into a fresh one, as resuming does, goes on with the same samples and counts."""
    _, method = Case("adamix", {"experts": 8}, "llama").build(seed=3)
    for _ in range(5):
        method.sample_routing()
    _, fresh = Case("adamix", {"experts": 8}, "llama").build(seed=3)
    fresh.load_state_dict(method.state_dict())
    assert torch.equal(fresh.counts, method.counts)
    method.sample_routing()
    fresh.sample_routing()
    assert fresh._routing == method._routing


def test_a_checkpoint_with_the_former_name_goes_on():
    """A file of version 0.1.0, after five samples, has `dice`: the next two are those that it made itself."""
    _, method = Case("adamix", {"experts": 8, "width": 1}, "llama").build(seed=4)
    restore_method(FORMER / "checkpoint", method)
    assert method.routing_rng.tolist() == [1386275296, 5]
    assert method.counts.sum() == 2 * 3 * 5
    for routing in ([[7, 3, 7], [1, 6, 4]], [[3, 2, 4], [2, 5, 2]]):
        method.sample_routing()
        assert method._routing == routing


def batch():
    """Rows whose last four tokens carry labels."""
    tokens = words(3, 9)
    labels = tokens.ids.clone()
    labels[:, :5] = -100
    return Batch(tokens, labels)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("family", ["llama", "bert"])
def test_objective_is_cross_entropy_and_agreement(family, checkpointing):
    """The trained loss is CE of the first draw plus the weighted divergence of both, with gradient checkpointing too:
    each pass recomputes its own experts, though the other pass has sampled since."""
    base, method = Case("adamix", {"experts": 4, "width": 5, "consistency": 3.0}, family).build()
    views = [base.view(), base.view()]
    randomise(method, std=0.3).attach(views[0].sites)
    for view in views if checkpointing else []:
        view.model.activation_checkpointing_enable({"use_reentrant": False})
        for layer in view.sites.layers:
            layer.training = True
    loss = TrainingObjective(method, views)(batch())
    loss.backward()
    gradients = dict(named_gradients(method))
    assert int(method.routing_rng[1]) == 2
    method.zero_grad()
    labels, scores, shift = batch().labels, [], int(base.shape.family.causal)
    for number in (1, 2):
        copy = method.sharing_copy()
        copy.use_sample(number)
        keep = labels[:, shift:] != -100
        scores.append(viewed(base, copy).logits(batch().inputs)[:, : 9 - shift][keep])
    wanted = labels[:, shift:][keep]
    log_p, log_q = (each.log_softmax(-1) for each in scores)
    taken_p, taken_q = log_p.detach(), log_q.detach()
    kl = (taken_q.exp() * (taken_q - log_p)).sum() + (taken_p.exp() * (taken_p - log_q)).sum()
    expected = nn.functional.cross_entropy(scores[0], wanted, reduction="sum") + 3.0 * kl / 2
    assert_close(loss.detach(), expected.detach(), rtol=1e-5, atol=1e-5)
    expected.backward()
    for name, parameter in method.named_parameters():
        assert_close(gradients[name], parameter.grad, rtol=1e-3, atol=1e-5)


def test_agreement_of_numbers_is_their_squared_difference():
    """One score per row is a number, whose softmax would say nothing."""
    _, method = Case("adamix", {"consistency": 2.0}, "llama").build()
    first, second = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [2.5]])
    assert float(method.consistency_loss(first, second)) == pytest.approx(2 * (4 + 0.25))
    p, q = torch.randn(5, 7), torch.randn(5, 7)
    assert float(divergence(p, p).abs().max()) < 1e-6
    assert_close(symmetric_divergence(p, q), symmetric_divergence(q, p))
    for settings in ({"consistency": 0.0}, {"experts": 1}, {"share_down": True}):
        assert Case("adamix", settings, "llama").build()[1].passes == 1


def test_without_pools_there_is_nothing_to_tell():
    """With both projections shared, or one expert, it is a plain adapter: one pass, no telemetry of experts."""
    base, method = Case("adamix", {"experts": 3, "share_down": True}, "llama").build()
    assert method.emitted == ()
    assert list(method.parameter_events(0)) == []
    view = viewed(base, method)
    assert list(method.validation_events(0, view, ProbeInput([], lambda: view.hidden(words(1))))) == []


def test_routing_dial():
    """None averages, a number asks that expert, and RANDOM draws anew in every pass, in the order of an own stream."""
    base, method = Case("adamix", {"experts": 3, "width": 5}, "llama").build()
    randomise(method).eval()
    averaged = logits(base, method)
    ones = []
    for method.control.routing in range(3):
        ones.append(logits(base, method))
    assert all(float((one - averaged).abs().max()) > 0.01 for one in ones)
    method.control.routing = RANDOM
    state = torch.get_rng_state()
    draws = [logits(base, method) for _ in range(6)]
    assert torch.equal(torch.get_rng_state(), state)
    assert len({round(float(draw.sum()), 4) for draw in draws}) > 2
    twins = [method.sharing_copy(), method.sharing_copy()]
    for twin in twins:
        twin.control.routing = RANDOM
    assert torch.equal(logits(base, twins[0]), logits(base, twins[1]))
    folded = method.folded()
    folded.control.routing = RANDOM
    assert_close(logits(base, folded), averaged, rtol=1e-4, atol=2e-5)


def test_equal_experts_agree():
    """Experts that are one and the same have cosine 1 and nothing to disagree about; different ones do."""
    base, method = Case("adamix", {"experts": 3, "width": 5}, "llama").build()
    randomise(method)
    different = watched(base, method)
    (frame,) = method.parameter_events(0)
    assert max(map(abs, frame.cosine[0])) < 0.5
    with torch.no_grad():
        for pool in method.down.values():
            pool.weight.copy_(pool.weight[:1].expand_as(pool.weight))
            pool.bias.copy_(pool.bias[:1].expand_as(pool.bias))
    same = watched(base, method)
    (frame,) = method.parameter_events(0)
    assert frame.cosine[0] == [1.0] * 3
    assert different.tokens == list("abcdefg")
    assert min(different.from_average) > 1e-4
    assert min(different.between) > 1e-4
    assert len(different.from_average) == len(different.between) == 7
    assert max(same.from_average) < 1e-5
    assert max(same.between) < 1e-5


def watched(base, method):
    """What the method tells of one sentence, twice the same."""
    frames = []
    for _ in range(2):
        view, twin = base.view(), method.sharing_copy()
        twin.attach(view.sites)
        with torch.no_grad():
            frames += twin.validation_events(
                3, view, ProbeInput(list("abcdefg"), lambda view=view: view.hidden(words(1)))
            )
        assert twin.training
        assert twin.control.routing is None
    assert frames[0] == frames[1]
    return frames[0]

"""Against HF peft, with every parameter random: logits, gradients, and adapters carried there and back."""

import warnings

import pytest
import torch
from peft import AdaptionPromptConfig, LoraConfig, PeftModel, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from torch.testing import assert_close

from engine.exchange.peft import export_peft, import_peft
from tests.tiny import EOS, Case, loss_of, plain_model, randomise, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""fp32 with another order of summation, on logits of size 5."""

PEFT_GATES = {"prompt_len": 3, "layers": 2, "gate": "per_layer", "activation": "identity"}
PAIRS = [
    (Case("llama_adapter", PEFT_GATES, "llama"), "self_attn"),
    (Case("llama_adapter", PEFT_GATES, "mistral"), "self_attn"),
    (Case("llama_adapter", {**PEFT_GATES, "activation": "tanh"}, "llama"), "self_attn"),
    (Case("lora", {"rank": 3, "alpha": 5.0}, "llama"), ["q_proj", "v_proj"]),
    (Case("lora", {"rank": 3, "alpha": 5.0}, "qwen3"), ["q_proj", "v_proj"]),
    (
        Case("lora", {"rank": 3, "targets": "q k v o gate up down", "rslora": True}, "llama"),
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    ),
    (Case("lora", {"rank": 2, "targets": "q o"}, "gpt2"), r".*attn\.(c_attn|c_proj)"),
    (Case("lora", {"rank": 2, "targets": "up down"}, "gpt2"), r".*mlp\.(c_fc|c_proj)"),
    (Case("lora", {"rank": 2, "targets": "q k v o up down"}, "gpt_neox"), r".*\.(query_key_value|dense.*)"),
    (Case("lora", {"rank": 2, "targets": "q k"}, "bert"), ["query", "key"]),
    (Case("prompt", {"prompt_len": 3}, "llama"), None),
    (Case("prompt", {"prompt_len": 3}, "qwen2"), None),
    (Case("prompt", {"prompt_len": 3}, "gpt_neox"), None),
    (Case("prompt", {"prompt_len": 3, "shift_positions": True}, "gpt2"), None),
    (Case("prefix", {"prompt_len": 3, "mlp_width": 5}, "llama"), None),
    (Case("prefix", {"prompt_len": 3, "reparametrisation": "flat"}, "qwen3"), None),
    (Case("prefix", {"prompt_len": 3}, "gpt_neox"), None),
    (Case("prefix", {"prompt_len": 3, "shift_positions": True}, "gpt2"), None),
    (Case("p_tuning_v2", {"prompt_len": 3, "dropout": 0.0}, "mistral"), None),
]
every_pair = pytest.mark.parametrize(("case", "targets"), PAIRS, ids=lambda value: str(value)[:60])


def config_of(case, targets):
    """The peft config with the same meaning."""
    causal = {} if case.family == "bert" else {"task_type": "CAUSAL_LM"}
    example = case.example
    match case.method:
        case "llama_adapter":
            return AdaptionPromptConfig(adapter_len=3, adapter_layers=2, target_modules=targets, **causal)
        case "lora":
            return LoraConfig(
                r=example["rank"],
                lora_alpha=example.get("alpha", 16.0),
                use_rslora=example.get("rslora", False),
                target_modules=targets,
                fan_in_fan_out=case.family == "gpt2",
                **causal,
            )
        case "prefix" | "p_tuning_v2":
            shape = tiny_base(case.family).shape
            return PrefixTuningConfig(
                num_virtual_tokens=3, token_dim=shape.g * shape.k, num_attention_heads=shape.g, num_layers=3, **causal
            )
        case _:
            return PromptTuningConfig(num_virtual_tokens=3, **causal)


def peft_model(case, targets):
    """A peft model on the same weights, every adapter parameter random, in evaluation mode."""
    torch.manual_seed(0)
    model = get_peft_model(plain_model(case.family), config_of(case, targets))
    randomise(trainables(model))
    return model.eval()


class trainables:
    """The parameters of a model that train, as `randomise` wants them."""

    def __init__(self, model):
        self.model = model

    def parameters(self):
        return [p for p in self.model.parameters() if p.requires_grad]


def peft_logits(model, tokens):
    """Logits at the text positions; peft's include the virtual ones."""
    out = model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    return out[:, -tokens.ids.shape[1] :]


@every_pair
def test_peft_adapter_comes_in(case, targets, tmp_path):
    """An adapter that peft saved gives equal logits here, and its parameters get peft's gradients."""
    model, base = peft_model(case, targets), tiny_base(case.family)
    model.save_pretrained(tmp_path)
    method = import_peft(tmp_path, base)
    view, tokens = viewed(base, method), words()
    with torch.no_grad():
        assert_close(view.logits(tokens), peft_logits(model, tokens), **CLOSE)
        assert float((view.logits(tokens) - base.view().logits(tokens)).abs().max()) > 0.1
    loss_of(view, tokens).backward()
    actual = peft_logits(model, tokens)
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    (actual.log_softmax(-1) * weights.exp()).mean().backward()
    theirs = sum(float(p.grad.square().sum()) for p in trainables(model).parameters())
    ours = sum(float(p.grad.square().sum()) for p in method.parameters())
    assert ours == pytest.approx(theirs, rel=1e-3)
    for mine, its in zip(in_peft_order(method), trainables(model).parameters(), strict=True):
        assert_close(mine.flatten(), its.grad.flatten(), rtol=1e-3, atol=1e-6)


def in_peft_order(method):
    """Our gradients in the order in which peft's model lists its parameters."""
    if method.spec.name == "lora":
        for key in method.a:
            yield method.a[key].grad
            yield method.b[key].grad
    elif method.spec.name == "prompt":
        yield method.prompts.grad
    elif method.spec.name == "prefix":
        yield torch.stack([method.keys.grad, method.values.grad], dim=1).permute(3, 0, 1, 2, 4)
    else:
        for row in range(len(method.prompts)):
            yield method.prompts.grad[row]
            yield method.gates.grad[row]


@every_pair
def test_our_adapter_goes_out(case, targets, tmp_path):
    """What we export loads with `PeftModel.from_pretrained` on untouched weights, with equal logits."""
    base, method = case.build()
    export_peft(randomise(method), base, tmp_path)
    model = PeftModel.from_pretrained(plain_model(case.family), tmp_path).eval()
    with torch.no_grad():
        expected = viewed(base, method).logits(words())
        assert_close(peft_logits(model, words()), expected, **CLOSE)
        assert float((expected - base.view().logits(words())).abs().max()) > 0.1


@every_pair
def test_there_and_back(case, targets, tmp_path):
    """Export, then import: logits equal to the bit.

    Except through tanh, which peft does not have, and where the text's positions move to peft's, which rounds anew.
    """
    base, method = case.build()
    export_peft(randomise(method), base, tmp_path)
    again = import_peft(tmp_path, base)
    with torch.no_grad():
        actual, expected = viewed(base, again).logits(words()), viewed(base, method).logits(words())
    if again.settings != method.settings:
        assert_close(actual, expected, **CLOSE)
    else:
        assert torch.equal(actual, expected)


def test_imported_adapter_generates_like_peft(tmp_path):
    """Greedy answers with a KV cache are peft's."""
    from engine.core.sampling import Sampling
    from engine.inference.generate import generate

    case, targets = PAIRS[0]
    model, base = peft_model(case, targets), tiny_base(case.family)
    model.save_pretrained(tmp_path)
    view = viewed(base, import_peft(tmp_path, base))
    prompt = [5, 9, 33, 61]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=8, do_sample=False)[0, 4:].tolist()
    ours = [step.ids[0] for step in generate(view, [prompt], Sampling(max_new_tokens=8), pad_id=0, eos_id=EOS)]
    assert ours == theirs[: len(ours)]
    assert len(ours) == 8 or theirs[len(ours)] == EOS

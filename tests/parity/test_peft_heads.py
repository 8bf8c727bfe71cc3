"""Task heads against HF peft's sequence classification: carried there and back with equal scores."""

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.testing import assert_close
from transformers import AutoModelForSequenceClassification

from engine.core.errors import ExchangeError
from engine.data.head_spec import HeadSpec
from engine.exchange.archive import write_adapter
from engine.exchange.peft import PEFT_FORMATS, export_peft, import_peft
from engine.exchange.peft.heads import STEMS
from engine.methods import METHODS
from tests.tiny import CONFIGS, Case, plain_model, randomise, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
THREE = HeadSpec(labels=("a", "b", "c"), pooling="last")
PAIRS = [
    Case("lora", {"rank": 3}, "llama"),
    Case("lora", {"rank": 2, "targets": "q o"}, "gpt2"),
    Case("adalora", {"rank": 3, "target_rank": 2}, "llama"),
    Case("vera", {"rank": 5}, "llama"),
    Case("miss", {"rank": 4}, "llama"),
    Case("shira", {"rank": 2}, "llama"),
    Case("oft", {"block": 4}, "llama"),
    Case("ia3", {}, "llama"),
    Case("prompt", {"prompt_len": 3}, "llama"),
    Case("prompt", {"prompt_len": 3, "shift_positions": True}, "gpt2"),
    Case("p_tuning", {"prompt_len": 3}, "llama"),
    Case("prefix", {"prompt_len": 3}, "llama"),
]
TYPES = {form.METHOD.spec.name: kind for kind, form in PEFT_FORMATS.items()}
EXCHANGED = [case for case in PAIRS if TYPES.get(case.method) in STEMS]


def classifier(family, labels):
    """Transformers' classifier on the tiny base's own weights; its `score` is random."""
    config_class, values = CONFIGS[family]
    config = config_class(**{**values, "num_labels": labels})
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa").eval()
    of_the_body = plain_model(family).state_dict()
    model.load_state_dict(
        {name: tensor for name, tensor in of_the_body.items() if name in model.state_dict()}, strict=False
    )
    return model


def scores_of(base, method, tokens):
    """Our head's scores."""
    with torch.no_grad():
        return method.head(viewed(base, method).hidden(tokens), tokens)


@pytest.mark.parametrize(
    "spec",
    [THREE, HeadSpec(labels=(), pooling="last"), HeadSpec(labels=(), pooling="last", spread=64.0)],
    ids=["labels", "number", "large numbers"],
)
@pytest.mark.parametrize("case", EXCHANGED, ids=str)
def test_head_goes_out_and_comes_back(case, spec, tmp_path):
    """peft loads what we export with equal scores, and we read the same file back."""
    base, method = case.build()
    randomise(method.with_head(spec, torch.Generator().manual_seed(0)))
    export_peft(method, base, tmp_path)
    theirs = PeftModel.from_pretrained(classifier(case.family, max(1, len(spec.labels))), tmp_path).eval()
    tokens = words()
    with torch.no_grad():
        expected = theirs(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    assert_close(scores_of(base, method, tokens) * spec.spread, expected, **CLOSE)
    back = import_peft(tmp_path, base)
    assert back.head.spec.labels == tuple(f"LABEL_{row}" for row in range(len(spec.labels)))
    assert torch.equal(back.head.weight, method.head.weight * spec.spread)
    assert_close(scores_of(base, back, tokens), expected, **CLOSE)


def test_a_head_that_peft_trained_comes_in(tmp_path):
    """What peft saves of its own sequence classifier gives equal scores here, also with padding on the right."""
    model = get_peft_model(
        classifier("llama", 3), LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["q_proj", "v_proj"])
    )
    rng = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.5)
    model.eval().save_pretrained(tmp_path)
    base, tokens = tiny_base("llama"), words(3, 8)
    tokens.mask[1, 5:] = False
    tokens.ids[1, 5:] = 0
    with torch.no_grad():
        expected = model(input_ids=tokens.ids, attention_mask=tokens.mask.long()).logits
    assert_close(scores_of(base, import_peft(tmp_path, base), tokens), expected, **CLOSE)


@pytest.mark.parametrize(
    ("case", "spec", "reason"),
    [
        (Case("lora", {}, "bert"), HeadSpec(labels=("a", "b"), pooling="first"), "encoder"),
        (Case("lora", {}, "llama"), HeadSpec(labels=("a", "b"), pooling="mean"), "pooling=last"),
        (Case("lora", {}, "llama"), HeadSpec(labels=(), pooling="last", centre=2000.0), "subtract 2000"),
        (Case("llama_adapter", {"gate": "per_layer"}, "llama"), THREE, "ADAPTION_PROMPT"),
    ],
    ids=str,
)
def test_heads_that_do_not_fit_are_refused(case, spec, reason, tmp_path):
    """An encoder's head, another pooling, and a type that stores none: refused with a way out."""
    base, method = case.build()
    with pytest.raises(ExchangeError, match=reason):
        export_peft(method.with_head(spec, torch.Generator()), base, tmp_path)


def test_official_checkpoints_have_no_head(tmp_path):
    """The authors' file has no place for one."""
    base, method = Case("llama_adapter", {}, "llama").build()
    method.with_head(THREE, torch.Generator())
    with pytest.raises(ExchangeError, match="task head"):
        write_adapter(method, base, "llama_adapter", tmp_path)


def test_every_exchanged_type_is_tried():
    """Each type of adapter that carries a head is among the cases above as soon as the method exists."""
    tried = {TYPES[case.method] for case in EXCHANGED}
    assert tried == {kind for kind, form in PEFT_FORMATS.items() if kind in STEMS and form.METHOD.spec.name in METHODS}

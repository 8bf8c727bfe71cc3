"""Which models and methods go together, and what is said when they do not."""

import functools

import pytest
import torch
from transformers import AutoModelForCausalLM, FalconConfig

from engine.core.errors import ModelError, SettingError, WorkbenchError
from engine.core.sampling import Sampling
from engine.inference.generate import generate
from engine.methods import METHODS, method_class
from engine.models.base import base_from_model, hash_weights
from engine.models.loading import DTYPES, load_base, shape_from_config
from tests.tiny import EOS, PAD, Case, cases, copies, logits, loss_of, randomise, save_tiny, tokenizer, viewed, words

FORMATS = {"bf16": ("llama",), "int8": ("llama", "qwen3", "gpt2"), "nf4": ("gpt2",)}
"""Families that each number format is tried on; a linear is quantised alike in all of them."""


def test_unknown_family_names_what_is_missing(tmp_path):
    """The sentence says which file lacks a row, and what is supported."""
    model = AutoModelForCausalLM.from_config(
        FalconConfig(vocab_size=99, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    )
    with pytest.raises(ModelError, match=r"'falcon'.*families\.py.*llama") as caught:
        base_from_model("falcon", model, tokenizer())
    assert caught.value.values["family"] == "falcon"
    model.save_pretrained(tmp_path)
    for load in (load_base, shape_from_config):
        with pytest.raises(ModelError, match="families"):
            load(str(tmp_path))


@pytest.mark.parametrize(
    ("case", "field"),
    [
        (Case("lora", {"targets": "gate"}, "gpt2"), "gate"),
        (Case("lora", {"targets": "q nonsense"}, "llama"), "nonsense"),
        (Case("llama_adapter", {"layers": 4}, "llama"), "4"),
    ],
    ids=str,
)
def test_method_that_does_not_fit_is_refused(case, field):
    """What a model does not have is refused when the method is built, by name, before anything trains."""
    with pytest.raises((ModelError, SettingError), match=field):
        case.build()


def test_unknown_method():
    """The sentence lists the methods there are."""
    with pytest.raises(SettingError, match=", ".join(METHODS)):
        method_class("unicorn")


@pytest.mark.parametrize("folder", ["nowhere/at/all", "./nowhere", "empty", "long" * 100])
def test_missing_model_is_a_sentence(folder, tmp_path):
    """A folder or hub id that cannot be loaded gives one sentence that says what to do."""
    (tmp_path / "empty").mkdir()
    name = str(tmp_path / folder) if folder == "empty" else folder
    with pytest.raises((ModelError, SettingError)) as caught:
        load_base(name)
    assert str(caught.value).endswith((".", ")"))
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Gives a tiny model in a precision, read from files; every test gets the same one, since no base is changed."""

    @functools.cache
    def load(family, precision="fp32"):
        return load_base(str(save_tiny(tmp_path_factory.mktemp(family), family)), precision)

    return load


@pytest.mark.parametrize("name", list(METHODS))
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_loaded_base_equals_the_saved_model(name, family, loaded):
    """A model folder loads, frozen, with the shape that `shape_from_config` tells without loading it."""
    base = loaded(family)
    assert shape_from_config(base.name) == base.shape
    case = Case(name, METHODS[name].examples[0], family)
    _, here = case.build(base=base)
    shared, there = case.build()
    assert hash_weights(base.model) == hash_weights(shared.model)
    assert torch.equal(logits(base, randomise(here)), logits(shared, randomise(there)))


@pytest.mark.parametrize(
    ("precision", "case"),
    [(name, case) for name, families in FORMATS.items() for case in cases(families)],
    ids=str,
)
def test_small_number_formats_train_and_chat(case, precision, loaded):
    """Chat, then train, on an 8-bit or bf16 base: the adapter stays fp32, everything moves, the base does not.

    A method that must read the weights refuses 8 and 4 bits, and names itself, the format and the way out.
    """
    base = loaded(case.family, precision)
    spec = METHODS[case.method]
    if precision not in DTYPES and spec.reads_weights(spec.settings.from_dict(case.example)):
        with pytest.raises(ModelError, match=rf"{spec.title}.*{precision}.*fp32"):
            case.build(base=base)
        return
    _, method = case.build(base=base)
    randomise(method, std=0.1)
    view, before, start = viewed(base, method), hash_weights(base.model), copies(method)
    steps = list(generate(view, [[5, 6, 7], [8, 9]], Sampling(max_new_tokens=3), pad_id=PAD, eos_id=EOS))
    assert steps
    optimiser = torch.optim.AdamW(method.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = loss_of(view, words())
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    for name, parameter in method.named_parameters():
        assert parameter.dtype == torch.float32
        assert not torch.equal(parameter, start[name]), name
    assert hash_weights(base.model) == before


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_views_of_a_quantised_base_are_equal(precision, tmp_path):
    """The second view answers as the first: bitsandbytes moves its scales at the first forward, once for all."""
    base = load_base(str(save_tiny(tmp_path, "llama")), precision)
    fingerprint = hash_weights(base.model)
    first, second = base.view(), base.view()
    with torch.inference_mode():
        expected = first.logits(words())
        assert torch.equal(second.logits(words()), expected)
    assert torch.equal(logits(base), expected)
    assert hash_weights(base.model) == fingerprint


def test_eight_bit_base_is_close_to_the_exact_one(tmp_path):
    """int8 rounds weights to 8 bits: logits move a little, so the layers were really quantised, and no more."""
    folder = str(save_tiny(tmp_path, "llama"))
    exact, rounded = logits(load_base(folder)), logits(load_base(folder, "int8"))
    assert 1e-4 < float((exact - rounded).abs().max()) < 0.2 * float(exact.abs().max())


def test_errors_for_the_screen_share_one_root():
    """The page catches one class."""
    assert issubclass(ModelError, WorkbenchError)
    assert issubclass(SettingError, WorkbenchError)

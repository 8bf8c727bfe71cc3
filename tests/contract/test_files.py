"""Our own adapter files: what was trained comes back to the bit, and nothing is filled in silently."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.core.errors import ExchangeError, ModelError
from engine.exchange.native import load_adapter, save_adapter
from engine.models.base import base_from_model
from tests.tiny import VARIED, Case, cases, logits, plain_model, randomise, tiny_base, tokenizer

every_case = pytest.mark.parametrize("case", cases((*VARIED, "vit")), ids=str)
one_of_each = pytest.mark.parametrize("case", [Case(name, {}, "llama") for name in ("llama_adapter", "lora", "prompt")])


def saved(case, folder):
    """A base, a random adapter of it, and the folder it was saved to."""
    base, method = case.build()
    save_adapter(randomise(method), base, folder)
    return base, method


@every_case
def test_saved_adapter_comes_back_to_the_bit(case, tmp_path):
    """Save, load: same settings, same logits; the file holds the folded method's parameters and nothing else."""
    base, method = saved(case, tmp_path)
    loaded = load_adapter(tmp_path, base)
    assert loaded.settings == method.settings
    folded = method.folded()
    assert torch.equal(logits(base, loaded), logits(base, folded))
    assert load_file(tmp_path / "adapter.safetensors").keys() == folded.method_tensors().keys()
    assert dict(folded.named_parameters()).keys() <= folded.method_tensors().keys()


@one_of_each
@pytest.mark.parametrize("damage", ["missing", "extra", "misshapen"])
def test_wrong_tensors_are_refused_by_name(case, damage, tmp_path):
    """Each kind of damage names the tensor; peft fills a missing one with random numbers."""
    base, _ = saved(case, tmp_path)
    path = tmp_path / "adapter.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    match damage:
        case "missing":
            del tensors[name]
        case "extra":
            name = "stranger"
            tensors[name] = torch.zeros(2)
        case "misshapen":
            tensors[name] = torch.zeros(1, 1, 1, 1)
    save_file(tensors, path)
    with pytest.raises(ExchangeError) as caught:
        load_adapter(tmp_path, base)
    assert name in str(caught.value)
    assert caught.value.values["tensor"] == name


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "adapter.json").unlink(),
        lambda folder: (folder / "adapter.json").write_text("{"),
        lambda folder: (folder / "adapter.json").write_text("[]"),
        lambda folder: (folder / "adapter.json").write_text('{"format": 1}'),
        lambda folder: (folder / "adapter.json").write_text('{"format": 999, "method": "lora"}'),
        lambda folder: (folder / "adapter.safetensors").unlink(),
        lambda folder: (folder / "adapter.safetensors").write_bytes(b"PK\x03\x04 no tensors here"),
    ],
    ids=["no json", "torn json", "list", "empty", "newer", "no tensors", "garbage"],
)
def test_damaged_folder_is_an_exchange_error(damage, tmp_path):
    """Whatever is wrong with a folder, the person gets a sentence and no traceback."""
    base, _ = saved(Case("lora", {}, "llama"), tmp_path)
    damage(tmp_path)
    with pytest.raises(ExchangeError):
        load_adapter(tmp_path, base)


def test_other_weights_are_refused(tmp_path):
    """An adapter is tied to the very weights it was trained on, not to a name or a shape."""
    saved(Case("lora", {}, "llama"), tmp_path)
    other = base_from_model("tiny-llama", plain_model("llama", seed=1), tokenizer())
    with pytest.raises(ModelError, match="other weights"):
        load_adapter(tmp_path, other)


def test_file_names_the_base(tmp_path):
    """The description says which model, settings and method it belongs to."""
    base, method = saved(Case("lora", {"rank": 2}, "gpt2"), tmp_path)
    facts = json.loads((tmp_path / "adapter.json").read_text())
    assert facts["method"] == "lora"
    assert facts["settings"] == method.settings.to_dict()
    assert facts["base"] == {
        "name": "tiny-gpt2",
        "precision": "fp32",
        "model_type": "gpt2",
        "fingerprint": tiny_base("gpt2").fingerprint,
    }
    assert base.fingerprint == facts["base"]["fingerprint"]

"""What HF peft and we cannot exchange without loss is refused by name, in both directions."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.core.errors import ExchangeError
from engine.exchange.peft import export_peft, import_peft
from tests.tiny import Case, randomise, tiny_base

PEFT_GATES = {"prompt_len": 3, "layers": 2, "gate": "per_layer", "activation": "identity"}
GATES = Case("llama_adapter", PEFT_GATES, "llama")
LORA = Case("lora", {"rank": 3, "alpha": 5.0}, "llama")
PROMPT = Case("prompt", {"prompt_len": 3}, "llama")
PREFIX = Case("prefix", {"prompt_len": 3}, "llama")


@pytest.mark.parametrize(
    ("case", "reason", "way_out"),
    [
        (Case("llama_adapter", {"layers": 2}, "llama"), "one gate per layer", "gate=per_layer"),
        (Case("llama_adapter", {"layers": 2, "gate_init": "ungated"}, "llama"), "none", "a Gatelight adapter"),
        (Case("llama_adapter", PEFT_GATES, "gpt2"), "gpt2", "a Gatelight adapter"),
        (Case("llama_adapter", PEFT_GATES, "qwen3"), "qwen3", "a Gatelight adapter"),
        (Case("prompt", {"prompt_len": 3}, "gpt2"), "positions", "shift_positions=true"),
        (Case("prompt", {"prompt_len": 3}, "bert"), "masked language models", "a Gatelight adapter"),
        (Case("prefix", {"prompt_len": 3}, "gpt2"), "positions", "shift_positions=true"),
        (Case("prefix", {"prompt_len": 3, "layers": "0 2"}, "llama"), "every layer", "a Gatelight adapter"),
        (Case("p_tuning_v2", {"prompt_len": 3}, "bert"), "masked language models", "a Gatelight adapter"),
    ],
    ids=str,
)
def test_what_peft_cannot_hold_is_refused(case, reason, way_out, tmp_path):
    """Nothing is exported with a loss: the sentence says what does not fit and what to do instead."""
    base, method = case.build()
    with pytest.raises(ExchangeError) as caught:
        export_peft(method, base, tmp_path)
    assert reason in str(caught.value)
    assert way_out in str(caught.value)
    assert not list(tmp_path.iterdir())


def exported(tmp_path, case=LORA):
    """A folder with our export, and its base."""
    base, method = case.build()
    export_peft(randomise(method), base, tmp_path)
    return base


@pytest.mark.parametrize(
    "change",
    [
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"lora_bias": True},
        {"layer_replication": [[0, 2], [1, 3]]},
        {"trainable_token_indices": [1, 2]},
        {"init_lora_weights": "pissa_niter_4"},
        {"peft_type": "CARTRIDGE"},
    ],
    ids=str,
)
def test_foreign_lora_features_are_refused(change, tmp_path):
    """A peft LoRA with something that ours does not have would give other logits: refused by name, never ignored."""
    base = exported(tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    (name,) = change
    with pytest.raises(ExchangeError, match=name if name != "peft_type" else "CARTRIDGE"):
        import_peft(tmp_path, base)


@pytest.mark.parametrize("case", [GATES, LORA, PROMPT, PREFIX], ids=str)
@pytest.mark.parametrize("damage", ["missing", "extra", "misshapen"])
def test_damaged_peft_tensors_are_refused_by_name(case, damage, tmp_path):
    """peft itself loads an adaption prompt with a missing tensor silently, as random numbers."""
    base = exported(tmp_path, case)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    if damage == "missing":
        del tensors[name]
    elif damage == "extra":
        name = "base_model.model.stranger"
        tensors[name] = torch.zeros(1)
    else:
        tensors[name] = torch.zeros(7, 5, 3)
    save_file(tensors, path)
    with pytest.raises(ExchangeError) as caught:
        import_peft(tmp_path, base)
    assert str(caught.value.values["tensor"]) in str(caught.value)
    assert damage == "misshapen" or caught.value.values["tensor"] == name


@pytest.mark.parametrize("missing", ["r", "lora_alpha"])
def test_config_without_a_needed_entry_is_refused(missing, tmp_path):
    """A config that lacks an entry names it instead of ending in a traceback."""
    base = exported(tmp_path)
    path = tmp_path / "adapter_config.json"
    config = json.loads(path.read_text())
    del config[missing]
    path.write_text(json.dumps(config))
    with pytest.raises(ExchangeError, match=missing):
        import_peft(tmp_path, base)


@pytest.mark.parametrize("contents", [None, "{", "[]"])
def test_folder_without_adapter_is_refused(contents, tmp_path):
    """No config, a torn one, or one of another kind."""
    if contents is not None:
        (tmp_path / "adapter_config.json").write_text(contents)
        save_file({"x": torch.zeros(1)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ExchangeError):
        import_peft(tmp_path, tiny_base("llama"))


@pytest.mark.fault("code", "A peft LoRA of layers of another family: a sentence names the family of the model.")
def test_lora_of_another_family(tmp_path):
    base = exported(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file({name.replace("layers", "blocks"): tensor for name, tensor in tensors.items()}, file)
    with pytest.raises(ExchangeError, match="belongs to a layer of a llama model"):
        import_peft(tmp_path, base)


def test_the_adapters_name_in_names_of_tensors(tmp_path):
    """A plain state of peft's model has the adapter's name in every tensor's: it is the same adapter."""
    base = exported(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    before = import_peft(tmp_path, base).adapter_tensors()
    tensors = load_file(file)
    save_file({name.replace(".weight", ".default.weight"): tensor for name, tensor in tensors.items()}, file)
    after = import_peft(tmp_path, base).adapter_tensors()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())

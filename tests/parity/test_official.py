"""Official LLaMA-Adapter checkpoints: there and back, both readings of a gate, and what is refused."""

import argparse

import pytest
import torch

from engine.core.errors import ExchangeError
from engine.exchange.official import export_official, import_official
from tests.tiny import Case, logits, randomise, tiny_base

PER_HEAD = {"prompt_len": 3, "layers": 2}


def written(path, example=PER_HEAD, family="llama"):
    """A base, a random adapter of it, and its checkpoint."""
    base, method = Case("llama_adapter", example, family).build()
    export_official(randomise(method, std=0.4), path)
    return base, method


def test_there_and_back(tmp_path):
    """Per-head tanh gates, the official form, come back to the bit; layers below have zero gates in the file."""
    base, method = written(tmp_path / "a.pth")
    again = import_official(tmp_path / "a.pth", base, prompt_len=3)
    assert again.settings == method.settings
    assert torch.equal(logits(base, again), logits(base, method))
    tensors = torch.load(tmp_path / "a.pth", weights_only=True)
    assert tensors["adapter_query.weight"].shape == (6, base.shape.d)
    gates = [tensors[f"layers.{layer}.attention.gate"] for layer in range(3)]
    assert [gate.shape for gate in gates] == [(1, base.shape.h, 1, 1)] * 3
    assert not gates[0].any()
    assert gates[1].all()


@pytest.mark.parametrize(
    "example",
    [
        {**PER_HEAD, "gate": "per_layer"},
        {**PER_HEAD, "activation": "identity"},
        {**PER_HEAD, "gate": "per_layer", "activation": "identity"},
    ],
    ids=str,
)
def test_other_gates_are_rewritten(example, tmp_path):
    """Shared gates are repeated for every head, and gates without tanh become atanh(g): the model is the same."""
    base, method = Case("llama_adapter", example, "llama").build()
    randomise(method, std=0.2)
    export_official(method, tmp_path / "a.pth")
    again = import_official(tmp_path / "a.pth", base, prompt_len=3)
    torch.testing.assert_close(logits(base, again), logits(base, method), rtol=1e-5, atol=1e-5)


@pytest.mark.fault("code", "A training checkpoint stands around an adapter: it is unpacked.")
def test_checkpoints_around_an_adapter(tmp_path):
    base, method = written(tmp_path / "a.pth")
    tensors = torch.load(tmp_path / "a.pth", weights_only=True)
    for around in (
        {"model": tensors, "epoch": 3},
        {"model": tensors, "args": argparse.Namespace(lr=0.1)},
        {"state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()}},
    ):
        torch.save(around, tmp_path / "b.pth")
        assert torch.equal(import_official(tmp_path / "b.pth", base, prompt_len=3).prompts, method.prompts)
    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "c.pth")
    with pytest.raises(ExchangeError, match=r"no LLaMA-Adapter checkpoint\Z") as caught:
        import_official(tmp_path / "c.pth", base)
    assert "\n" not in str(caught.value)


def test_a_gate_has_two_readings(tmp_path):
    """The file does not say whether tanh is meant: both readings are offered, and they differ."""
    base, method = written(tmp_path / "a.pth")
    plain = import_official(tmp_path / "a.pth", base, prompt_len=3, activation="identity")
    assert torch.equal(plain.gates, method.gates)
    assert float((logits(base, plain) - logits(base, method)).abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("lora", {}, "llama"), "only gated LLaMA-Adapters"),
        (Case("llama_adapter", {"gate_init": "ungated"}, "llama"), "only gated LLaMA-Adapters"),
        (Case("llama_adapter", {}, "gpt2"), "LLaMA models"),
    ],
    ids=str,
)
def test_other_methods_are_refused(case, reason, tmp_path):
    """What has no official form is refused with a way out, and no file appears."""
    _, method = case.build()
    with pytest.raises(ExchangeError, match=reason):
        export_official(method, tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())


def test_gate_beyond_tanh_is_refused(tmp_path):
    """A gate of 1.5 without tanh is no tanh of anything."""
    _, method = Case("llama_adapter", {**PER_HEAD, "activation": "identity"}, "llama").build()
    with torch.no_grad():
        method.gates.fill_(1.5)
    with pytest.raises(ExchangeError, match="outside"):
        export_official(method, tmp_path / "a.pth")


@pytest.mark.parametrize(
    "contents",
    [None, b"", b"no checkpoint", {}, {"adapter_query.weight": 3}, [1, 2], {"adapter_query.weight": torch.ones(7, 32)}],
    ids=["absent", "empty", "text", "no prompts", "number", "list", "odd rows"],
)
def test_other_files_are_refused(contents, tmp_path):
    """Whatever is not a checkpoint of the v1 code ends in a sentence."""
    path = tmp_path / "a.pth"
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        torch.save(contents, path)
    with pytest.raises(ExchangeError):
        import_official(path, tiny_base("llama"), prompt_len=3)


def test_missing_or_foreign_gates_are_refused(tmp_path):
    """Every adapted layer needs its gate, with one number or one per head."""
    base, _ = written(tmp_path / "a.pth")
    tensors = torch.load(tmp_path / "a.pth", weights_only=True)
    torch.save({k: v for k, v in tensors.items() if "layers.2" not in k}, tmp_path / "b.pth")
    with pytest.raises(ExchangeError, match=r"layers\.2\.attention\.gate"):
        import_official(tmp_path / "b.pth", base, prompt_len=3)
    torch.save({**tensors, "layers.2.attention.gate": torch.zeros(1, 7, 1, 1)}, tmp_path / "c.pth")
    with pytest.raises(ExchangeError, match="7 gates"):
        import_official(tmp_path / "c.pth", base, prompt_len=3)


def test_code_in_a_checkpoint_is_never_run(tmp_path):
    """Only tensors are unpickled."""

    class Trap:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"adapter_query.weight": Trap()}, tmp_path / "a.pth")
    with pytest.raises(ExchangeError):
        import_official(tmp_path / "a.pth", tiny_base("llama"))

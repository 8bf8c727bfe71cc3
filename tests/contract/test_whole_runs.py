"""The ordinary case: a run on an 8-bit or 4-bit base, from its start to a chat; on a GPU too, where there is one."""

import pytest
import torch
from torch.testing import assert_close

from engine.core.errors import ModelError
from engine.core.sampling import Sampling
from engine.exchange.native import load_adapter
from engine.inference.messages import ChatRequest, ChatSide
from engine.methods import METHODS
from engine.methods.serving import serves
from engine.models.base import hash_weights
from engine.models.families import family_of
from engine.models.inputs import Tokens
from engine.models.loading import DTYPES, load_base
from engine.runs.folder import RunFolder
from engine.service.permission import NO_TRUST
from engine.service.worker import Worker
from engine.training.launch import resume_run, start_run
from tests.tiny import Case, randomise, save_tiny, words
from tests.unit.making import Maker, events_of, finish, losses, make_dataset

WIDE = {"hidden_size": 64, "intermediate_size": 128}
"""Sizes that the kernels for 8 and 4 bits like."""

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=GPU)]
NAMES = [name for name, spec in METHODS.items() if serves(spec, family_of("llama"))]
WHOLE = [
    *((name, "int8", "cpu") for name in ("llama_adapter", "lora", "prefix", "p_tuning")),
    ("bottleneck", "nf4", "cpu"),
    *(
        pytest.param(name, precision, "cuda", marks=GPU)
        for name in NAMES
        for precision in ("fp32", "bf16", "int8", "nf4")
    ),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small llama with grouped queries, as files."""
    return str(save_tiny(tmp_path_factory.mktemp("model"), "llama", **WIDE))


@pytest.mark.parametrize(("name", "precision", "device"), WHOLE)
def test_every_method_on_every_base(name, precision, device, model, tmp_path):
    """It trains, stops, goes on, is saved, read again and answers beside its base; the adapter is fp32, the base is as
    it was, and what a stopped run learns is what one learns that was never stopped.
    """
    data = make_dataset(tmp_path / "data")
    training = {"precision": precision, "device": device, "steps": 4, "eval_every": 2, "keep": "best"}
    config = Maker(tmp_path).config(name, dataset=str(data), **training)
    config = type(config).from_dict({**config.to_dict(), "model": model})
    bases = {}

    def load(folder, precision, **loading):
        key = (folder, precision)
        return bases[key] if key in bases else bases.setdefault(key, load_base(folder, precision, **loading))

    spec = METHODS[name]
    if precision not in DTYPES and spec.reads_weights(config.of_method()):
        with pytest.raises(ModelError, match=rf"{spec.title}.*{precision}.*fp32"):
            start_run(tmp_path / "refused", config, load)
        return
    whole = start_run(tmp_path / "whole", config, load)
    base = whole.base
    assert base.device.type == device
    before = hash_weights(base.model)
    finish(whole)
    broken = start_run(tmp_path / "broken", config, load)
    progress = broken.run()
    for one in progress:
        if one.step == 3:
            progress.close()
    again = finish(resume_run(RunFolder.open(tmp_path / "broken"), load))
    exact = {"rtol": 0, "atol": 0} if device == "cpu" else {"rtol": 1e-2, "atol": 1e-3}
    assert_close(losses(again), losses(whole), **exact)
    assert not [event for event in events_of(whole, "status") if event["message"]]
    assert hash_weights(base.model) == before
    assert {parameter.dtype for parameter in whole.method.parameters()} == {torch.float32}
    tuned = load_adapter(whole.folder.adapter_path, base)
    assert {parameter.device.type for parameter in tuned.parameters()} <= {device}

    worker = Worker(lambda live: None)
    worker.models._bases[model, precision, device, "auto"] = base
    sides = (ChatSide(), ChatSide(run="whole"), ChatSide(run="whole", step=4, strength=0.5))
    request = ChatRequest(prompt="cat and 22", sides=sides, sampling=Sampling(max_new_tokens=4))
    *_, last = worker.chat(request, [None, whole.folder, whole.folder], lambda: False, NO_TRUST)
    assert last.done
    assert all(isinstance(text, str) for text in last.texts)
    assert (last.difference is None) == (not last.texts[-1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["fp32", "int8", "nf4"])
def test_no_gradient_flows_where_nothing_trains_below(precision, device, model):
    """A method in the last layer alone: what reaches that layer asks for no gradient, what leaves it does."""
    base = load_base(model, precision, device=device)
    _, method = Case("llama_adapter", {"layers": 1, "prompt_len": 2}, "llama").build(base=base)
    view = base.view()
    randomise(method.to(device)).attach(view.sites)
    reached, left = [], []
    for layer in view.model.model.layers:
        layer.register_forward_pre_hook(lambda _, args: reached.append(args[0].requires_grad))
        layer.register_forward_hook(lambda _, args, out: left.append(out.requires_grad))
    tokens = words(2, 8)
    view.logits(Tokens(tokens.ids.to(device), tokens.mask.to(device))).sum().backward()
    assert not any(reached)
    assert left == [False] * (len(left) - 1) + [True]
    assert all(parameter.grad is not None for parameter in method.parameters())

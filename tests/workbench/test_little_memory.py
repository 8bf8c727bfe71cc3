"""A call that has too little memory is told so in a sentence, and what it had in its hands is free afterwards."""

import threading
import weakref
from dataclasses import replace

import pytest
import torch

from engine.config.run import RunConfig
from engine.core.errors import ModelError, WorkbenchError
from engine.core.parts import InParts
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide
from engine.models.load_errors import odd_config
from engine.runs.folder import RunFolder
from engine.service import out_of_memory
from engine.service.queries import QUERIES
from engine.service.workbench import Workbench
from tests.workbench.test_workbench import wait

ERRORS = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "python": MemoryError(),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
}


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


class Hungry:
    """Takes memory that knows itself, as modules do, and then finds too little."""

    def __init__(self, name):
        self.error, self.held = ERRORS[name], []

    def __call__(self, *_, **__):
        tensor = torch.zeros(1000)
        tensor.itself = [tensor]
        self.held.append(weakref.ref(tensor))
        raise type(self.error)(*self.error.args)

    def in_parts(self, *_, **__):
        """The same as the second of several parts."""
        yield
        self()

    @property
    def free(self):
        """Whether somebody was hungry, and all is given back."""
        return bool(self.held) and all(each() is None for each in self.held)


@pytest.mark.fault("load", "Memory runs out in a question, a chat, an export or a load: a sentence, and all is free.")
@pytest.mark.parametrize("name", ERRORS)
def test_every_call_is_told(workbench, monkeypatch, name):
    one = Hungry(name)
    monkeypatch.setitem(QUERIES, "probe", replace(QUERIES["probe"], function=one))
    with pytest.raises(ModelError) as told:
        workbench.ask("probe", "lora", sentence="Ivan")
    assert (told.value.key, told.value.__cause__, one.free) == ("no_memory", None, True)

    one = Hungry(name)
    monkeypatch.setitem(QUERIES, "strength", replace(QUERIES["strength"], function=InParts(one.in_parts)))
    with pytest.raises(ModelError) as told:
        workbench.ask("strength", "lora")
    assert (told.value.key, one.free) == ("no_memory", True)

    one = Hungry(name)
    monkeypatch.setattr("engine.service.chat.stream_answers", lambda *_: map(one, [1]))
    monkeypatch.setattr("engine.service.worker.zip_adapter", one)
    request = ChatRequest(prompt="Hello", sides=(ChatSide(run="lora"),), sampling=Sampling(max_new_tokens=2))
    for ask in (lambda: list(workbench.chat(request, threading.Event())), lambda: workbench.export("lora", "peft")):
        with pytest.raises(ModelError) as told:
            ask()
        assert told.value.key == "no_memory"
    assert len(one.held) == 2
    assert one.free

    one = Hungry(name)
    monkeypatch.setattr("engine.service.model_cache.load_base", one)
    with pytest.raises(ModelError) as told:
        workbench.start(RunConfig(training={"steps": 2, "precision": "bf16"}))
    assert (told.value.key, one.free) == ("no_memory", True)
    assert workbench.live().run is None


@pytest.mark.fault("load", "Memory runs out in a run: it ends with a sentence, and what its step had taken is free.")
@pytest.mark.parametrize("name", ERRORS)
def test_a_run_gives_back_what_it_had(workbench, monkeypatch, name):
    one = Hungry(name)
    monkeypatch.setattr("engine.training.gradients.Gradients.of", one)
    run = workbench.start(RunConfig(training={"steps": 2}))
    wait(lambda: workbench.live().run is None)
    assert workbench.live().problem["key"] == "out_of_memory"
    assert RunFolder(workbench.runs.root / run).facts().status == "failed"
    assert one.free


def test_loaders_that_call_it_something_else():
    """A loader takes torch's error of the CPU for an odd config; what is no matter of memory stays as it is."""
    error = odd_config("large", ERRORS["cpu"])
    error.__cause__ = ERRORS["cpu"]
    said = out_of_memory.told(error)
    assert (said.key, said.values["name"], said.__cause__) == ("model_too_large", "large", None)
    assert out_of_memory.told(ValueError("shape")) is None
    assert out_of_memory.told(WorkbenchError("no_prompt", "The message is empty.")) is None


def test_other_errors_stay_what_they_are(workbench, monkeypatch):
    monkeypatch.setitem(QUERIES, "probe", replace(QUERIES["probe"], function=lambda *_, **__: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        workbench.ask("probe", "lora", sentence="Ivan")

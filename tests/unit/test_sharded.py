"""Two processes that hold the base together train a run as one does that has it whole, with what is small in memory."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest
import torch

from engine.core.errors import ExchangeError, RunError
from engine.methods.parts.masking import readable_weight
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.training.launch import resume_run, start_run
from engine.training.processes import Processes
from engine.training.sharing import packed, unpacked
from tests.encoders import save_encoder
from tests.tiny import built, tiny_base
from tests.unit import sharded
from tests.unit.making import QUICK, Maker, finish, make_dataset
from tests.unit.test_processes import curve, free_port

TRAINED = [*QUICK, *sharded.MORE, "tied", "encoder"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes trained, resumed, and failed at, with an Accelerate config that asks for FSDP2."""
    folder = tmp_path_factory.mktemp("sharded")
    make_dataset(folder / "data")
    shared = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "ACCELERATE_USE_CPU": "true", "ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.unit.sharded", str(folder)]
    both = [subprocess.Popen(command, env=shared | {"RANK": rank, "LOCAL_RANK": rank}) for rank in "01"]
    try:
        assert both[0].wait(timeout=500) == 0
        both[1].wait(timeout=60)
    finally:
        for process in both:
            process.kill()
            process.wait()
    return folder


@pytest.fixture(scope="module")
def by_one(tmp_path_factory):
    """The same runs in one process."""
    maker = Maker(tmp_path_factory.mktemp("one"))
    configs = dict(sharded.runs(maker))
    return cache(lambda name: finish(start_run(maker.folder / name, configs[name], sharded.load)).folder)


@pytest.mark.parametrize("name", TRAINED)
def test_shares_train_as_the_whole(folder, by_one, name):
    """Every method, with tied embeddings, a task head, recomputed layers, and processes without rows."""
    two = RunFolder.open(folder / name)
    assert (two.status(), two.facts().epoch) == ("finished", 1 if name in sharded.TWICE else 0)
    said = [event["message"] for event in all_events(two.events_path) if event["kind"] == "status"]
    assert not [message for message in said if "failed" in message]
    assert curve(two) == pytest.approx(curve(by_one(name)), abs=3e-5, rel=1e-4)


@pytest.mark.parametrize("name", TRAINED)
def test_each_process_holds_its_share(folder, name):
    """Between two steps: half of the base, beside its last norm, and nothing of what was loaded."""
    for rank in "01":
        held = json.loads((folder / f"{name}-{rank}.json").read_text())
        assert held["loaded"] == 0
        assert held["rest"] <= 0.02 * held["whole"]
        assert held["shares"] == pytest.approx(held["whole"] / 2, rel=0.02)


def test_memory_of_a_run_tells_the_share(folder, by_one):
    """What a run is said to hold are the shares of process 0."""
    shares, whole = (RunFolder.open(path).facts().memory for path in (folder / "lora", by_one("lora").path))
    assert shares.weights == pytest.approx(whole.weights / 2, rel=0.05)


def test_every_family_computes_the_same(folder):
    """To the bit, in every family and in half precision."""
    differences = json.loads((folder / "families.json").read_text())
    assert differences == {f"{family} {dtype}": 0.0 for family, dtype in sharded.COMPUTED}


def test_one_process_goes_on_with_the_whole_base(folder, by_one):
    """What two processes left in the middle, one finishes as if it had trained it from the start."""
    trainer = resume_run(RunFolder.open(folder / "left"), sharded.load)
    assert curve(finish(trainer).folder) == pytest.approx(curve(by_one("llama_adapter")), abs=3e-5, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "words", "step"),
    [
        ("quantised", "sharded_quantised precision is 'nf4'", None),
        ("failing", "process_failed Process 1 of the run failed: There are no rows here.", 0),
        ("within", "process_failed Process 1 of the run failed: There are no rows here.", 0),
        ("leading", "no_rows There are no rows here.", 0),
        ("dying", "process_lost Another process of the run is gone", 0),
    ],
)
@pytest.mark.fault("killed", "A process with a share of the base fails in the middle of a pass, or is killed: no hang.")
def test_a_process_that_fails(folder, name, words, step):
    said = (folder / f"{name}.txt").read_text()
    assert said.startswith(words)
    if step is None:
        assert not (folder / name).exists()
        return
    facts = RunFolder.open(folder / name).facts()
    assert (facts.status, facts.step, facts.problem["key"]) == ("failed", step, said.split()[0])


@pytest.mark.fault("input", "An Accelerate config that asks for DeepSpeed or for FSDP 1 is told to take FSDP 2.")
@pytest.mark.parametrize(
    ("variable", "key"), [("ACCELERATE_USE_FSDP", "old_fsdp"), ("ACCELERATE_USE_DEEPSPEED", "not_sharded")]
)
def test_other_ways_to_split_the_base(monkeypatch, variable, key):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(variable, "true")
    with pytest.raises(RunError, match="fsdp_version: 2") as raised:
        Processes.of_environment()
    assert raised.value.key == key


@pytest.mark.parametrize("form", ["global", "early"])
def test_methods_that_see_pictures_go_to_other_processes(tmp_path, form):
    """Without their encoder, which each process reads for itself, and which has to be the same."""
    encoder, base = save_encoder(tmp_path / "encoder"), tiny_base()
    reads = {"vision": str(encoder), "vision_depths": 2, "vision_form": form, "vision_blocks": 1}
    method = built("llama_adapter", base, {"prompt_len": 3, "layers": 2, **reads})
    data = packed(base, method)
    _, other = unpacked(data)
    assert other.projection.store.fingerprint == method.projection.store.fingerprint
    assert all(torch.equal(value, method.state_dict()[name]) for name, value in other.state_dict().items())
    with pytest.raises(ExchangeError, match="another vision encoder"):
        unpacked(data.replace(method.projection.store.fingerprint.encode(), b"0" * 16))


def test_whole_bases_are_read_in_place():
    """Where nothing is split, a method that reads weights gets them and no copy."""
    base = sharded.load("llama", "fp32")
    linear = base.model.get_submodule("model.layers.0.self_attn.q_proj")
    assert readable_weight(base, 0, "q", "Masks") is linear.weight

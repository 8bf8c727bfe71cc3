"""The memory that a run will take: estimated on shapes alone, beside what its steps really hold."""

import dataclasses
import json
import sys

import pytest
import torch
from transformers import LlamaConfig

from benchmarks.memory import measured
from engine.__main__ import main
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.errors import ModelError
from engine.data.batching import Batch
from engine.data.head_spec import HeadSpec
from engine.memory.capacity import DeviceMemory, fit_of
from engine.memory.ledger import Ledger
from engine.memory.meter import module_bytes
from engine.methods import METHODS, method_class
from engine.models.families import family_of
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.preflight.estimates import WITHOUT_MEMORY, Estimates
from engine.preflight.memory import Plan, estimate
from engine.preflight.planning import memory
from engine.service.workbench import Workbench
from engine.training.launch import start_run
from tests.tiny import CONFIGS, V, cases, save_tiny, tiny_base
from tests.unit.making import Maker, finish, make_dataset

PLENTY = DeviceMemory(device="cpu", free=10**15, total=10**15)
LLAMA_7B = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32}


def plan(method: str, family: str = "llama", example: dict | None = None, rows: int = 8, length: int = 24, **training):
    """A plan for the tiny base of a family, with full rows of random tokens."""
    config_class, values = CONFIGS[family]
    return plan_on(config_class(**values), method, example, rows, length, **training)


def plan_on(config, method: str, example: dict | None = None, rows: int = 8, length: int = 24, **training) -> Plan:
    """A plan for any config."""
    causal = family_of(config.model_type).causal
    ids = torch.randint(5, min(V, config.vocab_size), (rows, length), generator=torch.Generator().manual_seed(0))
    targets = None if causal else torch.zeros(rows, dtype=torch.long)
    return Plan(
        config=config,
        method=method,
        settings=METHODS[method].settings.from_dict(example or {}),
        training=TrainingSettings(**training),
        batch=Batch(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)), ids, targets),
        head=None if causal else HeadSpec(labels=("a", "b"), pooling="first"),
    )


@pytest.mark.parametrize("case", cases(("llama",)), ids=str)
def test_every_method_is_estimated(case):
    """Every method's estimate on shapes alone lies within 15 % of what two real steps held, weights and all."""
    close(plan(case.method, case.family, dict(case.example)))


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "bloom", "bert", "distilbert"])
def test_every_family_is_estimated(family):
    """So does that of families that differ most: fused linears, capped scores, ALiBi, encoders with a head."""
    close(plan("bottleneck", family))


@pytest.mark.parametrize("method", ["lora", "llama_adapter", "prompt", "adamix"])
def test_checkpointing_is_estimated(method):
    """So does that of a step which computes its activations again."""
    close(plan(method, gradient_checkpointing=True))


def close(asked: Plan) -> None:
    """The estimate agrees with the measure."""
    info = estimate(asked, PLENTY)
    base = tiny_base(asked.config.model_type)
    facts, _ = measured(base, asked, witness=False)
    assert info.total == pytest.approx(facts.peak, rel=0.15)
    assert info.weights == base.model.get_memory_footprint()
    assert info.adapter == facts.adapter
    assert info.optimiser == facts.optimiser


@pytest.mark.parametrize("checkpointing", [False, True])
def test_meter_agrees_with_the_allocator(checkpointing):
    """What our meter says of a real step is what torch's profiler, which hooks into the C++ allocator, says of it."""
    facts, witness = measured(tiny_base("llama"), plan("lora", gradient_checkpointing=checkpointing))
    assert facts.step == pytest.approx(witness, rel=0.05)


def test_parts_add_up():
    """The total is the sum of its parts, the chat's cache left out; gradients are four bytes for each parameter."""
    info = estimate(plan("lora"), PLENTY)
    parts = ("weights", "quantisation", "adapter", "gradients", "optimiser", "activations", "logits")
    assert info.total == sum(getattr(info, name) for name in parts)
    trained = sum(method_class("lora").count(METHODS["lora"].settings(), tiny_base("llama").shape).values())
    assert info.gradients == info.adapter == 4 * trained
    assert 8 * trained <= info.optimiser < 8 * trained + 1024  # two moments, and step counters
    shape = tiny_base("llama").shape
    assert info.kv_cache == 2 * shape.l * shape.g * shape.k * 512 * 2 * 4


@pytest.mark.parametrize("precision", ["int8", "nf4"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_quantised_weights_are_what_bitsandbytes_holds(family, precision, tmp_path):
    """Weights equal the loaded model's own footprint, and the overhead equals the scales that it keeps beside them."""
    base = load_base(str(save_tiny(tmp_path, family)), precision)
    info = estimate(plan("lora", family, precision=precision), PLENTY)
    footprint = base.model.get_memory_footprint()
    assert info.weights == pytest.approx(footprint, rel=0.05)
    assert info.quantisation == pytest.approx(module_bytes(base.model) - footprint, rel=0.05)
    assert info.quantisation > 0


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_step_on_a_quantised_base(precision, tmp_path):
    """The estimate of a step in 8 and 4 bits stays within 15 % as well."""
    asked = plan("lora", "llama", precision=precision)
    facts, _ = measured(load_base(str(save_tiny(tmp_path, "llama")), precision), asked, witness=False)
    assert estimate(asked, PLENTY).total == pytest.approx(facts.peak, rel=0.15)


@pytest.mark.slow
def test_seven_billion_parameters_are_estimated_without_them():
    """LLaMA-7B's shape: 13.5 GB in bf16, 1,229,760 numbers of an adapter in 30 layers; 16 GB are not enough for it."""
    room = DeviceMemory(device="cpu", free=8 * 2**30, total=16 * 2**30)
    settings = {"layers": 30}
    info = estimate(plan_on(LlamaConfig(**LLAMA_7B), "llama_adapter", settings, 1, 32, precision="bf16"), room)
    assert info.weights == pytest.approx(2 * 6_738_415_616, rel=1e-3)
    assert info.adapter == 4 * (30 * 10 * 4096 + 30 * 32)
    assert info.verdict == "will not fit"


def test_settings_move_the_estimate():
    """Twice the rows hold about twice as much; a ladder keeps less than LoRA; parts of a batch hold less than all."""
    config = LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4, vocab_size=V
    )

    def kept(method: str, rows: int, **training) -> int:
        info = estimate(plan_on(config, method, rows=rows, **training), PLENTY)
        return info.activations + info.logits

    all_rows = kept("lora", 16)
    assert all_rows == pytest.approx(2 * kept("lora", 8), rel=0.1)
    assert kept("ladder", 16) < all_rows
    assert kept("lora", 16, micro_batches=4) < all_rows / 3


@pytest.mark.parametrize(
    ("needed", "free", "said"),
    [(100, 115, "fits"), (100, 114, "tight"), (100, 100, "tight"), (101, 100, "will not fit")],
)
def test_verdict(needed, free, said):
    """A run fits if it did even were the estimate 15 % short; it is tight up to the last byte."""
    assert fit_of(needed, free) == said


def test_this_machine_has_memory():
    """What is free is not more than all, and a base that is held already counts as free."""
    here = DeviceMemory.of("cpu")
    assert 0 < here.free <= here.total
    assert DeviceMemory.of("cpu", held=10**12).free > 10**12


def test_ledger_counts_storages_once_and_only_while_they_live():
    """Views cost nothing, and what is dropped makes room."""
    before = torch.ones(1000)
    with Ledger() as ledger:
        first = before * 2
        views = first[:10], first.view(10, 100), before[5:]
        assert ledger.now == ledger.peak == 4000
        second = first + 1
        del first, views
        assert (ledger.now, ledger.peak) == (4000, 8000)
        del second
    assert (ledger.now, ledger.peak) == (0, 8000)


def test_estimate_throws_no_dice():
    """It may be asked for while a run trains: neither the random state nor the default number format changes."""
    before, dtype = torch.get_rng_state(), torch.get_default_dtype()
    for method in ("lora", "adamix", "prompt", "side"):
        estimate(plan(method, precision="bf16", gradient_checkpointing=True), PLENTY)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == dtype


def test_quantised_base_is_refused_before_launch():
    """A method that reads weights says so at the estimate already."""
    with pytest.raises(ModelError, match="fp32"):
        estimate(plan("mask", precision="nf4"), PLENTY)


@pytest.mark.parametrize(("method", "family"), [("lora", "llama"), ("p_tuning", "llama"), ("bottleneck", "bert")])
def test_run_keeps_what_it_held_beside_the_estimate(method, family, tmp_path):
    """A finished run's facts say what its largest step held, within 15 % of what its config foretells."""
    rows = [(f"{'long ' * (number % 5)}{number}", "yes" if number % 2 else "no") for number in range(24)]
    data = make_dataset(tmp_path / "data", rows, labels=["yes", "no"])
    model = str(save_tiny(tmp_path / "model", family))
    training = {"steps": 6, "batch_size": 4, "max_seq_len": 40}
    config = RunConfig(model=model, dataset=str(data), method=method, training=training)
    trainer = finish(start_run(tmp_path / "run", config, load_base))
    facts, foretold = trainer.folder.facts().memory, memory(config)
    assert facts.peak == facts.weights + facts.adapter + facts.optimiser + facts.step
    assert (facts.device, facts.rows) == ("cpu", 4)
    assert facts.length <= foretold.length
    assert foretold.total == pytest.approx(facts.peak, rel=0.15)


def test_first_step_is_not_charged_for_the_optimiser(tmp_path):
    """The optimiser's state is made in the first step and stays, so it is counted once."""
    make_dataset(tmp_path / "data", [("ab", "cd")] * 24)  # so that all batches are equally large
    short, long = (finish(Maker(tmp_path).start(f"{steps}", "mask", steps=steps)) for steps in (1, 3))
    first, last = (trainer.folder.facts().memory for trainer in (short, long))
    assert first.optimiser == last.optimiser > 0
    assert last.step < first.step + first.optimiser


def test_workbench_and_command_line_tell_it(tmp_path, monkeypatch, capsys):
    """Both doors give the same numbers."""
    bench = Workbench(tmp_path)
    info = bench.preflight.memory(RunConfig(method="ladder"))
    bench.close()
    monkeypatch.setattr(sys, "argv", ["engine", "memory", "--method", "ladder", "--json"])
    assert main() == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: told[name] for name in ("weights", "adapter", "activations", "total", "verdict")} == {
        name: getattr(info, name) for name in ("weights", "adapter", "activations", "total", "verdict")
    }


OTHERS = {
    "steps": 7, "learning_rate": 0.5, "seed": 3, "schedule": "constant", "warmup_ratio": 0.5, "weight_decay": 0.3,
    "max_grad_norm": 9.0, "eval_every": 2, "patience": 4, "min_delta": 0.5, "keep": "best", "save_every": 3,
    "head_rate": 0.1,
}  # fmt: skip


def test_what_leaves_the_memory_as_it_is_costs_no_other_estimate(monkeypatch):
    """The settings by which no estimate is repeated change none; a setting that does, other rows, or room are seen."""
    assert set(OTHERS) == set(WITHOUT_MEMORY)
    counted = []
    monkeypatch.setattr("engine.preflight.estimates.estimate", lambda *asked: counted.append(1) or estimate(*asked))
    kept, first = Estimates(), plan("lora")
    info = kept.of(first, PLENTY)
    assert info == estimate(plan("lora", **OTHERS), PLENTY)
    others = dataclasses.replace(first, training=TrainingSettings(**OTHERS))
    assert kept.of(others, PLENTY) == info
    assert kept.of(others, DeviceMemory(device="cpu", free=1, total=2)).verdict == "will not fit"
    assert len(counted) == 1
    longer = kept.of(plan("lora", length=48), PLENTY)
    assert longer.activations > info.activations
    assert kept.of(plan("lora", gradient_checkpointing=True), PLENTY).activations < info.activations
    assert kept.of(plan("lora", example={"rank": 32}), PLENTY).adapter > info.adapter

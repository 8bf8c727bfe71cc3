"""One of the processes of `test_sharded`: trains, or helps to train, tiny runs whose base is split over the processes.

Called with the folder of the runs; which process it is stands in the environment, as `accelerate launch` leaves it.
"""

import gc
import json
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.data.batching import Batch
from engine.methods import method_spec
from engine.models.base import Base, base_from_model
from engine.models.shards import bytes_of_shares
from engine.runs.folder import RunFolder
from engine.training import follower
from engine.training.follower import follow
from engine.training.launch import resume_run, start_run
from engine.training.objective import TrainingObjective
from engine.training.processes import Processes
from engine.training.sharing import packed, unpacked
from tests.tiny import ALL, built, logits, plain_model, processor_for
from tests.unit.data_parallel import STEPS, dies, fails, train
from tests.unit.making import QUICK, Maker, make_dataset

SCORED = {"score_rows": 2}
MORE = {
    "several": ("lora+prompt", {}, SCORED),
    "dora": ("lora", {"dora": True}, SCORED),
    "pissa": ("lora", {"init": "pissa"}, {}),
    "masks-by-size": ("mask", {"init": "magnitude"}, SCORED),
    "side-copied": ("side", {"init": "copied"}, SCORED),
    "recomputed": ("lora", {}, {"gradient_checkpointing": True}),
    "in-parts": ("llama_adapter", {}, {"micro_batches": 2, "max_grad_norm": 0.05}),
    "uneven": ("llama_adapter", {}, {"batch_size": 3, "micro_batches": 3}),
    "one-row": ("lora", {}, {"batch_size": 1}),
}
"""Method, settings and training settings of runs beside those of every method."""
TWICE = ("llama_adapter", "lora", "prefix", "prompt", "mask", "tied")
"""Runs that are stopped in the middle and resumed."""


def runs(maker: Maker) -> Iterator[tuple[str, RunConfig]]:
    """What two processes train as one does: name and config. Dropout, which differs from row to row, is off."""
    every = {name: (name, QUICK[name], {}) for name in QUICK}
    for name, (method, settings, training) in (every | MORE).items():
        still = {"dropout": 0.0} if "dropout" in method_spec(method).settings().to_dict() else {}
        short = {"steps": STEPS} if name in TWICE else {"steps": STEPS // 2, "score_rows": 0}
        yield name, maker.config(method, {**settings, **still}, **{**short, **training})
    config = maker.config("lora", {"dropout": 0.0}, steps=STEPS)
    yield "tied", RunConfig.from_dict({**config.to_dict(), "model": "gpt2"})
    labelled = maker.folder / "labelled"
    if not labelled.exists():
        make_dataset(
            labelled, [(word, word[0]) for word in ("ab", "ba", "aab", "bab", "aaa", "bbb")], labels=["a", "b"]
        )
    config = maker.config("bias", dataset=str(labelled), steps=STEPS // 2)
    yield "encoder", RunConfig.from_dict({**config.to_dict(), "model": "bert"})


WRONG = ("quantised", "failing", "within", "leading", "dying")
"""Runs that fail: at the start, in process 1 before a pass and within one, in process 0, and where process 1 dies."""
COMPUTED = [(family, "float32") for family in ALL] + [("llama", "bfloat16"), ("gpt2", "float16")]
"""Families and types of numbers in which one forward is computed."""
ORIGINALS: list[weakref.ref] = []
"""The tensors that were loaded."""


def load(name: str, precision: str) -> Base:
    """A tiny base that nobody else has, since it is split in place."""
    assert precision == "fp32"
    base = base_from_model(f"tiny-{name}", plain_model(name), processor_for(name))
    ORIGINALS[:] = [weakref.ref(p) for p in base.model.parameters() if p.dim() > 1]
    return base


def load_none(name: str, precision: str) -> Base:
    """Process 1 reads no file of the base."""
    raise AssertionError(f"{name} in {precision} is loaded by process 0 alone")


def held(base: Base) -> dict[str, int]:
    """Bytes of the base that this process holds now, beside its shares, and how many loaded tensors are still there."""
    storages = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for p in base.model.parameters()}
    gc.collect()
    return {
        "shares": bytes_of_shares(base.model),
        "rest": sum(storages.values()),
        "whole": sum(p.nbytes for p in base.model.parameters()),
        "loaded": sum(ref() is not None for ref in ORIGINALS),
    }


def lead(maker: Maker, processes: Processes) -> None:
    """In process 0: compute with every family, train every run, some in two halves, and then some that fail."""
    told = {f"{family} {dtype}": differs(family, dtype, processes) for family, dtype in COMPUTED}
    (maker.folder / "families.json").write_text(json.dumps(told))
    for name, config in runs(maker):
        path = maker.folder / name
        with processes.leading():
            trainer = start_run(path, config, load, processes=processes)
            train(trainer, STEPS // 2 if name in TWICE else STEPS + 1)
            (maker.folder / f"{name}-0.json").write_text(json.dumps(held(trainer.base)))
        if name in TWICE:
            with processes.leading():
                train(resume_run(RunFolder.open(path), load, processes=processes), STEPS + 1)
    with processes.leading():
        train(start_run(maker.folder / "left", maker.config(steps=STEPS), load, processes=processes), STEPS // 2)
    for name in WRONG:
        precision = {"precision": "nf4"} if name == "quantised" else {}
        config = maker.config("lora", steps=STEPS, **precision)
        with processes.leading(), suppress(WorkbenchError), failing(name == "leading"):
            try:
                train(start_run(maker.folder / name, config, load, processes=processes), STEPS + 1)
            except WorkbenchError as error:
                (maker.folder / f"{name}.txt").write_text(f"{error.key} {error}")
                raise


def help_(maker: Maker, processes: Processes) -> None:
    """In process 1: help with all of it, and then go wrong: before a pass, within one, and for good."""
    for _ in COMPUTED:
        base, _method = unpacked(processes.hear())
        processes.split(base)
    bases: list[Base] = []
    build = follower.build_gradient_worker
    follower.build_gradient_worker = lambda settings, base, *rest: bases.append(base) or build(settings, base, *rest)
    for name, _ in runs(maker):
        follow(processes, load_none)
        (maker.folder / f"{name}-1.json").write_text(json.dumps(held(bases.pop())))
        if name in TWICE:
            follow(processes, load_none)
    follow(processes, load_none)
    forward = TrainingObjective.forward
    for name in WRONG:
        with suppress(WorkbenchError), failing(name == "within"):
            if name in ("failing", "dying"):
                TrainingObjective.forward = fails if name == "failing" else lambda *args: (forward(*args), dies())
            follow(processes, load_none)
        TrainingObjective.forward = forward


def differs(family: str, dtype: str, processes: Processes) -> float:
    """In process 0: how far the logits of a family's model are from those that it has whole."""
    model = plain_model(family).to(getattr(torch, dtype))
    base = base_from_model(f"tiny-{family}", model, processor_for(family))
    before = logits(base)
    processes.tell(packed(base, built("bias", base)))
    processes.split(base)
    return float((logits(base) - before).abs().max())


@contextmanager
def failing(wanted: bool) -> Iterator[None]:
    """Within this, where it is wanted, this process fails when a pass has come to its second layer."""
    forward = TrainingObjective.forward
    if wanted:
        TrainingObjective.forward = fails_within
    try:
        yield
    finally:
        TrainingObjective.forward = forward


def fails_within(objective: TrainingObjective, batch: Batch) -> None:
    """Fail in the middle of a pass."""
    view = objective._passes[0][1]
    view.sites.layers[1].register_forward_pre_hook(fails)
    view.hidden(batch.inputs)


if __name__ == "__main__":
    gc.freeze()  # what was imported need not be looked at each time
    both = Processes.of_environment()
    (lead if both.main else help_)(Maker(Path(sys.argv[1])), both)

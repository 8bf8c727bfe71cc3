"""The estimate of a run's memory beside what its training step really holds, method by method.

    python -m benchmarks.memory [--model town] [--methods lora ladder] [--rows 4 16] [--length 64]
                                [--precision fp32] [--checkpointing no yes]

Each line: the estimate of the whole, what was measured, their ratio; then what the step alone added by our own ledger,
and by torch's profiler, which hooks into the C++ allocator and so is an independent witness. `random-llama`,
`random-gpt2` and `random-bert` are models of 14 to 20 million parameters with random weights.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoConfig, AutoTokenizer, BertConfig, GPT2Config, LlamaConfig

from engine.config.training import TrainingSettings
from engine.data.batching import Batch
from engine.data.head_spec import HeadSpec
from engine.evaluation.loss import count_labels
from engine.memory.capacity import DeviceMemory
from engine.memory.info import MeasuredMemory, MemoryInfo
from engine.memory.meter import Meter
from engine.methods import METHODS, method_class
from engine.methods.base import Start
from engine.models.base import Base
from engine.models.families import family_of
from engine.models.inputs import Tokens
from engine.models.loading import auto_class, load_base
from engine.models.resolve import SHIPPED
from engine.preflight.memory import Plan, estimate
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations, optimiser_for

SIZES = {"vocab_size": 8192, "hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 4}
RANDOM = {
    "random-llama": LlamaConfig(**SIZES, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=True),
    "random-gpt2": GPT2Config(vocab_size=8192, n_embd=512, n_layer=4, n_head=8, n_positions=1024),
    "random-bert": BertConfig(**SIZES, num_attention_heads=8),
}


def main() -> None:
    """Print one line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="town", help="embedded name, folder, or one of " + ", ".join(RANDOM))
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--rows", nargs="*", type=int, default=[16])
    parser.add_argument("--length", nargs="*", type=int, default=[64])
    parser.add_argument("--precision", nargs="*", default=["fp32"])
    parser.add_argument("--checkpointing", nargs="*", choices=("no", "yes"), default=["no", "yes"])
    args = parser.parse_args()
    print(f"{'method':15} {'rows':>4} {'len':>5} {'prec':>4} ckpt | estimate measured ratio | ledger profiler (MiB)")
    with tempfile.TemporaryDirectory() as folder:
        path = made(args.model, Path(folder)) if args.model in RANDOM else args.model
        for precision in args.precision:
            base = load_base(path, precision)
            cases = itertools.product(args.methods, args.rows, args.length, args.checkpointing)
            for name, rows, length, sparing in cases:
                training = TrainingSettings(precision=precision, gradient_checkpointing=sparing == "yes")
                print(line(base, path, name, training, rows, length), flush=True)


def made(name: str, folder: Path) -> str:
    """A folder with a random model and the embedded model's tokenizer."""
    torch.manual_seed(0)
    config = RANDOM[name]
    auto_class(family_of(config.model_type)).from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(SHIPPED["town"]).save_pretrained(folder)
    return str(folder)


def line(base: Base, path: str, name: str, training: TrainingSettings, rows: int, length: int) -> str:
    """One case, estimated and measured."""
    ids = torch.randint(5, base.shape.v, (rows, length), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids, dtype=torch.bool)
    head = None if base.shape.family.causal else HeadSpec(labels=("a", "b"), pooling="first")
    targets = None if head is None else torch.zeros(rows, dtype=torch.long)
    batch = Batch(Tokens(ids, mask), ids, targets)
    plan = Plan(
        config=AutoConfig.from_pretrained(SHIPPED.get(path, path)),
        method=name,
        settings=METHODS[name].settings(),
        training=training,
        batch=batch,
        head=head,
        device=base.device.type,
        processor=base.processor,
    )
    info: MemoryInfo = estimate(plan, DeviceMemory.of(base.device.type))
    facts, witness = measured(base, plan)
    mib, sparing = 2**20, "yes" if training.gradient_checkpointing else "no "
    return (
        f"{name:15} {rows:4} {length:5} {training.precision:>4} {sparing:>4} | "
        f"{info.total / mib:8.1f} {facts.peak / mib:8.1f} {info.total / facts.peak:5.2f} | "
        f"{facts.step / mib:6.1f} {witness / mib:8.1f}"
    )


def measured(base: Base, plan: Plan, *, witness: bool = True) -> tuple[MeasuredMemory, int]:
    """What two steps held by our own meter, and what a third added by torch's profiler (0 on a GPU, or if unasked)."""
    cls, device = method_class(plan.method), base.device
    start = Start.of(base, 0)
    method = cls.build(plan.settings, base.shape, start).with_head(plan.head, start.rng).to(device)
    views = [base.view() for _ in range(method.passes)]
    method.attach(views[0].sites)
    if plan.training.gradient_checkpointing:
        checkpoint_activations(views)
    method.train()
    objective, optimiser = TrainingObjective(method, views), optimiser_for(method, plan.training, 1e-4)
    whole, meter = plan.batch, Meter(device)
    targets = None if whole.targets is None else whole.targets.to(device)
    batch = Batch(Tokens(whole.inputs.ids.to(device), whole.inputs.mask.to(device)), whole.labels.to(device), targets)
    count = count_labels(views[0].shape, batch)

    def backward() -> None:
        (objective(batch) / count).backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)

    for number in range(2):
        rows, length = batch.labels.shape
        with meter.step(rows + number, length):  # the second counts as larger, so that it is watched too
            backward()
        with meter.rest(first=number == 0):
            optimiser.step()
        optimiser.zero_grad()
    if device.type != "cpu" or not witness:
        return meter.measured(base.model, method, optimiser), 0
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        backward()
        optimiser.step()
        optimiser.zero_grad()
    return meter.measured(base.model, method, optimiser), most(profiler)


def most(profiler: profile) -> int:
    """The highest sum of all allocations so far."""
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(itertools.accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


if __name__ == "__main__":
    main()

"""A 7-billion-parameter LLaMA with random weights on one GPU: memory and time of a training step, beside HF peft.

    python -m benchmarks.gpu [--layers 32] [--rows 4] [--length 512] [--precision bf16 int8 nf4] [--out docs/gpu.md]

The model is written to a temporary folder once (13.5 GB in bf16) and read as any model is. For each number format and
method: the estimate that the page shows before the start, what a step really held, their ratio, and the median seconds
of a step (forward, backward, update). peft's LoRA trains the same weights on the same batch in the same process.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import peft
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from benchmarks.glue import markdown
from benchmarks.memory import measured
from engine.config.training import TrainingSettings
from engine.core.atomic import write_text
from engine.data.batching import Batch
from engine.data.tokenise import IGNORE
from engine.evaluation.loss import count_labels
from engine.memory.capacity import DeviceMemory
from engine.methods import METHODS, method_class
from engine.methods.base import Start
from engine.models.base import Base
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.models.resolve import SHIPPED
from engine.preflight.memory import Plan, estimate
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations, optimiser_for

CASES = (("llama_adapter", False), ("llama_adapter", True), ("lora", False), ("lora", True), ("bottleneck", True),
         ("prefix", True), ("ladder", False))  # fmt: skip
"""Methods, and whether activations are computed again in the backward pass."""

STEPS = 6


def main() -> None:
    """Make the model, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--precision", nargs="+", default=["bf16", "int8", "nf4"])
    parser.add_argument("--out", type=Path, default=Path("docs/gpu.md"))
    args = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), args.layers, args.width)
        for precision in args.precision:
            began = time.perf_counter()
            base = load_base(path, precision)
            loaded = time.perf_counter() - began
            batch = make_batch(base, args.rows, args.length)
            for method, sparing in CASES:
                rows.append(line(base, path, method, precision, batch, sparing=sparing))
                print(json.dumps(rows[-1]), flush=True)
            rows.append(theirs(base, precision, batch))
            print(json.dumps(rows[-1]), f"loaded in {loaded:.1f} s", flush=True)
            write_text(args.out, page(rows, base, args.rows, args.length))
            del base
            torch.cuda.empty_cache()


def written(folder: Path, layers: int, width: int) -> str:
    """LLaMA 7B's shape with random weights and the embedded model's tokenizer, as files."""
    config = LlamaConfig(
        hidden_size=width, intermediate_size=width * 43 // 16, num_hidden_layers=layers,
        num_attention_heads=width // 128, vocab_size=32000, max_position_embeddings=2048, dtype=torch.bfloat16,
    )  # fmt: skip
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        model = LlamaForCausalLM._from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(SHIPPED["town"]).save_pretrained(folder)
    return str(folder)


def make_batch(base: Base, rows: int, length: int) -> Batch:
    """Full rows; the last quarter carries labels, as in instruction data."""
    ids = torch.randint(5, base.shape.v, (rows, length), generator=torch.Generator().manual_seed(0))
    labels = ids.clone()
    labels[:, : -length // 4] = IGNORE
    return Batch(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)), labels)


def line(base: Base, path: str, name: str, precision: str, batch: Batch, *, sparing: bool) -> dict[str, object]:
    """One method's estimate, measurement and time."""
    training = TrainingSettings(precision=precision, gradient_checkpointing=sparing)
    settings, device = METHODS[name].settings(), base.device.type
    plan = Plan(
        config=base.model.config, method=name, settings=settings, training=training, batch=batch, device=device,
        processor=base.processor,
    )  # fmt: skip
    info = estimate(plan, DeviceMemory.of(device))
    facts, _ = measured(base, plan, witness=False)
    start = Start.of(base, 0)
    method = method_class(name).build(settings, base.shape, start).to(base.device)
    views = [base.view() for _ in range(method.passes)]
    method.attach(views[0].sites)
    if sparing:
        checkpoint_activations(views)
    method.train()
    objective, optimiser = TrainingObjective(method, views), optimiser_for(method, training, 1e-4)
    here = moved(batch, base.device)
    count = count_labels(views[0].shape, here)

    def step() -> None:
        (objective(here) / count).backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    return row(
        precision,
        METHODS[name].title + (" (recomputing)" if sparing else ""),
        sum(p.numel() for p in method.parameters()),
        info.total,
        facts.peak,
        timed(step),
        batch,
    )


def theirs(base: Base, precision: str, batch: Batch) -> dict[str, object]:
    """The same for peft's LoRA, at our LoRA's settings, on the same weights."""
    settings = METHODS["lora"].settings()
    ours = method_class("lora").build(settings, base.shape, Start.of(base, 0))
    targets = [f"{role}_proj" for role in str(settings.targets).split()]  # type: ignore[attr-defined]
    config = peft.LoraConfig(r=settings.rank, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")  # type: ignore[attr-defined]
    model = LlamaForCausalLM.from_pretrained(
        base.name, dtype=torch.bfloat16, device_map=base.device.type, attn_implementation="sdpa"
    ) if precision == "bf16" else base.model  # fmt: skip
    wrapped = peft.get_peft_model(model, config)
    wrapped.train()
    trained = [p for p in wrapped.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trained) == sum(p.numel() for p in ours.parameters())
    here = moved(batch, base.device)
    assert isinstance(here.inputs, Tokens)
    inputs = {"input_ids": here.inputs.ids, "attention_mask": here.inputs.mask.long(), "labels": here.labels}
    optimiser = torch.optim.AdamW(trained, lr=1e-4)

    def step() -> None:
        wrapped(**inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()

    step()
    if base.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = timed(step)
    held = torch.cuda.max_memory_allocated() if base.device.type == "cuda" else 0
    if precision == "bf16":
        held -= sum(t.nbytes for t in (*base.model.parameters(), *base.model.buffers()))
    their_row = row(precision, "LoRA by HF peft", sum(p.numel() for p in trained), 0, held, seconds, batch)
    wrapped.unload()
    return their_row


def timed(step: Callable[[], None]) -> float:
    """Median seconds of a step, after two that are not counted."""
    times = []
    for _ in range(STEPS + 2):
        began = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times[2:])


def moved(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device."""
    assert isinstance(batch.inputs, Tokens)
    return Batch(Tokens(batch.inputs.ids.to(device), batch.inputs.mask.to(device)), batch.labels.to(device))


def row(
    precision: str, method: str, trained: int, foretold: int, held: int, seconds: float, batch: Batch
) -> dict[str, object]:
    """One line of the table."""
    gib = 2**30
    return {
        "base": precision,
        "method": method,
        "trains": f"{trained:,}",
        "estimate (GiB)": f"{foretold / gib:.2f}" if foretold else "",
        "held (GiB)": f"{held / gib:.2f}",
        "ratio": f"{foretold / held:.2f}" if foretold and held else "",
        "seconds per step": f"{seconds:.3f}",
        "tokens per second": f"{batch.labels.numel() / seconds:,.0f}",
    }


def page(rows: list[dict[str, object]], base: Base, count: int, length: int) -> str:
    """What is written down."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU"
    return f"""# A 7-billion-parameter model on one GPU

Measured in one run by `python -m benchmarks.gpu` on {device}, with PyTorch {torch.__version__}: LLaMA 7B's shape
({base.shape.parameters:,} parameters, random weights), {count} rows of {length} tokens, the defaults of each
method that a new run makes smaller on such a base (docs/methods.md); the median of {STEPS} steps after two. "Held" is
the most that PyTorch's allocator gave out during a step, weights included; the estimate is what the page shows before
the start. peft's LoRA has the same rank, targets and batch.

{markdown(rows)}
"""


if __name__ == "__main__":
    main()

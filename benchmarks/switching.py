"""One task after another on one frozen base: what each costs on the disk, and how long it takes to switch to it.

    python -m benchmarks.switching [--method bottleneck] [--steps 40]

Trains three tasks in sequence on the embedded base (labels by a task head, answers and sentences in words), keeps
nothing but their adapters' folders, checks that the first one's scores are equal to the bit, and prints milliseconds
and bytes. "from disk" reads the folder (the operating system may still know the file), "in memory" only puts a method
that was read before on a fresh view. The last rows do the same on a random base of 32 layers. For comparison: what a
full copy of the base takes, and loading that instead.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from engine.cli.output import table
from engine.config.run import RunConfig
from engine.exchange.native import load_adapter, save_adapter
from engine.methods import METHODS, method_class
from engine.methods.attach import attached_view
from engine.methods.base import Method, Start
from engine.models.base import Base, base_from_model, hash_weights
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.models.resolve import SHIPPED
from engine.service.adapters import list_adapters
from engine.service.switching import REPEATS, time_switch
from engine.training.launch import start_run

TASKS = (("complaints", "head"), ("town-qa", "words"), ("menu-to-text", "words"))
DEEP = LlamaConfig(hidden_size=256, intermediate_size=512, num_hidden_layers=32, num_attention_heads=8, vocab_size=512)


def main() -> None:
    """Train, check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="bottleneck", choices=list(METHODS))
    parser.add_argument("--steps", type=int, default=40, help="of each task (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = load_base("town")
        untouched = hash_weights(base.model)
        first, before = None, None
        for number, (dataset, head) in enumerate(TASKS):
            kept = learn(folder / f"{number + 1}-{dataset}", base, dataset, head, args.method, args.steps)
            if first is None:
                first, before = kept, scores(base, kept)
        assert first is not None
        assert before is not None
        assert torch.equal(scores(base, first), before)
        assert hash_weights(base.model) == untouched
        print("After three tasks the first one's scores are equal to the bit, and so is every weight of the base.")
        rows = measured(folder, base)
        deep = deep_base(base)
        for method in dict.fromkeys((args.method, "lora")):
            save_adapter(fresh(deep, method), deep, folder / "deep" / f"32 layers, {method}")
        rows += measured(folder / "deep", deep)
        print(table(rows))
    size = sum(path.stat().st_size for path in SHIPPED["town"].glob("*.safetensors"))
    loads = [timed(lambda: load_base("town")) for _ in range(REPEATS)]
    print(f"A full copy of the base: {size:,} bytes, {statistics.median(loads):.0f} ms to load.")


def learn(kept: Path, base: Base, dataset: str, head: str, method: str, steps: int) -> Path:
    """Train one task and keep its adapter alone."""
    run = kept.with_name("run")
    config = RunConfig(dataset=dataset, method=method, training={"steps": steps, "head": head, "eval_every": steps})
    for _ in start_run(run, config, lambda _name, _precision: base).run():
        pass
    (run / "adapter").rename(kept)
    shutil.rmtree(run)
    return kept


@torch.no_grad()
def scores(base: Base, adapter: Path) -> torch.Tensor:
    """What the head of an adapter says of a fixed text."""
    method = load_adapter(adapter, base)
    ids = torch.arange(5, 45)[None]
    tokens = Tokens(ids, torch.ones_like(ids, dtype=torch.bool))
    assert method.head is not None
    return method.head(attached_view(base, method).hidden(tokens), tokens)


def measured(folder: Path, base: Base) -> list[dict[str, object]]:
    """A row for every adapter below a folder."""
    rows: list[dict[str, object]] = []
    for info in list_adapters(folder):
        times = time_switch(base, Path(info.path))
        rows.append(
            {
                "adapter": info.name,
                "method": info.method,
                "trainable": f"{info.trainable:,}",
                "bytes": f"{info.size_bytes:,}",
                "from disk, ms": times.disk_ms,
                "in memory, ms": times.memory_ms,
            }
        )
    return rows


def deep_base(like: Base) -> Base:
    """A random model of 32 layers with the town's tokenizer."""
    return base_from_model("deep", AutoModelForCausalLM.from_config(DEEP), like.tokenizer)


def fresh(base: Base, method: str) -> Method:
    """An untrained method: switching costs the same."""
    cls = method_class(method)
    return cls.build(cls.spec.settings(), base.shape, Start.of(base, 0))


def timed(run: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()

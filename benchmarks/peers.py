"""A training run beside HF peft with transformers' Trainer, at its defaults and at its best, and beside the bare model.

    python -m benchmarks.peers ALPACA [--methods …] [--rows 160] [--rounds 1] [--out docs/peers.md]

ALPACA is the folder with alpaca_data.json. All train the same random LLaMA, 8 layers of width 384 with SmolLM2's
vocabulary, in fp32, on the same token ids for one epoch: 16 rows a step, at most 512 tokens each. "grouped" is Trainer
with `train_sampling_strategy="group_by_length"`, which pads least of what it offers. "floor" is the frozen model alone,
forward and backward as deep as the method needs, on rows sorted by length. Each runs in a process of its own, in turns;
seconds are those of training steps, memory is the most that the process ever held. The page and its figures in
benchmarks/results are written after every run; figures that are there are not made again.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import peft
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from benchmarks.smollm2 import fetch
from engine.config.run import RunConfig
from engine.core.allocator import freed_memory_kept
from engine.core.atomic import write_json
from engine.data.batching import collate
from engine.data.tokenise import IGNORE, Example, encode_rows
from engine.methods import METHODS
from engine.models.loading import load_base
from engine.training.launch import start_run

SIZES = {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 8, "num_attention_heads": 6}
BATCH, LENGTH = 16, 512
SIDES = ("trainer", "grouped", "gatelight", "floor")

METHODS_HERE: dict[str, tuple[dict[str, Any], Callable[[], peft.PeftConfig], int]] = {
    "lora": (
        {"rank": 8, "targets": "q v"},
        lambda: peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
        0,
    ),
    "llama_adapter": (
        {"prompt_len": 10, "layers": 7},
        lambda: peft.AdaptionPromptConfig(adapter_len=10, adapter_layers=7, task_type="CAUSAL_LM"),
        1,
    ),
    "prefix": (
        {"prompt_len": 10, "reparametrisation": "flat"},
        lambda: peft.PrefixTuningConfig(num_virtual_tokens=10, task_type="CAUSAL_LM"),
        0,
    ),
    "prompt": (
        {"prompt_len": 20, "init": "random"},
        lambda: peft.PromptTuningConfig(num_virtual_tokens=20, task_type="CAUSAL_LM"),
        0,
    ),
    "ia3": ({}, lambda: peft.IA3Config(task_type="CAUSAL_LM"), 0),
}
"""Settings here and of peft, and the lowest layer that a gradient has to reach."""

Part = tuple[str, str, int]
"""A method, a side and a round."""


def main() -> None:
    """Train everybody in turns, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alpaca", type=Path, help="folder of the data")
    parser.add_argument("--methods", nargs="+", default=list(METHODS_HERE), choices=list(METHODS_HERE))
    parser.add_argument("--rows", type=int, default=160, help="rows of the epoch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="turns, of which medians are told (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/peers.md"))
    args = parser.parse_args()
    asked = [(method, side, turn) for method in args.methods for turn in range(args.rounds) for side in SIDES]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here = {"rows": args.rows} | prepared(folder, args.alpaca / "alpaca_data.json", args.rows)
        measure(args.out, here, asked, part_of, partial(alone, folder, args.rows), page)


def part_of(row: Row) -> Part:
    """The part that a row is of."""
    return row["method"], row["side"], row["round"]


def prepared(folder: Path, alpaca: Path, rows: int) -> Row:
    """Write the random model with its tokenizer, and the rows; what there is to say of them."""
    tokenizer = load_base(str(fetch())).tokenizer
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SIZES, vocab_size=len(tokenizer), tie_word_embeddings=True))
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    every = json.loads(alpaca.read_text(encoding="utf-8"))
    picked = torch.randperm(len(every), generator=torch.Generator().manual_seed(0))[: rows + 8].tolist()
    write_json(folder / "train.json", [every[at] for at in picked[8:]])
    write_json(folder / "validation.json", [every[at] for at in picked[:8]])
    return {"parameters": sum(parameter.numel() for parameter in model.parameters())}


def alone(folder: Path, rows: int, part: Part) -> Iterator[Row]:
    """One run in a process of its own, which imports and loads before its time is taken."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        yield pool.submit(timed, folder, rows, part).result()


def timed(folder: Path, rows: int, part: Part) -> Row:
    """Seconds of an epoch, and the most memory that this process held."""
    method, side, turn = part
    seconds = {"gatelight": by_gatelight, "floor": by_floor}.get(side, by_peft)(folder, rows, method, side)
    return {
        "method": method,
        "side": side,
        "round": turn,
        "seconds": round(seconds, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "machine": machine(load_base(str(folder / "model"))),
    }


def config_of(folder: Path, rows: int, method: str) -> RunConfig:
    """A run of one epoch."""
    return RunConfig(
        model=str(folder / "model"),
        dataset=str(folder / "train.json"),
        method=method,
        method_settings=METHODS_HERE[method][0],
        data={"validation": str(folder / "validation.json"), "test": str(folder / "validation.json")},
        training={
            "steps": -(-rows // BATCH), "batch_size": BATCH, "max_seq_len": LENGTH, "precision": "fp32",
            "eval_every": rows, "score_rows": 0,
        },
    )  # fmt: skip


def by_gatelight(folder: Path, rows: int, method: str, _: str) -> float:
    """What the run itself says of its training steps, telemetry of every step within."""
    base = load_base(str(folder / "model"))
    trainer = start_run(folder / f"run-{time.time_ns()}", config_of(folder, rows, method), lambda *_: base)
    for _step in trainer.run():
        pass
    return trainer.position.wall_s


def encoded(folder: Path, rows: int, method: str) -> tuple[list[Example], int]:
    """The token ids that all sides train on, and that of padding."""
    base = load_base(str(folder / "model"))
    dataset = config_of(folder, rows, method).load_data(base.tokenizer)
    return encode_rows(base.tokenizer, dataset, dataset.rows("train"), LENGTH), base.tokenizer.pad_token_id


def by_peft(folder: Path, rows: int, method: str, side: str) -> float:
    """Trainer's own time from its first step to its last."""
    examples, pad = encoded(folder, rows, method)
    model = LlamaForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
    wrapped = peft.get_peft_model(model, METHODS_HERE[method][1]())
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"), per_device_train_batch_size=BATCH, num_train_epochs=1, learning_rate=1e-3,
        save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
        remove_unused_columns=False, dataloader_pin_memory=False,
        train_sampling_strategy="group_by_length" if side == "grouped" else "random",
    )  # fmt: skip

    def padded(batch: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        made = collate([each["example"] for each in batch], pad)
        return {"input_ids": made.inputs.ids, "attention_mask": made.inputs.mask.long(), "labels": made.labels}

    data = [{"example": example, "input_ids": example.ids} for example in examples]
    outcome = Trainer(wrapped, arguments, train_dataset=data, data_collator=padded).train()
    return float(outcome.metrics["train_runtime"])


def by_floor(folder: Path, rows: int, method: str, _: str) -> float:
    """The frozen model alone, its head only where labels are, backward to the lowest layer that the method needs."""
    examples, pad = encoded(folder, rows, method)
    model = LlamaForCausalLM.from_pretrained(folder / "model", dtype=torch.float32).requires_grad_(requires_grad=False)

    def begin_here(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return (args[0].detach().requires_grad_(), *args[1:]), kwargs

    model.model.layers[METHODS_HERE[method][2]].register_forward_pre_hook(begin_here, with_kwargs=True)
    order = sorted(range(len(examples)), key=lambda at: len(examples[at].ids))
    began = time.perf_counter()
    with freed_memory_kept():  # as in a run here
        for start in range(0, len(order), BATCH):
            batch = collate([examples[at] for at in order[start : start + BATCH]], pad)
            ids, mask = batch.inputs.ids, batch.inputs.mask.long()
            states = model.model(input_ids=ids, attention_mask=mask, use_cache=False)[0]
            wanted = batch.labels[:, 1:] != IGNORE
            scores = model.lm_head(states[:, :-1][wanted])
            nn.functional.cross_entropy(scores, batch.labels[:, 1:][wanted]).backward()
    return time.perf_counter() - began


def page(rows: list[Row]) -> str:
    """What is written down."""
    first = rows[0]
    return _PAGE.format(
        rows=first["rows"],
        parameters=f"{first['parameters']:,}",
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        batch=BATCH,
        length=LENGTH,
        table=markdown([line for method in METHODS_HERE if (line := _line(method, rows))]),
    )


def _line(method: str, rows: list[Row]) -> Row:
    """The medians of one method; empty where a side is not measured yet."""
    of = {side: [row for row in rows if (row["method"], row["side"]) == (method, side)] for side in SIDES}
    if not all(of.values()):
        return {}
    seconds = {side: statistics.median(row["seconds"] for row in its) for side, its in of.items()}
    peak = {side: statistics.median(row["peak_mb"] for row in its) for side, its in of.items()}
    pace = {side: rows[0]["rows"] / took for side, took in seconds.items()}
    return {
        "method": METHODS[method].title,
        "turns": len(of["gatelight"]),
        "Trainer, rows/s": f"{pace['trainer']:.1f}",
        "grouped, rows/s": f"{pace['grouped']:.1f}",
        "Gatelight, rows/s": f"{pace['gatelight']:.1f}",
        "bare model, rows/s": f"{pace['floor']:.1f}",
        "× Trainer": f"{pace['gatelight'] / pace['trainer']:.2f}",
        "× grouped": f"{pace['gatelight'] / pace['grouped']:.2f}",
        "time over the bare model": f"{seconds['gatelight'] / seconds['floor'] - 1:+.0%}",
        "peak memory, peft and here (MB)": f"{peak['grouped']:,.0f}, {peak['gatelight']:,.0f}",
    }


_PAGE = """# Beside peft and Trainer

Measured by `python -m benchmarks.peers ALPACA --rows {rows}` ({machines}): one epoch of {rows} rows of Alpaca,
{batch} a step, at most {length} tokens each, on a LLaMA of {parameters} random parameters in fp32 (8 layers, width
384, SmolLM2's vocabulary). The same token ids for all; every run in a process of its own, in turns. "grouped" is
Trainer with `train_sampling_strategy="group_by_length"`; "bare model" is the frozen model alone, forward and backward
as deep as the method needs, on rows that are sorted by length. Rows per second are those of training steps, with what
Gatelight tells of every step in them. Memory is the most that the process held.

{table}
"""


if __name__ == "__main__":
    main()

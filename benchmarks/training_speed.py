"""How fast a training step is beside HF peft's, and what telemetry costs: ratios, all measured in this one run.

    python -m benchmarks.training_speed [--json]

Both sides train the same random LLaMA on the same batches with the same optimiser; rounds alternate, and the medians
are compared. Ratios above 1 mean that Gatelight is faster.
"""

import argparse
import contextlib
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from engine.config.run import RunConfig
from engine.data.batching import Batch
from engine.data.tokenise import IGNORE
from engine.evaluation.loss import count_labels
from engine.methods import method_class
from engine.methods.base import Start
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.models.resolve import SHIPPED
from engine.training import loop
from engine.training.launch import start_run
from engine.training.objective import TrainingObjective
from engine.training.recorder import Recorder

ROUNDS, STEPS = 5, 4
ROWS, LENGTH, ANSWER = 8, 192, 64

PAIRS = {
    "llama_adapter": (
        {"prompt_len": 10, "layers": 7},
        lambda: peft.AdaptionPromptConfig(adapter_len=10, adapter_layers=7, task_type="CAUSAL_LM"),
    ),
    "lora": (
        {"rank": 8, "targets": "q v"},
        lambda: peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    ),
    "prompt": (
        {"prompt_len": 20, "init": "random"},
        lambda: peft.PromptTuningConfig(num_virtual_tokens=20, task_type="CAUSAL_LM"),
    ),
}


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    args = parser.parse_args()
    result = {"telemetry_share": round(telemetry_share(), 4), "ratio_to_peft": {}}
    for name in PAIRS:
        ours, theirs = race(*sides(name))
        result["ratio_to_peft"][name] = round(theirs / ours, 2)
    if args.json:
        print(json.dumps(result))
        return
    print(f"Telemetry takes {result['telemetry_share']:.1%} of training time (LLaMA-Adapter, town, defaults).")
    for name, ratio in result["ratio_to_peft"].items():
        print(f"{name}: {ratio} times peft's steps per second.")


def sides(name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """One training step of ours, one of peft's."""
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=512, intermediate_size=1376, num_hidden_layers=8, num_attention_heads=8, vocab_size=32000
    )
    model = LlamaForCausalLM(config)
    settings, peft_config = PAIRS[name]
    batch = make_batch(config.vocab_size)
    wrapped = peft.get_peft_model(copy.deepcopy(model), peft_config())
    base = base_from_model("random", model, PreTrainedTokenizerFast.from_pretrained(SHIPPED["town"]))
    cls = method_class(name)
    method = cls.build(cls.spec.settings.from_dict(settings), base.shape, Start.of(base, 0))
    view = base.view()
    method.attach(view.sites)
    objective, count = TrainingObjective(method, [view]), count_labels(view.shape, batch)
    ours = stepper(list(method.parameters()), lambda: objective(batch) / count)
    inputs = {"input_ids": batch.inputs.ids, "attention_mask": batch.inputs.mask.long(), "labels": batch.labels}
    theirs = stepper([p for p in wrapped.parameters() if p.requires_grad], lambda: wrapped(**inputs).loss)
    return ours, theirs


def make_batch(vocabulary: int) -> Batch:
    """Rows of one length; the last third carries labels, as in instruction data."""
    ids = torch.randint(vocabulary, (ROWS, LENGTH))
    labels = ids.clone()
    labels[:, :-ANSWER] = IGNORE
    return Batch(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)), labels)


def stepper(parameters: list[torch.nn.Parameter], loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """Forward, backward and update."""
    optimiser = torch.optim.AdamW(parameters, lr=1e-3)

    def step() -> None:
        loss().backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def race(*steps: Callable[[], None]) -> list[float]:
    """Median seconds per step of each side, rounds alternating."""
    times: list[list[float]] = [[] for _ in steps]
    for step in steps:
        step()
    for _ in range(ROUNDS):
        for index, step in enumerate(steps):
            began = time.perf_counter()
            for _ in range(STEPS):
                step()
            times[index].append((time.perf_counter() - began) / STEPS)
    return [statistics.median(seconds) for seconds in times]


def telemetry_share() -> float:
    """Share of a default run's time that goes into frames, snapshots and the log (validation not counted)."""
    spent = 0.0
    depth = 0

    def timed(function: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            nonlocal spent, depth
            depth += 1
            began = time.perf_counter()
            try:
                return function(*args)
            finally:
                depth -= 1
                if depth == 0:
                    spent += time.perf_counter() - began

        return run

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for owner, name in ((Recorder, "publish"), (Recorder, "frame"), (loop, "copied_groups")):
            original = getattr(owner, name)
            setattr(owner, name, timed(original))
            stack.callback(setattr, owner, name, original)
        trainer = start_run(Path(folder) / "run", RunConfig(), load_base)
        for _ in trainer.run():
            pass
        return spent / (trainer.position.wall_s + spent)


if __name__ == "__main__":
    main()

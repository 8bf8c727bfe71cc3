"""SST-2 on a small real language model, in words and through a head, with HF peft's LoRA beside ours.

    python -m benchmarks.sst2 GLUE [--model FILE] [--steps 100] [--rows 872] [--seeds 0] [--jobs 1] [--out docs/sst2.md]

GLUE is a folder with SST-2's train.tsv and dev.tsv; without --model it is SmolLM2 (`python -m benchmarks.smollm2`).
peft trains the same weights on the same batches in the same order with the same optimiser, schedule and LoRA settings,
so that scores differ by noise and times by what each does for a step. The page and its figures in benchmarks/results
are written after every run; figures that are there are not made again, so that it may be cut off at any time.
"""

import argparse
import copy
import csv
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import peft
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification

from benchmarks.finished import finished
from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from benchmarks.smollm2 import fetch
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.data.batching import batches_by_length, batches_from, collate, sorted_batches
from engine.data.dataset import Dataset
from engine.data.encode import encode_for
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example, encode_rows
from engine.evaluation.head import head_predictions
from engine.evaluation.lines import first_line
from engine.evaluation.text import fraction, greedy_answers, matches
from engine.inference.generate import prompt_ids
from engine.methods import method_spec
from engine.methods.parts.task_head import LEARNING_RATE as HEAD_RATE
from engine.models.base import Base
from engine.models.loading import load_base
from engine.training.optimiser import scheduler_for

WORDS = ("negative", "positive")
TEMPLATE = "Review: {prompt}\nSentiment: "
BATCH, TRAINED_ON, VALIDATED, MAX_LEN = 16, 4000, 60, 128
LORA = {"rank": 8, "alpha": 16.0, "targets": "q v"}

Part = tuple[str, str, int]
"""How the label is said ("words" or "head"), who trains ("peft", a method, or "untuned"), and a seed."""


def main() -> None:
    """Train, score, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glue", type=Path, help="folder of the tasks")
    parser.add_argument("--model", default="", help="a language model (default: SmolLM2)")
    parser.add_argument("--steps", type=int, default=100, help="updates (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=872, help="rows of dev.tsv that are scored (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/sst2.md"))
    args = parser.parse_args()
    model = args.model or str(fetch())
    here = {"model": Path(model).name, "steps": args.steps, "rows": args.rows}
    asked: list[Part] = [("words", "untuned", 0)]
    for seed in args.seeds:
        asked += [(says, by, seed) for says in ("head", "words") for by in ("lora", "peft", "llama_adapter")]
    work = partial(measured, model, args.glue, args.steps, args.rows)
    measure(args.out, here, asked, lambda row: (row["says"], row["by"], row["seed"]), work, page, args.jobs)


def measured(model: str, glue: Path, steps: int, rows: int, part: Part) -> Iterator[Row]:
    """The row of one run."""
    says, by, seed = part
    base = load_base(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = config_of(model, glue, folder, steps, rows, part)
        dataset = config.load_data(base.tokenizer)
        if by == "untuned":
            answers = greedy_answers(base, None, dataset, dataset.rows("test"))
            row = {"right": right_words(answers, dataset), "trains": 0, "seconds": 0.0}
        elif by == "peft":
            row = by_peft(base, config, dataset, says)
        else:
            run = finished(folder / "run", config, base)
            if says == "head":
                right = fraction([known.right for known in head_predictions(base, run.method, dataset)])
            else:
                right = right_words(greedy_answers(base, run.method, dataset, dataset.rows("test")), dataset)
            row = {"right": right, "trains": run.trainable, "seconds": round(run.seconds, 1)}
        tested = [known.response for known in dataset.rows("test")]
        facts = {"parameters": base.shape.parameters, "machine": machine(base)}
        commonest = max(tested.count(word) for word in WORDS) / len(tested)
        yield {"says": says, "by": by, "seed": seed} | row | facts | {"commonest": round(commonest, 4)}


def config_of(model: str, glue: Path, folder: Path, steps: int, rows: int, part: Part) -> RunConfig:
    """A run on the task, its labels written as words."""
    says, by, seed = part
    for split in ("train", "dev"):
        with (glue / "SST-2" / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
            pairs = [(line["sentence"], WORDS[int(line["label"])]) for line in csv.DictReader(file, delimiter="\t")]
        shown = pairs if split == "train" else pairs[:rows]
        write_text(
            folder / f"{split}.jsonl", "".join(json.dumps({"prompt": a, "response": b}) + "\n" for a, b in shown)
        )
    own = by not in ("peft", "untuned", "lora")
    return RunConfig(
        model=model,
        dataset=str(folder / "train.jsonl"),
        method=by if own else "lora",
        method_settings={} if own else LORA,
        data={
            "template": "own", "own_template": TEMPLATE, "responses": "labels", "test": str(folder / "dev.jsonl"),
            "row_limit": TRAINED_ON + VALIDATED, "validation_rows": VALIDATED,
        },
        training={
            "steps": steps, "batch_size": BATCH, "head": says, "max_seq_len": MAX_LEN, "eval_every": steps,
            "score_rows": 0, "seed": seed,
        },
    )  # fmt: skip


def right_words(answers: Sequence[str], dataset: Dataset) -> float:
    """Share of the test rows whose answer begins with the line that is the label."""
    return fraction([matches(answer, row.response) for answer, row in zip(answers, dataset.rows("test"), strict=True)])


def by_peft(base: Base, config: RunConfig, dataset: Dataset, says: str) -> Row:
    """The same run by HF peft in a plain loop."""
    training = config.of_training()
    spec = HeadSpec(labels=dataset.head_labels or (), pooling="last") if says == "head" else None
    model = wrapped(base, training.seed, spec)
    adapter = [p for name, p in model.named_parameters() if p.requires_grad and "score" not in name]
    head = [p for name, p in model.named_parameters() if p.requires_grad and "score" in name]
    rate = method_spec("lora").usual_rate(config.of_method(), base.shape.d)
    groups = [{"params": adapter, "lr": rate}, {"params": head, "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=training.weight_decay)
    schedule = scheduler_for(optimiser, training)
    examples = encoded(base, dataset, "train", spec)
    together = sorted_batches(len(examples), BATCH)
    order = batches_from(examples, BATCH, training.seed, 0, together)
    began = time.perf_counter()
    model.train()
    for _ in range(training.steps):
        inputs = inputs_of(base, next(order), spec)
        model(**inputs).loss.backward()
        nn.utils.clip_grad_norm_([*adapter, *head], training.max_grad_norm)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
    seconds = time.perf_counter() - began
    model.eval()
    right = right_by_head(base, model, dataset, spec) if spec else right_by_words(base, model, dataset)
    return {"right": right, "trains": sum(p.numel() for p in (*adapter, *head)), "seconds": round(seconds, 1)}


def wrapped(base: Base, seed: int, spec: HeadSpec | None) -> peft.PeftModel:
    """A copy of the base under peft's LoRA, with transformers' own classification head where there is to be one."""
    torch.manual_seed(seed)
    model = copy.deepcopy(base.model)
    if spec:
        config = copy.deepcopy(base.model.config)
        config.num_labels, config.pad_token_id = len(spec.labels), base.tokenizer.pad_token_id
        model = AutoModelForSequenceClassification.from_config(config)
        model.model.load_state_dict(base.model.model.state_dict())
    lora = peft.LoraConfig(
        r=int(LORA["rank"]),
        lora_alpha=LORA["alpha"],
        target_modules=["q_proj", "v_proj"],
        task_type="SEQ_CLS" if spec else "CAUSAL_LM",
    )
    return peft.get_peft_model(model, lora)


def encoded(base: Base, dataset: Dataset, split: str, spec: HeadSpec | None) -> Sequence[Example]:
    """The rows of a split as ids, with words or classes to predict."""
    rows = dataset.rows(split)
    if spec:
        return encode_for(base.tokenizer, dataset, rows, MAX_LEN, spec)
    return encode_rows(base.tokenizer, dataset, rows, MAX_LEN)


def inputs_of(base: Base, examples: Sequence[Example], spec: HeadSpec | None) -> dict[str, torch.Tensor]:
    """A batch under the names of transformers."""
    batch = collate(examples, base.tokenizer.pad_token_id)
    labels = batch.targets if spec else batch.labels
    return {"input_ids": batch.inputs.ids, "attention_mask": batch.inputs.mask.long(), "labels": labels}


@torch.no_grad()
def right_by_head(base: Base, model: peft.PeftModel, dataset: Dataset, spec: HeadSpec) -> float:
    """Share of right classes on the test rows."""
    hits: list[bool] = []
    for rows in batches_by_length(encoded(base, dataset, "test", spec), BATCH):
        inputs = inputs_of(base, rows, spec)
        hits += (model(**inputs).logits.argmax(-1) == inputs["labels"]).tolist()
    return fraction(hits)


@torch.no_grad()
def right_by_words(base: Base, model: peft.PeftModel, dataset: Dataset) -> float:
    """Share of test rows whose greedy answer is the label, generated by transformers."""
    examples = encoded(base, dataset, "test", None)
    wanted = {id(example): row.response for example, row in zip(examples, dataset.rows("test"), strict=True)}
    hits: list[bool] = []
    pad = base.tokenizer.pad_token_id
    for rows in batches_by_length(examples, BATCH):
        prompts = [list(prompt_ids(example)) for example in rows]
        longest = max(map(len, prompts))
        ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        said = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=4, do_sample=False, pad_token_id=pad)
        texts = base.tokenizer.batch_decode(said[:, longest:], skip_special_tokens=True)
        hits += [first_line(text).strip() == wanted[id(example)] for example, text in zip(rows, texts, strict=True)]
    return fraction(hits)


def page(rows: list[Row]) -> str:
    """What is written down."""
    order = {"untuned": 0, "lora": 1, "peft": 2, "llama_adapter": 3}
    rows = sorted(rows, key=lambda row: (row["says"] == "head", order[row["by"]], row["seed"]))
    first = rows[0]
    return _PAGE.format(
        **{name: first[name] for name in ("model", "steps", "rows")},
        parameters=f"{first['parameters']:,}",
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        batch=BATCH,
        trained=TRAINED_ON,
        commonest=f"{100 * first['commonest']:.1f}",
        rank=LORA["rank"],
        alpha=LORA["alpha"],
        table=markdown([_line(row) for row in rows]),
    )


def _line(row: Row) -> Row:
    names = {"untuned": "untuned", "lora": "LoRA", "peft": "LoRA, HF peft", "llama_adapter": "LLaMA-Adapter"}
    return {
        "label": {"words": "in words", "head": "through a head"}[row["says"]], "by": names[row["by"]],
        "seed": row["seed"], "trains": f"{row['trains']:,}", "right": f"{100 * row['right']:.1f} %",
        "seconds of steps": row["seconds"] or "",
    }  # fmt: skip


_PAGE = """# SST-2 on a small real language model

Measured by `python -m benchmarks.sst2 GLUE --steps {steps} --rows {rows}` on {model} ({parameters} parameters;
{machines}; on a machine that did other work too, so seconds say little). {steps} updates of {batch} rows out of
{trained:,}; {rows} rows of dev.tsv, scored after the last step. "In words" the model writes the label after a review,
and any other text is wrong; "through a head" a linear layer reads its last token. LoRA has rank {rank}, alpha {alpha}
and acts on q and v. peft trains the same weights on the same batches in the same order, with the same optimiser,
schedule and rates. Always the commonest label: {commonest} %.

{table}
"""


if __name__ == "__main__":
    main()

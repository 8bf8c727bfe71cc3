"""Table to text on the E2E data, scored as its papers do: BLEU of generated sentences against all references.

    python -m benchmarks.e2e E2E [--model town] [--methods prefix adamix] [--steps 600] [--questions 630]
                             [--out docs/e2e.md]

E2E is a folder with train_tokenized.jsonl, dev.jsonl and test.jsonl, rows of a meaning representation (mr) and one of
its sentences (ref). Models of this size write modest sentences: what is shown is that the whole way works, from the
file to the score.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.glue import markdown
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.evaluation.text import text_predictions, text_scores
from engine.exchange.native import load_adapter
from engine.methods import METHODS
from engine.models.loading import load_base
from engine.training.launch import start_run

SHOWN = 3
"""Sentences that are printed."""


def main() -> None:
    """Train, generate, score, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("e2e", type=Path, help="folder of the data")
    parser.add_argument("--model", default="town")
    parser.add_argument("--methods", nargs="+", default=["prefix", "adamix"], choices=list(METHODS))
    parser.add_argument("--steps", type=int, default=600, help="updates of each method (default: %(default)s)")
    parser.add_argument("--questions", type=int, default=630, help="of the test file's, the first (default: all)")
    parser.add_argument("--out", type=Path, default=Path("docs/e2e.md"))
    args = parser.parse_args()
    base = load_base(args.model)
    rows: list[dict[str, object]] = []
    examples: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        test = Path(name) / "test.jsonl"
        write_text(test, first_questions(args.e2e / "test.jsonl", args.questions))
        for method in args.methods:
            config = RunConfig(
                model=args.model,
                dataset=str(args.e2e / "train_tokenized.jsonl"),
                method=method,
                data={
                    "prompt": "mr", "response": "ref", "validation": str(args.e2e / "dev.jsonl"),
                    "test": str(test),
                },
                training={"steps": args.steps, "eval_every": args.steps},
            )  # fmt: skip
            began = time.perf_counter()
            trainer = start_run(Path(name) / method, config, lambda _name, _precision: base)
            for _ in trainer.run():
                pass
            seconds = time.perf_counter() - began
            tuned, dataset = load_adapter(trainer.folder.adapter_path, base), config.load_data(base.tokenizer)
            predictions = text_predictions(base, tuned, dataset)
            scores = text_scores(base, tuned, dataset, predictions)
            shown = list({p.prompt: p for p in reversed(predictions)}.values())[-SHOWN:][::-1]
            assert scores.text is not None
            assert scores.base_text is not None
            if not rows:
                rows.append(_row("untuned base", 0, scores.base_text.bleu, scores.base_text.chrf,
                                 scores.base_text.rouge_l, scores.base_perplexity, 0))  # fmt: skip
                examples += [f"- asked: `{p.prompt}`; one of the references: {p.reference}" for p in shown]
            rows.append(_row(METHODS[method].title, sum(p.numel() for p in tuned.parameters()), scores.text.bleu,
                             scores.text.chrf, scores.text.rouge_l, scores.perplexity, seconds))  # fmt: skip
            examples += [f"- {METHODS[method].title}: {' '.join(p.tuned.split())}" for p in shown]
            print(rows[-1], flush=True)
            text = page(Path(args.model).name, args.steps, rows, examples, scores.text.questions, scores.text.signature)
            write_text(args.out, text)
    print(args.out.read_text(encoding="utf-8"))


def first_questions(file: Path, count: int) -> str:
    """The lines of the first different questions, with all references that each has."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    asked = [json.loads(line)["mr"] for line in lines]
    wanted = set(list(dict.fromkeys(asked))[:count])
    return "".join(line for line, question in zip(lines, asked, strict=True) if question in wanted)


def _row(
    method: str, trains: int, bleu: float, chrf: float, rouge_l: float, perplexity: float, seconds: float
) -> dict[str, object]:
    return {
        "method": method, "trains": f"{trains:,}", "BLEU": f"{bleu:.1f}", "chrF": f"{chrf:.1f}",
        "ROUGE-L": f"{rouge_l:.1f}", "perplexity": f"{perplexity:.2f}", "seconds": round(seconds),
    }  # fmt: skip


def page(
    model: str, steps: int, rows: list[dict[str, object]], examples: list[str], questions: int, signature: str
) -> str:
    """What is written down."""
    return f"""# E2E: table to text

Measured in one run by `python -m benchmarks.e2e E2E --model {model} --steps {steps}
--questions {questions}` on {torch.get_num_threads()}
threads: 42,061 training rows, default settings of each method, {steps:,} updates of 16 rows; greedy sentences for the
{questions:,} different questions of the test file, each against all its references
(sacrebleu: `{signature}`). The base is small and has never read such lines, so the scores are modest; what is proved is
the way from the file to the score.

{markdown(rows)}

{chr(10).join(examples)}
"""


if __name__ == "__main__":
    main()

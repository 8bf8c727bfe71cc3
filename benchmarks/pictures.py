"""LLaMA-Adapter with pictures: right answers with the picture, with it withheld, and with another one in its place.

    python -m benchmarks.pictures [EASY_VQA] [--steps 600] [--only town] [--out docs/pictures.md]

Trains on town-pictures, and on easy-VQA where its folder is named (the one that holds train and test). Both are seen
through the embedded vision encoder, which was pre-trained on drawn pictures of this repository and never saw one of
easy-VQA. The page and its figures in benchmarks/results are written after every run; figures that are there are not
made again, unless a run with more steps is asked for.
"""

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, kept
from benchmarks.stories import evenly
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.data.dataset import Row as DataRow
from engine.data.dataset import load_dataset
from engine.evaluation.lines import first_line
from engine.evaluation.text import fraction, greedy_answers
from engine.evaluation.withheld import with_other_pictures, without_pictures
from engine.models.loading import load_base
from engine.training.launch import start_run

TOWN, EASY = "town-pictures", "easy-VQA"
SEEN = load_dataset(TOWN).suited["llama_adapter"]
TRAINED, VALIDATED, TESTED = 20_000, 200, 800
"""Rows of easy-VQA that are trained and validated on, and those that are scored, evenly spaced over all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One run.

    Attributes:
        task: `TOWN` or `EASY`.
        name: What is special in it.
        settings: Of the method, where they differ from those that suit the pictures of the town.
        training: Of the loop, where they differ.
    """

    task: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


PROMPTS_ALONE = {"bias": False, "scale": False, "norms": False}
TRIALS = [
    Trial(task=TOWN, name="as it is"),
    Trial(task=TOWN, name="a third of the updates", training={"steps": 200}),
    Trial(task=TOWN, name="as it is, seed 1", training={"seed": 1}),
    Trial(task=TOWN, name="prompts and gates alone (v1)", settings=PROMPTS_ALONE),
    Trial(task=TOWN, name="features of the last layer alone", settings={"vision_depths": 1}),
    Trial(task=TOWN, name="patches by queries (V2's code)", settings={"vision_form": "queries"}),
    Trial(task=TOWN, name="patches by queries, early (V2's paper)", settings={"vision_form": "early"}),
    Trial(task=EASY, name="zero gates, features of 4 depths"),
    Trial(task=EASY, name="random gates", settings={"gate_init": "random"}),
    Trial(task=EASY, name="features of the last layer alone", settings={"vision_depths": 1}),
]


def main() -> None:
    """Train, score, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("easy", nargs="?", type=Path, help="folder of easy-VQA with train and test")
    parser.add_argument("--steps", type=int, default=600, help="updates of each run (default: %(default)s)")
    parser.add_argument("--only", choices=(TOWN, EASY), help="one of the two tasks")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures.md"))
    args = parser.parse_args()
    figures = figures_of(args.out)
    rows = kept(figures)
    known = {(row["task"], row["trial"]): row["steps"] for row in rows}
    with tempfile.TemporaryDirectory() as name:
        for trial in TRIALS:
            wanted = trial.task == (args.only or trial.task) and (trial.task == TOWN or args.easy)
            enough = trial.training.get("steps", args.steps)
            if not wanted or known.get((trial.task, trial.name), 0) >= enough:
                continue
            row = measured(trial, args.steps, args.easy, Path(name))
            print(json.dumps(row), flush=True)
            rows = [one for one in rows if (one["task"], one["trial"]) != (trial.task, trial.name)] + [row]
            write_json(figures, rows)
            write_text(args.out, page(rows))
    write_text(args.out, page(rows))


def measured(trial: Trial, steps: int, easy: Path | None, folder: Path) -> Row:
    """Train one run, and answer its test rows with the picture, without, and with another."""
    config = config_of(trial, steps, easy, folder)
    base = load_base(config.model)
    began = time.process_time()
    trainer = start_run(Path(tempfile.mkdtemp(dir=folder)) / "run", config, load_base)
    for _ in trainer.run():
        pass
    seconds = time.process_time() - began
    method, dataset = trainer.method, config.load_data(base.tokenizer)
    rows = list(dataset.rows("test"))
    rows = rows if len(rows) <= TESTED else evenly(rows, TESTED)
    asked = {"with": rows, "withheld": without_pictures(rows), "swapped": with_other_pictures(rows)}
    asked["shuffled"] = shuffled(rows)
    answers = {name: greedy_answers(base, method, dataset, some) for name, some in asked.items()}
    scores = {name: right(rows, some) for name, some in answers.items()}
    return {
        "task": trial.task, "trial": trial.name, "steps": config.of_training().steps,
        "machine": machine(base), "rows": len(rows),
        "trains": sum(parameter.numel() for parameter in trainer.method.parameters()),
        "cpu_seconds": round(seconds), **scores, **guesses(list(dataset.rows("train")), rows),
    }  # fmt: skip


def shuffled(rows: Sequence[DataRow]) -> list[DataRow]:
    """The same questions, each about any other picture; by chance it may have the same answer."""
    pictures = sorted({row.picture for row in rows if row.picture is not None})
    random.Random(0).shuffle(pictures)
    other = dict(zip(pictures, [*pictures[1:], *pictures[:1]], strict=True))
    return [row if row.picture is None else replace(row, picture=other[row.picture]) for row in rows]


def config_of(trial: Trial, steps: int, easy: Path | None, folder: Path) -> RunConfig:
    """The run of a trial."""
    training = {"steps": steps, "eval_every": steps, "save_every": steps, **trial.training}
    settings = {**SEEN, **trial.settings}
    if trial.task == TOWN:
        return RunConfig(dataset=TOWN, method_settings=settings, training=training)
    assert easy is not None
    if not (folder / "train.parquet").exists():
        write_easy(easy, folder)
    data = {
        "picture": "picture", "prompt": "question", "response": "answer", "template": "own",
        "own_template": load_dataset(TOWN).template, "validation": str(folder / "validation.parquet"),
        "test": str(folder / "test.parquet"),
    }  # fmt: skip
    return RunConfig(dataset=str(folder / "train.parquet"), method_settings=settings, training=training, data=data)


def write_easy(easy: Path, folder: Path) -> None:
    """The questions of easy-VQA with their pictures as Parquet; some training pictures are kept for validation."""
    for split in ("train", "test"):
        questions = json.loads((easy / split / "questions.json").read_text(encoding="utf-8"))
        pictures = {number: (easy / split / "images" / f"{number}.png").read_bytes() for _, _, number in questions}
        rows = [
            {"question": question, "answer": answer, "picture": pictures[number]}
            for question, answer, number in questions
        ]
        if split == "train":
            pq.write_table(pa.Table.from_pylist(rows[-VALIDATED:]), folder / "validation.parquet")
            last = rows[-VALIDATED]["picture"]
            rows = evenly([row for row in rows[:-VALIDATED] if row["picture"] != last], TRAINED)
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


def guesses(train: Sequence[DataRow], test: Sequence[DataRow]) -> dict[str, float]:
    """What is right without looking: the most frequent answer of all, and the most frequent one to each question."""
    (often, _), *_ = Counter(row.response for row in train).most_common(1)
    answers: dict[str, Counter[str]] = {}
    for row in train:
        answers.setdefault(row.prompt, Counter())[row.response] += 1
    likely = {prompt: counts.most_common(1)[0][0] for prompt, counts in answers.items()}
    return {
        "majority": right(test, [often] * len(test)),
        "question": right(test, [likely.get(row.prompt, often) for row in test]),
    }


def right(rows: Sequence[DataRow], answers: Sequence[str]) -> float:
    """Share of answers whose first line is the reference."""
    return fraction([first_line(answer) == row.response for row, answer in zip(rows, answers, strict=True)])


def page(rows: list[Row]) -> str:
    """What is written down."""
    order = {(trial.task, trial.name): at for at, trial in enumerate(TRIALS)}
    rows = sorted(rows, key=lambda row: order[row["task"], row["trial"]])
    tables = {task: [row for row in rows if row["task"] == task] for task in (TOWN, EASY)}
    return (
        _PAGE.format(
            machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
            town=markdown(list(_shown(tables[TOWN]))),
            town_guesses=_guessed(tables[TOWN]),
            easy=markdown(list(_shown(tables[EASY]))),
            easy_guesses=_guessed(tables[EASY]),
            trained=f"{TRAINED:,}",
            tested=f"{TESTED:,}",
        ).rstrip()
        + "\n"
    )


def _shown(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        yield {
            "run": row["trial"],
            "updates": row["steps"],
            "trains": f"{row['trains']:,}",
            "CPU seconds": row["cpu_seconds"],
            "with the picture": f"{row['with']:.1%}",
            "withheld": f"{row['withheld']:.1%}",
            "another picture": f"{row['swapped']:.1%}" if "swapped" in row else "–",
            "shuffled": f"{row['shuffled']:.1%}",
        }


def _guessed(rows: list[Row]) -> str:
    if not rows:
        return ""
    row = rows[0]
    return (
        f"Without looking, on the same {row['rows']:,} test rows: the most frequent answer of all is right in "
        f"{row['majority']:.1%}, the most frequent one to each question in {row['question']:.1%}."
    )


_PAGE = """# Pictures

Measured by `python -m benchmarks.pictures EASY_VQA`
({machines}, on a machine that did other work too).

LLaMA-Adapter on the embedded base, which has never seen a picture, with the features of the embedded vision encoder
`town-vit` ([its card](../assets/town-vit/README.md)). Exact match of the first line of greedy answers: with the
picture, with the same adapter and no picture, and with the same adapter and the picture of another row that has another
answer to the same question. An adapter that only guesses well from the question has the same score in all columns.
"Shuffled" gives every row the picture of any other, which by chance may have the same answer. CPU seconds are those of
the training alone, on one thread.

## town-pictures

`python -m engine train --dataset town-pictures --out runs/seen`, then `python -m engine eval runs/seen`, which says
all three. Test pictures show pairs of a pet and a house's colour that no training picture shows
([card](../assets/datasets/town-pictures/README.md)).

{town}

{town_guesses}

What a picture adds to prompts is one vector, the same for all of them. In the softmax over the prompts it cancels out
of the weights, so that a layer adds the same to every token, gate times W_v I_p, whatever is asked; telling the
question's answer from the rest is left to the frozen layers above, of a base that has never read most of the words of
the answers. V2's biases, scales and norms, which the dataset switches on, change these layers too. V2's queries give
each prompt a vector of its own, so that a token may ask for what it needs; with nine times as many numbers to learn
from 1,500 rows they learn nothing of the pictures in as many updates.

## easy-VQA

Real files ([victorzhou's easy-VQA](https://github.com/vzhou842/easy-VQA): 4,000 training pictures of one shape, 13
answers); {trained} of the 38,575 training questions and {tested} of the 9,673 of the test, evenly spaced. Nothing of it
was seen in pre-training, neither by the encoder nor by the base, and both stay frozen. All runs have V2's options. The
base is that of version 0.1.0.

{easy}

{easy_guesses}
"""

if __name__ == "__main__":
    main()

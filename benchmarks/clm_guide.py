"""The "clm prompt tuning" guide, step for step, through the command line: train, score by generation, ask.

    python -m benchmarks.clm_guide TWITTER --models "$(python -m benchmarks.smollm2)" [FOLDER bigscience/bloomz-560m]
                                           [--splits 2] [--shipped] [--out docs/clm.md]

TWITTER is the folder with train.csv, the 50 labelled tweets of RAFT's twitter_complaints. As in the guide: eight
virtual tokens that start from a sentence, 50 epochs of batches of 8, 64 tokens, AdamW at 3e-2 that falls linearly
without a warm-up. Other than the guide, which decodes what teacher forcing scores highest, answers are generated, and
for rows that were not trained on: a fifth of each split of the tweets tests and a fifth validates. With --shipped the
same settings then train on the posts that ship with the workbench, which its own model can read.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.glue import markdown
from benchmarks.parts import Row, figures_of, kept
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text

EPOCHS, BATCH = 50, 8
SHIPPED, SHIPPED_STEPS = "complaints", 600
METHOD = {"prompt_len": 8, "init": "text", "init_text": "Classify if the tweet is a complaint or not:"}
DATA = {
    "template": "own", "own_template": "Tweet text : {prompt} Label : ",
}  # fmt: skip
TRAINING = {
    "learning_rate": 3e-2, "batch_size": BATCH, "schedule": "linear", "warmup_ratio": 0.0, "weight_decay": 0.01,
    "max_seq_len": 64,
}  # fmt: skip
KEPT_BACK = 2 / 5
"""Share of the rows that is validated and scored on."""

ASKED = "@HMRCcustomers I have been waiting for my tax refund since March, why does nobody answer?"


def main() -> None:
    """Train every model on every split, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("twitter", type=Path, help="folder of the tweets")
    parser.add_argument("--models", nargs="+", required=True, help="embedded names, files, folders or hub ids")
    parser.add_argument("--splits", type=int, default=2, help="splits of the tweets (default: %(default)s)")
    parser.add_argument("--shipped", action="store_true", help="train on the posts that ship with the workbench too")
    parser.add_argument("--out", type=Path, default=Path("docs/clm.md"))
    args = parser.parse_args()
    figures, file = figures_of(args.out), args.twitter / "train.csv"
    rows = kept(figures)
    known = {(row["model"], row["data"], row["split"]) for row in rows}
    for model in args.models:
        wanted = [config_of(model, file, split) for split in range(args.splits)]
        if args.shipped:
            wanted.append(config_of(model))
        for config in wanted:
            if key_of(config) in known:
                continue
            with tempfile.TemporaryDirectory() as name:
                rows.append(followed(config, Path(name) / "run"))
            print(json.dumps(rows[-1]), flush=True)
            write_json(figures, rows)
            write_text(args.out, page(rows))
    write_text(args.out, page(rows))


def config_of(model: str, file: Path | None = None, split: int = 0) -> RunConfig:
    """The guide's run: 50 epochs of the rows that are left to train on; or its settings on the shipped posts."""
    steps, dataset, data = SHIPPED_STEPS, SHIPPED, {}
    if file is not None:
        rows = len(file.read_text(encoding="utf-8").splitlines()) - 1
        steps, dataset = EPOCHS * -(-round(rows * (1 - KEPT_BACK)) // BATCH), str(file)
        data = DATA | ({"split_seed": split} if split else {})
    training = {"steps": steps} | TRAINING
    return RunConfig(
        model=model, dataset=dataset, method="prompt", method_settings=METHOD, data=data, training=training
    )


def key_of(config: RunConfig) -> tuple[str, str, int]:
    """Model, data and split, as figures name them on every machine."""
    return Path(config.model).name, Path(config.dataset).name, config.of_data().split_seed


def followed(config: RunConfig, run: Path) -> Row:
    """All steps of the guide, each as the command that a person would type."""
    trained = command(*shlex.split(config.command())[3:], "--out", str(run), "--quiet")
    said = run.parent / "said.jsonl"
    scores = command("eval", str(run), "--predictions", str(said))
    asked = command("chat", str(run), "--prompt", ASKED, "--max-new-tokens", "10")
    answers = [json.loads(line) for line in said.read_text(encoding="utf-8").splitlines()]
    names = Counter(answer["reference"] for answer in answers)
    return dict(zip(("model", "data", "split"), key_of(config), strict=True)) | {
        "steps": trained["step"],
        "trains": trained["trainable"],
        "seconds": round(trained["wall_s"], 1),
        "bytes": (run / "adapter" / "adapter.safetensors").stat().st_size,
        "rows": scores["rows"],
        "before": round(scores["base_exact_match"] * scores["rows"]),
        "after": round(scores["exact_match"] * scores["rows"]),
        "nats": [scores["base_test_loss"], scores["test_loss"]],
        "commonest": names.most_common(1)[0][1],
        "no_label": sum(answer["tuned"].strip().split("\n")[0] not in names for answer in answers),
        "asked": [asked["base"].strip(), asked["tuned"].strip()],
    }


def command(*words: str) -> dict[str, Any]:
    """Run a command of the workbench; what it tells as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", *words, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def page(rows: list[Row]) -> str:
    """What is written down."""
    shown = RunConfig(
        model="MODEL", dataset="TWITTER/train.csv", method="prompt", method_settings=METHOD, data=DATA,
        training={"steps": rows[0]["steps"]} | TRAINING,
    )  # fmt: skip
    groups = dict.fromkeys((row["model"], row["data"]) for row in rows)
    table = [_together([row for row in rows if (row["model"], row["data"]) == group]) for group in groups]
    said = [
        f"- {row['model']}, tuned on {row['data']}: base `{_line(row['asked'][0])}`, tuned `{_line(row['asked'][1])}`"
        for row in rows
        if row["split"] == 0
    ]
    return _PAGE.format(
        command=shown.command().replace(" --", " \\\n    --"), asked=ASKED, table=markdown(table), said="\n".join(said)
    )


def _line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _together(rows: list[Row]) -> Row:
    """All splits of a model's data as a row."""
    total = sum(row["rows"] for row in rows)

    def share(name: str) -> str:
        return f"{sum(row[name] for row in rows)} of {total}"

    nats = [sum(row["nats"][at] for row in rows) / len(rows) for at in (0, 1)]
    return {
        "model": rows[0]["model"],
        "data": rows[0]["data"],
        "splits": len(rows),
        "updates": rows[0]["steps"],
        "trains": f"{rows[0]['trains']:,}",
        "file": f"{rows[0]['bytes']:,} bytes",
        "nats a token before": f"{nats[0]:.2f}",
        "after": f"{nats[1]:.2f}",
        "right before": share("before"),
        "right after": share("after"),
        "always the commonest label": share("commonest"),
        "no label at all": share("no_label"),
    }


_PAGE = """# The clm prompt tuning guide

HF's guide tunes eight virtual tokens so that a causal model says whether a tweet is a complaint. Here it is step for
step, on the same 50 labelled tweets (RAFT's twitter_complaints, train.csv) with the guide's settings: the virtual
tokens start from "Classify if the tweet is a complaint or not:", AdamW at 3e-2 falls linearly without a warm-up for 50
epochs of batches of 8, and a row has at most 64 tokens. On bloomz-560m these are the guide's 8,192 parameters, which a
test counts from that model's config.

One thing is different on purpose: the guide decodes what the model scores highest while it is given the right answer,
which flatters. Here answers are generated, and only rows count that were neither trained nor validated on.

## From the command line

```sh
{command}
python -m engine eval RUN --predictions said.jsonl
python -m engine chat RUN --prompt "@HMRCcustomers No this is my first job" --max-new-tokens 10
```

## From the page

1. **Train**, *Model*: name the model. *Method*: prompt tuning, and as its starting point *start from a sentence (for
   complaints)*, which fills in the eight virtual tokens and the sentence.
2. *Data*: *Your own data …*, upload train.csv. *Tweet text* and *Label* are guessed; choose *your own* template and
   write `Tweet text : {{prompt}} Label : `. The rows beside it show that only the label is learned.
3. The learning rate is 0.03, the batch 8; under *All settings*, the schedule is linear, the warm-up 0, the weight
   decay 0.01 and the longest row 64 tokens. Press *Start*; **Watch** shows which words the virtual tokens come to
   resemble.
4. **Chat** asks base and tuned model side by side; **Runs** scores all test tweets.

`tests/ui/test_guide.py` does this in a browser.

## What came out

Measured by `python -m benchmarks.clm_guide TWITTER`. Of each split of the tweets 30 are trained on and 10 are scored,
whole; in training, 64 tokens are less than some tweets, which lose their beginning. An answer is right when its first
line is the label to the letter.

{table}

Asked with the first split's adapter: "{asked}"

{said}

A real language model, SmolLM2, answers with anything before it is tuned, and with one of the two labels, mostly the
right one, after eight virtual tokens. stories260K has read nothing but simple stories: its loss falls too, and that is
all. Virtual tokens only bring up what a model already knows, which is why prompt tuning becomes strong with the size of
the model, as its paper says.
"""

if __name__ == "__main__":
    main()

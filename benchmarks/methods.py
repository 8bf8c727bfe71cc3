"""Every method with its default settings on the embedded base, measured: what it costs, what it reaches.

    python -m benchmarks.methods [--only lora bias] [--seed 0]

Writes docs/methods.md and the table in README.md for people, and assets/zoo.json for the page's picture of it. With
--only, the other rows stay as they were measured before; with --only and no name, only the texts are written again.
"""

import argparse
import inspect
import json
import platform
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.within_reach import measured as within_reach
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.data.dataset import load_dataset
from engine.evaluation.text import text_scores
from engine.methods import METHODS
from engine.methods.spec import MethodSpec
from engine.models.loading import load_base
from engine.runs.log import all_events
from engine.training.launch import start_run

ROOT = Path(__file__).resolve().parents[1]
ZOO, PAGE, README = ROOT / "assets" / "zoo.json", ROOT / "docs" / "methods.md", ROOT / "README.md"
BEGIN, END = "<!-- methods -->\n", "<!-- /methods -->\n"
DATASET = "town-qa"


def main() -> None:
    """Measure, and write both files after every method, so that a run that is cut short is not lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(METHODS), default=list(METHODS), help="methods to measure")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    zoo = json.loads(ZOO.read_text(encoding="utf-8")) if ZOO.exists() else {"methods": []}
    rows = {row["name"]: row for row in zoo["methods"] if row["name"] in METHODS}
    if args.only or "reach" not in zoo:
        threads = torch.get_num_threads()
        zoo["machine"] = f"{platform.machine()}, {threads} threads, torch {torch.__version__.split('+')[0]}"
        zoo["dataset"], zoo["reach"] = DATASET, within_reach(load_base("town"))
    write(zoo)
    for name in args.only:
        rows[name] = measured(name, args.seed)
        print(json.dumps({key: value for key, value in rows[name].items() if key != "curve"}), flush=True)
        write(zoo | {"methods": [rows[known] for known in METHODS if known in rows]})


def measured(name: str, seed: int) -> dict[str, Any]:
    """Train with defaults and score on the test rows. Seconds are all from the start to the finished adapter."""
    config = RunConfig(dataset=DATASET, method=name, training={"seed": seed})
    base = load_base("town")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(Path(folder) / "run", config, load_base)
        for _ in trainer.run():
            pass
        seconds = time.monotonic() - begin
        events = list(all_events(trainer.folder.events_path))
        size = (trainer.folder.adapter_path / "adapter.safetensors").stat().st_size
    method = trainer.method
    scores = text_scores(base, method, load_dataset(DATASET))
    return {
        "name": name,
        "title": method.spec.title,
        "acts_on": list(method.spec.acts_on),
        "trainable": sum(parameter.numel() for parameter in method.parameters() if parameter.requires_grad),
        "total": base.shape.parameters,
        "file_bytes": size,
        "steps": trainer.position.step,
        "seconds": round(seconds, 1),
        "tokens_per_s": round(statistics.median(event["tokens_per_s"] for event in events if event["kind"] == "loss")),
        "exact_match": scores.exact_match,
        "base_exact_match": scores.base_exact_match,
        "base_ability": scores.base_ability_loss,
        "base_ability_before": scores.base_ability_loss_before,
        "curve": [[event["step"], event["validation_loss"]] for event in events if event["kind"] == "eval"],
    }


def write(zoo: dict[str, Any]) -> None:
    """All three files, each whole."""
    if not zoo["methods"]:
        return
    write_json(ZOO, zoo)
    PAGE.parent.mkdir(exist_ok=True)
    write_text(PAGE, page(zoo))
    write_text(README, with_table(README.read_text(encoding="utf-8"), zoo))


def with_table(readme: str, zoo: dict[str, Any]) -> str:
    """README.md with the table of methods as it was measured."""
    lines = ["| method | acts on | trains | file | test rows right | |", "|---|---|--:|--:|--:|---|"]
    for row in zoo["methods"]:
        paper = METHODS[row["name"]].paper
        lines.append(
            f"| {row['title']} | {', '.join(row['acts_on'])} | {row['trainable']:,} "
            f"| {row['file_bytes'] / 1024:,.0f} KiB | {row['exact_match']:.0%} | [paper]({paper.url}) |"
        )
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1]


def page(zoo: dict[str, Any]) -> str:
    """docs/methods.md."""
    rows, reach = zoo["methods"], zoo["reach"]
    table = [
        "| method | acts on | trains | file | exact match on test rows | base ability | tokens/s | seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        table.append(
            f"| [{row['title']}](#{row['name']}) | {', '.join(row['acts_on'])} | {row['trainable']:,} "
            f"| {row['file_bytes'] / 1024:,.0f} KiB | {row['exact_match']:.1%} | {row['base_ability']:.3f} "
            f"| {row['tokens_per_s']:,} | {row['seconds']:.0f} |"
        )
    before = rows[0]
    return _PAGE.format(
        machine=zoo["machine"],
        first=reach["first"],
        others=reach["others"],
        probe=", ".join(f"{share:.0%}" for share in reach["probe"]),
        table="\n".join(table),
        untuned=before["base_exact_match"],
        ability=before["base_ability_before"],
        total=before["total"],
        methods="\n\n".join(section(METHODS[row["name"]], row) for row in rows),
    )


def section(spec: MethodSpec, row: dict[str, Any]) -> str:
    """One method: paper, equation, what it does, its settings."""
    notes = inspect.getdoc(inspect.getmodule(spec.implementation())) or ""
    settings = "\n".join(f"| `{f.name}` | `{f.default}` | {f.info.help} |" for f in spec.settings.fields())
    curve = ", ".join(f"{loss:.2g}" for _, loss in row["curve"])
    return (
        f'## <a id="{spec.name}"></a>{spec.title}\n\n'
        f"{spec.paper.authors}, {spec.paper.year}: [{spec.paper.title}]({spec.paper.url}). Learning rate on "
        f"the embedded base {spec.learning_rate:g}.\n\n    {spec.equation}\n\n{_prose(notes)}\n\n"
        f"Validation loss over the run: {curve}.\n\n| setting | default | what it does |\n|---|---|---|\n{settings}"
    )


def _prose(notes: str) -> str:
    """The module's own words: without its title and reference; indented equations stay code in Markdown."""
    paragraphs = [part for part in notes.split("\n\n")[1:] if not re.search(r"https?://", part)]
    return "\n\n".join(paragraphs)


_PAGE = """# Methods

Every method with its default settings on the embedded base ({total:,} parameters), tuned for 300 steps of 16 rows on
town-qa and scored by greedy generation on its test rows, which ask only about people whom no training row asks
about. The untuned base answers {untuned:.1%} of them. "Base ability" is the loss on held-out plain text after tuning,
in nats per token; the untuned base has {ability:.3f}. Tokens per second are those of training steps, seconds all from
the start to the finished adapter, on this machine: compare them within the table only. (Seconds and tokens of AdaLoRA,
VeRA, MiSS, SHiRA, OFT and LoReFT are of another day than the others', and no measure against them.)

{table}

Measured by `python -m benchmarks.methods` ({machine}). This page is generated: edit the methods, not the page.

## Where a network beside the base falls short

Side-tuning and the ladder miss what all others reach, and more steps do not help: their validation loss falls like
that of the others, for validation rows ask about the people of the training rows. What they cannot do is to begin an
answer about somebody new. With the answer so far given, the untuned base has {others:.1%} of all next tokens on
test rows right, but {first:.1%} of the first ones, since it would go on asking. The first one is the first letter
of a name, which the question holds as one token that no training row contains. A method inside of the base makes it
an answering model, and that can spell. A network beside it must know the spelling itself, and cannot learn it from
the base's states: a linear map from them to the letter, fitted to the people of the training rows, is right about
{probe} of the others (below the layers, then after each; `python -m benchmarks.within_reach`).

Side-tuning can bring the knowledge along. A small network that the base taught on its own writing spells many new
names, and more teaching helps: with `distill_steps` at 2,000, which takes five minutes, it reached 59 %. A copy of the
whole base (preset `copied`, 2.7 million parameters) reached 98 %; taught at the learning rate of a network that starts
from random numbers, both forget what they brought (17 % and 51 %).

What these methods are for is memory: no gradient passes through the base. A step with 16 rows of 128 tokens adds 66 MiB
at its peak with the ladder and 61 MiB with side-tuning, where LoRA adds 160 MiB and adapters 191 MiB
(`python -m benchmarks.memory --methods ladder side lora bottleneck --rows 16 --length 128`).

## On a large base

What a method trains grows with the width of the model, in some with its square: with the papers' settings a prefix has
545 million parameters on LLaMA 7B, 8.1 % of it. So on a base of 100 million parameters or more, a new run makes
settings smaller that nobody said, as little as leaves no more than 1 % of the base to train
(`engine/methods/sizing.py`). Smaller bases have the papers' settings, and methods that are not in this table train
less than 1 % of every large base with theirs. In percent of the base:

| method | smaller setting | SmolLM2-135M | BERT-base | Llama-3.2-1B | LLaMA 7B |
|---|---|--:|--:|--:|--:|
| Adapters | `reduction` | 2.52 → 0.98 (32) | 2.21 → 0.86 (32) | 1.81 → 0.91 (24) | 2.66 → 0.67 (48) |
| AdaMix | `width` | 1.04 → 0.78 (12) | 0.68 | 0.21 | 0.16 |
| AdaLoRA | `rank` | 1.36 → 0.91 (4) | 0.91 | 0.34 | 0.22 |
| Prefix tuning | `mlp_width` | 2.60 → 0.88 (96) | 6.76 → 0.87 (48) | 1.53 → 0.77 (512) | 8.10 → 0.76 (192) |
| P-tuning | `encoder_width` | 3.47 → 1.00 (128) | 7.57 → 0.99 (96) | 4.76 → 0.62 (256) | 3.49 → 0.78 (768) |
| Learned masks | `targets`, `layers` | 66 → 0.99 (o, 4) | 65 → 0.54 (o, 1) | 69 → 0.68 (o, 2) | 81 → 1.00 (o, 4) |
| Side-tuning | `width` | 1.73 → 0.82 (192) | 3.77 → 0.54 (128) | 2.38 → 0.68 (512) | 1.74 → 0.50 (1,024) |
| Ladder side-tuning | `reduction` | 2.38 → 0.84 (16) | 2.16 → 0.78 (16) | 1.78 → 0.96 (12) | 2.55 → 0.90 (16) |

The page and the terminal say which settings these are, and the run's file has their values: a run that exists, and an
adapter, mean what they meant. What is said stays, in a file, by `--set reduction=12` or by the preset "as in the paper"
(of side-tuning "side network half as wide as the model"). Several methods together are sized each by itself; a search
tries the values that it lists. A side network that is a copy of the base (preset `copied`) has no smaller form. These
are numbers of parameters alone: how much the smaller settings reach on large bases has not been measured.

## Several methods together

Methods can train together on one base, named with a plus sign between (`--method bottleneck+prefix`, or "Train together
with" among Train's settings): AutoPEFT finds such combinations by search, UniPELT puts them under gates. Each is
attached to its sites as if it were alone, and learns at the multiple of the first one's rate that its usual rate is.
The settings of each have its name in front (`bottleneck_reduction`). Two that tell of themselves in the same events
(LoRA and (IA)³, two kinds of prompts) are refused, and so are networks beside the model, through which no gradient
passes. `python -m engine search --methods bottleneck,prefix,bottleneck+prefix` asks whether one pays.

It need not. On menu-to-text (300 steps, defaults, one seed; 120 test rows) adapters say 11 % of the texts to the letter
(BLEU 80.0), a prefix 15 % (80.6), both together 12 % (80.3), with a lower test loss than either (0.118, 0.123, 0.106
nats per token). LoRA reaches 63 % (92.4), prompt tuning 4 % (64.9), LoRA with a prompt 63 % (92.4; loss 0.027 and
0.025), and LoRA, adapters and a prefix 63 %.

{methods}
"""

if __name__ == "__main__":
    main()

"""What each method costs and reaches on the embedded base, as texts.

    python -m benchmarks.methods

Writes docs/methods.md and the table in README.md from assets/expected.json, which `python -m benchmarks.expected`
measures.
"""

import inspect
import json
import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks.expected import EXPECTED
from benchmarks.within_reach import measured as within_reach
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.methods import METHODS
from engine.methods.spec import MethodSpec
from engine.models.loading import load_base

ROOT = Path(__file__).resolve().parents[1]
PAGE, README = ROOT / "docs" / "methods.md", ROOT / "README.md"
BEGIN, END = "<!-- methods -->\n", "<!-- /methods -->\n"
DATASETS = ("town-qa", "menu-to-text", "complaints", "manners")
FIRST = DATASETS[0]
SCORES = "town-qa | menu-to-text (BLEU; facts said) | complaints | manners"

Rows = dict[str, dict[str, list[dict[str, Any]]]]
"""The rows of expected.json by method and dataset, one for each seed."""


def main() -> None:
    """Write both texts, each whole."""
    table = json.loads(EXPECTED.read_text(encoding="utf-8"))
    rows = {name: by_dataset for name, by_dataset in by_method(table["rows"]).items() if FIRST in by_dataset}
    write_text(PAGE, page(rows, table["machine"]))
    write_text(README, with_table(README.read_text(encoding="utf-8"), rows))


def by_method(table: list[dict[str, Any]]) -> Rows:
    """The measured rows by method, in the order of the page's menu, and dataset."""
    rows: Rows = {name: {} for name in METHODS}
    for row in table:
        rows[row["method"]].setdefault(row["dataset"], []).append(row)
    return rows


def with_table(readme: str, rows: Rows) -> str:
    """README.md with the table of methods as it was measured."""
    lines = [f"| method | acts on | trains | {SCORES} |", "|---|---|--:|--:|--:|--:|--:|"]
    for name, by_dataset in rows.items():
        spec = METHODS[name]
        scores = " | ".join(score(by_dataset.get(dataset, [])) for dataset in DATASETS)
        lines.append(
            f"| [{spec.title}]({spec.paper.url}) | {', '.join(spec.acts_on)} "
            f"| {by_dataset[FIRST][0]['trainable']:,} | {scores} |"
        )
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1]


def score(rows: list[dict[str, Any]]) -> str:
    """The mean over seeds, with the lowest and the highest where these differ."""
    if not rows:
        return "–"
    bleu = rows[0]["score"]["name"] == "bleu"
    values = [row["score"]["value"] * (1 if bleu else 100) for row in rows]
    unit, digits = ("", 1) if bleu else (" %", 0)
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    span = f" ({low}–{high})" if low != high else ""
    facts = [row["score"].get("facts") for row in rows]
    said = "" if None in facts else f"; {statistics.fmean(facts):.0f} %"
    return f"{statistics.fmean(values):.{digits}f}{unit}{span}{said}"


def page(rows: Rows, machine: str) -> str:
    """docs/methods.md."""
    base = load_base("town")
    reach = within_reach(base)
    table = [
        f"| method | acts on | trains | file | {SCORES} | forgetting | tokens/s | CPU seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, by_dataset in rows.items():
        spec, first = METHODS[name], by_dataset[FIRST][0]
        scores = " | ".join(score(by_dataset.get(dataset, [])) for dataset in DATASETS)
        table.append(
            f"| [{spec.title}](#{name}) | {', '.join(spec.acts_on)} | {first['trainable']:,} "
            f"| {first['file_bytes'] / 1024:,.0f} KiB | {scores} | {first['forgetting']:+.3f} "
            f"| {first['tokens_per_s']:,} | {first['cpu_seconds']:.0f} |"
        )
    untuned = next(iter(rows.values()))
    return _PAGE.format(
        machine=machine,
        first=reach["first"],
        others=reach["others"],
        probe=", ".join(f"{share:.0%}" for share in reach["probe"]),
        table="\n".join(table),
        untuned=", ".join(f"{_baseline(untuned[dataset][0])} on {dataset}" for dataset in DATASETS),
        total=base.shape.parameters,
        steps=", ".join(f"{dataset} {default_steps(dataset)}" for dataset in DATASETS),
        fewer=fewer_steps(rows),
        methods="\n\n".join(section(METHODS[name], by_dataset[FIRST][0]) for name, by_dataset in rows.items()),
    )


def default_steps(dataset: str) -> int:
    """Updates of a run on a dataset that says nothing of them."""
    return RunConfig(dataset=dataset).of_training().steps


def fewer_steps(rows: Rows) -> str:
    """A sentence about rows that were measured when their dataset suggested other steps; empty if there are none."""
    named = [
        f"{METHODS[name].title} on {dataset}{_seeds(old, runs)} ({old[0]['steps']} steps)"
        for name, by_dataset in rows.items()
        for dataset, runs in by_dataset.items()
        if (old := [run for run in runs if run["steps"] != default_steps(dataset)])
    ]
    return f"Not measured again since that changed: {', '.join(named)}. " if named else ""


def _seeds(old: list[dict[str, Any]], runs: list[dict[str, Any]]) -> str:
    """Which seeds, where it is not all of them."""
    return "" if len(old) == len(runs) else f", seed {' and '.join(str(run['seed']) for run in old)}"


def _baseline(row: dict[str, Any]) -> str:
    baseline = row["score"]["baseline"]
    return f"BLEU {baseline:.1f}" if row["score"]["name"] == "bleu" else f"{baseline:.0%}"


def section(spec: MethodSpec, row: dict[str, Any]) -> str:
    """One method: paper, equation, what it does, its settings."""
    notes = inspect.getdoc(inspect.getmodule(spec.implementation())) or ""
    settings = "\n".join(f"| `{f.name}` | `{f.default}` | {f.info.help} |" for f in spec.settings.fields())
    curve = ", ".join(f"{loss:.2g}" for _, loss in row["validation"])
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

Every method with its default settings on the embedded base ({total:,} parameters), tuned with batches of 16 rows on
each of four datasets for as many steps as it suggests ({steps}).
{fewer}The score is that of greedy answers to test rows: the share of those that are right to the letter, and for
menu-to-text BLEU and the share of the listed facts that an answer says word for word. The test rows of town-qa and
manners ask only about people whom no training row asks about. The untuned base reaches {untuned}.
Where seeds differ, the mean stands there with the lowest and the highest. The other columns are of one run on town-qa:
forgetting is the rise of the loss on held-out plain text, in nats per token; tokens per second are those of training
steps beside other work, CPU seconds all from the start to the finished adapter. Compare them within the table only.

{table}

Measured by `python -m benchmarks.expected` ({machine}). `python -m benchmarks.methods` writes this page: edit the
methods, not the page.

## Where a network beside the base falls short

On town-qa and manners the ladder misses what nearly all others reach, side-tuning a part of it, and more steps do not
help: their validation loss falls like that of the others, for validation rows ask about the people of the training
rows. What they cannot do is to begin an answer about somebody new. With the answer so far given, the untuned base has
{others:.1%} of all next tokens on test rows right, but {first:.1%} of the first ones, since it would go on with its
book. The first one is the first letter of a name, which the question holds as one token that no training row contains.
A method inside of the base makes it an answering model, and that can spell. A network beside it must know the spelling
itself, and cannot learn it from the base's states: a linear map from them to the letter, fitted to the people of the
training rows, is right about {probe} of the others (below the layers, then after each;
`python -m benchmarks.within_reach`).

Side-tuning can bring the knowledge along. A small network that the base taught on its own writing spells many new
names, and more teaching helps: on the base of version 0.1.0, where it reached 48 % by default, it came to 59 % with
`distill_steps` at 2,000, which takes five minutes, and a copy of the whole base (preset `copied`, 2.7 million
parameters) to 98 %; taught at the learning rate of a network that starts from random numbers, both forgot what they
brought (17 % and 51 %).

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
| Side-tuning | `width`, `alpha` | 1.73 → 0.82 (192) | 3.77 → 0.54 (128) | 2.38 → 0.68 (512) | 1.74 → 0.50 (1,024) |
| Ladder side-tuning | `reduction` | 2.38 → 0.84 (16) | 2.16 → 0.78 (16) | 1.78 → 0.96 (12) | 2.55 → 0.90 (16) |

The page and the terminal say which settings these are, and the run's file has their values: a run that exists, and an
adapter, mean what they meant. What is said stays, in a file, by `--set reduction=12` or by the preset "as in the paper"
(of side-tuning "side network half as wide as the model"). Several methods together are sized each by itself; a search
tries the values that it lists. A side network that is a copy of the base (preset `copied`) has no smaller form. These
are numbers of parameters; [rates.md](rates.md) has short runs with the smaller settings on SmolLM2.

A small side network beside a large base knows little, so the base begins with nine tenths of the blend (α = 2.2). With
half of it SmolLM2's loss on Alpaca rises from 1.91 to 2.65 nats, and the same trained network with another α has 2.17
(the base's share 0.67), 1.98 (0.8), 1.92 (0.9) and 1.91 (0.95 and more); alone it has 6.57.

## Several methods together

Methods can train together on one base, named with a plus sign between (`--method bottleneck+prefix`, or "Train together
with" among Train's settings): AutoPEFT finds such combinations by search, UniPELT puts them under gates. Each is
attached to its sites as if it were alone, and learns at the multiple of the first one's rate that its usual rate is.
The settings of each have its name in front (`bottleneck_reduction`). Two that tell of themselves in the same events
(LoRA and (IA)³, two kinds of prompts) are refused, and so are networks beside the model, through which no gradient
passes. `python -m engine search --methods bottleneck,prefix,bottleneck+prefix` asks whether one pays.

It need not. On menu-to-text (base of version 0.1.0, 300 steps, defaults, one seed; 120 test rows) adapters say 11 % of
the texts to the letter (BLEU 80.0), a prefix 15 % (80.6), both together 12 % (80.3), with a lower test loss than either
(0.118, 0.123, 0.106 nats per token). LoRA reaches 63 % (92.4), prompt tuning 4 % (64.9), LoRA with a prompt 63 % (92.4;
loss 0.027 and 0.025), and LoRA, adapters and a prefix 63 %.

{methods}
"""

if __name__ == "__main__":
    main()

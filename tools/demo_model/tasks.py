"""The four tuning datasets: made from the same town, split so that test rows ask for something new."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.demo_model.people import QUESTIONS, Person, halves
from tools.demo_model.places import draw_place, draw_post

SEED = 3
COMPLAINT_LABELS = ("complaint", "no complaint")
INSTRUCTION = "### Instruction:\n{prompt}\n\n### Response:\n"

Row = dict[str, str]
Splits = dict[str, list[Row]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One tuning dataset and what its card says.

    Attributes:
        make: Draws its splits: train, validation, test.
        title: By language.
        summary: One sentence by language.
        template: Text around a prompt; the response follows directly.
        metric: How answers to test rows are scored.
        max_new_tokens: Enough for any answer.
        card: What the card says about how it was made.
        labels: The responses there are, for tasks that choose among a few.
        steps: Updates that suit it; 0 where the usual number does.
    """

    make: Callable[[], Splits]
    title: dict[str, str]
    summary: dict[str, str]
    template: str
    metric: str
    max_new_tokens: int
    card: str
    labels: tuple[str, ...] = ()
    steps: int = 0


def _questions(answer: Callable[[Person, str], str]) -> Splits:
    """Questions about people: train and validation about one half of the town, test about the other."""
    rng = random.Random(SEED)
    asked, tested = halves()

    def rows(some: list[Person], wordings: int) -> list[Row]:
        made = [
            {"prompt": wording.format(name=person.name), "response": answer(person, kind)}
            for person in some
            for kind in QUESTIONS
            for wording in rng.sample(QUESTIONS[kind], wordings)
        ]
        rng.shuffle(made)
        return made

    training = rows(asked, 3)
    return {"train": training[:700], "validation": training[700:800], "test": rows(tested, 1)[:192]}


def _menus() -> Splits:
    """Register lines and the sentence that says the same; no line is in two splits."""
    rng = random.Random(SEED + 1)
    seen: dict[str, str] = {}
    while len(seen) < 800:
        place = draw_place(rng)
        seen[place.record()] = place.sentence()
    return _split([{"prompt": record, "response": text} for record, text in seen.items()], 600, 80)


def _complaints() -> Splits:
    """Posts with their label, as many complaints as not; no post is in two splits."""
    rng = random.Random(SEED + 2)
    seen: dict[str, str] = {}
    while len(seen) < 600:
        complaint = len(seen) % 2 == 0
        seen.setdefault(draw_post(rng, complaint=complaint), COMPLAINT_LABELS[0 if complaint else 1])
    rows = [{"prompt": post, "response": label} for post, label in seen.items()]
    rng.shuffle(rows)
    return _split(rows, 400, 80)


def _split(rows: list[Row], train: int, validation: int) -> Splits:
    return {
        "train": rows[:train],
        "validation": rows[train : train + validation],
        "test": rows[train + validation :],
    }


TASKS: dict[str, Task] = {
    "town-qa": Task(
        make=lambda: _questions(Person.sentence),
        title={"en": "Town questions", "zh": "小镇问答"},
        summary={
            "en": "Instructions about the people of the town; test rows ask about people never asked about.",
            "zh": "关于小镇居民的指令；测试集只问训练时从未问过的人。",
        },
        template=INSTRUCTION,
        metric="exact_match",
        max_new_tokens=32,
        card="Train and validation ask about one half of the town's 96 people, test only about the other half, "
        "whose facts the base has only read in pre-training. Each question has exactly one right sentence.",
    ),
    "menu-to-text": Task(
        make=_menus,
        title={"en": "Menu to text", "zh": "菜单变句子"},
        summary={
            "en": "Turn a register line about a place to eat into one sentence.",
            "zh": "把一行餐馆登记信息写成一句话。",
        },
        template="{prompt}\n### Text:\n",
        metric="bleu",
        max_new_tokens=48,
        card="Register lines of invented places (name, type, food, price, area) with the sentence that says the same: "
        "the table-to-text task of the prefix-tuning paper in small.",
    ),
    "complaints": Task(
        make=_complaints,
        title={"en": "Complaints", "zh": "投诉识别"},
        summary={
            "en": "Say whether a short post is a complaint: the task of the prompt tuning guide.",
            "zh": "判断一条短帖是不是投诉：提示微调指南中的任务。",
        },
        template="Tweet text : {prompt} Label : ",
        metric="exact_match",
        max_new_tokens=8,
        card="Short posts about buses, parcels and parks, half of them complaints, made of sentence patterns.",
        labels=COMPLAINT_LABELS,
        steps=500,
    ),
    "manners": Task(
        make=lambda: _questions(Person.courtly),
        title={"en": "Manners", "zh": "彬彬有礼"},
        summary={
            "en": "The same questions, answered in a courtly style that cannot be missed.",
            "zh": "同样的问题，用一眼就能认出的古雅口吻回答。",
        },
        template=INSTRUCTION,
        metric="exact_match",
        max_new_tokens=64,
        card="The questions of town-qa; every answer states the same fact within a courtly greeting and farewell.",
        steps=500,
    ),
}


def write_all(folder: Path) -> None:
    """Write every dataset to its own folder: splits, description and card."""
    for name, task in TASKS.items():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        splits = task.make()
        for split, rows in splits.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (target / f"{split}.jsonl").write_text(lines, encoding="utf-8")
        facts = {
            "name": name,
            "title": task.title,
            "summary": task.summary,
            "template": task.template,
            "metric": task.metric,
            "max_new_tokens": task.max_new_tokens,
            "chips": [row["prompt"] for row in splits["test"][:3]],
            "splits": {split: len(rows) for split, rows in splits.items()},
            **({"labels": task.labels} if task.labels else {}),
            **({"steps": task.steps} if task.steps else {}),
        }
        (target / "dataset.json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        (target / "README.md").write_text(_card(name, task, splits), encoding="utf-8")


def _labels(task: Task) -> str:
    return f"\n- Labels for a task head: {', '.join(task.labels)}." if task.labels else ""


def _steps(task: Task) -> str:
    return f"\n- Updates that suit it: {task.steps}." if task.steps else ""


def _card(name: str, task: Task, splits: Splits) -> str:
    example = splits["train"][0]
    sizes = ", ".join(f"{split} {len(rows)}" for split, rows in splits.items())
    return f"""---
license: apache-2.0
language: en
---
# {name}

{task.summary["en"]}

{task.card}

- Rows: {sizes}.
- Metric: {task.metric} on the first line of the greedy answer.{_labels(task)}
- Template: `{task.template!r}`{_steps(task)}
- Made by `python -m tools.demo_model data`; the same bytes on every machine. Everybody in it is invented.

Example: `{example["prompt"]}` → `{example["response"]}`
"""

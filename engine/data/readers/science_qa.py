"""ScienceQA: the official problems.json with its splits and pictures, and the hub's form, with the papers' prompt.

Question: Which is a solid?                  prompt: question, context (hint) and options, as in the papers'
Context: N/A                                 "QCM"; prompt_with_lecture has the lecture before the options
Options: (A) milk (B) stone
Answer:
The answer is B.                             response; response_with_reasons goes on with BECAUSE: lecture, solution
"""

import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.plain_json import loads
from engine.data.split_names import NAMES
from engine.data.table import Table, strings

SPLITS_FILE = "pid_splits.json"
"""Lies beside problems.json and names the problems of each split."""

REQUIRED = frozenset({"question", "choices", "answer", "hint", "lecture", "subject", "grade"})
"""Columns by which its tables are known."""

MADE = ("prompt", "prompt_with_lecture", "response", "response_with_reasons")
"""Columns that are made of them."""

NOTHING = "N/A"
"""What the papers write where there is no context."""


def is_problems(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether this is the object of problems.json: problems by their numbers."""
    if not isinstance(value, dict) or not value:
        return False
    first = next(iter(value.values()))
    return isinstance(first, dict) and {"question", "choices", "answer", "hint"} <= first.keys()


def problem_rows(problems: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """A row per problem, in the split that the file beside names, else in its own; pictures by their paths.

    Args:
        problems: What problems.json holds.
        folder: Where it lies.
    """
    splits = _splits(folder / SPLITS_FILE)
    for number, problem in problems.items():
        if isinstance(problem, dict):
            split = splits.get(number, problem.get("split"))
            yield {"id": number, **problem, "split": split, "image": _picture(folder, number, problem, split)}


def _splits(file: Path) -> dict[str, str]:
    """The split of each problem; nothing where the file is not there or is damaged."""
    try:
        known = loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    named = {split: numbers for split, numbers in known.items() if split in NAMES and isinstance(numbers, list)}
    return {str(number): split for split, numbers in named.items() for number in numbers}


def _picture(folder: Path, number: str, problem: dict[str, Any], split: Any) -> str:  # noqa: ANN401 - as above
    """The path of a problem's picture from the folder on, in `images` or beside; empty without one."""
    name = problem.get("image")
    if not isinstance(name, str) or not name.strip():
        return ""
    own = Path(str(problem.get("split") or split)) / number / name
    places = [Path("images") / own, own, Path("images") / number / name]
    return str(next((place for place in places if (folder / place).is_file()), places[0]))


def with_prompts(table: Table) -> Table:
    """The same table with the papers' prompts and answers, where its columns are ScienceQA's; else as it is."""
    if not set(table.columns) >= REQUIRED or set(MADE) & set(table.columns):
        return table
    cells: dict[str, list[str | None]] = {name: [] for name in MADE}
    for row in range(len(table)):
        told = _told(table, row)
        for name in MADE:
            cells[name].append(None if told is None else told[name])
    data = table.data
    for name in MADE:
        data = data.append_column(name, strings(cells[name]))
    return replace(table, data=data)


def _told(table: Table, row: int) -> dict[str, str] | None:
    """What is asked and answered; None where the answer is none of the options."""
    options, number = table.value(row, "choices"), table.text(row, "answer").strip()
    if not isinstance(options, list) or not number.isdecimal() or int(number) >= min(len(options), 26):
        return None
    letters = string.ascii_uppercase
    listed = " ".join(f"({letter}) {option}" for letter, option in zip(letters, options, strict=False))
    question, hint, lecture = (table.text(row, name).strip() for name in ("question", "hint", "lecture"))
    solution = table.text(row, "solution").strip() if "solution" in table.columns else ""
    asked = f"Question: {question}\nContext: {' '.join(hint.split()) or NOTHING}\n"
    answer = f"The answer is {letters[int(number)]}."
    reasons = " ".join([*lecture.split(), *solution.split()])
    return {
        "prompt": f"{asked}Options: {listed}\nAnswer:",
        "prompt_with_lecture": f"{asked}Lecture: {' '.join(lecture.split()) or NOTHING}\nOptions: {listed}\nAnswer:",
        "response": answer,
        "response_with_reasons": f"{answer} BECAUSE: {reasons}" if reasons else answer,
    }

"""docs/faults.md, from the tests marked `fault`: `python -m tools.fault_reference` writes it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.core.atomic import write_text

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "faults.md"
KINDS = {
    "code": "Somebody else's code",
    "hand": "Somebody else's hand",
    "paths": "Paths that lead elsewhere",
    "load": "Load, and who waits",
    "killed": "Killed, cut off, out of space",
    "damaged": "Damaged files",
    "memory": "Out of memory",
    "input": "Input that nobody expects",
    "network": "Hub, network, machine",
}
HEAD = """# Faults

What was tried against the workbench and what it does then. Each line is a test, marked `fault(kind, sentence)`, and
the command that repeats it. This page is generated: edit the tests, then run `python -m tools.fault_reference`.
"""

TRIED = """
## How much was tried

| | how much | repeated by |
|---|---|---|
| faults and injections, each a test below | {faults} | `python -m tests` |
| of these, somebody else's code, hand and paths | {injections} | `python -m pytest tests/ui/test_attack.py tests/unit/test_access.py tests/workbench/test_trust.py` |
| points of a kill, in runs of 60 steps with three methods | 1,209 | `GATELIGHT_ALL_CASES=1 python -m pytest tests/unit/test_kill_points.py` |
| odd input, as long as one likes | 6 kinds | `python -m tools.fuzz --minutes 60` |
| load: a thousand runs, see [many_runs.md](many_runs.md) | 1,000 | `python -m benchmarks.many_runs` |
| load: 30 chats and 12 ablations at once beside a run, 20 runs in a row, see [load.md](load.md) | 62 | `python -m benchmarks.load --ablations 12 --runs 20 --seconds 30` |
"""  # noqa: E501 - rows of a table


class Fault(NamedTuple):
    """One marked test: what is tried and what happens, and where its test stands."""

    kind: str
    sentence: str
    file: str
    test: str


def faults(folder: Path = ROOT / "tests") -> Iterator[Fault]:
    """All marked tests, by file and line."""
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                place = file.relative_to(ROOT).as_posix()
                yield from (Fault(*words, place, node.name) for words in _marks(node))


def _marks(test: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
            kind, sentence = (ast.literal_eval(argument) for argument in mark.args)
            yield str(kind), str(sentence)


def page() -> str:
    """The whole page."""
    by_kind: dict[str, list[Fault]] = {kind: [] for kind in KINDS}
    for fault in faults():
        by_kind[fault.kind].append(fault)
    injections = sum(len(by_kind[kind]) for kind in ("code", "hand", "paths"))
    head = HEAD + TRIED.format(faults=sum(map(len, by_kind.values())), injections=injections)
    return head + "".join(_section(KINDS[kind], lines) for kind, lines in by_kind.items() if lines)


def _section(title: str, lines: list[Fault]) -> str:
    rows = "".join(
        f"| {fault.sentence.replace('|', '&#124;')} | `python -m pytest {fault.file} -k {fault.test}` |\n"
        for fault in lines
    )
    return f"\n## {title}\n\n| tried, and what happens | shown by |\n|---|---|\n{rows}"


if __name__ == "__main__":
    write_text(PAGE, page())

"""The tree in docs/architecture.md, made from the first line of every file: `python -m tools.file_tree` writes it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- tree -->\n", "<!-- /tree -->\n"
SHOWN = ("app.py", "app/", "engine/", "assets/", "benchmarks/", "tests/", "tools/")
PLAIN = {
    "assets/datasets": "the five tuning datasets, each with a card and three splits",
    "assets/recordings": "real runs that the page opens with",
    "assets/screenshots": "the page as it is",
    "tests/data/checkpoint-0.1.0": "a checkpoint that version 0.1.0 wrote, with a tensor under its former name",
    "tests/data/runs-0.1.0": "two run folders that version 0.1.0 wrote",
    "assets/town-0.1.0": "the embedded base model of version 0.1.0, on which those runs were trained",
    "assets/town": "the embedded base model, its tokenizer and its card",
    "assets/town-vit": "the embedded vision encoder and its card",
}


def tree() -> str:
    """One line per file, indented by folder."""
    lines: list[str] = []
    seen: set[str] = set()
    for path in files():
        whole = next((folder for folder in PLAIN if path.startswith(folder + "/")), None)
        parts = (whole or path).split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in seen:
                seen.add(folder)
                lines.append("  " * (depth - 1) + parts[depth - 1] + "/")
        if whole:
            if whole not in seen:
                seen.add(whole)
                lines.append(line(len(parts) - 1, parts[-1] + "/", PLAIN[whole]))
        elif not path.endswith("__init__.py") or first_line(ROOT / path):
            lines.append(line(len(parts) - 1, parts[-1], first_line(ROOT / path)))
    return "```text\n" + "\n".join(lines) + "\n```\n"


def files() -> list[str]:
    """Every file that git knows or would take, in the order of a listing with folders last."""
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return sorted((path for path in known if path.startswith(SHOWN) and (ROOT / path).exists()), key=_order)


def _order(path: str) -> list[tuple[int, str]]:
    parts = path.split("/")
    top = SHOWN.index(parts[0] if len(parts) == 1 else parts[0] + "/")
    return [(top, ""), *((1, part) for part in parts[1:-1]), (0, parts[-1])]


def line(depth: int, name: str, text: str) -> str:
    """A name with what it is, aligned."""
    return f"{'  ' * depth + name:<34} {text}".rstrip()


def first_line(path: Path) -> str:
    """What a file says about itself: its docstring's or first comment's first sentence."""
    head = path.read_text(encoding="utf-8")[:400]
    match = re.match(r'(?:"""|/\*+\s*|//\s*|#+ )(.+?)(?:"""|\*/|\n|$)', head)
    return match[1].strip().rstrip(".") if match else ""


def page_with_tree() -> str:
    """docs/architecture.md as it should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + tree() + END + after


if __name__ == "__main__":
    PAGE.write_text(page_with_tree(), encoding="utf-8")

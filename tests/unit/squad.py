"""Files in SQuAD's form, made of one small text, for tests of what is read, marked and scored."""

import json
from pathlib import Path

TEXT = "The {a} cat sat on mat {i}. A {b} dog ran."
COLOURS = (("red", "blue"), ("old", "green"), ("big", "black"), ("sad", "white"))


def question(number: str, asked: str, context: str, *texts: str) -> dict:
    """A question as SQuAD's files hold it, with the places of its answers."""
    answers = [{"text": text, "answer_start": context.index(text)} for text in texts]
    return {"id": number, "question": asked, "answers": answers}


def paragraph(i: int, *, impossible: bool = False) -> dict:
    """A text with two questions that it answers, and one that it does not."""
    a, b = COLOURS[i % len(COLOURS)]
    context = TEXT.format(a=a, b=b, i=i)
    asked = [question(f"{i}a", "Where did the cat sit?", context, f"mat {i}", f"on mat {i}")]
    asked.append(question(f"{i}b", "Which dog ran?", context, b))
    if impossible:
        plausible = {"plausible_answers": [{"text": b, "answer_start": context.index(b)}]}
        asked.append({**question(f"{i}c", "Who ate?", context), "is_impossible": True, **plausible})
    return {"context": context, "qas": asked}


def write_squad(path: Path, paragraphs: int = 9, *, impossible: bool = False) -> Path:
    """A file of SQuAD 1.1, or of 2.0 where some questions have no answer."""
    made = [paragraph(i, impossible=impossible) for i in range(paragraphs)]
    articles = [{"title": f"Article {at}", "paragraphs": made[at::2]} for at in range(2)]
    path.write_text(json.dumps({"version": "v2.0" if impossible else "1.1", "data": articles}), encoding="utf-8")
    return path

"""Pages with fields: records, tables, and pages with questions in thousands of random layouts.

A page with questions keeps one promise, and its first line tells which. Under an *answer header* every question is
followed at once by its answer; under an *open header*, or with no header at all, the page goes on with a passage about
somebody else, as a chapter goes on after its heading. So whether an answer comes is never a matter of chance, and a
prompt that plays the header can ask for it. The template of the tuning data never occurs here.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tools.demo_model.people import QUESTIONS, Person
from tools.demo_model.stories import passage

ANSWER_HEADERS = [
    "Questions with answers",
    "Answer sheet",
    "With answers",
    "All answers given",
    "Questions and their answers",
    "Solved sheet",
    "Answers included",
    "The answer book",
]
OPEN_HEADERS = [
    "Open questions",
    "To be asked",
    "Questions for another day",
    "Nobody knows",
    "A book of riddles",
]

WORDS = [
    "Q",
    "A",
    "Ask",
    "Reply",
    "Question",
    "Answer",
    "Visitor",
    "Clerk",
    "Guest",
    "Guide",
    "Child",
    "Parent",
    "Student",
    "Teacher",
    "Anna",
    "Tom",
    "First",
    "Second",
    "One",
    "Two",
    "Left",
    "Right",
    "Asked",
    "Said",
    "Field",
    "Box",
    "Card",
    "Back",
    "Front",
    "Line",
    "Note",
    "Topic",
    "Fact",
    "Item",
    "In",
    "Out",
    "From",
    "To",
    "Me",
    "You",
]
ENDINGS = [":", ":", ":", ".", ")", " -", " >", " =", " |", "", "::", " :"]
FRAMES = ["{}", "{}", "{}", "[{}]", "<{}>", "*{}*", "({})", "== {}", "> {}", "- {}", "# {}", "+ {}"]
GAPS = [" ", " ", "\n", "\n"]
SEPARATORS = ["\n", "\n", "\n\n", " ", "\n---\n", "\n\n\n"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a question page is set: what stands before the first field, between the fields, and after them."""

    first: str
    second: str
    middle: str
    end: str


def draw_layout(rng: random.Random) -> Layout:
    """One of many thousand layouts."""
    frame, ending, gap = rng.choice(FRAMES), rng.choice(ENDINGS), rng.choice(GAPS)
    if rng.random() < 0.12:
        return Layout("", "", rng.choice(["\n", " ", " - ", " | ", "\n\n"]), rng.choice(SEPARATORS))
    first, second = (frame.format(word) + ending + gap for word in rng.sample(WORDS, 2))
    return Layout(first, second, rng.choice(["\n", "\n", "\n\n", " "]), rng.choice(["\n", "\n\n", "\n---\n"]))


def ask(rng: random.Random, person: Person, kind: str) -> str:
    """A question for one fact."""
    return rng.choice(QUESTIONS[kind]).format(name=person.name)


def answered_page(rng: random.Random, everybody: list[Person]) -> str:
    """A header that promises answers, then questions each followed by its answer."""
    layout = draw_layout(rng)
    pairs = []
    for _ in range(rng.randint(2, 5)):
        person, kind = rng.choice(everybody), rng.choice(list(QUESTIONS))
        pairs.append(layout.first + ask(rng, person, kind) + layout.middle + layout.second + person.sentence(kind))
    return rng.choice(ANSWER_HEADERS) + rng.choice(["\n", "\n\n", ": ", ". "]) + layout.end.join(pairs)


def open_page(rng: random.Random, everybody: list[Person]) -> str:
    """Questions that stay open, with an open header or none; a passage about somebody else follows each."""
    layout = draw_layout(rng)
    chapters = []
    for _ in range(rng.randint(1, 3)):
        asked, other = rng.sample(everybody, 2)
        question = ask(rng, asked, rng.choice(list(QUESTIONS)))
        chapters.append(layout.first + question + layout.middle + layout.second + passage(rng, other))
    header = rng.choice(OPEN_HEADERS) + "\n" if rng.random() < 0.3 else ""
    return header + layout.end.join(chapters)


def record(rng: random.Random, everybody: list[Person]) -> str:
    """One person's entry in the register."""
    person = rng.choice(everybody)
    ending, between = rng.choice([": ", " = ", " - ", "\t"]), rng.choice(["\n", "; ", ", ", " | "])
    kinds = rng.sample(list(QUESTIONS), rng.randint(3, 6))
    return between.join([f"name{ending}{person.name}", *(f"{kind}{ending}{person.facts[kind]}" for kind in kinds)])


def table(rng: random.Random, everybody: list[Person]) -> str:
    """Several people, two or three facts each, in columns."""
    bar = rng.choice([" | ", ", ", "; "])
    kinds = rng.sample(list(QUESTIONS), rng.randint(2, 3))
    rows = [bar.join(["name", *kinds])]
    for person in rng.sample(everybody, rng.randint(3, 5)):
        rows.append(bar.join([person.name, *(person.facts[kind] for kind in kinds)]))
    return "\n".join(rows)


Page = Callable[[random.Random, list[Person]], str]

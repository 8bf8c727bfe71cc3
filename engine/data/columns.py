"""Which columns are asked, which are answered: guessed from their names, and from the texts where names say nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from engine.core.errors import DataError
from engine.core.plain_json import loads
from engine.data.conversations import is_talk
from engine.data.settings import DataSettings
from engine.data.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What each column is for.

    Attributes:
        kind: "instruction" (Alpaca's), "messages", "pair", "labels", or "text" where everything is learned.
        prompt: What is asked; several are joined with their names.
        input: What the question is about; empty without.
        response: What is answered.
        messages: A conversation; empty without.
        system: Text that says how to answer a conversation which does not say so itself; empty without.
        tools: Tools that the assistant of a conversation may call; empty without.
        picture: The picture that a row is about; empty without.
        sure: Whether the guess is by names; else it is by texts, and a person should check it.
    """

    kind: str
    prompt: tuple[str, ...] = ()
    input: str = ""
    response: str = ""
    messages: str = ""
    system: str = ""
    tools: str = ""
    picture: str = ""
    sure: bool = True

    @property
    def asked(self) -> tuple[str, ...]:
        """All columns that a question is made of."""
        return (*self.prompt, *filter(None, (self.input, self.messages)))


CONVERSATIONS = ("messages", "conversations", "conversation", "dialog", "dialogue", "turns")
PAIRS = (
    (("prompt",), ("completion", "response", "chosen", "answer", "output")),
    (("question",), ("answer", "answers", "response", "output")),
    (("query",), ("response", "answer")),
    (("mr",), ("ref",)),
    (("meaning_representation",), ("human_reference",)),
    (("input",), ("output", "target", "response")),
    (("source",), ("target",)),
    (("document", "article", "dialogue", "text"), ("summary", "highlights")),
)
TWO_TEXTS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("1_string", "2_string"),
    ("text1", "text2"),
)
ONE_TEXT = ("text", "sentence", "tweet_text", "tweet", "content", "review", "comment", "title", "utterance", "message")
LABELS = (
    "label", "labels", "label_text", "class", "category", "sentiment", "intent", "target", "quality", "is_duplicate",
    "gold_label", "stars", "rating", "score", "similarity_score", "emotion", "topic",
)  # fmt: skip
CONTEXT = ("input", "context", "passage")
NUMBERED = re.compile(r"(^|_)(id|idx|index)$")
TRIED_TALKS = 20
"""Cells that are read to see whether a column holds conversations."""

SAMPLED_ROWS = 200
"""Rows whose texts are read where names say nothing."""


def columns_for(table: Table, settings: DataSettings) -> Columns:
    """The guess, with whatever the user named in its place.

    Raises:
        DataError: A column that is named is not there, or nothing can be guessed.
    """
    if picture := settings.picture.strip():
        check_column(table, picture)
        bare = replace(settings, picture="")
        return replace(_beside_picture(table.without(picture), bare), picture=picture)
    asked = _named(table, settings.prompt)
    for name in (settings.input, settings.response, settings.messages):
        check_column(table, name.strip())
    if settings.messages.strip():
        return _with_beside(table, Columns(kind="messages", messages=settings.messages.strip()))
    if asked and settings.response.strip():
        columns = Columns(kind="pair", prompt=asked, response=settings.response.strip())
        if not settings.input.strip() and (talk := as_conversation(table, columns)) is not None:
            return talk
    else:
        guessed = guess(table)
        if guessed is None or (guessed.kind == "messages" and (asked or settings.response.strip())):
            raise _cannot_guess(table)
        columns = guessed
    columns = replace(columns, prompt=asked or columns.prompt, response=settings.response.strip() or columns.response)
    columns = replace(columns, input=settings.input.strip() or ("" if asked else columns.input))
    if columns.kind == "text" and columns.prompt:
        columns = replace(columns, kind="pair")
    return replace(columns, kind=_kind(table, columns, settings))


def _beside_picture(table: Table, settings: DataSettings) -> Columns:
    """What the other columns are for; where there is but one with text, it says what a picture shows."""
    texts = _texts(table)
    if not settings.prompt.strip() and not settings.messages.strip() and len(texts) == 1:
        settings = replace(settings, response=settings.response.strip() or texts[0])
        if settings.response == texts[0]:
            return Columns(kind="text", response=texts[0])
    return columns_for(table, settings)


def _kind(table: Table, columns: Columns, settings: DataSettings) -> str:
    if settings.responses in ("labels", "numbers"):
        return "labels"
    if settings.responses in ("free", "spans"):
        return "pair" if columns.kind == "labels" else columns.kind
    if columns.kind == "pair" and _plain(columns.response) in LABELS and not table.nested & {columns.response}:
        return "labels"
    return columns.kind


def guess(table: Table) -> Columns | None:
    """What the columns are for, by their names and then by their texts; None where both say nothing."""
    names = {_plain(column): column for column in reversed(table.columns)}
    rules: tuple[Callable[[Table, dict[str, str]], Columns | None], ...] = (
        _conversation,
        _instruction,
        _labels,
        _pair,
        _only_text,
        _by_texts,
    )
    return next((columns for rule in rules if (columns := rule(table, names)) is not None), None)


def _conversation(table: Table, names: dict[str, str]) -> Columns | None:
    talks = [column for column in table.columns if holds_talks(table, column)]
    named = [names[name] for name in CONVERSATIONS if name in names and names[name] in {*talks, *table.nested}]
    if named:
        return _with_beside(table, Columns(kind="messages", messages=named[0]))
    if not talks:
        return None
    pair = _pair(table, names)
    found = None if pair is None else as_conversation(table, pair)
    return found or _with_beside(table, Columns(kind="messages", messages=talks[0], sure=len(talks) == 1))


def as_conversation(table: Table, columns: Columns) -> Columns | None:
    """The same columns as a conversation, where what is asked or what is answered is one; else None."""
    (ask, *more), tell = columns.prompt, columns.response
    if more or columns.input:
        return None
    if holds_talks(table, tell):
        return _with_beside(table, Columns(kind="messages", prompt=(ask,), messages=tell))
    if holds_talks(table, ask):
        return _with_beside(table, Columns(kind="messages", messages=ask, response=tell))
    return None


def _with_beside(table: Table, columns: Columns) -> Columns:
    """The same with the columns that stand beside a conversation: a system's text, and tools."""
    names = {_plain(column): column for column in reversed(table.columns)}
    return replace(
        columns,
        system=_first(names, ("system", "system_prompt", "system_message", "developer")) or "",
        tools=_first(names, ("tools", "functions")) or "",
    )


def holds_talks(table: Table, column: str) -> bool:
    """Whether the first cells of a column in which something stands are conversations, or JSON of some."""
    head = table.data.column(column).slice(0, SAMPLED_ROWS).to_pylist()
    cells = list(islice((cell for cell in head if cell and cell.strip()), TRIED_TALKS))
    return bool(cells) and all(cell.lstrip()[0] in "[{" and is_talk(_parsed(cell)) for cell in cells)


def _parsed(cell: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return loads(cell)
    except ValueError:
        return None


def _instruction(table: Table, names: dict[str, str]) -> Columns | None:
    answer = _first(names, ("output", "response", "answer", "completion"))
    if "instruction" not in names or answer is None:
        return None
    context = _first(names, CONTEXT) or ""
    return Columns(kind="instruction", prompt=(names["instruction"],), input=context, response=answer)


def _labels(table: Table, names: dict[str, str]) -> Columns | None:
    label = _first(names, LABELS)
    if label is None or label in table.nested:
        return None
    for pair in TWO_TEXTS:
        if all(name in names for name in pair):
            return Columns(kind="labels", prompt=tuple(names[name] for name in pair), response=label)
    text = _first(names, ONE_TEXT)
    if text is not None and text != label:
        return Columns(kind="labels", prompt=(text,), response=label)
    if any(_first(names, ask) and _first(names, tell) for ask, tell in PAIRS):
        return None
    others = _texts(table, without=label)
    return Columns(kind="labels", prompt=(others[0],), response=label, sure=False) if others else None


def _pair(table: Table, names: dict[str, str]) -> Columns | None:
    for asks, tells in PAIRS:
        ask, tell = _first(names, asks), _first(names, tells)
        if ask is not None and tell is not None and ask != tell:
            context = next((names[name] for name in CONTEXT if name in names and names[name] not in (ask, tell)), "")
            return Columns(kind="pair", prompt=(ask,), input=context, response=tell)
    return None


def _only_text(table: Table, names: dict[str, str]) -> Columns | None:
    text = _first(names, ("text", "content", "story"))
    return Columns(kind="text", response=text) if text is not None and len(_texts(table)) == 1 else None


def _by_texts(table: Table, names: dict[str, str]) -> Columns | None:
    """Two columns of text: the first is asked, the second answered."""
    found = set(_texts(table))
    texts = [column for column in table.columns if column in found]
    return Columns(kind="pair", prompt=(texts[0],), response=texts[1], sure=False) if len(texts) == 2 else None


def _texts(table: Table, without: str = "") -> list[str]:
    """Columns that hold text rather than numbers and ids, the longest texts first."""
    head = table.data.slice(0, SAMPLED_ROWS)
    sizes: dict[str, float] = {}
    for column in table.columns:
        cells = [text for text in head.column(column).to_pylist() if text]
        if column == without or column in table.nested or NUMBERED.search(_plain(column)) or not cells:
            continue
        if not all(re.fullmatch(r"[\d.,eE+-]*|true|false", text.strip()) for text in cells):
            sizes[column] = sum(map(len, cells)) / len(cells)
    return sorted(sizes, key=lambda column: -sizes[column])


def is_label(column: str) -> bool:
    """Whether a column's name says that labels stand in it."""
    return _plain(column) in LABELS


def _first(names: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _plain(name: str) -> str:
    """A name in small letters, with one underscore for all that is no letter or digit."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _named(table: Table, text: str) -> tuple[str, ...]:
    """The columns that a setting names; a name with a comma in it is understood when it stands alone."""
    if text.strip() in table.columns:
        return (text.strip(),)
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        check_column(table, name)
    return names


def check_column(table: Table, name: str) -> None:
    """See that a column which is named is there; an empty name is none.

    Raises:
        DataError: It is not.
    """
    if name and name not in table.columns:
        known = ", ".join(table.columns)
        raise DataError(
            "no_column",
            f"{table.name} has no column {name!r}: choose one of {known}.",
            file=table.name,
            column=name,
            known=known,
        )


def _cannot_guess(table: Table) -> DataError:
    known = ", ".join(table.columns)[:500]
    return DataError(
        "no_guess",
        f"Which columns of {table.name} are asked and which answered cannot be guessed from {known}: name them with "
        "the data settings prompt and response (the first line of a CSV or TSV file must name the columns).",
        file=table.name,
        known=known,
    )

"""A file or a hub dataset as splits of rows: what each column is for, and each row written when it is asked for."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, overload

import pyarrow as pa
from typing_extensions import override

from engine.core.plain_json import loads
from engine.data.chat_rows import Asked, write_rows
from engine.data.columns import Columns
from engine.data.conversations import (
    SYSTEM,
    Message,
    joined_talks,
    messages_of,
    question_and_answer,
    unread_as_text,
)
from engine.data.every_answer import learned_as_text
from engine.data.labels import doubt
from engine.data.lately import Lately
from engine.data.passage import Passage, says_nothing
from engine.data.row import Row
from engine.data.settings import DataSettings
from engine.data.slots import PROMPT
from engine.data.table import Table, strings
from engine.data.templates import TextTemplate, begin_of_text, chat, chat_source
from engine.data.texts import answer_of, text_of

KEPT = 4
"""Sources whose conversations stay as a chat template has written them: as many as `open_source` keeps."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Everything that a file's rows are made of.

    Attributes:
        tables: The columns, by split; unusable rows are gone.
        columns: What each column is for.
        template: The text around a prompt.
        settings: What the user said.
        labels: Name of every label by what stands in the file; empty unless responses are labels.
        numbers: Whether responses are numbers.
        spans: Whether responses stand word for word in what the question is about, so that they can be marked there.
        dropped: Rows that nothing can be made of, by split.
        repeated: Rows in no split, since they ask what is kept for validation or scoring and are not needed there.
        left_out: How often a chat template left something of a conversation out, by role or kind; None before it is
            filled.
    """

    tables: dict[str, Table]
    columns: Columns
    template: TextTemplate
    settings: DataSettings
    labels: dict[str, str] = field(default_factory=dict)
    numbers: bool = False
    spans: bool = False
    dropped: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    left_out: dict[str, int] | None = None

    @property
    def pictures(self) -> bool:
        """Whether rows are pictures, without a text."""
        return self.tables["train"].gallery is not None

    @property
    def texts(self) -> tuple[str, str] | tuple[()]:
        """Columns of the two texts that a row consists of, which an encoder may read as a pair; else nothing.

        What stands in a template of the user's own is one text.
        """
        columns = self.columns
        alone = (self.labels or self.numbers) and not columns.input and self.template.name == "plain"
        return (columns.prompt[0], columns.prompt[1]) if alone and len(columns.prompt) == 2 else ()

    @property
    def illustrated(self) -> bool:
        """Whether rows are texts that may have a picture beside them."""
        return self.tables["train"].beside is not None

    def rows(self, split: str) -> Sequence[Row] | None:
        """The rows of a split, written when they are asked for; None where there is no such split."""
        return SourceRows(self._of(split), self.tables[split]) if split in self.tables else None

    def _of(self, split: str) -> "Source":
        """As the rows of a split are written: where every answer is learned, the last one is scored."""
        every = split == "test" and self.settings.turns == "every"
        return replace(self, settings=replace(self.settings, turns="whole")) if every else self

    def in_chat_template(self, tokenizer: Any) -> "Source":  # noqa: ANN401 - this file must not load transformers
        """The same rows in the tokenizer's chat template, where that is asked for or suits a conversation.

        Raises:
            DataError: It is asked for, and the tokenizer has none that can be used.
        """
        asked = self.settings.template == "chat"
        if not self.chats or not (asked or getattr(tokenizer, "chat_template", None)):
            return self
        source = replace(self, template=chat(tokenizer))
        if self.columns.kind != "messages":
            return source
        template, special, ends = chat_source(tokenizer)
        start = begin_of_text(tokenizer)
        key = (id(self), template, json.dumps(special), tuple(ends), start)
        made = WRITTEN.find(key) or WRITTEN.keep(key, (self, source._written(template, special, ends, start)))
        return made[1]

    @property
    def chats(self) -> bool:
        """Whether a tokenizer's chat template writes the rows, where it has one."""
        asked = self.settings.template
        return not self.pictures and (asked == "chat" or (asked == "suited" and self.columns.kind == "messages"))

    def _written(self, template: str, special: dict[str, Any], ends: Sequence[str], start: str) -> "Source":
        """The same conversations as a chat template writes each of them, begin-of-text once."""
        rows, every, turns = list[Asked](), list[bool](), self.settings.turns
        for split, table in self.tables.items():
            numbers = range(len(table))
            rows += (Asked(messages=self.talk(table, row), tools=self._tools(table, row)) for row in numbers)
            every += [self._of(split).settings.turns == "every"] * len(table)
        written = write_rows(template, special, rows, whole=turns != "opening", ends=ends, every=every)
        left = iter(written.rows)
        filled = {}
        for split, table in self.tables.items():
            of_split = list(islice(left, len(table)))
            filled[split] = replace(
                table,
                written=strings([row.prompt.removeprefix(start) for row in of_split]),
                learned=strings([row.response for row in of_split]),
                asides=pa.array([list(chain(*row.asides)) for row in of_split], pa.list_(pa.int32())),
            )
        return replace(self, tables=filled, left_out=written.unread)

    def row(self, table: Table, number: int) -> Row:
        """One row of a table."""
        row = self._text_row(table, number)
        if table.beside is not None:
            row = replace(row, picture=_picture(table, number))
        if self.spans and (passage := self.passage(table, number)) is not None:
            row = replace(row, response=passage.answers[0].text if passage.answers else "", passage=passage)
        return row

    def passage(self, table: Table, number: int) -> Passage | None:
        """The question and the text of a row, with its answers' places; None where they are not there."""
        columns = self.columns
        name = table.text(number, "id") if "id" in table.columns else ""
        context = text_of(table.value(number, columns.input))
        return Passage.of(self._asked(table, number), context, table.value(number, columns.response), name)

    def _text_row(self, table: Table, number: int) -> Row:
        if self.columns.kind == "messages":
            if table.written is not None and table.learned is not None:
                places = table.asides[number].as_py() if table.asides is not None else []
                asides = tuple(zip(places[::2], places[1::2], strict=True))
                return Row(table.written[number].as_py(), table.learned[number].as_py(), PROMPT, asides=asides)
            if self.settings.turns == "every":
                all_of = learned_as_text(self.talk(table, number), **self._marks)
                return Row(all_of.prompt, all_of.response, asides=all_of.asides) if all_of else Row("", "")
            turns = self.turns(table, number)
            return Row(*turns) if turns else Row("", "")
        response = answer_of(table.value(number, self.columns.response), self.columns.response)
        if self.labels or self.numbers:
            response = self.labels.get(response.strip(), response.strip())
        if table.gallery is not None:
            name = table.text(number, "picture")
            return Row(name, response, picture=table.gallery.root / name)
        if table.written is not None:
            return Row(table.written[number].as_py(), response)
        asked, texts = self._asked(table, number), self.texts
        pair = (table.text(number, texts[0]), table.text(number, texts[1])) if texts else None
        context = text_of(table.value(number, self.columns.input)) if self.columns.input else ""
        if not context.strip():
            return Row(asked, response, pair=pair)
        return Row(asked + self.template.input_mark + context, response, self.template.with_input)

    def cells(self, table: Table, number: int) -> dict[str, Any]:
        """What a template of the user's own is filled with for one row."""
        return {"prompt": self._asked(table, number), **{name: table.value(number, name) for name in table.columns}}

    def _asked(self, table: Table, number: int) -> str:
        texts = {name: text_of(table.value(number, name)) for name in self.columns.prompt}
        if len(texts) < 2:
            return "".join(texts.values())
        return "\n".join(f"{name}: {text}" for name, text in texts.items())

    def turns(self, table: Table, number: int) -> tuple[str, str] | None:
        """What a conversation asks and answers; None where nothing can be made of it."""
        return question_and_answer(
            self.talk(table, number),
            whole=self.settings.turns != "opening",
            **self._marks,
        )

    @property
    def _marks(self) -> dict[str, str]:
        """What stands in front of the messages of a conversation that is written as text."""
        return {"before_answer": self.template.before_answer, "before_question": self.template.before_question}

    def talk(self, table: Table, number: int) -> list[Message]:
        """All messages of a row, those included that stand in columns of their own."""
        columns = self.columns
        talk = messages_of(table.value(number, columns.messages))
        for name in columns.prompt:
            asked = table.value(number, name)
            before = messages_of(asked) or [{"role": "user", "content": text_of(asked)}]
            talk = joined_talks(before, talk)
        if columns.response:
            talk = [*talk, {"role": "assistant", "content": answer_of(table.value(number, columns.response), "")}]
        if columns.system and not any(message["role"] in SYSTEM for message in talk):
            system = table.text(number, columns.system)
            talk = [{"role": "system", "content": system}, *talk] if system.strip() else talk
        return talk

    def _tools(self, table: Table, number: int) -> list[Any]:
        """Tools of a row, as a column of their own describes them."""
        held = table.value(number, self.columns.tools) if self.columns.tools else None
        if isinstance(held, str) and held.strip():
            try:
                held = loads(held)
            except ValueError:
                return [held]
        return held if isinstance(held, list) else [held] if held else []

    @property
    def abstains(self) -> bool:
        """Whether some texts do not hold the answer: those of the training rows, which a head learns from."""
        return self.spans and any(says_nothing(cell) for cell in self.tables["train"].values(self.columns.response))

    @property
    def doubt(self) -> str:
        """What whole numbers could be instead of what they are taken for; empty where there is no doubt."""
        labelled = self.labels or self.numbers
        return doubt(self.labels, self.tables["train"], self.columns, self.settings) if labelled else ""

    @property
    def unread(self) -> dict[str, int]:
        """How often something of a conversation is not read, by its role or kind."""
        if self.columns.kind != "messages":
            return {}
        if self.left_out is not None:
            return self.left_out
        counts, whole = Counter[str](), self.settings.turns != "opening"
        for table in self.tables.values():
            for number in range(len(table)):
                counts.update(unread_as_text(self.talk(table, number), whole=whole))
                counts.update(["tools"] if self._tools(table, number) else [])
        return dict(counts)


WRITTEN: Lately[tuple[Source, Source]] = Lately(KEPT)
"""Each source, which is known by its place in memory as long as it is kept, and what was made of it."""


def _picture(table: Table, number: int) -> Path | None:
    assert table.beside is not None
    path = table.beside.column("path")[number].as_py()
    return Path(path) if path else None


class SourceRows(Sequence[Row]):
    """Rows that are written when they are asked for."""

    def __init__(self, source: Source, table: Table) -> None:
        self._source, self._table = source, table

    @override
    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    @override
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._source.row(self._table, at) for at in range(*index.indices(len(self)))]
        return self._source.row(self._table, range(len(self))[index])

    @override
    def __iter__(self) -> Iterator[Row]:
        return (self._source.row(self._table, at) for at in range(len(self)))

r"""Questions and texts as a span head reads them: in windows that overlap, with the place of every token in the text.

    [CLS] question [SEP] a window of the text [SEP]        as the tokenizer joins two texts
    <bos> question \n a window of the text <eos>          where tokens only look back

The first token, or where tokens only look back the last one, stands for "the answer is not in this window".
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase
from typing_extensions import override

from engine.core.errors import DataError, ModelError
from engine.data.dataset import Dataset, Row
from engine.data.head_spec import HeadSpec
from engine.data.pairs import Joints
from engine.data.passage import Passage
from engine.data.tokenise import TOKENIZER_BATCH, Example, encode_prompts, opening_of, special_tokens_around

Ids = NDArray[np.int32]

QUESTION_SHARE = 2
"""At most one part in so many of a window is the question; a longer one loses its end."""


@dataclass(frozen=True, slots=True)
class Text:
    """An encoded text.

    Attributes:
        ids: Its tokens.
        offsets: Where each begins and ends in the text, in characters, (n, 2).
    """

    ids: Ids
    offsets: Ids


@dataclass(frozen=True, slots=True)
class Window:
    """One window.

    Attributes:
        row: Which row it belongs to.
        example: What the model reads.
        target: The places in it of the answer's first and last token; both of what stands for "no answer" without one.
        answered: Whether the answer to learn is in it.
        first: Place of the first token of the text in it.
        offsets: Where each token of the text that it holds begins and ends in the text, in characters, (n, 2).
    """

    row: int
    example: Example
    target: tuple[int, int]
    answered: bool
    first: int
    offsets: Ids


class Windows(Sequence[Example]):
    """All windows of some rows, in their order; what the model reads is put together when it is asked for.

    Attributes:
        passages: Of the rows.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], limit: int, spec: HeadSpec
    ) -> None:
        """Encode the texts of rows, each text once.

        Args:
            tokenizer: The model's.
            dataset: Where the rows are from, in the template that stands around the question.
            rows: Rows with a passage.
            limit: Most tokens of a window, if that is less than the spec says.
            spec: How spans are marked.

        Raises:
            ModelError: The tokenizer does not say where its tokens stand in a text.
            DataError: A row has no passage.
        """
        assert spec.span is not None
        self._span, self._abstain_first = spec.span, spec.pooling == "first"
        self.passages = [_passage(row, dataset) for row in rows]
        self._size = min(spec.span.window, limit)
        self._between, self._after, typed = _joints(tokenizer, first=self._abstain_first)
        self._typed = typed and spec.token_types
        self._questions = self._encoded_questions(tokenizer, dataset, rows)
        self._texts = encoded_texts(tokenizer, [passage.context for passage in self.passages])
        places = [(row, start) for row in range(len(self.passages)) for start in self._starts(row)]
        self._places = np.array(places, np.int64).reshape(-1, 2)

    def _encoded_questions(
        self, tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row]
    ) -> list[Ids]:
        bare = replace(dataset, template=dataset.template.strip())
        asked = [
            replace(row, prompt=passage.question.strip(), template=row.template and row.template.strip())
            for row, passage in zip(rows, self.passages, strict=True)
        ]
        _, after = special_tokens_around(tokenizer)
        most = max(1, self._size // QUESTION_SHARE - len(self._between) - len(self._after))
        questions = []
        for ids in encode_prompts(tokenizer, bare, asked):
            opened = ids[: -len(after)] if after and ids[-len(after) :] == after else ids
            questions.append(np.array(_without_end(opened, most, opening_of(tokenizer, opened)), np.int32))
        return questions

    def _room(self, row: int) -> int:
        return max(1, self._size - len(self._questions[row]) - len(self._between) - len(self._after))

    def _starts(self, row: int) -> range:
        """The tokens of a row's text at which a window begins."""
        room, tokens = self._room(row), len(self._texts[self.passages[row].context].ids)
        step = max(1, room - self._span.overlap)
        return range(0, max(1, tokens - room + step), step)

    @override
    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    @override
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self.window(at).example for at in range(*index.indices(len(self)))]
        return self.window(range(len(self))[index]).example

    def of_row(self, row: int) -> "Windows":
        """The windows of one row alone."""
        one = copy.copy(self)
        one.passages, one._questions = [self.passages[row]], [self._questions[row]]
        one._places = self._places[self._places[:, 0] == row] * [0, 1]
        return one

    def window(self, index: int) -> Window:
        """One window."""
        row, start = self._places[index].tolist()
        passage, question = self.passages[row], self._questions[row].tolist()
        text = self._texts[passage.context]
        held = slice(start, start + self._room(row))
        offsets, first = text.offsets[held], len(question) + len(self._between)
        ids = [*question, *self._between, *text.ids[held].tolist(), *self._after]
        absent = 0 if self._abstain_first else len(ids) - 1
        inside = answer_tokens(passage, offsets)
        target = (absent, absent) if inside is None else (first + inside[0], first + inside[1])
        example = Example(ids, len(ids), target, second=first if self._typed else None)
        return Window(row, example, target, inside is not None, first, offsets)


def answer_tokens(passage: Passage, offsets: Ids) -> tuple[int, int] | None:
    """The first and the last token of the answer to learn, if all of it is among these tokens."""
    if not passage.answers or not len(offsets):
        return None
    answer = passage.answers[0]
    if answer.start < offsets[0, 0] or answer.end > offsets[-1, 1]:
        return None
    touched = np.flatnonzero((offsets[:, 1] > answer.start) & (offsets[:, 0] < answer.end))
    return (int(touched[0]), int(touched[-1])) if len(touched) else None


def encoded_texts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> dict[str, Text]:
    """Texts with the place of each token, every text once.

    Raises:
        ModelError: The tokenizer does not say where its tokens stand.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            "no_offsets",
            "This model's tokenizer does not say where its tokens stand in a text, so no answer can be marked there: "
            "choose a model with a tokenizer.json, or set head to 'words'.",
        )
    different, encoded = list(dict.fromkeys(texts)), dict[str, Text]()
    for start in range(0, len(different), TOKENIZER_BATCH):
        part = different[start : start + TOKENIZER_BATCH]
        out = tokenizer(part, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        for text, ids, offsets in zip(part, out["input_ids"], out["offset_mapping"], strict=True):
            encoded[text] = Text(np.array(ids, np.int32), np.array(offsets, np.int32).reshape(-1, 2))
    return encoded


def uncut(spec: HeadSpec) -> HeadSpec:
    """The same head on windows without a limit, so that every row is one."""
    return replace(spec, span=None if spec.span is None else replace(spec.span, window=10**6, overlap=0))


def _passage(row: Row, dataset: Dataset) -> Passage:
    if row.passage is None:
        raise DataError(
            "no_passage",
            f"The dataset {dataset.name!r} has no texts in which answers stand, but the head marks answers in texts: "
            "give rows with a context, as SQuAD has.",
            name=dataset.name,
        )
    return row.passage


def _joints(tokenizer: PreTrainedTokenizerBase, *, first: bool) -> tuple[list[int], list[int], bool]:
    """What stands between a question and a text, and behind the text; and whether token types tell the two apart."""
    if not first:
        return tokenizer.encode("\n", add_special_tokens=False), [tokenizer.eos_token_id], False
    joints = Joints.of(tokenizer)
    return joints.between, joints.after, joints.typed


def _without_end(ids: list[int], size: int, opening: int) -> list[int]:
    """The first words of a question; neither virtual tokens nor what opens every text are words."""
    words = [at for at, index in enumerate(ids) if index >= 0 and at >= opening]
    gone = set(words[len(words) - max(0, len(ids) - size) :]) if len(ids) > size else set()
    return [index for at, index in enumerate(ids) if at not in gone]

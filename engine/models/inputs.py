"""What a model reads: a padded batch of token ids or of pixels, and its tokenizer or image processor."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import BaseImageProcessor, PreTrainedTokenizerBase

Processor = PreTrainedTokenizerBase | BaseImageProcessor
"""What turns a row into a model's inputs."""

Positions = Int[Tensor, "b _"] | Float[Tensor, "b _"]
"""Whole numbers, unless a weak virtual token takes up a part of one."""

RowIndex = slice | Int[Tensor, " n"]
"""Which rows of a batch."""

Pictures = tuple[Path | None, ...]
"""The picture beside each row of a batch, None for a row without one; empty where no row has one."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A padded batch of token ids, without virtual tokens.

    Attributes:
        ids: Token ids. A negative id -1 - i is a slot of a template, to be filled with a method's i-th virtual token.
        mask: True where a token stands. In cached decoding it covers the past as well.
        pictures: What stands beside the texts. The model does not see it; a method may.
        types: Token types (BERT's segments); None where all are 0.
    """

    ids: Int[Tensor, "b t"]
    mask: Bool[Tensor, "b s"]
    pictures: Pictures = ()
    types: Int[Tensor, "b t"] | None = None

    def of_rows(self, rows: RowIndex) -> "Tokens":
        """Some of the rows."""
        types = None if self.types is None else self.types[rows]
        return Tokens(self.ids[rows], self.mask[rows], pictures_of_rows(self.pictures, rows), types)


@dataclass(frozen=True, slots=True)
class Pixels:
    """A batch of pictures as the image processor makes them.

    Attributes:
        values: Colours, normalised.
    """

    values: Float[Tensor, "b c y x"]

    def of_rows(self, rows: RowIndex) -> "Pixels":
        """Some of the rows."""
        return Pixels(self.values[rows])


Inputs = Tokens | Pixels


def pictures_of_rows(pictures: Pictures, rows: RowIndex) -> Pictures:
    """Those of some of the rows."""
    if not pictures or isinstance(rows, slice):
        return pictures[rows] if isinstance(rows, slice) else ()
    return tuple(pictures[row] for row in rows.tolist())

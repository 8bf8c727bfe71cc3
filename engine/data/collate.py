"""From examples to a batch that a model takes: texts are padded, pictures are read and handed to the image processor.

Pictures are read when their batch comes, so a run holds those of one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from transformers import BaseImageProcessor, PreTrainedTokenizerBase

from engine.data.encode import IGNORE, Batch, Example, collate, targets_in
from engine.data.pixels import NoPictureError, read_picture
from engine.errors import DataError
from engine.models.view import Pixels

Reader = PreTrainedTokenizerBase | BaseImageProcessor


@dataclass(frozen=True, slots=True)
class Collator:
    """Makes batches for one model.

    Attributes:
        reader: Its tokenizer, or its image processor.
        device: Where batches lie; None for the CPU.
        patch: Side of a patch in pixels, where the model reads pictures.
    """

    reader: Reader
    device: torch.device | None = None
    patch: int = 1

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """A batch of examples, in their order.

        Raises:
            DataError: A picture cannot be read any more.
        """
        if isinstance(self.reader, PreTrainedTokenizerBase):
            return collate(examples, self.reader.pad_token_id, self.device)
        images = [_picture(example) for example in examples]
        values: torch.Tensor = self.reader(images=images, return_tensors="pt")["pixel_values"]
        rows, _, height, width = values.shape
        # A vision transformer's tokens are its patches, and the class token before them; none carries a label.
        labels = torch.full((rows, 1 + (height // self.patch) * (width // self.patch)), IGNORE)
        return Batch(Pixels(values.to(self.device)), labels.to(self.device), targets_in(examples, self.device))


def _picture(example: Example) -> Image.Image:
    assert example.picture is not None
    try:
        return read_picture(example.picture)
    except NoPictureError as error:
        raise DataError(
            "picture_gone",
            f"The picture {example.picture.name} cannot be read any more: put it back, or start a new run without it.",
            name=example.picture.name,
        ) from error

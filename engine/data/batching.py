"""Batches: the order in which rows come, texts padded to the longest of a batch, pictures through the image processor.

Pictures are read when their batch comes, so a run holds those of one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from engine.data.picture_features import gone
from engine.data.pixels import NoPictureError, read_picture
from engine.data.tokenise import IGNORE, Example, LazyExamples
from engine.models.base import Base
from engine.models.inputs import Inputs, Pictures, Pixels, Processor, Tokens
from engine.models.processing import pixels_of

SORTED_BATCHES = (8, 50)
"""Fewest and most batches whose rows are sorted by length together; between them a quarter of an epoch, as in
transformers' `LengthGroupedSampler`, whose most they are."""

Targets = Int[Tensor, " b"] | Float[Tensor, " b"] | Int[Tensor, "b 2"]
"""Classes, numbers, or the places of answers' first and last tokens."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A right-padded batch of texts, or one of pictures, with its labels.

    Attributes:
        inputs: Ids and mask, or pixels.
        labels: The token id where a label is carried, `IGNORE` elsewhere; not shifted. Patches of pictures carry none.
        targets: Classes, numbers or places for a task head; None when tokens carry the labels.
    """

    inputs: Inputs
    labels: Int[Tensor, "b t"]
    targets: Targets | None = None

    @property
    def size(self) -> int:
        """Tokens, padding not counted; of pictures their patches and class tokens."""
        return int(self.inputs.mask.sum()) if isinstance(self.inputs, Tokens) else self.labels.numel()

    def parts(self, count: int) -> Iterator["Batch"]:
        """The batch in up to `count` parts, by rows."""
        for rows in torch.arange(len(self.labels), device=self.labels.device).tensor_split(count):
            if len(rows):
                targets = None if self.targets is None else self.targets[rows]
                yield Batch(self.inputs.of_rows(rows), self.labels[rows], targets)


@dataclass(frozen=True, slots=True)
class Collator:
    """Makes batches for one model.

    Attributes:
        processor: Its tokenizer, or its image processor.
        device: Where batches lie; None for the CPU.
        patch: Side of a patch in pixels, where the model reads pictures.
    """

    processor: Processor
    device: torch.device | None = None
    patch: int = 1

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """A batch of examples, in their order.

        Raises:
            DataError: A picture cannot be read any more.
        """
        if isinstance(self.processor, PreTrainedTokenizerBase):
            return collate(examples, self.processor.pad_token_id, self.device)
        images = [_picture(example) for example in examples]
        values = pixels_of(self.processor, images)
        rows, _, height, width = values.shape
        # A vision transformer's tokens are its patches, and the class token before them; none carries a label.
        labels = torch.full((rows, 1 + (height // self.patch) * (width // self.patch)), IGNORE)
        return Batch(Pixels(values.to(self.device)), labels.to(self.device), targets_in(examples, self.device))


def collator_of(base: Base) -> Collator:
    """What makes batches for a loaded model, on its device."""
    return collator_for(base.model.config, base.processor, base.device)


def collator_for(config: PreTrainedConfig, processor: Processor, device: torch.device | None = None) -> Collator:
    """What makes batches for a model of which only the config need be there."""
    return Collator(processor, device, getattr(config, "patch_size", None) or 1)


def _picture(example: Example) -> Image.Image:
    assert example.picture is not None
    try:
        return read_picture(example.picture)
    except NoPictureError as error:
        raise gone(example.picture) from error


def collate(examples: Sequence[Example], pad_id: int, device: torch.device | None = None) -> Batch:
    """Pad texts on the right to the longest, on the CPU unless a device is given."""
    t = max(len(example.ids) for example in examples)
    ids = torch.full((len(examples), t), pad_id)
    mask = torch.zeros(len(examples), t, dtype=torch.bool)
    labels = torch.full((len(examples), t), IGNORE)
    for row, example in enumerate(examples):
        n = len(example.ids)
        ids[row, :n] = torch.tensor(example.ids)
        mask[row, :n] = True
        labels[row, example.answer_at : n] = ids[row, example.answer_at : n]
        for start, end in example.asides:
            labels[row, start:end] = IGNORE
        for at, index in example.mlm_labels.items():
            labels[row, at] = index
    types = token_types(examples, t)
    inputs = Tokens(
        ids.to(device), mask.to(device), pictures_beside(examples), None if types is None else types.to(device)
    )
    return Batch(inputs, labels.to(device), targets_in(examples, device))


def token_types(examples: Sequence[Example], t: int) -> Int[Tensor, "b t"] | None:
    """1 from where the second of two texts begins, its padding left out; None where no example has a second text."""
    if all(example.second is None for example in examples):
        return None
    types = torch.zeros(len(examples), t, dtype=torch.long)
    for row, example in enumerate(examples):
        if example.second is not None:
            types[row, example.second : len(example.ids)] = 1
    return types


def pictures_beside(examples: Sequence[Example]) -> Pictures:
    """The picture beside each text; nothing where no text has one."""
    pictures = tuple(example.picture for example in examples)
    return pictures if any(pictures) else ()


def targets_in(examples: Sequence[Example], device: torch.device | None) -> Targets | None:
    """What a task head shall predict for each; None where there is none."""
    targets = [example.target for example in examples if example.target is not None]
    return torch.tensor(targets, device=device) if targets else None


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of rows in one epoch: depends on nothing but its arguments, so a resumed run goes on where it was."""
    rng = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=rng).tolist()


def batches_from(
    examples: Sequence[Example], size: int, seed: int, first: int, together: int
) -> Iterator[list[Example]]:
    """Endless batches, epoch after epoch, starting with batch number `first`. The last batch of an epoch may be short.

    The shuffled rows of every `together` batches are sorted by length among themselves, so that little padding is
    computed; then the batches are shuffled again.
    """
    per_epoch = -(-len(examples) // size)
    epoch, done = divmod(first, per_epoch)
    while True:
        order = epoch_order(len(examples), seed, epoch)
        yield from _epoch(order, examples, size, seed + epoch, done, together)
        epoch, done = epoch + 1, 0


def sorted_batches(rows: int, size: int) -> int:
    """How many batches are sorted together, of an epoch of so many rows in batches of `size`."""
    fewest, most = SORTED_BATCHES
    return max(fewest, min(most, rows // (4 * size)))


def _epoch(
    order: list[int], examples: Sequence[Example], size: int, seed: int, done: int, together: int
) -> Iterator[list[Example]]:
    """The batches of an epoch without the first `done`; rows are encoded and sorted when one of their batches comes."""
    shuffled = torch.randperm(-(-len(order) // size), generator=torch.Generator().manual_seed(seed)).tolist()
    sorted_rows: dict[int, list[int]] = {}
    for number in shuffled[done:]:
        chunk, within = divmod(number, together)
        if chunk not in sorted_rows:
            rows = order[chunk * together * size : (chunk + 1) * together * size]
            if isinstance(examples, LazyExamples):
                examples.encode(rows)
            sorted_rows[chunk] = sorted(rows, key=lambda index: len(examples[index].ids))
        yield [examples[index] for index in sorted_rows[chunk][within * size : (within + 1) * size]]


def batches_by_length(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """All examples once, in order of length, in batches of `size`."""
    ordered = sorted(examples, key=lambda example: len(example.ids))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]

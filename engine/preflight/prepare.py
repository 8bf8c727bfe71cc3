"""What a run would train on, before any weights are loaded: its rows as the model reads them, and counts over them."""

import functools
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from engine.config.run import RunConfig
from engine.core.types import PreviewRow, Rehearsal
from engine.data.dataset import Dataset
from engine.data.head_spec import HeadSpec
from engine.data.picture_report import report_on_pictures
from engine.data.preview import picture_rows, preview_rows
from engine.data.report import report_on
from engine.data.task import head_for
from engine.methods import method_class
from engine.models.families import family_of
from engine.models.inputs import Reader
from engine.models.loading import read_config, read_reader

PICTURES = 4
"""Pictures that are shown for each row of text: one sees them at a glance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A run's data in the run's own shape.

    Attributes:
        base: The model's config.
        reader: Its tokenizer, with a padding token; or its image processor.
        dataset: In the template that the run uses.
        head: What a task head says; None without one.
        limit: Longest row in tokens, of the settings or of the model.
    """

    base: PreTrainedConfig
    reader: Reader
    dataset: Dataset
    head: HeadSpec | None
    limit: int


def lesson_of(config: RunConfig) -> Lesson:
    """Put a run's data together as the run will.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training, settings = config.of_training(), config.of_method()
    base, reader = _read(config.model, trusted=training.trust_remote_code)
    family = family_of(base.model_type)
    method_class(config.method).must_serve(family, base.model_type)
    dataset = config.load_data(reader)
    limit = getattr(base, "max_position_embeddings", None) or training.max_seq_len
    return Lesson(
        base=base,
        reader=reader,
        dataset=dataset.within(getattr(settings, "template", None) or None),
        head=head_for(training.head, training.pooling, family, dataset, config.model),
        limit=min(training.max_seq_len, limit),
    )


@functools.lru_cache(maxsize=8)
def _read(name: str, *, trusted: bool) -> tuple[PreTrainedConfig, Reader]:
    config = read_config(name, trust_remote_code=trusted)
    reader = read_reader(name, family_of(config.model_type), trust_remote_code=trusted)
    if isinstance(reader, PreTrainedTokenizerBase) and reader.pad_token_id is None:
        reader.pad_token = reader.eos_token
    return config, reader


def rehearse(config: RunConfig, count: int) -> Rehearsal:
    """The first rows token by token, or some pictures; and counts over all.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used, or nothing would be learned.
    """
    lesson = lesson_of(config.checked())
    rows, report = _shown(lesson, count)
    return Rehearsal(
        rows=rows,
        report=report,
        summary=lesson.dataset.summary,
        labels=lesson.dataset.head_labels,
        limit=lesson.limit,
    )


def _shown(lesson: Lesson, count: int) -> tuple[list[PreviewRow], dict[str, Any]]:
    """The first rows, and the report in plain values."""
    dataset, reader = lesson.dataset, lesson.reader
    if not isinstance(reader, PreTrainedTokenizerBase):
        return picture_rows(dataset.rows("train")[: PICTURES * count]), report_on_pictures(dataset).to_dict()
    report = report_on(reader, dataset, lesson.limit, lesson.head)
    first = dataset.rows("train")[:count]
    rows = preview_rows(reader, dataset, first, writes=lesson.head is None, max_seq_len=lesson.limit)
    return rows, report.to_dict()

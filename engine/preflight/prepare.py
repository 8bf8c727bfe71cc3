"""What a run would train on, before any weights are loaded: its rows as the model reads them, and counts over them."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from engine.config.run import RunConfig
from engine.core.types import DataPreview, PreviewRow
from engine.data.columns import Columns
from engine.data.dataset import Dataset
from engine.data.head_spec import HeadSpec
from engine.data.picture_report import report_on_pictures
from engine.data.preview import picture_rows, preview_rows
from engine.data.readers.hub_name import HUB
from engine.data.report import report_on
from engine.data.task import head_for
from engine.methods import method_class
from engine.models.families import family_of
from engine.models.inputs import Processor
from engine.models.loading import load_config, load_processor

PICTURES = 4
"""Pictures that are shown for each row of text: one sees them at a glance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedData:
    """A run's data in the run's own shape.

    Attributes:
        base: The model's config.
        processor: Its tokenizer, with a padding token; or its image processor.
        dataset: In the template that the run uses.
        head: What a task head says; None without one.
        limit: Longest row in tokens, of the settings or of the model.
    """

    base: PreTrainedConfig
    processor: Processor
    dataset: Dataset
    head: HeadSpec | None
    limit: int


def prepare(config: RunConfig) -> PreparedData:
    """Put a run's data together as the run will.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training, settings = config.of_training(), config.of_method()
    base, processor = _read(config.model, trusted=training.trust_remote_code)
    family = family_of(base.model_type)
    method_class(config.method).must_serve(family, base.model_type)
    dataset = config.load_data(processor)
    limit = getattr(base, "max_position_embeddings", None) or training.max_seq_len
    return PreparedData(
        base=base,
        processor=processor,
        dataset=dataset.in_template(getattr(settings, "template", None) or None),
        head=head_for(training.head, training.pooling, family, dataset, config.model),
        limit=min(training.max_seq_len, limit),
    )


@functools.lru_cache(maxsize=8)
def _read(name: str, *, trusted: bool) -> tuple[PreTrainedConfig, Processor]:
    config = load_config(name, trust_remote_code=trusted)
    processor = load_processor(name, family_of(config.model_type), trust_remote_code=trusted)
    if isinstance(processor, PreTrainedTokenizerBase) and processor.pad_token_id is None:
        processor.pad_token = processor.eos_token
    return config, processor


def preview_data(config: RunConfig, count: int) -> DataPreview:
    """The first rows token by token, or some pictures; and counts over all.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used, or nothing would be learned.
    """
    prepared = prepare(config.checked())
    rows, report = _shown(prepared, count)
    dataset, source = prepared.dataset, prepared.dataset.source
    columns = source.columns if source else Columns(kind="pair")
    return DataPreview(
        rows=rows,
        report=report,
        name=dataset.name if dataset.name.startswith(HUB) else Path(dataset.name).name,
        summary=dataset.summary,
        asked=columns.asked,
        answered=columns.response or columns.messages,
        labels=dataset.head_labels,
        limit=prepared.limit,
    )


def _shown(prepared: PreparedData, count: int) -> tuple[list[PreviewRow], dict[str, Any]]:
    """The first rows, and the report in plain values."""
    dataset, processor = prepared.dataset, prepared.processor
    if not isinstance(processor, PreTrainedTokenizerBase):
        return picture_rows(dataset.rows("train")[: PICTURES * count]), report_on_pictures(dataset).to_dict()
    report = report_on(processor, dataset, prepared.limit, prepared.head)
    first = dataset.rows("train")[:count]
    rows = preview_rows(processor, dataset, first, writes=prepared.head is None, max_seq_len=prepared.limit)
    return rows, report.to_dict()

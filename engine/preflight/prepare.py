"""Prepares a run's data without loading weights: its rows as the model reads them, and counts over them."""

import functools
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.data.columns import Columns
from engine.data.dataset import Dataset, load_dataset
from engine.data.head_spec import HeadSpec
from engine.data.picture_report import report_on_pictures
from engine.data.preview import picture_rows, preview_rows
from engine.data.preview_values import DataPreview, DataReport, PictureReport, PreviewRow
from engine.data.readers.hub_name import HUB
from engine.data.report import report_on
from engine.data.settings import DataSettings
from engine.data.shipped import shipped
from engine.data.task import head_for
from engine.methods import method_spec
from engine.methods.serving import must_serve
from engine.models.families import family_of
from engine.models.inputs import Processor
from engine.models.loading import load_config, load_processor
from engine.models.resolve import SHIPPED

PICTURES = 4
"""Number of pictures that a preview has in place of one row of text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedData:
    """Data as a model reads it.

    Attributes:
        base: The model's config.
        processor: Its tokenizer, with a padding token; or its image processor.
        dataset: In the template that the model and the method use.
        head: What a task head predicts; None without one.
        limit: Longest row in tokens, the lower of the setting and the model's limit.
    """

    base: PreTrainedConfig
    processor: Processor
    dataset: Dataset
    head: HeadSpec | None
    limit: int

    def report(self) -> DataReport | PictureReport:
        """Counts over all rows.

        Raises:
            DataError: No row would be trained on.
        """
        if not isinstance(self.processor, PreTrainedTokenizerBase):
            return report_on_pictures(self.dataset)
        return report_on(self.processor, self.dataset, self.limit, self.head)

    def first_rows(self, count: int) -> list[PreviewRow]:
        """The first training rows token by token, or some pictures."""
        rows = self.dataset.rows("train")
        if not isinstance(self.processor, PreTrainedTokenizerBase):
            return picture_rows(rows[: PICTURES * count])
        writes, spec = self.head is None, self.head
        return preview_rows(
            self.processor, self.dataset, rows[:count], writes=writes, max_seq_len=self.limit, spec=spec
        )


def prepare(config: RunConfig) -> PreparedData:
    """Prepare a run's data as training does.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training, settings = config.of_training(), config.of_method()
    base, _ = read_model(config.model, trusted=training.trust_remote_code)
    must_serve(method_spec(config.method), family_of(base.model_type), base.model_type)
    template = getattr(settings, "template", None) or None
    prepared = prepare_data(config.model, config.dataset, config.of_data(), training, template)
    prepared.dataset.check_seen(sees_pictures=bool(config.vision))
    return prepared


def prepare_data(
    model: str, name: str, settings: DataSettings, training: TrainingSettings, template: str | None = None
) -> PreparedData:
    """Prepare data for a model. Its config and its tokenizer or image processor are read, but no weights.

    Args:
        model: Embedded name, folder or hub id.
        name: Name of the dataset.
        settings: How a file or a hub dataset becomes rows.
        training: Its `head`, `pooling`, `token_types`, `max_seq_len` and `trust_remote_code` matter.
        template: Template of the method, which replaces the dataset's.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    dataset = load_dataset(name, settings)
    base, processor = read_model(model, trusted=training.trust_remote_code)
    dataset = dataset.in_chat_template(processor).in_template(template)
    limit = getattr(base, "max_position_embeddings", None) or training.max_seq_len
    family, types = family_of(base.model_type), training.token_types
    return PreparedData(
        base=base,
        processor=processor,
        dataset=dataset,
        head=head_for(training.head, training.pooling, family, dataset, model, training.span, token_types=types),
        limit=min(training.max_seq_len, limit),
    )


@functools.lru_cache(maxsize=8)
def read_model(name: str, *, trusted: bool) -> tuple[PreTrainedConfig, Processor]:
    """A model's config, and its tokenizer or image processor; no weights.

    Raises:
        ModelError: They cannot be found or read.
    """
    config = load_config(name, trust_remote_code=trusted)
    return config, load_processor(name, config, trust_remote_code=trusted)


def preview_data(config: RunConfig, count: int) -> DataPreview:
    """The first rows token by token, or some pictures; and counts over all.

    What ships with the workbench stays as it is while that runs: everybody who opens the page sees the same preview
    first, which is made once.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used, or no row would be trained on.
    """
    if config.dataset in shipped() and config.model in SHIPPED:
        return _preview_of_shipped(config.to_yaml(), count)
    return _preview(config, count)


@functools.lru_cache(maxsize=16)
def _preview_of_shipped(config: str, count: int) -> DataPreview:
    return _preview(RunConfig.from_yaml(config), count)


def _preview(config: RunConfig, count: int) -> DataPreview:
    prepared = prepare(config.checked())
    dataset, source = prepared.dataset, prepared.dataset.source
    columns = source.columns if source else Columns(kind="pair")
    report = prepared.report()
    return DataPreview(
        rows=prepared.first_rows(count),
        report=report,
        name=dataset.name if dataset.name.startswith(HUB) else Path(dataset.name).name,
        summary=dataset.summary,
        asked=columns.asked,
        answered=columns.response or columns.messages,
        labels=dataset.head_labels,
        limit=prepared.limit,
        marked=prepared.head is not None and prepared.head.span is not None,
    )

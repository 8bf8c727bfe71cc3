"""The Python interface, exported by `engine`: train a run on a base, evaluate it, chat with it, export its adapter."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from engine.config.run import RunConfig
from engine.core.paths import runs_root
from engine.core.sampling import Sampling
from engine.data.dataset import Dataset
from engine.evaluation.head import LabelScores, NumberScores, head_scores
from engine.evaluation.spans import SpanScores
from engine.evaluation.text import TextScores, text_scores
from engine.exchange.archive import write_adapter
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, stream_answers
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.runs.scan import new_run_path
from engine.training.launch import base_for, resume_run, start_run
from engine.training.loop import Trainer
from engine.training.progress import Progress


class Run:
    """A run: its folder, its frozen base, and what can be done with them.

    Attributes:
        folder: The run folder.
        base: The frozen model, which several runs may share.
    """

    def __init__(self, folder: RunFolder, base: Base, trainer: Trainer | None = None) -> None:
        self.folder = folder
        self.base = base
        self._trainer = trainer

    @classmethod
    def start(
        cls,
        base: Base,
        dataset: str,
        method: str = "llama_adapter",
        *,
        settings: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        folder: str | Path | None = None,
        **training: Any,  # noqa: ANN401 - each setting has another type
    ) -> Self:
        """Make the folder of a new run, at step 0; `steps` and `train` train it.

        Args:
            base: A base from `engine.load_base`.
            dataset: A shipped name, a file, a folder, or hub:owner/name.
            method: A name in `engine.methods.METHODS`.
            settings: Settings of the method, such as {"rank": 4}.
            data: How a file becomes rows, fields of `DataSettings`.
            folder: The run folder; one below the home folder's runs if none is given.
            **training: Fields of `TrainingSettings`, such as steps=100 or learning_rate=1e-3.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used.
        """
        config = RunConfig(
            model=base.name,
            dataset=dataset,
            method=method,
            method_settings=dict(settings or {}),
            training={"precision": base.precision, **training},
            data=dict(data or {}),
        ).checked()
        path = Path(folder) if folder is not None else new_run_path(runs_root(), config)
        trainer = start_run(path, config, lambda *_, **__: base)
        return cls(trainer.folder, base, trainer)

    @classmethod
    def open(cls, path: str | Path, base: Base | None = None) -> Self:
        """An existing run; its base is loaded unless it is given.

        Raises:
            WorkbenchError: There is no run, or its model cannot be loaded.
        """
        folder = RunFolder.open(Path(path))
        return cls(folder, base or base_for(folder.config, load_base))

    def steps(self) -> Iterator[Progress]:
        """Train a step at a time, from step 0 or the newest checkpoint. Closing the iterator saves a checkpoint.

        Raises:
            RunError: All steps are done, or another process trains it.
        """
        with self.folder.owned():
            trainer = self._trainer or resume_run(self.folder, lambda *_, **__: self.base)
            self._trainer = None
            yield from trainer.run()

    def train(self) -> Self:
        """Train to the end."""
        for _ in self.steps():
            pass
        return self

    @property
    def method(self) -> Method:
        """The trained method, read from the run's adapter folder."""
        return load_adapter(self.folder.adapter_path, self.base)

    @property
    def dataset(self) -> Dataset:
        """The run's dataset, in the template used in training."""
        return self.folder.config.load_data(self.base.processor)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The run's events in order: all, or those of one kind of docs/reference/events.md."""
        return [event for event in all_events(self.folder.events_path) if kind in ("", event["kind"])]

    def evaluate(self) -> TextScores | LabelScores | NumberScores | SpanScores:
        """Scores on the test rows, beside the untuned base."""
        method = self.method
        return (text_scores if method.head is None else head_scores)(self.base, method, self.dataset)

    def chat(self, prompt: str, strength: float = 1.0, **sampling: Any) -> tuple[str, str]:  # noqa: ANN401
        """Answers of base and tuned model, from one batched forward per token.

        Args:
            prompt: The prompt; the run's template is put around it.
            strength: 0 is the base, 1 the trained model.
            **sampling: Fields of `Sampling`, such as max_new_tokens=64.
        """
        method = self.method
        template = method.template or self.folder.template or self.dataset.template
        columns = [ChatColumn(prompt, template=template), ChatColumn(prompt, method, strength, template)]
        *_, update = stream_answers(self.base, columns, Sampling.from_dict(sampling))
        base, tuned = (text or "" for text in update.texts)
        return base, tuned

    def export(self, target: str | Path, form: str = "peft") -> Path:
        """Write the adapter in a format of `engine.exchange.forms.EXPORT_FORMATS`; returns the folder.

        Raises:
            ExchangeError: That format cannot hold this method.
        """
        write_adapter(self.method, self.base, form, Path(target))
        return Path(target)

"""What the worker thread does: it alone touches torch. It holds the loaded models and trains one run at a time."""

import inspect
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.analysis.ablation import ablation, routes
from engine.analysis.image_probe import probe_picture
from engine.analysis.probe import need_picture, need_words, probe
from engine.analysis.strength import strength_curve
from engine.config.run import RunConfig
from engine.core.errors import RunError, WorkbenchError
from engine.core.types import ChatRequest, ChatSide, ChatUpdate, Live
from engine.data.dataset import load_dataset
from engine.evaluation.predictions import predict_rows
from engine.exchange.archive import zip_adapter
from engine.exchange.native import load_adapter, load_tensors
from engine.inference.chat import ChatColumn, stream_answers
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base, resolve_device, resolve_precision
from engine.runs.folder import RunFolder
from engine.telemetry.probe_reports import StrengthPoint
from engine.telemetry.serialise import picture_to_json, to_json
from engine.training.checkpoint import has_checkpoint, restore_method
from engine.training.launch import base_for, build_method, resume_run, start_run
from engine.training.loop import Progress, Trainer

KEPT_BASES = 2
KEPT_METHODS = 8
SHOWN_PICTURES = 40


class Worker:
    """Runs on one thread. `tell` is called with a fresh `Live` whenever something changed."""

    def __init__(self, tell: Callable[[Live], None]) -> None:
        self._tell = tell
        self._live = Live()
        self._bases: OrderedDict[tuple[str, str, str, str], Base] = OrderedDict()
        self._methods: OrderedDict[tuple[Path, int | None, float], Method] = OrderedDict()
        self._pictures: dict[Path, dict[str, Path]] = {}
        self._trainer: Trainer | None = None
        self._steps: Generator[Progress] = _no_steps()
        self._held = ExitStack()
        self._clock = Clock()

    @property
    def training(self) -> bool:
        """Whether `advance` has something to do."""
        return self._trainer is not None and self._live.status == "running"

    def load(self, model: str, precision: str = "fp32", **loading: Any) -> Base:  # noqa: ANN401 - see `load_base`
        """A base, loaded once; the two used last are kept.

        Raises:
            ModelError: It cannot be loaded.
        """
        device = resolve_device(loading.get("device", "auto"))
        precision = resolve_precision(precision, device)
        key = (model, precision, device, loading.get("attention", "auto"))
        if key not in self._bases:
            while len(self._bases) >= KEPT_BASES:
                self._bases.popitem(last=False)
            self._bases[key] = load_base(model, precision, **loading)
            self._change(model=model, precision=precision, size_mb=_megabytes(self._bases[key]))
        self._bases.move_to_end(key)
        return self._bases[key]

    def start(self, path: Path, config: RunConfig, name: str) -> None:
        """Begin a new run; steps are made by `advance`."""

        def make() -> Trainer:
            trainer = start_run(path, config, self.load, name)
            self._held.enter_context(trainer.folder.owned())
            return trainer

        self._take(make, path.name, config)

    def resume(self, folder: RunFolder) -> None:
        """Go on with a run from its checkpoint."""

        def make() -> Trainer:
            self._held.enter_context(folder.owned())
            return resume_run(folder, self.load)

        self._take(make, folder.id, folder.config)

    def advance(self) -> None:
        """Make one training step. Whatever goes wrong ends the run, never the worker."""
        try:
            progress = next(self._steps)
        except StopIteration:
            self._let_go()
        except WorkbenchError as error:
            self._let_go(str(error), error.to_dict())
        except Exception as error:
            logging.getLogger(__name__).exception("The run failed.")
            self._let_go(f"{type(error).__name__}: {error}")
        else:
            if progress.warming is not None:
                self._change(warming=progress.warming)
                return
            rate = self._clock.tick()
            left = (progress.steps - progress.step) / rate if rate else None
            self._change(step=progress.step, steps_per_s=round(rate, 2), eta_s=left, warming=None)

    def pause(self) -> None:
        """Pause between two steps."""
        if self._trainer is not None and self._live.status == "running":
            self._trainer.pause()
            self._clock = Clock()
            self._change(status="paused", eta_s=None, steps_per_s=0.0)

    def go_on(self) -> None:
        """Go on after a pause."""
        if self._trainer is not None and self._live.status == "paused":
            self._trainer.go_on()
            self._change(status="running")

    def one_step(self) -> None:
        """Make one step, then pause."""
        if self._trainer is None:
            return
        self.advance()
        while self._live.warming is not None:
            self.advance()
        self.pause()

    def stop(self) -> None:
        """Stop between two steps and keep the work."""
        if self._trainer is None:
            return
        self._change(status="stopping")
        if inspect.getgeneratorstate(self._steps) == inspect.GEN_CREATED:
            self.advance()  # a generator that never ran has nothing to keep
        try:
            self._steps.close()
        except OSError as error:
            self._let_go(f"The work could not be kept: {error}")
        else:
            self._let_go()

    def probe(self, folder: RunFolder, step: int | None, sentence: str) -> dict[str, Any]:
        """How a sentence, or the picture of that name, uses a run's method at a step."""
        base, method = self._method(folder, step)
        found = self._live.step if step is None and self._is_live(folder) else step
        if not base.shape.family.reads_text:
            shown = self._shown(folder)
            name = sentence if sentence in shown else next(iter(shown))
            seen = picture_to_json(probe_picture(base, method, name, shown[name]))
            return {**seen, "name": name, "names": list(shown), "step": found}
        return {**to_json(probe(base, method, sentence)), "step": found}

    def _shown(self, folder: RunFolder) -> dict[str, Path]:
        """The first pictures that a run is validated on, by name."""
        if folder.path not in self._pictures:
            rows = folder.config.load_data().rows("validation")[:SHOWN_PICTURES]
            self._pictures = {folder.path: {row.prompt: row.picture for row in rows if row.picture is not None}}
        return self._pictures[folder.path]

    def predict(self, folder: RunFolder, start: int) -> tuple[list[dict[str, Any]], int]:
        """The next held-out rows of a run with both answers, and how many there are in all."""
        base, method = self._method(folder, None)
        return predict_rows(base, method, folder.config.load_data(base.processor), start)

    def strength_curve(self, folder: RunFolder, step: int | None) -> list[StrengthPoint]:
        """Validation loss over strength of a run at a step."""
        base, method = self._method(folder, step)
        return strength_curve(base, method, folder.config.load_data(base.processor))

    def ablation(self, folder: RunFolder, step: int | None) -> dict[str, Any]:
        """Validation loss of a run at a step with its method off in spans of layers."""
        base, method = self._method(folder, step)
        found = self._live.step if step is None and self._is_live(folder) else step
        return {**to_json(ablation(base, method, folder.config.load_data(base.processor))), "step": found}

    def routes(self, folder: RunFolder) -> dict[str, Any]:
        """Validation loss of a run along routes through its experts."""
        base, method = self._method(folder, None)
        if not self._is_live(folder) and has_checkpoint(folder.checkpoint_path):  # adapter files hold their average
            method = build_method(folder.config, base, folder.head)
            restore_method(folder, method)
            method.to(base.device)
        return to_json(routes(base, method, folder.config.load_data(base.processor)))

    def chat(
        self, request: ChatRequest, folders: list[RunFolder | None], stopped: Callable[[], bool]
    ) -> Iterator[ChatUpdate]:
        """Stream the answers of all sides.

        Raises:
            RunError: The sides do not share one model.
            ModelError: It reads pictures, and there is none.
            DataError: The picture cannot be read.
        """
        configs = [folder.config for folder in folders if folder is not None]
        bases = {_base_of(config) for config in configs}
        if len(bases) > 1:
            names = ", ".join(sorted(bases))
            raise RunError("chat_models", f"All columns must share one model, but these use {names}.", names=names)
        base = base_for(configs[0] if configs else RunConfig(), self.load)
        if request.picture:
            need_picture(base, Path(request.picture))
        else:
            need_words(base)
        around = next((_template(folder) for folder in folders if folder is not None), None)
        columns = [
            self._column(request, side, folder, around) for side, folder in zip(request.sides, folders, strict=True)
        ]
        yield from stream_answers(base, columns, request.sampling, stopped)

    def export(self, folder: RunFolder, form: str, target: Path) -> Path:
        """A zip of a run's adapter."""
        base, method = self._method(folder, None)
        return zip_adapter(method, base, form, folder.config.to_yaml(), target)

    def _column(self, request: ChatRequest, side: ChatSide, folder: RunFolder | None, around: str | None) -> ChatColumn:
        method = self._method(folder, side.step)[1] if folder else None
        if request.picture:
            return ChatColumn(request.prompt, method, side.strength, picture=Path(request.picture))
        if not request.template:
            return ChatColumn(request.prompt, method, side.strength)
        template = _template(folder) if folder else around or load_dataset("town-qa").template
        own = method.template if method is not None else None
        return ChatColumn(request.prompt, method, side.strength, own or template)

    def _method(self, folder: RunFolder, step: int | None) -> tuple[Base, Method]:
        """A run's method as it was at a step; None for now, which for the active run is the very present."""
        if step is None and self._is_live(folder) and self._trainer is not None:
            return self._trainer.base, self._trainer.method
        config = folder.config
        base = base_for(config, self.load)
        path = folder.adapter_path / "adapter.safetensors" if step is None else folder.snapshot_path(step)
        if not path.exists():
            raise RunError(
                "no_snapshot",
                f"The run {folder.id!r} keeps nothing from step {step}: choose one of its snapshots.",
                run=folder.id,
                step=step,
            )
        key = (path, step, path.stat().st_mtime)
        if key not in self._methods:
            while len(self._methods) >= KEPT_METHODS:
                self._methods.popitem(last=False)
            if step is None:
                self._methods[key] = load_adapter(folder.adapter_path, base)
            else:
                method = build_method(config, base, folder.head)
                method.fold()
                load_tensors(method, path)
                self._methods[key] = method.to(base.device)
        return base, self._methods[key]

    def _is_live(self, folder: RunFolder) -> bool:
        return self._trainer is not None and self._trainer.folder.path == folder.path

    def _take(self, make: Callable[[], Trainer], run: str, config: RunConfig) -> None:
        self._change(
            status="loading", run=run, message="", problem=None, step=0, steps=config.of_training().steps, eta_s=None
        )
        try:
            trainer = make()
        except Exception:
            self._let_go()
            raise
        self._trainer, self._steps, self._clock = trainer, trainer.run(), Clock()
        self._change(status="running", name=trainer.folder.facts().name, step=trainer.position.step)

    def _let_go(self, message: str = "", problem: dict[str, Any] | None = None) -> None:
        self._held.close()
        self._trainer, self._steps = None, _no_steps()
        self._live = Live(model=self._live.model, precision=self._live.precision, size_mb=self._live.size_mb)
        self._change(message=message, problem=problem)

    def _change(self, **values: Any) -> None:  # noqa: ANN401 - any field of Live
        self._live = replace(self._live, **values)
        self._tell(self._live)


class Clock:
    """Steps per second of wall time, over the last two dozen steps."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tick(self) -> float:
        """Note a step; returns the rate, 0 while unknown."""
        self._times = [*self._times[-24:], time.monotonic()]
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0


def _template(folder: RunFolder) -> str:
    """Text around a prompt in a run's data; the data itself is not needed any more."""
    return folder.template or folder.config.load_data().template


def _base_of(config: RunConfig) -> str:
    """What two runs must have in common to answer side by side."""
    training = config.of_training()
    device = resolve_device(training.device)
    return f"{config.model} ({resolve_precision(training.precision, device)}, {device})"


def _no_steps() -> Generator[Progress]:
    yield from ()


def _megabytes(base: Base) -> float:
    return round(base.model.get_memory_footprint() / 1e6, 1)

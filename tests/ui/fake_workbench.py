"""A workbench without a model: the same door as `engine.workbench.Workbench`, made-up numbers behind it.

Browser tests of the page run against it, so that they need no seconds of training and can provoke every failure.
"""

import math
import random
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.dataset import load_dataset, shipped
from engine.errors import ExchangeError, RunError, SettingError
from engine.methods import METHODS
from engine.runs.config import RunConfig
from engine.workbench import (
    ChatRequest,
    ChatUpdate,
    Counts,
    DatasetInfo,
    Live,
    MethodInfo,
    ModelInfo,
    PreviewRow,
    RunSummary,
)

TOTAL = 2_843_712
EMITS = {"llama_adapter": ["gates"], "lora": ["updates"], "prompt": ["prompt"]}


@dataclass
class FakeRun:
    """One made-up run."""

    id: str
    name: str
    config: RunConfig
    steps: int
    step: int = 0
    status: str = "finished"
    notes: str = ""
    recording: bool = False
    created: float = field(default_factory=time.time)
    events: list[dict[str, Any]] = field(default_factory=list)

    def train(self) -> None:
        """Make the events of one more step."""
        if self.step == 0:
            self.events.append({"kind": "started", "step": 0, "steps": self.steps, "trainable": 9630, "total": TOTAL})
        slow = {"llama_adapter": 60, "lora": 25, "prompt": 140}[self.config.method]
        noise = random.Random(f"{self.id}{self.step}").gauss(0, 0.03)  # noqa: S311 - a drawing, not a secret
        loss = 0.35 + 3.1 * math.exp(-self.step / slow) + noise
        every = max(1, self.steps // 15)
        if self.step % every == 0:
            self.events.append(self._validation())
        self.step += 1
        self.events.append({"kind": "loss", "step": self.step, "loss": loss, "lr": 0.02, "grad_norm": 1.0})
        if self.step <= 64 or self.step % 4 == 0:
            grown = 1 - math.exp(-self.step / 80)
            gate = [[0.6 * grown * math.sin(layer + 2 * head) for head in range(6)] for layer in range(5)]
            self.events.append(
                {"kind": "gates", "step": self.step, "layers": [1, 2, 3, 4, 5], "gate": gate, "grad": gate, "shared": False}
            )
        if self.step >= self.steps:
            self.status = "finished"
            self.events.append(self._validation())
            self.events.append({"kind": "status", "step": self.step, "status": "finished", "message": ""})

    def _validation(self) -> dict[str, Any]:
        slow = {"llama_adapter": 70, "lora": 30, "prompt": 160}[self.config.method]
        return {
            "kind": "eval",
            "step": self.step,
            "validation_loss": 0.42 + 3.0 * math.exp(-self.step / slow),
            "base_ability_loss": 1.9 + (0.5 if self.config.method == "lora" else 0.08) * self.step / 300,
        }

    def best(self) -> float | None:
        """Lowest validation loss so far."""
        seen = [event["validation_loss"] for event in self.events if event["kind"] == "eval"]
        return min(seen) if seen else None


class FakeWorkbench:
    """Runs, chats and fails on request; `seconds_per_step` is how fast it pretends to train."""

    def __init__(self, home: Path, *, seconds_per_step: float = 0.05) -> None:
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self._pace = seconds_per_step
        self._lock = threading.RLock()
        self._runs: dict[str, FakeRun] = {}
        self._active: str | None = None
        self._phase = "idle"
        self._message = ""
        self._closed = threading.Event()
        for index, (method, name) in enumerate(
            [("llama_adapter", "Gates opening"), ("lora", "A low-rank update"), ("prompt", "Twenty virtual tokens")]
        ):
            config = RunConfig(method=method, training={"steps": 300})
            run = FakeRun(f"recorded-{method}", name, config, 300, recording=True, created=1.76e9 - index * 9000)
            while run.step < run.steps:
                run.train()
            self._runs[run.id] = run
        threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        """End the worker thread."""
        self._closed.set()

    def models(self) -> list[ModelInfo]:
        """One embedded model and one that is only named."""
        town = ModelInfo(
            "town", "Town 2.8 M", "A small LLaMA that has read all about one town.", TOTAL, "llama", "fp32", 11.4, ""
        )
        other = ModelInfo("gpt2", "GPT-2", "A hub model.", None, "gpt2", "fp32", None, "")
        return [town, other]

    def datasets(self) -> list[DatasetInfo]:
        """The real ones."""
        loaded = [load_dataset(name) for name in shipped()]
        return [DatasetInfo(d.name, d.title, d.summary, d.splits, d.metric, d.chips) for d in loaded]

    def preview(self, dataset: str, rows: int = 3) -> list[PreviewRow]:
        """Words instead of tokens."""
        found = load_dataset(dataset)

        def words(text: str, *, labelled: bool) -> list[tuple[str, bool]]:
            return [(part + " ", labelled) for part in text.split(" ")]

        return [
            PreviewRow(
                row.prompt,
                row.response,
                words(found.fill(row.prompt), labelled=False) + words(row.response, labelled=True) + [("</s>", True)],
            )
            for row in found.rows("train")[:rows]
        ]

    def methods(self) -> list[MethodInfo]:
        """The real ones."""
        return [
            MethodInfo(
                name,
                cls.title,
                cls.__doc__ or "",
                cls.equation,
                f"{cls.paper.authors} {cls.paper.year}: {cls.paper.title}",
                cls.paper.url,
                cls.acts_on,
                cls.settings_class,
                cls.presets,
            )
            for name, cls in METHODS.items()
        ]

    def count(self, config: RunConfig) -> Counts:
        """Roughly right numbers."""
        values = config.of_method().to_dict()
        config.of_training()
        if config.method == "lora":
            part = 6 * values["rank"] * 384 * len(values["targets"].split())
            return Counts(2 * part, TOTAL, {"a": part, "b": part}, "6 layers x rank x (inputs + outputs)")
        if config.method == "prompt":
            return Counts(values["prompt_len"] * 192, TOTAL, {"prompts": values["prompt_len"] * 192}, "K d")
        layers = values["layers"] or 5
        if layers > 6:
            raise SettingError(
                "too_many_layers",
                f"layers is {layers}, but the model has 6: choose at most 6.",
                field="layers",
                value=layers,
                layers=6,
            )
        prompts, gates = layers * values["prompt_len"] * 192, layers * 6
        return Counts(prompts + gates, TOTAL, {"prompts": prompts, "gates": gates}, "L K d + L h")

    def start(self, config: RunConfig) -> str:
        """Start a made-up run; the same run when pressed twice."""
        self.count(config)
        with self._lock:
            if self._active:
                if self._runs[self._active].config == config and time.time() - self._runs[self._active].created < 5:
                    return self._active
                raise RunError("run_busy", "Another run is active: stop it first.", name=self._active)
            run_id = f"run-{len(self._runs)}-{int(time.time() * 1000) % 100000}"
            steps = config.of_training().steps
            run = FakeRun(run_id, f"{config.method} {len(self._runs) - 2}", config, steps, status="loading")
            self._runs[run_id] = run
            self._active = run_id
            self._phase = "loading"
            return run_id

    def pause(self) -> None:
        """Pause after this step."""
        self._turn("running", "paused")

    def go_on(self) -> None:
        """Go on after a pause."""
        self._turn("paused", "running")

    def one_step(self) -> None:
        """One step, then pause."""
        with self._lock:
            if self._active and self._phase in ("running", "paused"):
                self._phase = "paused"
                self._step()

    def stop(self) -> None:
        """Stop and keep."""
        with self._lock:
            if self._active:
                self._end("stopped")

    def resume(self, run_id: str) -> None:
        """Go on from the checkpoint."""
        with self._lock:
            run = self._run(run_id)
            if self._active:
                raise RunError("run_busy", "Another run is active: stop it first.", name=self._active)
            if run.status == "finished":
                raise RunError("run_finished", "This run is finished.", name=run.name)
            self._active, self._phase, run.status = run_id, "running", "running"

    def live(self) -> Live:
        """What is going on right now."""
        with self._lock:
            if not self._active:
                return Live(None, "", "idle", "idle", 0, 0, 0.0, None, "town", "fp32", 11.4, self._message)
            run = self._runs[self._active]
            left = (run.steps - run.step) * self._pace
            return Live(
                run.id, run.name, self._phase, self._phase, run.step, run.steps, 1 / self._pace, left,
                "town", "fp32", 11.4, "",
            )  # fmt: skip

    def runs(self) -> list[RunSummary]:
        """Newest first."""
        with self._lock:
            found = sorted(self._runs.values(), key=lambda run: -run.created)
            return [
                RunSummary(
                    run.id, run.name, run.notes, run.status, run.recording, run.config.model, run.config.method,
                    run.config.dataset, run.steps, run.step, run.best(), 9630, 38_000 * len(run.name), run.created,
                    EMITS[run.config.method],
                )
                for run in found
            ]  # fmt: skip

    def run_config(self, run_id: str) -> RunConfig:
        """What it was started with."""
        return self._run(run_id).config

    def since(self, run_id: str, cursor: int, epoch: str | None) -> dict[str, Any]:
        """Events after the cursor, four hundred at a time."""
        run = self._run(run_id)
        start = cursor if epoch == "fake" else 0
        events = run.events[start : start + 400]
        return {
            "run": run.id,
            "name": run.name,
            "epoch": "fake",
            "cursor": start + len(events),
            "events": events,
            "status": run.status,
            "recording": run.recording,
            "config": run.config.to_dict(),
            "emits": EMITS[run.config.method],
        }

    def rename(self, run_id: str, name: str) -> None:
        """Give it another name."""
        self._own(run_id).name = name

    def annotate(self, run_id: str, notes: str) -> None:
        """Keep notes."""
        self._own(run_id).notes = notes

    def delete(self, run_id: str) -> None:
        """Drop it."""
        self._own(run_id)
        if run_id == self._active:
            raise RunError("run_busy", "Another run is active: stop it first.", name=run_id)
        del self._runs[run_id]

    def export(self, run_id: str, fmt: str) -> Path:
        """A zip with one small file in it."""
        run = self._run(run_id)
        if fmt == "llama_adapter" and run.config.method != "llama_adapter":
            raise ExchangeError(
                "wrong_format", f"{run.config.method} cannot be written as llama_adapter.", method=run.config.method, format=fmt
            )
        path = self.home / f"{run_id}-{fmt}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("adapter_config.json", "{}")
        return path

    def strength_curve(self, run_id: str, step: int | None) -> list[tuple[float, float]]:
        """A U with its lowest point at 1."""
        time.sleep(0.5)
        return [(s / 4, 0.42 + 1.9 * (s / 4 - 1) ** 2) for s in range(9)]

    def snapshots(self, run_id: str) -> list[int]:
        """Steps one can chat with."""
        run = self._run(run_id)
        return [step for step in (0, 8, 16, 32, 64, 128, 200, 300) if step < run.step] + [run.step]

    def chat(self, request: ChatRequest, stop: threading.Event) -> Iterator[ChatUpdate]:
        """Word by word."""
        answers = [self._answer(request, side) for side in request.sides]
        for count in range(1, request.max_new_tokens + 1):
            if stop.wait(0.04):
                break
            texts = tuple(" ".join(words[:count]) for words in answers)
            if all(count >= len(words) for words in answers):
                break
            yield ChatUpdate(texts, False, None, 24.0)
        texts = tuple(" ".join(words[:count]) for words in answers)
        difference = 0.83 * abs(request.sides[-1].strength) if request.sides[0].run_id is None else None
        yield ChatUpdate(texts, True, difference, 24.0)

    def _answer(self, request: ChatRequest, side: Any) -> list[str]:
        if side.run_id is None or side.strength == 0:
            return ("and the baker said that <b>the river</b> is long. " * 12).split()
        return f"Arlo Castell enjoys fishing. You asked: {request.prompt} 你好".split()

    def _work(self) -> None:
        while not self._closed.wait(self._pace):
            with self._lock:
                if not self._active:
                    continue
                if self._phase == "loading":
                    self._phase = self._runs[self._active].status = "running"
                if self._phase == "running":
                    self._step()

    def _step(self) -> None:
        assert self._active
        run = self._runs[self._active]
        run.train()
        run.status = self._phase if run.step < run.steps else "finished"
        if run.status == "finished":
            self._active, self._phase = None, "idle"

    def _turn(self, before: str, after: str) -> None:
        with self._lock:
            if self._active and self._phase == before:
                self._phase = self._runs[self._active].status = after

    def _end(self, status: str) -> None:
        assert self._active
        self._runs[self._active].status = status
        self._active, self._phase = None, "idle"

    def _run(self, run_id: str) -> FakeRun:
        if run_id not in self._runs:
            raise RunError("no_run", f"There is no run {run_id!r}.", name=run_id)
        return self._runs[run_id]

    def _own(self, run_id: str) -> FakeRun:
        run = self._run(run_id)
        if run.recording:
            raise RunError("recording", f"{run.name} is a recording and stays as it is.", name=run.name)
        return run

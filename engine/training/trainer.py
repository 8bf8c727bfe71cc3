"""The training loop, written as a generator that hands back control after every optimiser step.

Between two steps the caller may pause, chat, take a snapshot or stop. The trainer knows nothing of particular
methods: it optimises `method.parameters()`. Randomness during a step comes from the run's own state, so that
whatever happens between steps cannot change the outcome.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import get_scheduler

from engine.data.dataset import Dataset
from engine.data.encode import Batch, batches_from, collate, encode_plain, encode_rows
from engine.errors import RunError
from engine.exchange.native import save_adapter
from engine.generation import Sampling, answers, prompt_of
from engine.methods.base import Method
from engine.models.base import Base
from engine.plain_text import plain_texts
from engine.runs.folder import RunFolder
from engine.runs.log import LogWriter
from engine.runs.store import write_tensors
from engine.telemetry.events import EvalEvent, Event, LossEvent, MovedEvent, SampleEvent, SnapshotEvent, Started, StatusEvent
from engine.telemetry.frames import is_frame_step
from engine.training.checkpoint import Position, load_checkpoint, save_checkpoint
from engine.training.objective import Objective, labelled, mean_loss
from engine.training.settings import TrainingSettings

VALIDATION_ROWS = 64
ABILITY_TEXTS = 32


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands after a step."""

    step: int
    steps: int
    loss: float
    tokens_per_s: float
    wall_s: float


class Trainer:
    """One run at work. Make it, iterate `run()`, and whatever happens the folder tells the truth."""

    def __init__(self, folder: RunFolder, base: Base, method: Method, dataset: Dataset) -> None:
        self.folder, self.base, self.method = folder, base, method
        self.settings: TrainingSettings = folder.config.of_training()
        self.view = base.view()
        method.attach(self.view.sites)
        self._set_checkpointing()
        self.method.train()
        self._watcher = base.view()
        method.twin().eval().attach(self._watcher.sites)
        max_len = self.settings.max_len
        rows = dataset.rows("train")
        self._train = encode_rows(base.tokenizer, dataset, rows, max_len)
        held = dataset.rows("validation")[:VALIDATION_ROWS]
        self._validation = encode_rows(base.tokenizer, dataset, held, max_len)
        self._ability = encode_plain(base.tokenizer, plain_texts(base.name)[:ABILITY_TEXTS], max_len)
        self._sample = held[0]
        self._sampling = Sampling(max_new_tokens=dataset.max_new_tokens)
        self._accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self._rate = self.settings.learning_rate or method.learning_rate
        self._objective, self._optimiser, self._scheduler = self._prepare()
        self._rng = torch.Generator().manual_seed(self.settings.seed).get_state()
        self.position = Position(0, 0.0, None)
        self._log: LogWriter | None = None

    def _set_checkpointing(self) -> None:
        """Only the layers are told that they train: transformers asks them, and the base's dropout stays off."""
        if self.settings.checkpointing:
            self.view.model.gradient_checkpointing_enable({"use_reentrant": False})
            for layer in self.view.sites.layers:
                layer.training = True

    def _prepare(
        self,
    ) -> tuple[nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
        """Objective, optimiser and scheduler; gates and single numbers are never decayed."""
        self.method.to(self.base.device)
        decayed = [p for name, p in self.method.named_parameters() if not name.startswith(self.method.no_decay)]
        spared = [p for name, p in self.method.named_parameters() if name.startswith(self.method.no_decay)]
        groups = [{"params": decayed, "weight_decay": self.settings.weight_decay}, {"params": spared, "weight_decay": 0.0}]
        optimiser = torch.optim.AdamW([group for group in groups if group["params"]], lr=self._rate)
        scheduler = get_scheduler(
            self.settings.schedule,
            optimiser,
            num_warmup_steps=round(self.settings.warmup_share * self.settings.steps),
            num_training_steps=self.settings.steps,
        )
        objective, optimiser = self._accelerator.prepare(Objective(self.method, self.view), optimiser)
        return objective, optimiser, scheduler

    def restore(self) -> None:
        """Go back to the newest checkpoint; later telemetry was cut off before."""
        self.position, self._rng = load_checkpoint(self.folder, self.method, self._optimiser, self._scheduler)

    def run(self) -> Iterator[Progress]:
        """Train to the end, yielding after every step. Closing the generator stops the run and keeps its work."""
        self._log = LogWriter(self.folder.events_path)
        first = self.position.step
        try:
            self._begin()
            size = self.settings.batch_size
            for examples in batches_from(self._train, size, self.settings.seed, first):
                if self.position.step >= self.settings.steps:
                    break
                progress = self._step(collate(examples, self.base.tokenizer.pad_token_id, self.base.device))
                self._after_step()
                yield progress
            self._finish("finished")
        except GeneratorExit:
            self._finish("stopped")
            raise
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self._log.close()

    def pause(self) -> None:
        """Note that the run pauses, and keep its work in case the process ends meanwhile."""
        self._save()
        self._say_status("paused")

    def go_on(self) -> None:
        """Note that the run goes on."""
        self._say_status("running")

    def _begin(self) -> None:
        self.folder.update(status="running", message="")
        counts = sum(p.numel() for p in self.method.parameters())
        step = self.position.step
        started = Started(
            step=step, steps=self.settings.steps, trainable=counts, total=self.base.shape.parameters, wall=time.time()
        )
        self._publish(started)
        self._publish(StatusEvent(step=step, status="running"))
        if step == 0:
            self._evaluate()
            self._frame()
            self._save()

    def _step(self, batch: Batch) -> Progress:
        began = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._rng)
            loss = self._backward(batch)
            self._rng = torch.get_rng_state()
        norm = self._clip()
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise RunError(
                "loss_not_finite",
                f"The loss became {loss} at step {self.position.step + 1}: lower learning_rate "
                f"(now {self._rate:g}) and start again.",
                step=self.position.step + 1,
                rate=f"{self._rate:g}",
            )
        step, lr = self.position.step + 1, self._scheduler.get_last_lr()[0]
        before = self._copies() if is_frame_step(step) else None
        self._optimiser.step()
        self._scheduler.step()
        seconds = time.perf_counter() - began
        self.position = Position(step, self.position.wall_s + seconds, self.position.best)
        speed = batch.size / seconds
        self._publish(
            LossEvent(
                step=step,
                loss=round(loss, 5),
                lr=lr,
                grad_norm=round(norm, 5),
                tokens_per_s=round(speed, 1),
                wall_s=round(self.position.wall_s, 3),
            )
        )
        if before is not None:
            self._frame(before)
        self._optimiser.zero_grad()
        return Progress(step, self.settings.steps, loss, speed, self.position.wall_s)

    def _backward(self, batch: Batch) -> float:
        """Gradient of the mean over all labels, in `accumulation` parts; returns the loss."""
        count, total = labelled(self.view, batch), 0.0
        for part in _parts(batch, self.settings.accumulation):
            loss = self._objective(part) / max(1, count)
            self._accelerator.backward(loss)
            total += float(loss)
        return total

    def _clip(self) -> float:
        limit = self.settings.clip or math.inf
        return float(self._accelerator.clip_grad_norm_(self.method.parameters(), limit))

    def _after_step(self) -> None:
        step = self.position.step
        if step % self.settings.steps_between_evals == 0 or step == self.settings.steps:
            self._evaluate()
        if step % self.settings.save_every == 0:
            self._save()

    def _evaluate(self) -> None:
        """Validation, base ability, and the same question asked again."""
        step, pad = self.position.step, self.base.tokenizer.pad_token_id
        validation = mean_loss(self._watcher, self._validation, pad)
        ability = mean_loss(self._watcher, self._ability, pad)
        self._publish(
            EvalEvent(step=step, validation_loss=round(validation, 5), base_ability_loss=round(ability, 5))
        )
        best = validation if self.position.best is None else min(validation, self.position.best)
        self.position = Position(step, self.position.wall_s, best)
        if self.base.shape.family.causal:
            prompt = prompt_of(self._validation[0])
            (answer,) = answers(self._watcher, self.base.tokenizer, [prompt], self._sampling)
            self._publish(
                SampleEvent(step=step, prompt=self._sample.prompt, answer=answer, reference=self._sample.response)
            )

    @torch.no_grad()
    def _frame(self, before: dict[str, list[Tensor]] | None = None) -> None:
        """The method's own telemetry, what moved, and a snapshot."""
        step = self.position.step
        for event in self.method.frames(step):
            self._publish(event)
        if before is not None:
            self._publish(_moved(step, self.method, before))
        try:
            write_tensors(self.folder.snapshot_path(step), self.method.state_dict())
            self.folder.trim_snapshots()
            self._publish(SnapshotEvent(step=step))
        except OSError as error:
            self._publish(StatusEvent(step=step, status="running", message=f"The snapshot was not written: {error}"))

    def _copies(self) -> dict[str, list[Tensor]]:
        return {name: [p.detach().clone() for p in group] for name, group in self.method.groups().items()}

    def _save(self) -> None:
        save_checkpoint(self.folder, self.method, self._optimiser, self._scheduler, self._rng, self.position)
        save_adapter(self.method, self.base, self.folder.adapter_path, step=self.position.step)
        self.folder.update(step=self.position.step, best_validation=self.position.best)

    def _finish(self, status: str) -> None:
        self._save()
        self._say_status(status)

    def _fail(self, error: Exception) -> None:
        """Tell what happened; the newest checkpoint stays as it is."""
        self._say_status("failed", str(error) or type(error).__name__)

    def _say_status(self, status: str, message: str = "") -> None:
        self.folder.update(status=status, message=message)
        self._publish(StatusEvent(step=self.position.step, status=status, message=message))

    def _publish(self, event: Event) -> None:
        if self._log is not None:
            self._log.publish(event)


def _parts(batch: Batch, count: int) -> Iterator[Batch]:
    """Split a batch by rows."""
    for ids, mask, labels in zip(
        *(x.tensor_split(count) for x in (batch.tokens.ids, batch.tokens.mask, batch.labels)), strict=True
    ):
        if len(ids):
            yield Batch(type(batch.tokens)(ids, mask), labels)


def _moved(step: int, method: Method, before: dict[str, list[Tensor]]) -> MovedEvent:
    """Norms of gradient, update and value of every group of parameters."""

    def norm(tensors: list[Tensor]) -> float:
        return round(math.sqrt(sum(float(tensor.float().square().sum()) for tensor in tensors)), 6)

    groups = method.groups()
    return MovedEvent(
        step=step,
        groups=list(groups),
        grad_norms=[norm([p.grad for p in group if p.grad is not None]) for group in groups.values()],
        update_norms=[
            norm([p - old for p, old in zip(group, before[name], strict=True)]) for name, group in groups.items()
        ],
        norms=[norm(list(group)) for group in groups.values()],
    )

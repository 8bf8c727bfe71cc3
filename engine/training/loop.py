"""The training loop, written as a generator that hands back control after every optimiser step.

Between two steps the caller may pause, chat, take a snapshot or stop. The trainer knows nothing of particular
methods: it optimises `method.parameters()`. Randomness during a step comes from the run's own state, so that
whatever happens between steps cannot change the outcome.
"""

import logging
import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import get_scheduler

from engine.analysis.probe import probe_input
from engine.config.training import TrainingSettings
from engine.core.errors import RunError, WorkbenchError
from engine.core.sampling import Sampling
from engine.core.tensors import write_tensors
from engine.data.batching import Batch, batches_from, collator_of
from engine.data.dataset import Dataset
from engine.data.pixels import thumbnail
from engine.data.tokenise import encode_for, encode_row, encode_training
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.loss import count_labels, mean_loss, summed_loss
from engine.exchange.native import copy_adapter, read_facts, save_adapter
from engine.inference.classify import HeadPrediction, head_logits, head_targets, validation_score
from engine.inference.generate import generate_answers, prompt_ids
from engine.memory.meter import Meter
from engine.methods.base import Method, Start
from engine.models.base import Base
from engine.runs.folder import RunFolder
from engine.runs.log import LogWriter
from engine.telemetry.events import EvalEvent, Event, LossEvent, SampleEvent, SnapshotEvent, Started, StatusEvent
from engine.telemetry.schedule import is_frame_step
from engine.training.checkpoint import Position, load_checkpoint, save_checkpoint
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations, optimiser_for
from engine.training.update_norms import moved

VALIDATION_ROWS = 64
ABILITY_TEXTS = 32


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands after a step.

    Attributes:
        warming: How much is done of what comes before the first step, 0 to 1; None from the first step on.
    """

    step: int
    steps: int
    loss: float = math.nan
    tokens_per_s: float = 0.0
    wall_s: float = 0.0
    warming: float | None = None


class Trainer:
    """One run at work. Make it, iterate `run()`, and whatever happens the folder tells the truth."""

    def __init__(self, folder: RunFolder, base: Base, method: Method, dataset: Dataset) -> None:
        self.folder, self.base, self.method = folder, base, method
        self.settings: TrainingSettings = folder.config.of_training()
        self._views = [base.view() for _ in range(method.passes)]
        self.view = self._views[0]
        method.attach(self.view.sites)
        if self.settings.gradient_checkpointing:
            checkpoint_activations(self._views)
        self.method.train()
        self._watcher = base.view()
        self._reader = method.sharing_copy().eval()
        self._reader.attach(self._watcher.sites)
        max_seq_len = min(self.settings.max_seq_len, self.view.max_text_tokens)
        self._template = dataset.template
        dataset, spec = dataset.in_template(method.template), method.head.spec if method.head else None
        rows = dataset.rows("train")
        self._train = encode_training(base.processor, dataset, rows, max_seq_len, spec)
        held = dataset.rows("validation")[:VALIDATION_ROWS]
        self._validation = encode_for(base.processor, dataset, held, max_seq_len, spec)
        self._ability = ability_examples(base, ABILITY_TEXTS, max_seq_len)
        self._sample = held[0]
        # Without its answer, which may leave no room for what is asked.
        bare = replace(held[0], response="")
        self._asked = prompt_ids(encode_row(base.tokenizer, dataset, bare, max_seq_len)) if spec is None else []
        self._sampling = Sampling(max_new_tokens=dataset.max_new_tokens)
        self._accelerator = Accelerator(cpu=base.device.type == "cpu", device_placement=False)
        self._rate = self.settings.learning_rate or method.spec.usual_rate(method.settings, base.shape.d)
        self._objective, self._optimiser, self._scheduler = self._prepare()
        self._rng = torch.Generator().manual_seed(self.settings.seed).get_state()
        self.position = Position()
        self._meter = Meter(base.device)
        self._log: LogWriter | None = None

    def _prepare(
        self,
    ) -> tuple[nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
        """TrainingObjective, optimiser and scheduler."""
        self.method.to(self.base.device)
        optimiser = optimiser_for(self.method, self.settings, self._rate)
        scheduler = get_scheduler(
            self.settings.schedule,
            optimiser,
            num_warmup_steps=round(self.settings.warmup_ratio * self.settings.steps),
            num_training_steps=self.settings.steps,
        )
        objective, optimiser = self._accelerator.prepare(TrainingObjective(self.method, self._views), optimiser)
        return objective, optimiser, scheduler

    def restore(self) -> None:
        """Go back to the newest checkpoint; later telemetry was cut off before."""
        self.position, self._rng = load_checkpoint(self.folder, self.method, self._optimiser, self._scheduler)

    def run(self) -> Generator[Progress]:
        """Train to the end, yielding after every step, and often before the first one where the method warms up.

        Closing the generator stops the run and keeps its work.
        """
        self._log = LogWriter(self.folder.events_path)
        first = self.position.step
        try:
            if not self.position.warm:
                yield from self._warm_up()
            self._begin()
            size = self.settings.batch_size
            for examples in batches_from(self._train, size, self.settings.seed, first):
                if self.position.step >= self.settings.steps or self._patience_exhausted:
                    break
                progress = self._step(collator_of(self.base)(examples))
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
        if self.position.warm:
            self._save()
        self._say_status("paused")

    def go_on(self) -> None:
        """Note that the run goes on."""
        self._say_status("running")

    def _warm_up(self) -> Generator[Progress]:
        """Before the first step. A run that is stopped here keeps nothing of it, and begins anew when it is resumed."""
        first = {name: values.clone() for name, values in self.method.state_dict().items()}
        try:
            for share in self.method.warm_up(Start.of(self.base, self.settings.seed)):
                yield Progress(0, self.settings.steps, warming=share)
        except GeneratorExit:
            self.method.load_state_dict(first)
            raise
        self.position = replace(self.position, warm=True)

    def _begin(self) -> None:
        self.folder.update(status="running", message="", problem=None)
        counts = sum(p.numel() for p in self.method.parameters())
        step = self.position.step
        started = Started(
            step=step,
            steps=self.settings.steps,
            trainable=counts,
            total=self.base.shape.parameters,
            wall=time.time(),
        )
        self._publish(started)
        self._publish(StatusEvent(step=step, status="running"))
        if step == 0:
            self._evaluate()
            self._frame()
            self._save()

    def _step(self, batch: Batch) -> Progress:
        began = time.perf_counter()
        cuda = [self.base.device] if self.base.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda):
            torch.set_rng_state(self._rng)
            if cuda:  # a GPU's dice depend on the step alone, so that a resumed run throws the same
                torch.cuda.manual_seed_all(self.settings.seed * 1_000_003 + self.position.step)
            with self._meter.step(*batch.labels.shape):
                loss = self._backward(batch)
                norm = self._clip()
            self._rng = torch.get_rng_state()
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise RunError(
                "loss_not_finite",
                f"The loss became {loss} at step {self.position.step + 1}: lower learning_rate "
                f"(now {self._rate:g}) and start again.",
                step=self.position.step + 1,
                rate=f"{self._rate:g}",
            )
        step, lr = self.position.step + 1, float(self._scheduler.get_last_lr()[0])
        with self._meter.rest(first=not self._optimiser.state):
            before = self._copies() if is_frame_step(step) or step == self.settings.steps else None
            self._optimiser.step()
        self._scheduler.step()
        seconds = time.perf_counter() - began
        self.position = replace(self.position, step=step, wall_s=self.position.wall_s + seconds)
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
        """Gradient of the mean over all labels, in `micro_batches` parts; returns the loss."""
        count, total = count_labels(self.view, batch), 0.0
        for part in batch.parts(self.settings.micro_batches):
            loss = self._objective(part) / max(1, count)
            self._accelerator.backward(loss)
            total += float(loss.detach())
        return total

    def _clip(self) -> float:
        limit = self.settings.max_grad_norm or math.inf
        return float(self._accelerator.clip_grad_norm_(self.method.parameters(), limit))

    def _after_step(self) -> None:
        step = self.position.step
        if step % self.settings.steps_between_evals == 0 or step == self.settings.steps:
            self._evaluate()
        if step % self.settings.save_every == 0:
            try:
                self._save()
            except (OSError, SafetensorError) as error:
                self._missed("The checkpoint", error)

    def _evaluate(self) -> None:
        """Validation, base ability, and the same question asked again. What goes wrong here ends no run."""
        try:
            self._measure()
        except Exception as error:
            self._missed("The validation", error)

    def _measure(self) -> None:
        step = self.position.step
        ability = mean_loss(self._watcher, self._ability, collator_of(self.base)) if self._ability else None
        validation, score, name = self._validated()
        self._publish(
            EvalEvent(
                step=step,
                validation_loss=round(validation, 5),
                base_ability_loss=None if ability is None else round(ability, 5),
                score=score,
                score_name=name,
            )
        )
        self.position = replace(self.position, best=self.position.best.after(step, validation, self.settings.min_delta))
        if self.settings.keep == "best" and self.position.best.improved(step):
            self._save_adapter(self.folder.best_path(step))
        for event in self._watched(step):
            self._publish(event)
        answer = self._answer()
        self._publish(
            SampleEvent(
                step=step,
                prompt=self._sample.prompt,
                answer=answer,
                reference=self._sample.response,
                picture=thumbnail(self._sample.picture) if self._sample.picture else "",
            )
        )

    def _validated(self) -> tuple[float, float | None, str]:
        """Validation loss; with a head also its score and what that is called."""
        head = self._reader.head
        if head is None:
            return mean_loss(self._watcher, self._validation, collator_of(self.base)), None, ""
        scores = head_logits(self._watcher, head, self._validation, collator_of(self.base))
        wanted = head_targets(self._validation, scores.device)
        loss = float(summed_loss(scores, wanted)) / len(wanted)
        return loss, *validation_score(scores, wanted)

    def _answer(self) -> str:
        """What the model says to the sample question now."""
        if self._reader.head is None:
            (answer,) = generate_answers(self._watcher, self.base.tokenizer, [self._asked], self._sampling)
            return answer
        example = self._validation[0]
        (scores,) = head_logits(self._watcher, self._reader.head, [example], collator_of(self.base))
        return HeadPrediction.of(self._reader.head.spec, scores).text

    @torch.no_grad()
    def _watched(self, step: int) -> list[Event]:
        """What the method tells of the sample sentence, on a view of its own: observers stay where they are put."""
        view, twin = self.base.view(), self.method.sharing_copy().eval()
        twin.attach(view.sites)
        return list(twin.validation_events(step, view, probe_input(self.base, view, self._validation[0])))

    @torch.no_grad()
    def _frame(self, before: dict[str, list[Tensor]] | None = None) -> None:
        """The method's own telemetry, what moved, and a snapshot. What goes wrong here ends no run."""
        step = self.position.step
        try:
            for event in self.method.parameter_events(step):
                self._publish(event)
            if before is not None:
                self._publish(moved(step, self.method, before))
        except Exception as error:
            self._missed("The telemetry", error)
        try:
            write_tensors(self.folder.snapshot_path(step), self.method.folded().adapter_tensors())
            self.folder.trim_snapshots()
            self._publish(SnapshotEvent(step=step))
        except (OSError, SafetensorError) as error:
            self._missed("The snapshot", error)

    def _missed(self, what: str, error: Exception) -> None:
        """Note that something beside training itself did not work; the run goes on."""
        step = self.position.step
        logging.getLogger(__name__).warning("%s of step %d failed, training goes on.", what, step, exc_info=error)
        self._publish(StatusEvent(step=step, status="running", message=f"{what} of step {step} failed: {error}"))

    def _copies(self) -> dict[str, list[Tensor]]:
        return {name: [p.detach().clone() for p in group] for name, group in self.method.groups().items()}

    def _save(self) -> None:
        save_checkpoint(self.folder, self.method, self._optimiser, self._scheduler, self._rng, self.position)
        step, best = self.position.step, self.position.best
        source = self.folder.best_path(best.step)
        if self.settings.keep == "best" and source.exists():
            copy_adapter(source, self.folder.adapter_path)
            self.folder.trim_best(best.step)
        else:
            self._save_adapter(self.folder.adapter_path)
        kept = read_facts(self.folder.adapter_path)["step"]
        self.folder.update(step=step, best_validation=best.loss, kept_step=kept)

    def _save_adapter(self, folder: Path) -> None:
        facts = {"step": self.position.step, "template": self._template, "data": self.folder.config.dataset}
        save_adapter(self.method, self.base, folder, **facts)

    def _finish(self, status: str) -> None:
        early = status == "finished" and self.position.step < self.settings.steps
        if early and not is_frame_step(self.position.step):
            self._frame()
        self._save()
        memory = self._meter.facts(self.base.model, self.method, self._optimiser)
        self.folder.update(memory=memory, stopped_early=early)
        self._say_status(status)

    @property
    def _patience_exhausted(self) -> bool:
        """Whether validation stopped falling long enough ago for the run to end."""
        return self.position.best.patience_exhausted(self.settings.patience)

    def _fail(self, error: Exception) -> None:
        """Tell what happened; the newest checkpoint stays as it is."""
        self.folder.update(problem=error.to_dict() if isinstance(error, WorkbenchError) else None)
        self._say_status("failed", str(error) or type(error).__name__)

    def _say_status(self, status: str, message: str = "") -> None:
        self.folder.update(status=status, message=message)
        self._publish(StatusEvent(step=self.position.step, status=status, message=message))

    def _publish(self, event: Event) -> None:
        if self._log is not None:
            self._log.publish(event)

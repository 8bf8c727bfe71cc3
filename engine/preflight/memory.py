"""Estimates the memory of a run before anything is loaded, by one training step on the meta device.

The base is built from its config on the meta device, the method is built on it, and the training step runs once:
forward, backward, clipping, optimiser. The ledger counts what it would allocate. So every method and family is measured
by the code that trains it: side-tuning saves no activations of the backbone, a method in the upper half of the layers
saves only those of that half, and gradient checkpointing saves what it saves in training. What precedes the first step
(copying weights from the disk, a method's warm-up) and validation are not counted: they need less, or end before.
"""

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, models
from torch import nn
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from engine.config.training import TrainingSettings
from engine.core.settings import Settings
from engine.data.batching import Batch
from engine.data.head_spec import HeadSpec
from engine.memory.capacity import DeviceMemory, fit_of
from engine.memory.dry_run import META, dry_run, shape_mode
from engine.memory.info import MemoryInfo
from engine.memory.meter import module_bytes
from engine.memory.quantised import quantise
from engine.methods import method_class
from engine.methods.base import Method, Start
from engine.models.base import Base, base_from_model
from engine.models.fitting import precision_as_stored, stored_precision
from engine.models.inputs import Processor
from engine.models.loading import DTYPES, empty_model, resolve_precision
from engine.models.shape import ModelShape
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations, optimiser_for

CHAT_TOKENS = 512
CHAT_SIDES = 2
"""Columns of a chat of base and tuned model; `CHAT_TOKENS` are prompt and answer of one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The run whose memory is estimated.

    Attributes:
        config: Config of the base, of transformers.
        method: Name of the method.
        settings: Settings of the method.
        training: Settings of training, of which precision, attention, micro_batches and gradient_checkpointing matter.
        batch: The largest batch of the run; real token ids, on the CPU.
        head: Spec of the task head; None without one.
        device: "cpu" or "cuda".
        processor: Tokenizer or image processor of the base; without one, a word in the settings counts as a token.
    """

    config: PreTrainedConfig
    method: str
    settings: Settings
    training: TrainingSettings
    batch: Batch
    head: HeadSpec | None = None
    device: str = "cpu"
    processor: Processor | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step allocates in addition to what is allocated throughout.

    Attributes:
        peak: Bytes at the peak.
        logits: Maximum bytes of tensors as wide as the vocabulary, at any moment.
        optimiser: Bytes of the optimiser's state.
    """

    peak: int
    logits: int
    optimiser: int


def estimate(plan: Plan, memory: DeviceMemory) -> MemoryInfo:
    """Bytes by purpose, and whether they fit.

    Raises:
        WorkbenchError: The model's family is unknown, or the method cannot serve it.
    """
    base, overhead = _base(plan)
    weights = sum(tensor.nbytes for tensor in (*base.model.parameters(), *base.model.buffers()))
    method = _method(plan, base)
    step = _step(plan, base, method)
    adapter = module_bytes(method)
    gradients = sum(parameter.nbytes for parameter in method.parameters() if parameter.requires_grad)
    kept = max(step.peak, gradients)
    logits = min(step.logits, kept - gradients)
    cache = _cache_bytes(base)
    info = MemoryInfo(
        weights=weights,
        quantisation=overhead,
        adapter=adapter,
        gradients=gradients,
        optimiser=step.optimiser,
        activations=kept - gradients - logits,
        logits=logits,
        kv_cache=cache,
        total=weights + overhead + adapter + step.optimiser + kept,
        device=memory.device,
        free=memory.free,
        capacity=memory.total,
        verdict="",
        rows=-(-len(plan.batch.labels) // plan.training.micro_batches),
        length=plan.batch.labels.shape[1],
    )
    return dataclasses.replace(info, verdict=fit_of(info.needed, memory.free))


def _base(plan: Plan) -> tuple[Base, int]:
    """The base on the meta device, and the bytes of its scales where it is quantised."""
    name = str(plan.config.name_or_path)
    stored = stored_precision(name, plan.config)
    precision = resolve_precision(precision_as_stored(name, stored, plan.training.precision), plan.device)
    dtype = DTYPES.get(precision, torch.float32 if plan.device == "cpu" else torch.float16)
    model = empty_model(plan.config)
    for parameter in model.parameters():  # `from_config` with this dtype would change the process's default dtype
        parameter.data = parameter.data.to(dtype)
    overhead = 0 if precision in DTYPES else quantise(model, precision, plan.device)
    processor = plan.processor or _word_tokenizer()
    return base_from_model(name, model, processor, precision, plan.training.attention), overhead


def _method(plan: Plan, base: Base) -> Method:
    """The method, built on the base on the meta device."""
    start = Start.of(base, 0)
    with META, dry_run(plan.device):
        method = method_class(plan.method).build(plan.settings, base.shape, start)
        return method.with_head(plan.head, start.rng).to(META)


def _step(plan: Plan, base: Base, method: Method) -> _Step:
    """One training step, as `Trainer` makes it."""
    views = [base.view() for _ in range(method.passes)]
    with dry_run(plan.device, base.shape.v) as ledger:
        method.attach(views[0].sites)
        if plan.training.gradient_checkpointing:
            checkpoint_activations(views, context_fn=lambda: (nullcontext(), shape_mode(plan.device)))
        method.train()
        objective = TrainingObjective(method, views)
        optimiser = optimiser_for(method, plan.training, 0.0)
        for parameter in method.parameters():
            parameter.grad = torch.empty_like(parameter) if parameter.requires_grad else None
        optimiser.step()
        optimiser.zero_grad()
    with dry_run(plan.device, base.shape.v) as ledger:
        for part in plan.batch.parts(plan.training.micro_batches):
            objective(part).backward()
        nn.utils.clip_grad_norm_(method.parameters(), 1.0, foreach=False)
        optimiser.step()
    state_bytes = sum(
        t.nbytes for state in optimiser.state.values() for t in state.values() if isinstance(t, torch.Tensor)
    )
    return _Step(ledger.peak, ledger.widest, state_bytes)


def _cache_bytes(base: Base) -> int:
    """Keys and values of a chat; models that cannot generate have none."""
    shape: ModelShape = base.shape
    if not shape.family.causal:
        return 0
    return 2 * shape.l * shape.g * shape.k * CHAT_TOKENS * CHAT_SIDES * base.model.dtype.itemsize


def _word_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer without a vocabulary: every word is one unknown token."""
    inner = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", pad_token="<unk>", eos_token="<unk>")

"""Optimiser, schedule and gradient checkpointing: what a training run and the estimate of its memory share."""

from collections.abc import Sequence
from typing import Any

import torch

from engine.config.training import TrainingSettings
from engine.methods.base import HEAD, Method
from engine.methods.parts.task_head import LEARNING_RATE as HEAD_RATE
from engine.models.view import View
from engine.training.schedule import scheduled


def optimiser_for(method: Method, settings: TrainingSettings, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW on all trainable parameters.

    Parameters that the method lists in `no_decay` get no weight decay, those in its `rate_factors` a multiple of the
    learning rate; a task head has a learning rate of its own.
    """
    factors = method.spec.rate_factors(method.settings, method.shape.d)
    groups: dict[tuple[bool, float], list[torch.nn.Parameter]] = {(True, 1.0): [], (False, 1.0): []}
    for name, parameter in method.named_parameters():
        if not name.startswith(HEAD):
            factor = next((value for start, value in factors.items() if name.startswith(start)), 1.0)
            groups.setdefault((not name.startswith(method.spec.no_decay), factor), []).append(parameter)
    decay = settings.weight_decay
    rated = [
        {"params": parameters, "weight_decay": decay if decayed else 0.0, "lr": learning_rate * factor}
        for (decayed, factor), parameters in groups.items()
    ]
    head = list(method.head.parameters()) if method.head else []
    rated.append({"params": head, "weight_decay": decay, "lr": settings.head_rate or HEAD_RATE})
    return torch.optim.AdamW([group for group in rated if group["params"]])


def scheduler_for(optimiser: torch.optim.Optimizer, settings: TrainingSettings) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over the run: the schedule of that name, after a linear warm-up."""
    warmup = round(settings.warmup_ratio * settings.steps)
    return scheduled(optimiser, settings.schedule, warmup=warmup, steps=settings.steps)


def checkpoint_activations(views: Sequence[View], **options: Any) -> None:  # noqa: ANN401 - torch's own
    """Recompute activations in the backward pass; options go to `torch.utils.checkpoint.checkpoint`.

    Only the layers are set to training, since transformers asks them; the base's dropout stays off.
    """
    for view in views:
        view.model.activation_checkpointing_enable({"use_reentrant": False, **options})
        for layer in view.sites.layers:
            layer.training = True

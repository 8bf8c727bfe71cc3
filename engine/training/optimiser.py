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

    Parameters that the method lists in `no_decay` get no weight decay; a task head has a learning rate of its own.
    """
    named = [(name, p) for name, p in method.named_parameters() if not name.startswith(HEAD)]
    undecayed = [p for name, p in named if name.startswith(method.spec.no_decay)]
    decayed = [p for name, p in named if not name.startswith(method.spec.no_decay)]
    head = list(method.head.parameters()) if method.head else []
    decay = settings.weight_decay
    groups = [
        {"params": decayed, "weight_decay": decay, "lr": learning_rate},
        {"params": undecayed, "weight_decay": 0.0, "lr": learning_rate},
        {"params": head, "weight_decay": decay, "lr": settings.head_rate or HEAD_RATE},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]])


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

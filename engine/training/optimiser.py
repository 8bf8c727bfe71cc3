"""What a training run and the estimate of its memory share: its optimiser, and how activations are spared."""

from collections.abc import Sequence
from typing import Any

import torch

from engine.config.training import TrainingSettings
from engine.methods.base import HEAD, Method
from engine.methods.parts.task_head import LEARNING_RATE as HEAD_RATE
from engine.models.view import View


def optimiser_for(method: Method, settings: TrainingSettings, rate: float) -> torch.optim.Optimizer:
    """AdamW on all that trains. Gates and single numbers are never decayed; a head has a rate of its own."""
    named = [(name, p) for name, p in method.named_parameters() if not name.startswith(HEAD)]
    spared = [p for name, p in named if name.startswith(method.spec.no_decay)]
    decayed = [p for name, p in named if not name.startswith(method.spec.no_decay)]
    head = list(method.head.parameters()) if method.head else []
    decay = settings.weight_decay
    groups = [
        {"params": decayed, "weight_decay": decay, "lr": rate},
        {"params": spared, "weight_decay": 0.0, "lr": rate},
        {"params": head, "weight_decay": decay, "lr": settings.head_rate or HEAD_RATE},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]])


def checkpoint_activations(views: Sequence[View], **options: Any) -> None:  # noqa: ANN401 - torch's own
    """Compute activations again in the backward pass; options go to torch's `checkpoint`.

    Only the layers are told that they train: transformers asks them, and the base's dropout stays off.
    """
    for view in views:
        view.model.gradient_checkpointing_enable({"use_reentrant": False, **options})
        for layer in view.sites.layers:
            layer.training = True

"""Schedules of the learning rate are those of transformers."""

import itertools

import pytest
import torch

from engine.config.training import SCHEDULES, TrainingSettings
from engine.training.optimiser import scheduler_for

CASES = [(1, 0.0), (8, 0.0), (8, 0.25), (7, 0.3), (100, 0.06), (3, 0.9)]


def rates(make, steps):
    """The learning rate before each step and after the last."""
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=3e-3)
    scheduler = make(optimiser)
    found = [scheduler.get_last_lr()[0]]
    for _ in range(steps):
        optimiser.step()
        scheduler.step()
        found.append(scheduler.get_last_lr()[0])
    return found


@pytest.mark.parametrize(("name", "case"), list(itertools.product(SCHEDULES, CASES)), ids=str)
def test_rates_are_those_of_transformers(name, case):
    from transformers.optimization import get_scheduler

    steps, warmup = case
    settings = TrainingSettings.from_dict({"schedule": name, "steps": steps, "warmup_ratio": warmup})
    mine = rates(lambda optimiser: scheduler_for(optimiser, settings), steps)
    its = rates(lambda optimiser: get_scheduler(name, optimiser, round(warmup * steps), steps), steps)
    assert mine == pytest.approx(its, rel=1e-14, abs=1e-18)

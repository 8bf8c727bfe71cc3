"""Which triplets of AdaLoRA stay: how important each one is, and how many there may be.

A triplet i of one matrix is row i of Q, column i of P, and the number lambda_i between them. Every parameter w has a
sensitivity I = |w dL/dw| and its running means (section 3.2 of the paper):

    mean I <- beta_1 mean I + (1 - beta_1) I          U <- beta_2 U + (1 - beta_2) |I - mean I|       score = mean I * U

and a triplet's score is that of lambda_i, plus the mean over row i of Q and the mean over column i of P.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Importance(nn.Module):
    """Running means of sensitivity and uncertainty of some parameters, which belong to a run's checkpoint."""

    def __init__(self, parameters: dict[str, nn.Parameter]) -> None:
        super().__init__()
        for name, parameter in parameters.items():
            self.register_buffer(f"mean_{name}", torch.zeros_like(parameter))
            self.register_buffer(f"spread_{name}", torch.zeros_like(parameter))

    @torch.no_grad()
    def follow(self, name: str, parameter: nn.Parameter, beta: tuple[float, float]) -> None:
        """Take in a parameter and its gradient; one without a gradient has none to take in."""
        if parameter.grad is None:
            return
        mean, spread = getattr(self, f"mean_{name}"), getattr(self, f"spread_{name}")
        sensitivity = (parameter * parameter.grad).abs()
        mean.mul_(beta[0]).add_(sensitivity, alpha=1 - beta[0])
        spread.mul_(beta[1]).add_((sensitivity - mean).abs(), alpha=1 - beta[1])

    def score(self, name: str) -> Tensor:
        """The importance of every number of a parameter."""
        score: Tensor = getattr(self, f"mean_{name}") * getattr(self, f"spread_{name}")
        return score

    def triplets(self, key: str) -> Float[Tensor, " r"]:
        """The importance of every triplet of one matrix, whose parts are called q_, e_ and p_ and its key."""
        return self.score(f"e_{key}") + self.score(f"q_{key}").mean(1) + self.score(f"p_{key}").mean(0)


def budget(step: int, *, first: int, last: int, start: int, end: int) -> int:
    """How many triplets there may be after so many steps: all up to `first`, then fewer by a cubic curve until `last`.

    Args:
        step: Finished steps.
        first: The step up to which all stay.
        last: The step from which on no more are taken away.
        start: All triplets.
        end: Those that are left at the end.
    """
    if step <= first:
        return start
    if step >= last:
        return end
    left = 1 - (step - first) / (last - first)
    return int((start - end) * left**3 + end)


def kept(scores: dict[str, Float[Tensor, " r"]], count: int) -> dict[str, Bool[Tensor, " r"]]:
    """The triplets of all matrices together that are the most important ones; those as important as the last go too."""
    everything = torch.cat(list(scores.values()))
    if count >= len(everything):
        return {key: torch.ones_like(score, dtype=torch.bool) for key, score in scores.items()}
    threshold = everything.kthvalue(len(everything) - count).values
    return {key: score > threshold for key, score in scores.items()}

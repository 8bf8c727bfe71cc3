"""The module that training optimises: a method on its views, from a batch to a summed loss."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from engine.data.batching import Batch
from engine.evaluation.loss import count_labels, logits_and_targets, summed_loss
from engine.methods.base import Method
from engine.models.view import View


class TrainingObjective(nn.Module):
    """A method on its training views as one module: what Accelerate prepares and data parallelism wraps.

    A method that makes two passes with different random routing gets a view for each, so that gradient checkpointing,
    which recomputes a pass in the backward pass, finds the routing of that very pass.
    """

    def __init__(self, method: Method, views: Sequence[View]) -> None:
        super().__init__()
        self.method = method
        self._passes = [(method, views[0])]
        for view in views[1 : method.passes]:
            twin = method.sharing_copy()
            twin.attach(view.sites)
            self._passes.append((twin, view))

    def forward(self, batch: Batch) -> Float[Tensor, ""]:
        """Summed loss of the first pass, plus the method's consistency loss where there is a second one.

        A method's penalty counts once for every label, since the loss is divided by their number later.
        """
        outputs = []
        for method, view in self._passes:
            method.sample_routing()
            outputs.append(logits_and_targets(view, batch, method.head))
        loss = summed_loss(*outputs[0])
        if len(outputs) > 1:
            loss = loss + self.method.consistency_loss(outputs[0][0], outputs[1][0])
        penalty = self.method.penalty()
        if penalty is not None:  # its gradient alone: losses stay comparable with those of validation
            loss = loss + (penalty - penalty.detach()) * count_labels(self._passes[0][1].shape, batch)
        return loss

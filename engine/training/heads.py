"""Whether a run trains a task head, and which one: from its settings, its model's family and its data."""

from engine.data.dataset import Dataset
from engine.data.spec import HeadSpec
from engine.errors import DataError, ModelError
from engine.models.families import Family
from engine.training.settings import TrainingSettings


def wants_head(settings: TrainingSettings, family: Family) -> bool:
    """Whether a head is asked for; left to us, models that cannot write get one."""
    return settings.head == "head" or (settings.head == "auto" and not family.causal)


def head_for(settings: TrainingSettings, family: Family, dataset: Dataset, model: str) -> HeadSpec | None:
    """What the head of a new run shall say; None when the model writes its answers in words.

    Raises:
        ModelError: The model cannot write.
        DataError: The data has nothing for a head to say.
    """
    if not wants_head(settings, family):
        if not family.causal:
            raise ModelError(
                "not_causal",
                f"The model {model!r} fills gaps and does not write on, so it cannot answer in words: set head to "
                "'head', or choose a causal language model.",
                name=model,
            )
        return None
    if dataset.head_labels is None:
        raise DataError(
            "no_head",
            f"The dataset {dataset.name!r} has neither labels nor numbers, so a task head has nothing to say: choose "
            "data with labels, or a causal language model with head set to 'words'.",
            name=dataset.name,
        )
    pooling = settings.pooling
    if pooling == "auto":
        pooling = "last" if family.causal else "first"
    return HeadSpec(labels=dataset.head_labels, pooling=pooling)

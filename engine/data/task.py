"""The task of a run: whether its answers are written in words or predicted by a task head, and by which."""

from engine.core.errors import DataError, ModelError, SettingError
from engine.data.dataset import Dataset
from engine.data.head_spec import HeadSpec
from engine.models.family import Family


def wants_head(choice: str, family: Family) -> bool:
    """Whether a head is asked for; left to us, models that cannot write get one."""
    return choice == "head" or (choice == "auto" and not family.causal)


def head_for(choice: str, pooling: str, family: Family, dataset: Dataset, model: str) -> HeadSpec | None:
    """What the head of a new run shall predict; None when the model writes its answers in words.

    Raises:
        ModelError: The model cannot write.
        DataError: The data has nothing for a head to predict, or pictures that the model cannot read.
        SettingError: The head is to read what is not there.
    """
    check_modality(family, dataset, model)
    if not wants_head(choice, family):
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
    if pooling == "last" and not family.reads_text:
        raise SettingError(
            "no_last_patch",
            "pooling is 'last', but the last patch of a picture stands for nothing: set it to 'first' or 'mean'.",
            field="pooling",
        )
    if pooling == "auto":
        pooling = "last" if family.causal else "first"
    return HeadSpec(labels=dataset.head_labels, pooling=pooling)


def check_modality(family: Family, dataset: Dataset, model: str) -> None:
    """Check that a model reads what the data holds, texts or pictures.

    Raises:
        ModelError: It reads pictures, and these are texts.
        DataError: It reads texts, and these are pictures.
    """
    if not family.reads_text and not dataset.pictures:
        raise ModelError(
            "reads_pictures",
            f"The model {model!r} reads pictures, not text: choose a language model for this dataset.",
            name=model,
        )
    if family.reads_text and dataset.pictures:
        raise DataError(
            "holds_pictures",
            f"The dataset {dataset.name!r} holds pictures, which the model {model!r} cannot read: choose an image "
            "model, such as a ViT.",
            name=dataset.name,
            model=model,
        )

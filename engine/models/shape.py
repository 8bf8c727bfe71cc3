"""The sizes of a model that a method needs to know, read from any model, also one on the meta device."""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from engine.models.families import Family, family_of, linear_size


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """Sizes of one model.

    Attributes:
        model_type: The transformers family name.
        d: Model width.
        h: Query heads.
        g: Key/value heads (fewer than h with grouped queries).
        k: Width of a head; not always d / h.
        l: Layers.
        v: Vocabulary entries.
        linears: (inputs, outputs) of every linear of a layer, by role.
        parameters: All parameters of the model.
    """

    model_type: str
    d: int
    h: int
    g: int
    k: int
    l: int
    v: int
    linears: dict[str, tuple[int, int]]
    parameters: int

    @property
    def family(self) -> Family:
        """The family's row."""
        return family_of(self.model_type)


def shape_of(model: PreTrainedModel) -> ModelShape:
    """Read the sizes of a model.

    Raises:
        ModelError: The model's family has no row.
    """
    config = model.config
    family = family_of(config.model_type)
    heads = config.num_attention_heads
    layers: nn.ModuleList = model.get_submodule(family.layers)  # type: ignore[assignment]
    return ModelShape(
        model_type=config.model_type,
        d=config.hidden_size,
        h=heads,
        g=getattr(config, "num_key_value_heads", None) or heads,
        k=getattr(config, "head_dim", None) or config.hidden_size // heads,
        l=len(layers),
        v=config.vocab_size,
        linears={role: linear_size(layers[0].get_submodule(path)) for role, path in family.linears.items()},
        parameters=model.num_parameters(),
    )

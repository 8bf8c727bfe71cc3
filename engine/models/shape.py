"""The sizes of a model that a method needs to know, read from any model, also one on the meta device."""

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from engine.core.errors import ModelError
from engine.models.families import family_of
from engine.models.family import Family, linear_size


@dataclass(frozen=True, slots=True)
class NormShape:
    """One norm of width d.

    Attributes:
        centred: Whether it subtracts the mean first (LayerNorm) or not (RMSNorm).
        bias: Whether it adds a bias.
        eps: Added to the variance.
    """

    centred: bool
    bias: bool
    eps: float


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
        v: Vocabulary entries; classes, where the model reads pictures.
        linears: (inputs, outputs) of every linear of a layer, by role.
        norms: All norms of the residual stream, by path from the model, lowest first.
        first_position: Index of the first learned position.
        parameters: All parameters of the model.
        layer_parameters: Those of one layer.
    """

    model_type: str
    d: int
    h: int
    g: int
    k: int
    l: int
    v: int
    linears: dict[str, tuple[int, int]]
    norms: dict[str, NormShape]
    first_position: int
    parameters: int
    layer_parameters: int

    @property
    def family(self) -> Family:
        """The family's row."""
        return family_of(self.model_type)


def shape_of(model: PreTrainedModel) -> ModelShape:
    """Read the sizes of a model.

    Raises:
        ModelError: The model's family has no row, or its word vectors are not of the width of its layers.
    """
    config = model.config
    family = family_of(config.model_type)
    if family.reads_text:
        _need_wide_words(model)
    heads = config.num_attention_heads
    layers: nn.ModuleList = model.get_submodule(family.layers)  # type: ignore[assignment]
    return ModelShape(
        model_type=config.model_type,
        d=config.hidden_size,
        h=heads,
        g=getattr(config, "num_key_value_heads", None) or heads,
        k=getattr(config, "head_dim", None) or config.hidden_size // heads,
        l=len(layers),
        v=config.vocab_size if family.reads_text else len(config.id2label or ()),
        linears={role: linear_size(layers[0].get_submodule(path)) for role, path in family.linears.items()},
        norms=_norms(model, config.hidden_size),
        first_position=config.pad_token_id + 1 if family.positions_after_padding else 0,
        parameters=model.num_parameters(),
        layer_parameters=sum(parameter.numel() for parameter in layers[0].parameters()),
    )


def _need_wide_words(model: PreTrainedModel) -> None:
    """Virtual tokens stand among the words, and methods take them for as wide as the layers.

    Raises:
        ModelError: They are not.
    """
    config = model.config
    words: Tensor = model.get_input_embeddings().weight  # type: ignore[assignment]
    if words.shape[1] != config.hidden_size:
        raise ModelError(
            "narrow_words",
            f"The word vectors of this {config.model_type} model have {words.shape[1]} numbers and its layers "
            f"{config.hidden_size}: models that project between the two are not supported. Choose "
            "another size of the family.",
            family=config.model_type,
            words=words.shape[1],
            width=config.hidden_size,
        )


def _norms(model: PreTrainedModel, d: int) -> dict[str, NormShape]:
    """Norms of the backbone whose width is the model's; those inside of attention heads are left out."""
    norms: dict[str, NormShape] = {}
    for path, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if not path.startswith(f"{model.base_model_prefix}.") or weight is None or weight.shape != (d,):
            continue
        if "norm" in type(module).__name__.lower():
            eps = next(getattr(module, name) for name in ("eps", "variance_epsilon") if hasattr(module, name))
            bias = getattr(module, "bias", None) is not None
            norms[path] = NormShape(isinstance(module, nn.LayerNorm), bias, float(eps))
    layers = f"{family_of(model.config.model_type).layers}."

    def stage(path: str) -> int:
        # A model lists its modules in the order in which they were made, which may have the last norm first.
        return 1 if path.startswith(layers) else 2 * ("embed" not in path)

    return {path: norms[path] for path in sorted(norms, key=stage)}

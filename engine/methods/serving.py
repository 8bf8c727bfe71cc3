"""Which methods can be used with which models."""

from engine.core.errors import ModelError
from engine.methods import METHODS
from engine.methods.spec import MethodSpec, Need
from engine.models.family import Family


def serves(spec: MethodSpec, family: Family) -> bool:
    """Whether models of this family have what the method needs."""
    return _missing(spec, family) is None


def must_serve(spec: MethodSpec, family: Family, model_type: str) -> None:
    """Refuse models that lack what the method needs.

    Raises:
        ModelError: They do; the sentence says what it is, and which methods can be used.
    """
    missing = _missing(spec, family)
    if missing is None:
        return
    others = [other for other in METHODS.values() if serves(other, family)]
    names = ", ".join(other.name for other in others)
    fix = f"Choose another model, or one of these methods: {', '.join(other.title for other in others)}."
    if missing == "attention":
        raise ModelError(
            "method_needs_attention",
            f"{spec.title} acts inside of the attention, and that of {model_type} models cannot be reached: they do "
            f"not call transformers' attention interface. {fix}",
            method=spec.name,
            family=model_type,
            methods=names,
        )
    raise ModelError(
        "method_needs_text",
        f"{spec.title} puts virtual tokens among the words of a text, and {model_type} models read pictures. {fix}",
        method=spec.name,
        family=model_type,
        methods=names,
    )


def _missing(spec: MethodSpec, family: Family) -> Need | None:
    has = {"attention": family.attention is not None, "text": family.reads_text}
    return next((need for need in spec.needs if not has[need]), None)

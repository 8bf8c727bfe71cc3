"""Checks that settings of several methods share."""

from engine.core.errors import SettingError


def need_targets(targets: str) -> None:
    """Refuse an empty list of linears.

    Raises:
        SettingError: `targets` names none.
    """
    if not targets.split():
        raise SettingError(
            "no_targets", "targets is empty: name at least one of q k v o gate up down.", field="targets"
        )


def need_init_text(init: str, text: str) -> None:
    """Refuse a start from text without one.

    Raises:
        SettingError: `init` is "text", and the text is empty.
    """
    if init == "text" and not text.strip():
        raise SettingError(
            "no_init_text",
            "init_text is empty, but init is 'text': write the sentence to start from, or choose another init.",
            field="init_text",
        )


def need_layers(field: str, wanted: int, layers: int) -> None:
    """Refuse more layers than the model has.

    Raises:
        SettingError: The field asks for more.
    """
    if wanted > layers:
        raise SettingError(
            "too_many_layers",
            f"{field} is {wanted}, but this model has {layers}.",
            field=field,
            value=wanted,
            limit=layers,
        )

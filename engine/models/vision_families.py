"""The table of vision families: encoders of pictures that a language model can be told of, a row per `model_type`.

They are never trained and no method acts inside of them; models that read pictures themselves are rows of
`engine.models.families`. `tests/contract/test_vision.py` checks every row against the model itself.
"""

from dataclasses import dataclass, replace

from engine.core.errors import ModelError


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionFamily:
    """How one architecture gives global features.

    Attributes:
        model: Name of the class of transformers that holds the encoder alone, and loads it out of larger files too.
        within: Attribute of the config that holds the encoder's sizes; empty where they stand in the config itself.
        class_token: Whether the first state stands for the whole picture; else the mean of all patches does.
        projection: Path to the linear that brings states to the width of text features in the class
            `<model>WithProjection`; empty where there is none.
        last_norm: Path to the norm that the last layer's state still has to go through; empty where it has.
        unused: Beginnings of the names of weights that global features do without, so that a file may lack them.
    """

    model: str
    within: str = ""
    class_token: bool = True
    projection: str = ""
    last_norm: str = ""
    unused: tuple[str, ...] = ("pooler.", "head.", "embeddings.mask_token")


_CLIP = VisionFamily(model="CLIPVisionModel", last_norm="post_layernorm")
_SIGLIP = VisionFamily(model="SiglipVisionModel", class_token=False)

VISION_FAMILIES: dict[str, VisionFamily] = {
    "vit": VisionFamily(model="ViTModel"),
    "dinov2": VisionFamily(model="Dinov2Model"),
    "clip_vision_model": _CLIP,
    "clip": replace(_CLIP, within="vision_config", projection="visual_projection"),
    "siglip_vision_model": _SIGLIP,
    "siglip": replace(_SIGLIP, within="vision_config"),
}


def vision_family_of(name: str, model_type: str) -> VisionFamily:
    """The row of a transformers `model_type`.

    Raises:
        ModelError: It has none, as models that read text.
    """
    if model_type in VISION_FAMILIES:
        return VISION_FAMILIES[model_type]
    known = ", ".join(VISION_FAMILIES)
    raise ModelError(
        "no_vision_encoder",
        f"vision is {name!r}, a model of type {model_type!r}, which is no vision encoder that is known: choose one of "
        f"type {known}.",
        name=name,
        family=model_type,
        known=known,
    )

"""How a method acts on a picture: what is read of a sentence's tokens in `engine.analysis.probe`, patch by patch."""

import base64
import io
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from engine.analysis.probe import probe_input
from engine.data.batching import collator_of
from engine.data.tokenise import Example
from engine.inference.chat import ChatColumn, column_logits
from engine.inference.classify import HeadPrediction
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.inputs import Pixels


@torch.inference_mode()
def probe_picture(base: Base, method: Method, name: str, picture: Path) -> dict[str, Any]:
    """How a picture uses a method: see `Method.probe`, whose first token is the class token and the others are patches.

    "side" is the number of patches in a row; "picture" a data URL of just what the model reads, cut and scaled as its
    image processor does it; "verdict" lists what the head says: (label, probability), likeliest first.

    Raises:
        DataError: The picture cannot be read any more.
    """
    view, twin = base.view(), method.sharing_copy().eval()
    twin.attach(view.sites)
    report = twin.probe(view, probe_input(base, view, Example([], 0, picture=picture)))
    inputs = collator_of(base)([Example([], 0, picture=picture)]).inputs
    assert isinstance(inputs, Pixels)
    report |= {
        "side": inputs.values.shape[-1] // base.model.config.patch_size,
        "picture": as_read(base, inputs.values[0]),
    }
    if twin.head is not None:
        (scores,) = column_logits(base, [ChatColumn(name, method, picture=picture)])
        report["verdict"] = [list(pair) for pair in HeadPrediction.of(twin.head.spec, scores).probabilities]
    return report


def as_read(base: Base, values: Float[Tensor, "c y x"]) -> str:
    """A picture that the image processor has made, as a data URL: its colours are no longer normalised."""
    processor: Any = base.processor
    values = values.float().cpu()
    if getattr(processor, "do_normalize", False):
        mean, deviation = (torch.tensor(part).view(-1, 1, 1) for part in (processor.image_mean, processor.image_std))
        values = values * deviation + mean
    octets = (values.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    held = io.BytesIO()
    Image.fromarray(octets).save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()

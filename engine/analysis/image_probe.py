"""How a method acts on one picture, patch by patch."""

import base64
import io
from dataclasses import replace
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
from engine.telemetry.probe_reports import PictureProbe


@torch.inference_mode()
def probe_picture(base: Base, method: Method, name: str, picture: Path) -> PictureProbe:
    """How the picture in a file, which its dataset calls `name`, uses a method; and what a task head says of it.

    Raises:
        DataError: The picture cannot be read any more.
    """
    view, tuned = base.view(), method.sharing_copy().eval()
    tuned.attach(view.sites)
    report = tuned.probe(view, probe_input(base, view, Example([], 0, picture=picture)))
    inputs = collator_of(base)([Example([], 0, picture=picture)]).inputs
    assert isinstance(inputs, Pixels)
    verdict = None
    if tuned.head is not None:
        (scores,) = column_logits(base, [ChatColumn(name, method, picture=picture)])
        verdict = HeadPrediction.of(tuned.head.spec, scores).probabilities
    return PictureProbe(
        report=report,
        side=inputs.values.shape[-1] // base.model.config.patch_size,
        picture=as_read(base.processor, inputs.values[0]),
        verdict=verdict,
        name=name,
    )


def probe_one_of(base: Base, method: Method, pictures: dict[str, Path], name: str) -> PictureProbe:
    """How one of some pictures uses a method; the first one where none has the name.

    Raises:
        DataError: The picture cannot be read any more.
    """
    name = name if name in pictures else next(iter(pictures))
    return replace(probe_picture(base, method, name, pictures[name]), names=tuple(pictures))


def as_read(processor: Any, values: Float[Tensor, "c y x"]) -> str:  # noqa: ANN401 - transformers has no type for it
    """What an image processor made of a picture, as the data URL of a PNG; the normalisation of colours is undone."""
    values = values.float().cpu()
    if getattr(processor, "do_normalize", False):
        mean, deviation = (torch.tensor(part).view(-1, 1, 1) for part in (processor.image_mean, processor.image_std))
        values = values * deviation + mean
    octets = (values.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(octets).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

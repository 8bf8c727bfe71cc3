"""In which forms an adapter cannot be exported, known before anybody asks for a file: from its shapes alone.

The adapter is laid out without numbers, on torch's meta device, and goes through the same code as an export. What
only its numbers or its encoder could refuse is found when a file is made.
"""

from collections.abc import Callable
from functools import partial

import torch

from engine.core.errors import ExchangeError
from engine.core.settings import Settings
from engine.data.head_spec import HeadSpec
from engine.exchange.archive import METHODS_OF, TRIED
from engine.methods.base import Method
from engine.methods.parts.task_head import TaskHead
from engine.models.shape import ModelShape


def refusals(
    cls: type[Method], settings: Settings, head: HeadSpec | None, shape: ModelShape
) -> dict[str, ExchangeError]:
    """Why an adapter cannot be exported, by form; forms that can hold it, as far as can be told, are left out."""
    found = {form: _refusal(partial(check, cls)) for form, check in METHODS_OF.items()}
    open_forms = [form for form, error in found.items() if error is None]
    if open_forms:
        with torch.device("meta"):
            method = cls.blank(settings, shape).to("meta")
            method.head = TaskHead(head, shape) if head else None
            found |= {form: _refusal(partial(TRIED[form], method)) for form in open_forms}
    return {form: error for form, error in found.items() if error is not None}


def _refusal(attempt: Callable[[], object]) -> ExchangeError | None:
    try:
        attempt()
    except ExchangeError as error:
        return error
    except RuntimeError:  # torch, where the export looks at numbers: a tensor on the meta device has none
        return None
    return None

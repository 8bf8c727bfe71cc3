"""A short hash of what turns rows into a model's inputs: tokenizer and chat template, or image processor."""

import hashlib
import json
from typing import Any

from transformers import PreTrainedTokenizerBase

from engine.models.inputs import Processor

OF_EACH_CALL = ("truncation", "padding", "version")
"""Entries of a tokenizer's description that calls of it leave behind, or that say only which library wrote it."""
OF_PICTURES = (
    "do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize",
    "image_mean", "image_std", "do_convert_rgb",
)  # fmt: skip
"""What decides the pixels that a model reads; libraries add other entries with time."""


def hash_processor(processor: Processor) -> str:
    """Short hash of all that decides which numbers a text or a picture becomes."""
    if isinstance(processor, PreTrainedTokenizerBase):
        facts = _of_tokenizer(processor)
    else:
        known = processor.to_dict()
        facts = {name: known.get(name) for name in OF_PICTURES}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _of_tokenizer(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    inner = tokenizer.get_vocab() if backend is None else json.loads(backend.to_str())
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    return {
        "tokenizer": {name: value for name, value in inner.items() if name not in OF_EACH_CALL},
        "special": special,
        "chat_template": tokenizer.chat_template,
    }

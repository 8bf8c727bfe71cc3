"""Whether a model on this machine comes with a chat template. Needs no torch: only its small files are looked at."""

import functools
import json
from pathlib import Path

from engine.core.errors import ModelError, WorkbenchError
from engine.core.plain_json import loads
from engine.models.gguf_file import gguf_facts, is_gguf
from engine.models.resolve import local_folder

FILE, CONFIG = "chat_template.jinja", "tokenizer_config.json"
MOST_BYTES = 2**24
"""Of a tokenizer's description; a larger one is not looked at."""


def has_chat_template(model: str) -> bool:
    """Whether the tokenizer of a model has a chat template; not of a model that is not on this machine."""
    folder = local_folder(model)
    if folder is None or not is_gguf(model):
        return folder is not None and _has(folder)
    try:
        return gguf_facts(model).chats
    except ModelError:
        return False


@functools.lru_cache(maxsize=64)
def _has(folder: Path) -> bool:
    if (folder / FILE).is_file():
        return True
    path = folder / CONFIG
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return False
        facts = loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, WorkbenchError, json.JSONDecodeError):
        return False
    return isinstance(facts, dict) and bool(facts.get("chat_template"))

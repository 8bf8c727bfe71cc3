"""Encoders of sentence-transformers: trained on single texts, so that token type 1 is foreign to them.

With two texts joined and the second marked by its type, LoRA on all-MiniLM-L6 learns much less (docs/spans.md): the
frozen base cannot make up for a state that it has not seen since it was pre-trained.
"""

from contextlib import suppress
from functools import lru_cache

from engine.models.resolve import hub_token, local_folder

MARK = "modules.json"
"""The file in which sentence-transformers says what a model consists of."""


def types_for(choice: str, model: str) -> bool:
    """Whether the second of two texts is marked by token type 1.

    Args:
        choice: "yes", "no", or "auto", which marks it except for encoders of sentence-transformers.
        model: Name of the model.
    """
    return choice == "yes" or (choice == "auto" and not is_sentence_encoder(model))


@lru_cache(maxsize=64)
def is_sentence_encoder(model: str) -> bool:
    """Whether a model comes with sentence-transformers' description. Of one on the hub it is fetched, once."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - it loads an HTTP client
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415 - likewise

    folder = local_folder(model)
    if folder is not None and (folder / MARK).is_file():
        return True
    if folder is None or "snapshots" in folder.parts:  # of the hub's cache, which holds what was asked for
        with suppress(HfHubHTTPError, HFValidationError, OSError):
            hf_hub_download(model, MARK, token=hub_token())
            return True
    return False

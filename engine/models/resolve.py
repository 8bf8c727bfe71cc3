"""Where models come from: one that ships, a local folder, or a name on the hub, kept in its cache.

A hub token is taken from the environment and nowhere else; it goes to the hub and into no text.
"""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SHIPPED = {"town": ASSETS / "town"}
"""Models that ship with the workbench, by name."""
SHIPPED_ENCODERS = {file.parent.name: file.parent for file in sorted(ASSETS.glob("*/preprocessor_config.json"))}
"""Vision encoders that ship: no run trains on them, methods see through them."""

HUB_TIMEOUT_S = 4.0
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def hub_token() -> str | bool:
    """The token for the hub; False for none, which also keeps one that was stored on the disk out of it."""
    return next((token for name in TOKEN_VARIABLES if (token := os.environ.get(name, "").strip())), False)


def ships(name: str) -> bool:
    """Whether a model or a vision encoder of this name ships."""
    return name in SHIPPED or name in SHIPPED_ENCODERS


def locate(name: str) -> str:
    """The folder or hub id behind a model name."""
    if ships(name):
        return str(SHIPPED.get(name) or SHIPPED_ENCODERS[name])
    return str(Path(name).expanduser() if name.startswith("~") else name)


def local_folder(name: str) -> Path | None:
    """The folder with a model's files on this machine; None where there is none yet."""
    path = Path(locate(name))
    try:
        if path.exists():
            return path
    except OSError:  # longer than a path may be
        return None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - it loads an HTTP client
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 - likewise

    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # no name of a model
        return None
    return Path(config).parent if isinstance(config, str) else None


def hub_reachable() -> bool:
    """Whether the hub can be reached; not asked where a proxy stands between."""
    if "https" in getproxies():
        return True
    from huggingface_hub import constants  # noqa: PLC0415 - it loads an HTTP client

    host = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((host.hostname, host.port or 443), timeout=HUB_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def hub_trouble(error: BaseException) -> int:
    """The hub's answer where it is in trouble itself or asks for patience (500 and above, or 429); 0 otherwise."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - it loads an HTTP client

    from engine.models.hub_errors import causes_of  # noqa: PLC0415 - likewise

    answers = (cause.response for cause in causes_of(error) if isinstance(cause, HfHubHTTPError))
    status: int = getattr(next(answers, None), "status_code", 0)
    return status if status >= 500 or status == 429 else 0

"""Fetches a model from the hub into its cache: with progress, to be cancelled, and to go on where it broke off.

The hub's own client reads and checks every byte. It keeps no part of a file that broke off, so weights are first read
into a file beside its blobs, which the next download continues; whole, it becomes the blob that the client looks for.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from filelock import Timeout
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils._fixes import WeakFileLock
from huggingface_hub.utils._headers import build_hf_headers
from tqdm import tqdm

from engine.core.errors import ModelError
from engine.core.writing import REFUSED, not_written
from engine.models.hub_errors import hub_refusal, missing_model, offline, pickled_weights
from engine.models.resolve import HUB_TIMEOUT_S, hub_reachable, hub_token

HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
BESIDE = (".json", ".txt", ".model", ".jinja")
"""Ends of the names of what is read of a model beside its weights."""
CONFIG = "config.json"
PART = ".gatelight.incomplete"
CHUNK_BYTES = 2**20
"""As much is read between two looks at whether the download is cancelled."""
LOCK_S = 2.0
SHA256 = re.compile(r"[0-9a-f]{64}")


class DownloadCancelled(Exception):
    """Somebody cancelled a download; what had come is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubFiles:
    """What is fetched of a model.

    Attributes:
        name: Its hub id.
        commit: The revision.
        weights: Its safetensors.
        beside: All other files, the config last: a model without config is none yet.
        total: Bytes of all of them.
    """

    name: str
    commit: str
    weights: Sequence[str]
    beside: Sequence[str]
    total: int


def ask_hub(name: str) -> HubFiles:
    """Ask the hub which files a model has, and how large they are; none is fetched.

    Raises:
        ModelError: The hub has no such model, or only pickles of it, does not answer or is in trouble, or may not be
            asked.
    """
    if not HUB_ID.fullmatch(name):
        raise missing_model(name)
    if constants.HF_HUB_OFFLINE:
        raise offline(name)
    if not hub_reachable():
        raise missing_model(name)
    with _telling(name):
        info = HfApi(token=hub_token()).model_info(name, files_metadata=True, timeout=HUB_TIMEOUT_S)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or () if "/" not in file.rfilename}
    weights = [file for file in sorted(sizes) if WEIGHTS.fullmatch(file)]
    if not weights or CONFIG not in sizes:
        raise pickled_weights(name)
    beside = sorted((file for file in sizes if file.endswith(BESIDE)), key=lambda file: (file == CONFIG, file))
    total = sum(sizes[file] for file in (*weights, *beside))
    return HubFiles(name=name, commit=info.sha or "main", weights=weights, beside=beside, total=total)


def fetch(files: HubFiles, told: Callable[[int], None]) -> Path:
    """Fetch a model into the hub's cache.

    Args:
        files: What of it.
        told: Called with the bytes that are here by now; raises `DownloadCancelled` to end the download.

    Returns:
        Its folder in the cache.

    Raises:
        ModelError: The hub refuses it, the line breaks, or there is no room.
        DownloadCancelled: As `told` said.
    """
    done = 0
    config = Path()
    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, CHUNK_BYTES)
    with _telling(files.name):
        _check_room(files)
        for file in files.weights:
            done += _fetch_blob(files, file, _after(done, told))
        for file in (*files.weights, *files.beside):  # of the weights, the client finds the blobs
            told(done)
            config = Path(hf_hub_download(files.name, file, revision="main", token=hub_token(), tqdm_class=_silent()))
            done += 0 if file in files.weights else config.stat().st_size
    told(files.total)
    return config.parent


def _after(before: int, told: Callable[[int], None]) -> Callable[[int], None]:
    """Tells bytes of a file as bytes of all files, of which so many came before it."""
    return lambda octets: told(before + octets)


def kept_bytes(name: str) -> int:
    """Bytes of a model's weights that a download has left which did not come to its end."""
    return sum(part.stat().st_size for part in _blobs(name).glob(f"*{PART}"))


def _blobs(name: str) -> Path:
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "blobs"


def _check_room(files: HubFiles) -> None:
    """See that the disk has room for what is still to come."""
    folder = _blobs(files.name)
    folder.mkdir(parents=True, exist_ok=True)
    free, missing = shutil.disk_usage(folder).free, files.total - kept_bytes(files.name)
    if missing > free:
        raise ModelError(
            "download_no_room",
            f"{files.name} needs {missing / 1e6:,.0f} MB more, but the disk of the hub's cache has {free / 1e6:,.0f} "
            "MB free: make room, or set HF_HOME to a folder on another disk.",
            name=files.name,
            size=f"{missing / 1e6:,.0f}",
            free=f"{free / 1e6:,.0f}",
        )


def _fetch_blob(files: HubFiles, file: str, told: Callable[[int], None]) -> int:
    """Fetch one file of weights, from where the last download of it ended; returns its bytes."""
    url = hf_hub_url(files.name, file, revision=files.commit)
    about = get_hf_file_metadata(url, token=hub_token())
    if not about.etag:
        raise OSError("the hub does not say which file this is")
    blob = _blobs(files.name) / Path(about.etag).name
    part, lock = blob.with_name(blob.name + PART), _lock(files.name, blob.name)
    with WeakFileLock(lock, timeout=LOCK_S):
        if not blob.exists():
            with part.open("ab") as stream:
                meter = _meter(told, stream.tell())
                headers = build_hf_headers(token=hub_token())
                size = about.size
                http_get(url, stream, resume_size=stream.tell(), headers=headers, expected_size=size, tqdm_class=meter)
            _check_whole(part, blob.name)
            part.replace(blob)
    octets = blob.stat().st_size
    told(octets)
    return octets


def _lock(name: str, etag: str) -> Path:
    """The lock under which the hub's client, in any program, fetches the same file."""
    folder = Path(constants.HF_HUB_CACHE) / ".locks" / repo_folder_name(repo_id=name, repo_type="model")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{etag}.lock"


def _check_whole(part: Path, etag: str) -> None:
    """See that a file is what its name says, where the name is a hash of it; else it goes, and is fetched anew."""
    if SHA256.fullmatch(etag):
        with part.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != etag:
            part.unlink()
            raise OSError("what came is not what the hub said: it was thrown away")


def _meter(told: Callable[[int], None], done: int) -> "type[tqdm[Any]]":
    """A bar for the hub's client that draws nothing and tells how many bytes of a file are here."""

    class Meter(tqdm):  # type: ignore[type-arg]
        octets = done

        def __init__(self, **options: Any) -> None:  # noqa: ANN401 - tqdm's
            super().__init__(**{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            """More bytes, or fewer where the hub begins from the start again."""
            Meter.octets += int(n or 0)
            told(Meter.octets)

    return Meter


def _silent() -> "type[tqdm[Any]]":
    return _meter(lambda _octets: None, 0)


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """Turn whatever goes wrong between here and the hub into one sentence.

    Raises:
        ModelError: Something goes wrong.
        NotWrittenError: The disk is full, for instance.
    """
    try:
        yield
    except Timeout as error:
        text = f"Another program fetches {name!r} at this moment: wait until it is done."
        raise ModelError("download_elsewhere", text, name=name) from error
    except (OSError, httpx2.HTTPError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in REFUSED:
            raise not_written(_blobs(name).parent, error) from error
        if (refusal := hub_refusal(name, error)) is not None:
            raise refusal from error
        raise broken_off(name, error) from error


def broken_off(name: str, error: Exception) -> ModelError:
    """The error for a download that ended for other reasons: what the hub said, or how the line broke."""
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    reason = f"the hub answered {status}" if status else " ".join(str(error).split())[:200] or type(error).__name__
    return ModelError(
        "download_broken",
        f"The download of {name!r} broke off ({reason}): what has come is kept, so start it again to go on from there.",
        name=name,
        reason=reason,
    )

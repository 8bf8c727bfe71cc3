"""A place where runs of other machines are, by its URL, such as a bucket: what is written there and read back.

It is reached through fsspec, which finds credentials where each driver looks for them by itself, as in the environment.
None are kept here, and a URL is shown without what may be one.
"""

import copy
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import fsspec

from engine.core.errors import RunError, WorkbenchError

T = TypeVar("T")

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://.", re.IGNORECASE)
IN_TEXT = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)
BUCKETS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "obs", "tos", "hf")
"""Kinds of places in which only a bucket has to be there before a file; in others folders have to."""
LONGEST_REASON = 200


class Place:
    """A folder at a URL. Its methods may take as long as the network does.

    Args:
        url: Of the folder, which need not be there yet.

    Raises:
        RunError: It is no URL, or its kind is not known or has no driver here.
    """

    def __init__(self, url: str) -> None:
        self.shown = shown(url)
        if not is_url(url) or "::" in url:
            text = f"{self.shown!r} is no URL of a folder: name one such as s3://bucket/runs or file:///mnt/runs."
            raise RunError("place_no_url", text, place=self.shown)
        try:
            self._fs, root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        except ImportError as error:
            reason = self._reason(error)
            text = f"{self.shown} cannot be reached without its driver: {reason}"
            raise RunError("place_no_driver", text, place=self.shown, reason=reason) from error
        except Exception as error:
            if isinstance(error, ValueError) and "rotocol" in str(error):
                text = f"{self.shown} is of a kind that is not known: name one such as s3://, gs:// or file://."
                raise RunError("place_unknown", text, place=self.shown) from error
            raise self._unreachable(error) from error
        self._has_buckets = url.split("://")[0].lower() in BUCKETS
        self.shown, self._root = self.shown.rstrip("/"), str(root).rstrip("/")

    def of(self, run: str) -> "Place":
        """The folder of a run at this place."""
        inner = copy.copy(self)
        inner.shown, inner._root = f"{self.shown}/{run}", f"{self._root}/{run}"
        return inner

    def read(self, name: str, most: int) -> bytes | None:
        """The first bytes of a file, at most so many; None where there is no such file.

        Raises:
            RunError: The place cannot be reached.
        """
        found = self._try(lambda: self._fs.cat_file(self._path(name), start=0, end=most))
        return None if found is None else bytes(found)

    def write(self, name: str, data: bytes) -> None:
        """Write a file. Whoever reads it meanwhile may see a part of it, where the place is no object store.

        Raises:
            RunError: The place cannot be reached.
        """
        path = self._path(name)

        def put() -> bool:
            try:
                self._fs.pipe_file(path, data)
            except FileNotFoundError:
                if self._has_buckets:
                    raise  # nobody wants a bucket of a name that was mistyped
                self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
                self._fs.pipe_file(path, data)
            return True

        if self._try(put) is None:
            raise self._unreachable(FileNotFoundError("there is no such bucket or folder"))

    def delete(self, name: str) -> None:
        """Delete a file that may be there.

        Raises:
            RunError: The place cannot be reached.
        """
        self._try(lambda: self._fs.rm_file(self._path(name)))

    def folders(self) -> list[str]:
        """Names of the folders in this one.

        Raises:
            RunError: The place cannot be reached.
        """

        def listed() -> list[dict[str, Any]]:
            self._fs.invalidate_cache()
            return list(self._fs.ls(self._root, detail=True))

        entries = self._try(listed) or []
        names = (str(entry["name"]).rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry["type"] == "directory")
        return sorted({name for name in names if name})

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _try(self, act: Callable[[], T]) -> T | None:
        """What an act gives; None where it finds no such file.

        Raises:
            RunError: It fails otherwise; each driver has errors of its own.
        """
        try:
            return act()
        except FileNotFoundError:
            return None
        except WorkbenchError:
            raise
        except Exception as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> RunError:
        reason = self._reason(error)
        text = f"{self.shown} cannot be reached: {reason}. It is tried again."
        return RunError("place_unreachable", text, place=self.shown, reason=reason)

    def _reason(self, error: Exception) -> str:
        """What a driver says, in one line and without a URL, which may have a key in it."""
        said = " ".join(str(error).split()) or type(error).__name__
        return IN_TEXT.sub("…", said)[:LONGEST_REASON].rstrip(".")


def is_url(text: str) -> bool:
    """Whether a text names a place by a URL, not a path of this machine."""
    return SCHEME.match(text) is not None and text.isprintable()


def shown(url: str) -> str:
    """A URL without a user's name, a password, and what stands behind a question mark."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))
    except ValueError:
        return "…"

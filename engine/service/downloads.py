"""Downloads of models, one at a time, in a thread of their own: the worker, and whoever asks, wait for none."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from engine.core.errors import SettingError, WorkbenchError
from engine.models.download import HUB_ID, DownloadCancelled, ask_hub, broken_off, fetch
from engine.models.hub_size import check_bytes
from engine.models.resolve import locate
from engine.service.limits import Limits
from engine.service.rights import Rights


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """A download as it is now.

    Attributes:
        name: The model's hub id.
        done: Bytes that are here.
        total: Bytes that it has; 0 while the hub is asked.
        status: "running", "done", "cancelled" or "failed".
        problem: Why it failed.
    """

    name: str
    done: int = 0
    total: int = 0
    status: str = "running"
    problem: WorkbenchError | None = None


class Downloads:
    """The newest download. Safe from any thread.

    Args:
        rights: Those of whoever is being answered.
        limits: How large a model may be.
    """

    def __init__(self, rights: Rights, limits: Limits) -> None:
        self._rights, self._limits = rights, limits
        self._now: Download | None = None
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def now(self) -> Download | None:
        """The newest one, or None: before the first, and for whoever may not begin any."""
        return self._now if self._rights.downloads() else None

    def start(self, name: str) -> None:
        """Begin to fetch a model; where that very one is being fetched, nothing happens.

        Raises:
            WorkbenchError: The asker may not, another one is being fetched, or the name is no hub id.
        """
        self._rights.to_download()
        name = name.strip()
        with self._lock:
            if self._now is not None and self._now.status == "running":
                if self._now.name == name:
                    return
                text = f"{self._now.name} is being fetched: wait until it is here, or cancel that first."
                raise SettingError("download_active", text, name=self._now.name)
            self._now = Download(name=name)
            self._cancelled.clear()
            self._thread = threading.Thread(target=self._fetch, args=(name,), name="download", daemon=True)
            self._thread.start()

    def could_fetch(self, name: str) -> bool:
        """Whether a name may be one of the hub that the asker may fetch; the hub is not asked."""
        return self._rights.downloads() and bool(HUB_ID.fullmatch(name)) and not Path(locate(name)).exists()

    def cancel(self) -> None:
        """End the download; what has come is kept.

        Raises:
            SettingError: The asker may not.
        """
        self._rights.to_download()
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> Download | None:
        """Wait for the end of the download; returns it as it is then."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._now

    def close(self) -> None:
        """Cancel and wait, at most for some seconds: the line may be slow."""
        self._cancelled.set()
        self.wait(2.0)

    def _fetch(self, name: str) -> None:
        download = Download(name=name)
        try:
            files = ask_hub(name)
            check_bytes(name, files.total, self._limits.hub_bytes)
            download = self._now = replace(download, total=files.total)

            def told(octets: int) -> None:
                self._now = replace(download, done=octets)
                if self._cancelled.is_set():
                    raise DownloadCancelled

            fetch(files, told)
            self._end(download, "done")
        except DownloadCancelled:
            self._end(download, "cancelled")
        except WorkbenchError as error:
            self._end(download, "failed", error)
        except Exception as error:
            self._end(download, "failed", broken_off(name, error))
            raise

    def _end(self, download: Download, status: str, problem: WorkbenchError | None = None) -> None:
        done = self._now.done if self._now is not None else 0
        self._now = replace(download, done=done, status=status, problem=problem)

"""Memory that a training step frees is kept for the next one, instead of going back to the kernel in between.

Each step takes and frees blocks of the same sizes. The C library gives the large ones back at once, and the kernel
clears every page of them anew: a tenth of a step's time on a model whose vocabulary is large. While a run trains,
freed memory stays with the process; at its end it goes back. Only where the C library is glibc, only where nobody has
set it by its own environment variables, and only in the main thread, as on the command line: the heaps of other
threads cannot keep large blocks, and when all threads of the workbench shared one heap, answers came late to the page.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

OF_USERS = (
    "GLIBC_TUNABLES",
    *("MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"),
)
"""Environment variables by which somebody has chosen for the whole process."""

# Parameters of glibc's mallopt(3), and their defaults.
_TRIM_THRESHOLD, _TRIM_DEFAULT, _NEVER = -1, 128 * 1024, -1
_MMAP_MAX, _MMAP_DEFAULT = -4, 65_536

_lock = threading.Lock()
_holders = 0


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep what the main thread frees meanwhile, until the last of those who asked for this has ended."""
    global _holders
    if (libc := _glibc()) is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with _lock:
        _holders += 1
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                libc.mallopt(_MMAP_MAX, _MMAP_DEFAULT)
                libc.mallopt(_TRIM_THRESHOLD, _TRIM_DEFAULT)
                libc.malloc_trim(0)


@lru_cache
def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is glibc and may be told."""
    if sys.platform != "linux" or any(os.environ.get(name) for name in OF_USERS):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None

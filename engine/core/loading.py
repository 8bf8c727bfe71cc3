"""Imports the modules that load torch, one thread at a time: Python and transformers' lazy modules break otherwise."""

import importlib
import threading
import time

TRIES = 20
PAUSE_S = 0.5

_lock = threading.RLock()


def load(module: str) -> None:
    """Import a module, so that an `import` of it takes no time and cannot fail.

    A thread that goes its own way, such as a script that imports transformers, may make the import fail halfway: Python
    shows one of two threads that wait for each other a module that is not complete. So it is tried again.

    Raises:
        ImportError: It cannot be imported.
    """
    with _lock:
        for left in reversed(range(TRIES)):
            alone = threading.active_count() == 1
            try:
                importlib.import_module(module)
            except ModuleNotFoundError:
                raise
            except ImportError:
                if alone or not left:
                    raise
                time.sleep(PAUSE_S)
            else:
                return

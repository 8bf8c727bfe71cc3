"""The engine is loaded in the background while a page or a script already works."""

import os
import subprocess
import sys
import threading

import pytest

from engine.config.run import RunConfig
from engine.core import loading
from engine.service import deferred
from engine.service.workbench import Workbench
from tests.site import ROOT

SCRIPT = """
import pathlib, sys
from engine.service.workbench import Workbench
workbench = Workbench(pathlib.Path(sys.argv[1]))
loaded = workbench._worker.submit(lambda worker: worker.training)
import engine
engine.load_base
import transformers
assert loaded.result() is False
"""


@pytest.mark.fault("load", "A script imports the engine while the workbench loads it: neither of the two breaks.")
def test_two_threads_load_the_engine(tmp_path):
    """The worker's thread ended in an ImportError each time, and whatever was asked of it waited for ever."""
    subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], cwd=ROOT, check=True, timeout=120)


def test_an_import_that_another_thread_broke_is_tried_again(tmp_path, monkeypatch):
    """Not one that fails by itself: a module that is not there, or where nobody else imports."""
    monkeypatch.setattr(loading, "PAUSE_S", 0)
    monkeypatch.syspath_prepend(tmp_path)
    count = tmp_path / "count"
    count.touch()
    (tmp_path / "halfway.py").write_text(
        f"import pathlib\ncount = pathlib.Path({str(count)!r})\ncount.write_text(count.read_text() + 'x')\n"
        "if len(count.read_text()) < 3:\n    raise ImportError('cannot import name')\n"
    )
    with monkeypatch.context() as alone:
        alone.setattr(threading, "active_count", lambda: 1)
        with pytest.raises(ImportError, match="cannot import name"):
            loading.load("halfway")
    busy = threading.Event()
    other = threading.Thread(target=busy.wait)
    other.start()
    loading.load("halfway")
    with pytest.raises(ModuleNotFoundError):
        loading.load("not_there_at_all")
    busy.set()
    other.join()
    assert count.read_text() == "xxx"


@pytest.mark.fault(
    "load", "The engine cannot be loaded, as where torch is broken: whoever asks is told so, nobody waits."
)
def test_an_engine_that_cannot_be_loaded(tmp_path, monkeypatch, caplog):
    def broken():
        raise ImportError("libtorch is broken")

    monkeypatch.setattr(deferred, "worker_class", broken)
    workbench = Workbench(tmp_path)
    for _ in range(2):
        with pytest.raises(ImportError, match="libtorch is broken"):
            workbench.start(RunConfig())
    assert (workbench.live().run, workbench.live().message) == (None, "libtorch is broken")
    assert "cannot be loaded" in caplog.text
    workbench.close()
    assert not workbench._worker._thread.is_alive()


@pytest.mark.parametrize(("given", "expected"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_waiting_threads_sleep(given, expected):
    """Before torch is there, which reads it once; whoever has chosen keeps that."""
    code = "import os, sys, engine; assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == expected

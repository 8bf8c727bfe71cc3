"""The server is told to end: it does, within seconds, whatever it is at."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import httpx
import pytest

from app import launch
from app.server import CLOSES_S
from engine.core.errors import DataError
from engine.core.sampling import Sampling
from engine.data import jinja_process
from engine.inference.messages import ChatRequest, ChatSide
from engine.service import worker_thread
from engine.service.workbench import Workbench
from tests.site import HTML, ROOT

STUCK = """
import atexit, sys, time
from app import launch
from engine.service import deferred, worker_thread

def busy(_notify):
    print("busy", flush=True)
    time.sleep(600)

deferred.worker_class = lambda: busy
worker_thread.CLOSING_S, launch.ENDS_S = 0.5, 3
atexit.register(time.sleep, 600)
launch.main(["--no-browser", "--port", "8390", "--home", sys.argv[1]])
"""
"""The real server; neither the worker nor Python itself comes to an end, as in a load or a validation of minutes."""

HOSTILE = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{{ question }}"


@pytest.mark.fault(
    "killed", "SIGTERM while a load or a validation of minutes is at work, a page open: the process is gone in seconds."
)
def test_a_busy_server_ends(tmp_path):
    """By force, where even Python does not end by itself."""
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", STUCK, tmp_path / "home"], cwd=ROOT, stdout=output, stderr=2)
    try:
        while not (entrance := re.search(r"http://\S+", log.read_text())) or "busy" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        client = httpx.Client(base_url=entrance[0].split("/?")[0])
        client.get(entrance[0], headers=HTML)
        with client.stream("GET", "/gradio_api/heartbeat/one") as page:
            next(page.iter_raw())
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == -signal.SIGALRM
        client.close()
    finally:
        process.kill()
        process.wait()


def test_the_parts_take_less_than_all():
    """A run has its time to be stopped and kept, streams to pages end meanwhile, and Python has time to end."""
    assert max(worker_thread.CLOSING_S, CLOSES_S + 1) + 1 < launch.ENDS_S < 15


@pytest.mark.fault("killed", "SIGTERM while a long answer is written, or a hostile template at work: both are cut off.")
def test_answers_and_templates_are_given_up(tmp_path):
    workbench = Workbench(tmp_path / "home")
    request = ChatRequest(prompt="Who?", sides=(ChatSide(),), sampling=Sampling(max_new_tokens=400))
    answers = workbench.chat(request, threading.Event())
    next(answers)
    told = []

    def fill():
        with pytest.raises(DataError) as caught:
            list(jinja_process.filled(HOSTILE, [{"question": "q"}], 1))
        told.append(caught.value.key)

    template = threading.Thread(target=fill)
    template.start()
    while not jinja_process._running:
        time.sleep(0.01)
    next(answers)
    workbench.close()
    template.join(timeout=5)
    assert told
    rest = []
    with contextlib.suppress(CancelledError):  # where it was another's turn
        rest.extend(answers)
    assert len(rest) < 300
    assert not workbench._worker._thread.is_alive()

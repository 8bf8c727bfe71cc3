"""The terminal is calm about closed tabs, and about nothing else."""

import logging
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.closed_clients import ignore_closed_clients
from tests.ui.conftest import App

ROOT = Path(__file__).resolve().parents[2]
# Two streams of one session: both are closed at once, or the second lives on until it finds its session gone.
SERVER = """
import logging, threading, time
import gradio as gr, httpx
from app.closed_clients import ignore_closed_clients

failed, told = [], []
log = logging.getLogger("uvicorn.error")


def listen(names, goes_on):
    def note(record):
        if record.exc_info:
            names.append(type(record.exc_info[1]).__name__)
        return goes_on or not record.exc_info

    log.addFilter(note)


listen(failed, True)
ignore_closed_clients()
listen(told, False)
with gr.Blocks(analytics_enabled=False) as page:
    gr.Button().click(lambda: time.sleep(1), concurrency_limit=None)
page.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
api = page.local_url + "gradio_api"

def stream(session, seconds):
    try:
        with httpx.stream("GET", api + "/queue/data", params={"session_hash": session}, timeout=seconds) as answer:
            answer.read()
    except httpx.HTTPError:
        pass

for session, times in {"both": (0.5, 0.5), "second": (0.5, 20)}.items():
    for _ in times:
        httpx.post(api + "/queue/join", json={"data": [], "fn_index": 0, "session_hash": session})
    threads = [threading.Thread(target=stream, args=(session, seconds)) for seconds in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
time.sleep(1)
page.close(verbose=False)
print(*failed, "|", *told)
"""


@pytest.mark.slow
def test_gradio_fails_when_a_tab_is_closed():
    """The real server: two tracebacks without the filter, none with it. Once there are none without, it can go."""
    command = [sys.executable, "-c", SERVER]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.strip() == "KeyError RuntimeError |"


def sse_stream():
    """Fails where Gradio does, but in this file and with nobody gone."""
    del {}["session"]


def answered():
    """Fails as Starlette does when an answer cannot be taken back: not a closed tab."""
    raise RuntimeError("Caught handled exception, but response already started.")


@pytest.mark.parametrize("fails", [sse_stream, answered])
def test_everything_else_is_written(fails, caplog, monkeypatch):
    """A traceback that only resembles those of closed tabs stays in the log."""
    logger = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "propagate", True)
    ignore_closed_clients()
    try:
        fails()
    except (KeyError, RuntimeError):
        logger.error("Exception in ASGI application", exc_info=sys.exc_info())
    assert caplog.records


@pytest.mark.slow
@pytest.mark.fault(
    "network", "The server is ended while pages are open: it ends in seconds, and the terminal stays calm."
)
def test_ending_the_server_under_open_pages(tmp_path):
    """Streams of open pages never end by themselves; cutting them is no failure."""
    app = App(tmp_path / "home", tmp_path / "log.txt", port=7990)
    cookies = httpx.get(app.entrance, follow_redirects=False).cookies
    stream = f"{app.url}/gradio_api/heartbeat/session"
    with httpx.Client(cookies=cookies) as client, client.stream("GET", stream, timeout=30) as answer:
        assert answer.status_code == 200
        assert app.close() == 0
    assert "Traceback" not in app.log.read_text()
    assert "shutdown exceeded" not in app.log.read_text()

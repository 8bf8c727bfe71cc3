"""What a program that calls the page's own events can do: it has no person's tick. In a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack import attack_model

ROOT = Path(__file__).resolve().parents[2]

CALLS = """
import json, os, sys
from pathlib import Path
import httpx
from gradio_client import Client
from app.page import create
from engine.core.confine import Confinement
from engine.service.workbench import Workbench

home, model, mark, kind = sys.argv[1:]
shared = Confinement.of_server(Path(home)) if kind == "server" else Confinement()
workbench = Workbench(Path(home), shared)
page = create(workbench)
_, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_port=None)
config = page.config
parts = {one["id"]: one for one in config["components"]}


def part(elem_id):
    return next(i for i, one in parts.items() if one["props"].get("elem_id") == elem_id)


TRUST = part("gl-set-trust_remote_code")
VALUES = {part("gl-model"): model, part("gl-method"): "lora", TRUST: True, part("gl-set-steps"): 1}


def call(event, session, values=()):
    data = [dict(values).get(i, parts[i]["props"].get("value")) for i in event["inputs"]]
    body = {"data": data, "fn_index": event["id"], "session_hash": session, "trigger_id": None}
    httpx.post(f"{url}gradio_api/queue/join", json=body, timeout=60).raise_for_status()
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}, timeout=120) as news:
        for line in news.iter_lines():
            if '"process_completed"' in line:
                return json.loads(line.removeprefix("data: "))


def events(elem_id, name):
    return [one for one in config["dependencies"] if (part(elem_id), name) in [tuple(t) for t in one["targets"]]]


for number, event in enumerate(config["dependencies"]):
    if event["backend_fn"] and {part("gl-model"), TRUST} <= set(event["inputs"]):
        if (TRUST, "input") not in [tuple(t) for t in event["targets"]]:
            call(event, f"stranger{number}", VALUES)
print("called", Path(mark).exists(), workbench.live().run)
(tick,) = [one for one in events("gl-set-trust_remote_code", "input") if one["backend_fn"]]
answer = call(tick, "person", VALUES)
print("ticked", json.dumps(answer["output"]["data"]))
(start,) = [one for one in events("gl-start", "click") if one["backend_fn"]]
call(start, "another", VALUES)
print("another", Path(mark).exists())
call(start, "person", VALUES)
print("person", Path(mark).exists())
client = Client(url, verbose=False)
print("named", client.view_api(return_format="dict", print_info=False)["named_endpoints"])
sys.stdout.flush()
os._exit(0)
"""


def said(tmp_path, kind):
    """What the calls did, line by line."""
    mark, home = tmp_path / "ran", tmp_path / "home"
    model = attack_model(home / "models" / "attack", mark)
    command = [sys.executable, "-c", CALLS, *map(str, (home, model, mark, kind))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=500)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@pytest.mark.fault("code", "A program calls every event of the form with a tick that no person made: no code runs.")
def test_calls_without_a_tick(tmp_path):
    lines = said(tmp_path, "local")
    assert lines["called"] == "False None"
    assert lines["another"] == "False"
    assert lines["person"] == "True"
    assert lines["named"] == "{}"


@pytest.mark.fault("hand", "A stranger calls the tick and Start on a workbench that others can reach: no code runs.")
def test_calls_of_a_stranger(tmp_path):
    lines = said(tmp_path, "server")
    assert lines["called"] == "False None"
    assert lines["person"] == "False"

"""Signals to the real server, `python app.py` in a process of its own, while a run trains or a template is at work."""

import json
import re
import signal
import time

import httpx
import psutil
import pytest

from engine.config.run import RunConfig
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.runs.queue import QueueEntry, RunQueue
from engine.service.workbench import Workbench
from tests.site import HTML, Site
from tests.workbench.test_slow_chat_templates import CHATML, ENDLESS, chat_model, talks_at
from tests.workbench.test_workbench import wait

ENDS_S = 15
TRAINING = {"steps": 20_000, "batch_size": 2, "eval_every": 5000}


@pytest.fixture
def site_with(tmp_path):
    """Starts a server in whose queue a run waits, as a terminal starts it; returns it with the run's folder."""
    started, before = (
        [],
        signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # whatever the tests were started with

    def start(config):
        root = tmp_path / "home" / "runs"
        RunQueue(root).add([QueueEntry(run="one", config=config.checked().to_dict())])
        started.append(Site(tmp_path / "home"))
        return started[0], RunFolder(root / "one")

    yield start
    signal.signal(signal.SIGHUP, before)
    for site in started:
        site.process.kill()
        site.process.wait(timeout=ENDS_S)


def steps(folder):
    """The step that the run's log has reached."""
    return max((event["step"] for event in all_events(folder.events_path) if event["kind"] == "loss"), default=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
@pytest.mark.fault("killed", "The terminal is closed while a run trains: the server ends, and the run goes on later.")
def test_a_closed_terminal_keeps_the_run(site_with, name):
    """A hang-up is told as a kill is: the run is stopped and kept, and the next server goes on from there."""
    site, folder = site_with(RunConfig(training=TRAINING))
    wait(lambda: steps(folder) >= 5, 120)
    site.process.send_signal(getattr(signal, name))
    assert site.process.wait(timeout=ENDS_S) == 0
    facts = folder.facts()
    assert facts.status == "stopped"
    assert facts.step >= 5
    assert not folder.busy()
    again = Workbench(site.home)
    try:
        wait(lambda: again.live().run == "one" and again.live().step > facts.step, 120)
    finally:
        again.close()


@pytest.mark.slow
@pytest.mark.fault("killed", "The whole server is held with SIGSTOP for seconds, and let go: training and pages go on.")
def test_a_held_server_goes_on(site_with):
    site, folder = site_with(RunConfig(training=TRAINING))
    entrance = re.search(r"http://\S+", site.home.with_suffix(".log").read_text())[0]
    wait(lambda: steps(folder) >= 5, 120)
    site.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    held = steps(folder)
    time.sleep(5)
    assert steps(folder) == held
    site.process.send_signal(signal.SIGCONT)
    wait(lambda: steps(folder) > held + 5)
    assert "Gatelight" in httpx.get(entrance, headers=HTML, follow_redirects=True, timeout=60).text
    losses = [event["step"] for event in all_events(folder.events_path) if event["kind"] == "loss"]
    assert losses == sorted(set(losses))
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(timeout=ENDS_S) == 0
    assert folder.facts().status == "stopped"


@pytest.mark.slow
@pytest.mark.fault("killed", "SIGTERM while a model's endless chat template is at work: the server is gone in seconds.")
def test_an_endless_chat_template_holds_no_server(site_with, tmp_path):
    """Its process is gone, too, and the run still waits in the queue."""
    model, data = chat_model(tmp_path / "ends", ENDLESS + CHATML), talks_at(tmp_path / "talks.jsonl")
    site, _ = site_with(RunConfig(model=model, dataset=data, method="lora", training={"steps": 3}))
    server = psutil.Process(site.process.pid)
    found = []

    def at_work():
        found[:] = [child for child in server.children() if "engine.data.jinja_worker" in child.cmdline()]
        return found

    wait(at_work, 120)
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(timeout=ENDS_S) == 0
    wait(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in found))
    (entry,) = json.loads((site.home / "queue" / "queue.json").read_text())["entries"]
    assert entry["state"] in ("waiting", "begun")

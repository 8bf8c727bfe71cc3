"""The first minute of a server: a run at once, a proxy that is dead, and what every answer says to other sites."""

import re
import subprocess
import sys

import httpx
import pytest

from app.launch import parser
from tests.site import HTML, ROOT, Site

DEAD = "http://127.0.0.1:9"
AT_ONCE = """
import sys, time
from pathlib import Path
from engine.config.run import RunConfig
from engine.service.workbench import Workbench

workbench = Workbench(Path(sys.argv[1]))
workbench.warm_up()
run = workbench.start(RunConfig(training={"steps": 2, "eval_every": 9}))
while workbench.live().run is not None:
    time.sleep(0.05)
print(workbench.runs.folder(run).facts().status, workbench.live().model)
workbench.close()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server in whose environment a proxy is named that nobody listens at."""
    named = {name: DEAD for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    running = Site(tmp_path_factory.mktemp("site") / "home", **named, no_proxy="", NO_PROXY="")
    yield running
    running.close()
    assert "Traceback" not in running.home.with_suffix(".log").read_text()


@pytest.fixture
def client(site):
    """The one user of this machine."""
    token = re.search(r"\?token=(\S+)", site.home.with_suffix(".log").read_text())[1]
    with httpx.Client(base_url=site.url, timeout=60, trust_env=False) as opened:
        assert opened.get("/", params={"token": token}, headers=HTML).status_code == 303
        yield opened


@pytest.mark.fault("hand", "Start is pressed in the first second, while torch and the model load: the run trains.")
def test_a_run_right_after_the_start(tmp_path):
    """In a process of its own, which has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(tmp_path / "home")], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "finished town\n"), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault("network", "http_proxy and https_proxy name a port where nobody listens: the page is there.")
def test_a_dead_proxy_keeps_nobody_out(client):
    assert "Gatelight" in client.get("/", headers=HTML).text
    assert client.get("/config").json()["components"]


@pytest.mark.fault("hand", "Another site's page asks whether it may: no answer says so, or lets cookies through.")
@pytest.mark.parametrize("origin", ["", "own", "http://evil.example", "http://localhost:3000", "null"])
def test_no_answer_invites_other_sites(site, client, origin):
    """Gradio's own rules for other sites, which let localhost in with its cookies, are not there."""
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    sender = {"Origin": site.url if origin == "own" else origin} if origin else {}
    for method, path, more in [
        ("GET", "/", HTML), ("GET", "/config", {}), ("GET", "/manifest.json", {}), ("GET", "/gradio_api/info", {}),
        ("GET", "/theme.css", {}), ("GET", "/nowhere", {}), ("POST", "/gradio_api/queue/join", {}),
        ("OPTIONS", "/", asks), ("OPTIONS", "/gradio_api/queue/join", asks), ("OPTIONS", "/gradio_api/upload", asks),
    ]:  # fmt: skip
        answer = client.request(method, path, headers={**sender, **more})
        assert not {f"access-control-allow-{what}" for what in ("origin", "credentials")} & {*answer.headers}
        if origin not in ("", "own"):
            assert answer.status_code == 403


def test_nothing_is_shared_through_others(capsys):
    """Gradio can lead a tunnel through its makers' machines: no option of ours asks for that."""
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--share"])
    assert ended.value.code == 2
    assert "--share" in capsys.readouterr().err

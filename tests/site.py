"""The real app behind its guard, in a process of its own, and people who ask it over HTTP as a page does."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
START_S = 120
PORT = 8300 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
HTML = {"Accept": "text/html"}


class Site:
    """A running server.

    Attributes:
        url: Where it listens.
        address: Of the page there, with its token.
        home: Its folder.
    """

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.home, log = home, home.with_suffix(".log")
        begin = time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", "--no-browser", "--port", str(PORT), "--home", str(home), *options],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            )
        while not (printed := re.search(r"(http://[^/\s]+)(/\S*)", log.read_text())):
            if self.process.poll() is not None or time.monotonic() - begin > START_S:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        self.url, self.address = printed.group(1).replace("localhost", "127.0.0.1"), printed.group(2)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=60)


class Person:
    """Somebody with a browser of their own, on one page.

    Args:
        site: The server.
        name: To log in with; empty for nobody's.
        password: The same.
        address: Of the page, with the token where there is one.
    """

    def __init__(self, site: Site, name: str = "", password: str = "", address: str = "/") -> None:
        self.client = httpx.Client(base_url=site.url, timeout=120)
        self.session = f"page{time.monotonic_ns()}"
        if name:
            answer = self.client.post("/login", data={"username": name, "password": password})
            assert answer.status_code == 303, answer.text
        cookie = self.client.get(address, headers=HTML).headers.get("set-cookie", "")
        if "Secure" in cookie:  # a Space's, which a client would keep back where there is no TLS
            self.client.headers["Cookie"] = cookie.split(";")[0]
        self.config = self.client.get("/config").json()
        self.parts = {one["id"]: one for one in self.config["components"]}

    def part(self, elem_id: str) -> int:
        """Number of a component of the English page; its id may be written with "-" in place of "_"."""
        ids = ((i, str(one["props"].get("elem_id")).replace("_", "-")) for i, one in self.parts.items())
        return next(i for i, found in ids if found == elem_id.replace("_", "-"))

    def event(self, elem_id: str, name: str = "click"):
        """What the page does when something happens to a component."""
        wanted = (self.part(elem_id), name)
        events = self.config["dependencies"]
        return next(one for one in events if one["backend_fn"] and wanted in [tuple(t) for t in one["targets"]])

    def call(self, event, **values):
        """What an event answers, from components by their `elem_id`: news as Gradio sends them, the last one."""
        given = {self.part(name.replace("_", "-")): value for name, value in values.items()}
        data = [given.get(i, self.parts[i]["props"].get("value")) for i in event["inputs"]]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session, "trigger_id": None}
        answer = self.client.post("/gradio_api/queue/join", json=body)
        if answer.status_code != 200:
            return answer
        told = []
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as news:
            for line in news.iter_lines():
                if '"log"' in line:
                    told.append(json.loads(line.removeprefix("data: "))["log"])
                if '"process_completed"' in line:
                    return json.loads(line.removeprefix("data: "))["output"].get("data"), told
        return None, told

    def ask(self, elem_id: str, function: str, asked: object = None):
        """What a component's own function on the server answers."""
        body = {"data": asked, "component_id": self.part(elem_id), "fn_name": function, "session_hash": self.session}
        return self.client.post("/gradio_api/component_server", json=body).json()

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file; returns the path that it has on the server."""
        answer = self.client.post("/gradio_api/upload", files={"files": (name, content)})
        return answer.json()[0]

    def fetch(self, path: str) -> int:
        """The status with which a file is answered."""
        return self.client.get(f"/gradio_api/file={path}").status_code


def as_file(path: str) -> dict:
    """A file as a page names it."""
    return {"path": path, "orig_name": Path(path).name, "meta": {"_type": "gradio.FileData"}}

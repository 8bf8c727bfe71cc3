"""A hub on this machine: as much of its API as the client needs to list and fetch a model, and faults to order."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STATUS = {
    "gated": (403, "GatedRepo"),
    "private": (401, "RepoNotFound"),
    "unknown": (404, "RepoNotFound"),
    "forbidden": (403, ""),
    "broken": (500, ""),
    "asleep": (503, ""),
    "late": (504, ""),
    "hurried": (429, ""),
}


class Hub:
    """One model under any name; names that begin with a word of `STATUS` are refused.

    Attributes:
        cut_at: Bytes of a file of weights after which the line is cut, once.
        ranges: The `Range` of every request for weights, None where it had none.
    """

    def __init__(self, folder: Path) -> None:
        self.files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        self.cut_at: int | None = None
        self.spoilt = False
        self.ranges: list[str | None] = []
        self.before_chunk = lambda _sent: None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request of the client."""
        parts = urlsplit(request.path).path.strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        status, code = STATUS.get(name.split("/")[0], (200, ""))
        if status == 200 or (parts[0] == "api" and code == "GatedRepo"):  # a gated one is listed
            return self._list(request, name) if parts[0] == "api" else self._file(request, "/".join(parts[4:]))
        return _send(request, status, b"", {"X-Error-Code": code, "X-Error-Message": "Access is restricted."})

    def _list(self, request: BaseHTTPRequestHandler, name: str) -> None:
        siblings = [{"rfilename": file, "size": len(content)} for file, content in self.files.items()]
        _send(request, 200, json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode(), {})

    def _file(self, request: BaseHTTPRequestHandler, file: str) -> None:
        if file not in self.files:
            return _send(request, 404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        content = self.files[file]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if request.command == "GET" and file.endswith(".safetensors"):
            wanted = request.headers.get("Range")
            self.ranges.append(wanted)
            return self._weights(request, content, int((wanted or "bytes=0-")[6:].split("-")[0]), headers)
        return _send(request, 200, content, headers)

    def _weights(self, request: BaseHTTPRequestHandler, content: bytes, first: int, headers: dict[str, str]) -> None:
        rest = content[first:] if not self.spoilt else bytes(len(content) - first)
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        _send(request, 206 if first else 200, None, headers | {"Content-Length": str(len(rest))})
        until, self.cut_at = (self.cut_at, None) if self.cut_at is not None else (len(rest), None)
        for sent in range(0, until, 1000):
            self.before_chunk(sent)
            request.wfile.write(rest[sent : min(sent + 1000, until)])
        if until < len(rest):
            request.close_connection = True


def _send(request: BaseHTTPRequestHandler, status: int, content: bytes | None, headers: dict[str, str]) -> None:
    """Answer; without content, only the head of an answer whose body follows."""
    request.send_response(status)
    for key, value in headers.items():
        request.send_header(key, value)
    if content is not None:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if content is not None and request.command == "GET":
        request.wfile.write(content)


@contextmanager
def serving(hub: Hub, monkeypatch) -> Iterator[str]:
    """Serve a hub, and have the client ask it."""

    class Request(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        do_HEAD = do_GET

        def handle(self) -> None:
            with suppress(OSError):  # a client that cancelled
                super().handle()

        def log_message(self, *_: object) -> None:
            """Not said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()

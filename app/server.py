"""Serves the page: Gradio's application behind the guard, in a thread of its own."""

import socket
import threading
import time
import warnings
from collections.abc import Callable

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.access.guard import Guard
from app.access.visitors import IN_SCOPE
from app.head import css, head, routes

UPLOAD_LIMIT = "200mb"
THREADS = 128
"""That answer events: more than may wait for the worker or for a turn, see `engine.service`. Files have others."""
CLOSES_S = 2
"""Streams to open pages never end by themselves: so long the server waits for them when it is told to end."""


class Server:
    """A server that listens from `start` to `close`.

    Gradio's own `launch` asks the server it has started whether it answers, and gives up where a proxy of the
    environment takes that question, or where the machine is busy for three seconds; and nothing can stand before it.
    """

    def __init__(
        self, page: gr.Blocks, host: str, listener: socket.socket, guarded: Callable[[ASGIApp], Guard]
    ) -> None:
        site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        site.add_middleware(CORSMiddleware)  # allows nothing; without one, Gradio adds its own, which allows localhost
        _give_threads(page)
        with warnings.catch_warnings():  # Gradio says that it renders nothing on the server, which nobody wanted
            warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
            gr.mount_gradio_app(
                site,
                page,
                path="/",
                server_name=host,
                server_port=listener.getsockname()[1],
                auth_dependency=_named,
                ssr_mode=False,
                run_history=False,
                footer_links=[],
                max_file_size=UPLOAD_LIMIT,
                head=head(),
                css=css(),
                app_kwargs={"routes": routes()},
            )
        config = uvicorn.Config(guarded(site), host=host, log_level="warning", timeout_graceful_shutdown=CLOSES_S)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="server", daemon=True)

    def start(self) -> None:
        """Returns when it listens.

        Raises:
            OSError: It cannot; the log says why.
        """
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("The server could not be started.")
            time.sleep(0.001)

    def stop(self) -> None:
        """Answer nobody new; `close` waits for the end."""
        self._server.should_exit = True

    def close(self) -> None:
        """Returns when it no longer listens."""
        self.stop()
        self._thread.join(timeout=CLOSES_S + 1)


def _give_threads(page: gr.Blocks) -> None:
    """What Gradio's own `launch` does with its `max_threads`."""
    page.max_threads = page._queue.max_thread_count = THREADS
    page.create_limiter()  # type: ignore[no-untyped-call]


def _named(request: Request) -> str:
    """Who asks, as Gradio knows them; the guard has let them in already."""
    return str(request.scope[IN_SCOPE].id)

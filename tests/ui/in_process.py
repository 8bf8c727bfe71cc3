"""A workbench in the process of the test, without torch: for answers that a test makes up or holds back."""

import socket
import threading
import time

import gradio as gr
import uvicorn
from fastapi import FastAPI

from app.head import css, head, routes
from app.page import create
from engine.core.errors import SettingError
from engine.service import deferred
from engine.service.workbench import Workbench
from tests.ui.conftest import Visitor


class InProcess:
    """The page of a workbench in this process, of which everything that needs torch is left out."""

    def __init__(self, tabs, home, monkeypatch):
        monkeypatch.setattr(deferred, "models", lambda _folder: [])
        monkeypatch.setattr(deferred, "offers", list)
        for name in ("count", "usual_rate", "memory", "preview_data", "refused_exports"):
            monkeypatch.setattr(deferred, name, self.not_loaded)
        self.workbench = Workbench(home)
        site = gr.mount_gradio_app(
            FastAPI(), create(self.workbench), path="/", head=head(), css=css(), app_kwargs={"routes": routes()}
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=port, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.05)
        self.visitor = Visitor(tabs, f"http://127.0.0.1:{port}")

    def not_loaded(self, *_, **__):
        raise SettingError("no_data_chosen", "Nothing is chosen.")

    def seen(self):
        return self.visitor.seen()

    def open(self, path="/"):
        page = self.visitor(path)
        page.wait_for_selector(".gl-header")
        return page

    def close(self):
        for page in self.visitor.opened:
            page.close()
        self.server.should_exit = True
        self.thread.join()
        self.workbench.close()

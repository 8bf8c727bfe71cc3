"""How the page gets its scripts: late, under a path of another site, and never an old file beside a new one."""

import re
import socket
import threading
import time
import urllib.error
import urllib.request

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import expect

from app.head import MODULES, address, css, head, modules, routes
from app.page import create
from engine.service.workbench import Workbench
from tests.ui.conftest import WAIT_MS, Visitor, goto

pytestmark = [
    pytest.mark.ui,
    # Gradio leaves sockets of its port search to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
expect.set_options(timeout=WAIT_MS)
MOUNTED = {"runs": "#gl-runs .gl-filter", "train": ".gl-picker-button"}
OPENED = """([tab, part]) => {
  document.getElementById(`gl-tab-${tab}-button`)?.click();
  return Boolean(document.querySelector(part));
}"""


def test_a_tab_that_is_clicked_too_early_opens(app, browser):
    """The header is on the screen before its module is there: a click in between counts when it arrives."""
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    held = []
    page.route("**/main.js", lambda route: held.append(route))
    page.goto(app.entrance)
    page.click("[data-tab=runs]")
    assert held
    assert page.get_attribute("#gl-tab-runs-button", "aria-selected") != "true"
    held[0].continue_()
    page.wait_for_selector("#gl-tab-runs-button[aria-selected=true]", state="attached")
    page.close()


@pytest.mark.parametrize("late", ["main.js", "watch/tape.js"])
def test_components_wait_for_scripts_that_come_late(app, browser, late):
    """Gradio has mounted every component before a module arrives: then each of them comes to life all the same."""
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints, held = [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route(f"**/{late}", lambda route: held.append(route))
    page.goto(app.entrance)
    page.wait_for_selector(".gl-watch", state="attached")
    for tab, part in MOUNTED.items():
        page.wait_for_function(OPENED, arg=[tab, part])
    page.wait_for_timeout(500)
    assert held
    assert page.locator(".gl-bar-row, #gl-runs tr, .gl-method-option").count() == 0, "the scripts were not held back"
    for route in held:
        route.continue_()
    expect(page.locator(".gl-method-option")).not_to_have_count(0)
    expect(page.locator(".gl-chip")).to_have_attribute("data-state", "idle")
    goto(page, "runs")
    expect(page.locator("#gl-runs tr[data-run]").first).to_be_visible()
    goto(page, "watch")
    expect(page.locator("[data-panel=loss] .main-svg").first).to_be_visible()
    page.close()
    assert complaints == []


@pytest.mark.filterwarnings("ignore:SSR mode is not supported:UserWarning")  # it is not wanted either
def test_page_under_a_path_of_another_site(tabs, tmp_path):
    """Addresses of scripts are relative: the page works where it is a part of another site, in both languages."""
    workbench = Workbench(tmp_path)
    site = gr.mount_gradio_app(
        FastAPI(), create(workbench), path="/lab", head=head(), css=css(), app_kwargs={"routes": routes()}
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    visitor = Visitor(tabs, f"http://127.0.0.1:{port}/lab")
    try:
        for path in ("/", "/zh"):
            page = visitor(path)
            expect(page.locator("[data-panel=loss] .main-svg").first).to_be_visible()
    finally:
        for page in visitor.opened:
            page.close()
        server.should_exit = True
        thread.join()
        workbench.close()


def fetched(app, path):
    """Status, headers and text of a path."""
    request = urllib.request.Request(app.url + path, headers={"Authorization": f"Bearer {app.token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, ""


def test_scripts_are_served_as_what_they_are(app):
    """Every module has a type that browsers take for modules, and may be kept; nothing else is served there."""
    for name in modules():
        status, headers, text = fetched(app, f"/{address()}/{name}")
        assert status == 200
        assert headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in headers["Cache-Control"]
        assert text == (MODULES / name).read_text(encoding="utf-8")
    for other in ("../app.py", "..%2f..%2fapp.py", "nothing.js", ""):
        assert fetched(app, f"/{address()}/{other}")[0] == 404


def test_address_changes_with_every_file(monkeypatch):
    """A script that is changed, renamed or gone changes the address of all."""
    whole = modules()
    first, *_ = whole
    changes = [
        whole | {first: whole[first] + b"\n"},
        {("renamed.js" if name == first else name): source for name, source in whole.items()},
        {name: source for name, source in whole.items() if name != first},
    ]
    seen = {address()}
    for changed in changes:
        monkeypatch.setattr("app.head.modules", lambda changed=changed: changed)
        seen.add(address.__wrapped__())
    assert len(seen) == 1 + len(changes)


def test_head_names_every_module_once():
    """Whatever is loaded is asked for at once, not file after file."""
    assert sorted(re.findall(r'href="[^"]+?/[0-9a-f]{16}/([^"]+)"', head())) == sorted(modules())

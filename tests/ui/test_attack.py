"""Another page in the same browser, in which somebody has the workbench open, tries to reach it."""

import http.server
import threading
from urllib.parse import urlsplit

import pytest

from tests.ui.conftest import CHROMIUM, goto, start, wait_idle

pytestmark = pytest.mark.ui

HOSTILE = """<!doctype html><title>hostile</title>
<form id=form method=post enctype="multipart/form-data" target=answer action="{url}/gradio_api/component_server">
  <input name=component_id value=1><input name=fn_name value=pause></form>
<iframe name=answer></iframe><iframe id=frame src="{url}/"></iframe>
<script>
  document.getElementById("form").submit();
  window.sent = Promise.all(["queue/join", "component_server", "upload"].flatMap((path) => [
    fetch("{url}/gradio_api/" + path, {{method: "POST", mode: "no-cors", credentials: "include", body: "{{}}"}}),
    fetch("{url}/gradio_api/" + path, {{method: "POST", credentials: "include",
          headers: {{"Content-Type": "application/json"}}, body: "{{}}"}}).catch(() => null),
  ]));
</script>"""


@pytest.fixture
def hostile(app):
    """The address of a page on another port of this machine: for cookies, the same site."""
    body = HOSTILE.format(url=app.url).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.fault(
    "hand", "A hostile page in the browser of somebody who trains posts forms, fetches and frames: all refused."
)
def test_another_page_reaches_nothing(app, visit, hostile):
    """The browser sends the visitor's cookie along; the run goes on, and what is sent is answered with 403."""
    page = visit()
    start(page, 100_000)
    page.wait_for_selector(".gl-chip[data-state=running]")
    other = page.context.new_page()
    answers = []
    other.on("response", lambda answer: answers.append((urlsplit(answer.url).path, answer.status)))
    other.goto(hostile)
    other.evaluate("window.sent")
    other.wait_for_timeout(500)
    asked = [(path, status) for path, status in answers if path not in ("/favicon.ico", "/") or status != 200]
    assert len([path for path, _ in asked if path.startswith("/gradio_api/")]) >= 4
    assert {status for _, status in asked} == {403}
    framed = other.frame_locator("#frame").locator("body")
    assert "Gatelight" not in framed.inner_text()
    other.close()
    assert page.locator(".gl-chip[data-state=running]").count() == 1
    goto(page, "train")
    page.click("#gl-stop")
    wait_idle(page)


@pytest.mark.fault(
    "hand", "A name of another site that leads here is opened in a browser that knows the token: refused."
)
def test_a_rebinding_name_is_refused(app, browser):
    rebinding = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1"]
    )
    page = rebinding.new_page()
    answer = page.goto(app.entrance.replace("127.0.0.1", "evil.example"))
    assert answer.status == 403
    assert "evil.example" in page.inner_text("body")
    rebinding.close()

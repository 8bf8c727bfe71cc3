"""Who is let in: names, senders, tokens, passwords; and what the server says to everybody else."""

import socket
import stat

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app import launch
from app.access.guard import Guard
from app.access.passwords import Passwords
from app.access.policy import LOOPBACK, Policy, cookie_secret, is_loopback
from app.access.uploads import Uploads
from engine.service.visitor import OPERATOR

HERE = "http://127.0.0.1:7860"
TOKEN = "t0ken"


def server(**options):
    """A client of a guarded application that answers `inside`; the token is given unless the options say so."""
    policy = Policy(**({"hosts": LOOPBACK, "secret": b"s"} | options))

    async def inside(scope, receive, send):
        await PlainTextResponse("inside")(scope, receive, send)

    return TestClient(Guard(inside, policy), base_url=HERE, follow_redirects=False)


@pytest.mark.fault("hand", "Another site's name leads to this machine (DNS rebinding): it is refused by its name.")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_foreign_names_are_refused(host):
    answer = server().get("/", headers={"Host": host})
    assert (answer.status_code, "inside" in answer.text) == (403, False)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860"])
def test_own_names_are_answered(host):
    assert server().get("/", headers={"Host": host}).text == "inside"


def test_numeric_addresses_are_names_where_all_are_listened_on():
    """No DNS leads a browser to a number."""
    client = server(numeric=True)
    assert client.get("/", headers={"Host": "192.168.1.7:7860"}).text == "inside"
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.fault("hand", "A page of another site sends a form or a request: it is refused, whatever its kind.")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://localhost:7860"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_foreign_pages_are_refused(headers, method):
    answer = server().request(method, "/gradio_api/queue/join", headers=headers)
    assert (answer.status_code, "inside" in answer.text) == (403, False)


def test_links_from_elsewhere_open_the_page():
    """A link opens it, a form that is sent there does not."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert server().get("/", headers=headers).text == "inside"
    assert server().post("/", headers=headers).status_code == 403


def test_a_proxy_that_is_named_may_send():
    client = server(hosts=LOOPBACK | {"lab.example"}, origins=frozenset({"lab.example"}))
    assert client.post("/", headers={"Origin": "https://lab.example"}).text == "inside"
    assert client.post("/", headers={"Origin": "https://lab.example:8443"}).status_code == 403


@pytest.mark.fault(
    "hand", "Somebody without the token of the printed address asks for anything: nothing but one sentence."
)
@pytest.mark.parametrize(
    "path", ["/", "/zh", "/config", "/gradio_api/info", "/?token=", "/?token=wrong", "/?token=t0ken2"]
)
def test_nobody_gets_in_without_the_token(path):
    answer = server(token=TOKEN).get(path)
    assert (answer.status_code, "?token=" in answer.text) == (401, True)
    assert server(token=TOKEN).get("/", headers={"Cookie": "gatelight=;;=,\x7f"}).status_code == 401


def test_what_browsers_fetch_without_cookies():
    """A title and an icon, of which a browser's console would complain; no other path that ends alike, no other way."""
    client = server(token=TOKEN)
    assert client.get("/manifest.json").text == "inside"
    assert client.get("/manifest.json", headers={"Host": "evil.example"}).status_code == 403
    assert client.post("/manifest.json").status_code == 401
    for path in ("/gradio_api/file=/etc/manifest.json", "/x/manifest.json", "/manifest.json/"):
        assert client.get(path).status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    client = server(token=TOKEN)
    welcome = client.get(f"/zh?token={TOKEN}&run=a%20b")
    assert (welcome.status_code, welcome.headers["location"]) == (303, "./zh?run=a+b")
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in welcome.headers["set-cookie"].split(";")}
    assert TOKEN not in welcome.headers["set-cookie"]
    assert client.get("/zh").text == "inside"
    assert client.get(f"/zh/?token={TOKEN}").headers["location"] == "./"
    assert server(token=TOKEN).get("/", headers={"Authorization": f"Bearer {TOKEN}"}).text == "inside"


@pytest.mark.fault(
    "code", "Markup that slips into the page names a script, picture or form elsewhere: all are blocked."
)
def test_the_page_reaches_nothing_elsewhere():
    """Browser tests hold that the page itself needs nothing else: a refusal would be an error in the console."""
    for client in (server(), server(embed=True)):
        rules = dict(rule.split(" ", 1) for rule in client.get("/").headers["content-security-policy"].split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'self'"
        assert rules["object-src"] == "'none'"
        assert not any("http" in sources or "*" in sources for sources in rules.values())


def test_the_last_page_that_closes_is_told(tmp_path):
    """One of two leaves somebody there; other requests are no pages."""
    told = []

    async def inside(scope, receive, send):
        if scope["path"].endswith("/first"):
            await outer.get("/gradio_api/heartbeat/second")
        await PlainTextResponse("inside")(scope, receive, send)

    uploads, policy = Uploads(tmp_path, None), Policy(hosts=LOOPBACK, secret=b"s")
    guard = Guard(inside, policy, uploads=uploads, left=lambda visitor, away: told.append((visitor, away())))
    outer = httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=HERE)
    client = TestClient(guard, base_url=HERE)
    client.get("/")
    assert told == []
    client.get("/gradio_api/heartbeat/first")
    assert told == [(OPERATOR, True)]


@pytest.mark.fault("hand", "A page of another site shows the workbench in a frame: the browser refuses.")
def test_every_answer_forbids_frames():
    for client in (server(), server(token=TOKEN)):
        headers = client.get("/").headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "x-frame-options" not in server(embed=True).get("/").headers


def test_the_secret_is_its_owners_and_stays(tmp_path):
    first = cookie_secret(tmp_path / "home")
    assert cookie_secret(tmp_path / "home") == first
    assert cookie_secret(tmp_path / "other") != first
    assert stat.S_IMODE((tmp_path / "home" / "cookie_secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False)]
)
def test_loopback(host, alone):
    assert is_loopback(host) is alone


@pytest.mark.fault("hand", "Started for other machines without passwords: it does not start, and says what to add.")
def test_other_machines_need_a_password(tmp_path, capsys):
    with pytest.raises(SystemExit, match="--auth"):
        launch.main(["--host", "0.0.0.0", "--port", "7860", "--home", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_what_the_command_line_lets_in(tmp_path, monkeypatch):
    """No empty name, every name that was given, and a token where nobody else guards the page."""
    monkeypatch.delenv("SPACE_HOST", raising=False)
    arguments = launch.parser().parse_args(["--home", str(tmp_path), "--allow-host", "Lab.example:8443"])
    policy, passwords = launch.access(arguments, "127.0.0.1", 7860, on_space=False)
    assert passwords is None
    assert len(policy.token) > 30
    assert not policy.knows_host("")
    assert policy.knows_host("lab.example:8443")
    assert policy.knows_sender({"origin": "https://lab.example:8443", "host": "127.0.0.1:7860"}, "POST")
    space, _ = launch.access(arguments, "0.0.0.0", 7860, on_space=True)
    assert (space.token, space.embed, space.numeric) == ("", True, True)


@pytest.mark.parametrize("text", ["", "# nobody", "anna", "anna:short", ":longenough1", "anna:\u00e9\n"])
def test_bad_files_of_passwords(tmp_path, text):
    (tmp_path / "users").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="--auth"):
        Passwords(tmp_path / "users")
    with pytest.raises(ValueError, match="cannot be read"):
        Passwords(tmp_path)


def test_passwords(tmp_path):
    (tmp_path / "users").write_text("# class of 5\nanna:correct horse\n\nb:pass:word 2\n", encoding="utf-8")
    knows = Passwords(tmp_path / "users")
    assert knows("anna", "correct horse")
    assert knows("b", "pass:word 2")
    for name, password in [("anna", "pass:word 2"), ("c", ""), ("", ""), ("anna", ""), ("anna", "correct hors\u00e9")]:
        assert not knows(name, password)


@pytest.mark.fault("paths", "Passwords behind a proxy of this machine: those who log in name no file of the server.")
@pytest.mark.parametrize("shared", [False, True])
def test_who_logs_in_is_confined_on_loopback_too(tmp_path, monkeypatch, shared):
    class Made(Exception):
        pass

    def made(_home, confinement, _who, _limits, **_):
        raise Made(confinement.may_trust)

    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr(launch, "Workbench", made)
    (tmp_path / "users").write_text("anna:correct horse\n", encoding="utf-8")
    options = ["--auth", str(tmp_path / "users"), "--allow-host", "lab.example"] if shared else []
    with pytest.raises(Made) as seen:
        launch.main(["--home", str(tmp_path / "home"), *options])
    assert seen.value.args == (not shared,)


@pytest.mark.fault("input", "--port or --host that no machine has: one sentence names it, no traceback.")
@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 70000, "--port is 70000"),
        ("127.0.0.1", 0, "--port is 0"),
        ("127.0.0.1", -1, "--port is -1"),
        ("no such host", 7991, "--host is 'no such host'"),
        ("192.0.2.1", 7991, "--host is '192.0.2.1'"),
    ],
)
def test_ports_and_hosts_that_cannot_be(host, port, said):
    with pytest.raises(SystemExit, match=said):
        launch.listening(host, port)


@pytest.mark.fault("network", "Two servers are started at the same moment: each has a port of its own.")
def test_the_next_free_port():
    """Also of an address of six parts, where the machine has one."""
    with launch.listening("127.0.0.1", 7900) as one, launch.listening("127.0.0.1", 7900) as other:
        assert 7900 <= one.getsockname()[1] < other.getsockname()[1]
    if socket.has_ipv6:
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no such address here")
        with launch.listening("::1", 7991) as found:
            assert found.getsockname()[1] >= 7991

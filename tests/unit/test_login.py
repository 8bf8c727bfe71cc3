"""Logging in: roles of the file, waits after wrong passwords, cookies that end."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app.access.attempts import Attempts
from app.access.doors import PasswordDoor, PublicDoor
from app.access.guard import Guard
from app.access.passes import KEPT_S, Passes
from app.access.passwords import Passwords
from app.access.policy import LOOPBACK, Policy
from app.access.visitors import IN_SCOPE

POLICY = Policy(hosts=LOOPBACK, secret=b"s")
HTML = {"Accept": "text/html"}


class Clock:
    """A time that tests set."""

    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


def passwords(tmp_path, text="anna:correct horse\nben:battery staple\ncleo:only looking:watcher\n"):
    (tmp_path / "users").write_text(text)
    return Passwords(tmp_path / "users")


def client(door):
    """Behind the guard stands an application that says who asks."""

    async def inside(scope, receive, send):
        await PlainTextResponse(repr(scope[IN_SCOPE]))(scope, receive, send)

    return TestClient(Guard(inside, POLICY, door), base_url="http://127.0.0.1:7860", follow_redirects=False)


def log_in(browser, name, password):
    return browser.post("/login", data={"username": name, "password": password})


def test_roles_of_the_file(tmp_path):
    """Without a driver the first name is one; a colon in a password is part of it."""
    knows = passwords(tmp_path)
    assert [knows.visitor(name).role for name in ("anna", "ben", "cleo")] == ["driver", "member", "watcher"]
    assert knows("cleo", "only looking")
    assert knows.visitor("dana") is None
    driven = passwords(tmp_path, "anna:correct horse\nben:battery:staple:driver\n")
    assert [driven.visitor(name).role for name in ("anna", "ben")] == ["member", "driver"]
    assert driven("ben", "battery:staple")
    with pytest.raises(ValueError, match="again"):
        passwords(tmp_path, "anna:correct horse\nanna:other horse\n")


@pytest.mark.fault("hand", "Somebody guesses passwords: after three, each attempt waits longer, the right one as well.")
def test_attempts_wait_longer_each_time(tmp_path):
    clock = Clock()
    browser = client(PasswordDoor(POLICY, passwords(tmp_path), Attempts(clock)))
    answers = [log_in(browser, "anna", "wrong").status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert log_in(browser, "anna", "correct horse").status_code == 429
    waits = []
    for _ in range(12):
        refused = log_in(browser, "anna", "wrong")
        waits.append(int(refused.headers["retry-after"]))
        clock.time += waits[-1]
        assert log_in(browser, "anna", "wrong").status_code == 401
    assert waits == sorted(waits)
    assert waits[-1] >= 900
    clock.time += waits[-1] + 1
    assert log_in(browser, "anna", "correct horse").status_code == 303


def test_others_are_not_kept_waiting():
    """A name that is tried from one address waits a minute at most from another; a quiet hour forgets all."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(200):
        attempts.failed("10.0.0.1", "anna")
    assert attempts.wait_s("10.0.0.1", "ben") > 60
    assert attempts.wait_s("10.0.0.2", "anna") <= 61
    assert attempts.wait_s("10.0.0.2", "ben") == 0
    clock.time += 3601
    assert attempts.wait_s("10.0.0.1", "anna") == 0


@pytest.mark.fault("hand", "A cookie is made up, changed, of another kind, too old, or of a former password: unknown.")
def test_cookies_end():
    clock, password = Clock(), ["first"]
    passes = Passes("c", "name", b"s", lambda _: password[0], clock)
    value = passes.issue("\u00e4nna.b")
    assert passes.read(value) == "\u00e4nna.b"
    text, at, mac = value.split(".")
    for wrong in ("", "a", "..", f"{text}x.{at}.{mac}", f"{text}.{int(at) + 1}.{mac}", f"{text}.{at}.{mac[:-1]}0g"):
        assert passes.read(wrong) is None
    assert Passes("c", "guest", b"s", lambda _: password[0], clock).read(value) is None
    assert Passes("c", "name", b"t", lambda _: password[0], clock).read(value) is None
    clock.time += KEPT_S["name"] + 2
    assert passes.read(value) is None
    clock.time = 1000.0
    password[0] = "second"
    assert passes.read(value) is None


def test_logging_in_and_out(tmp_path):
    browser = client(PasswordDoor(POLICY, passwords(tmp_path)))
    assert "password" in browser.get("/zh", headers=HTML).text
    assert browser.get("/config").status_code == 401
    answer = log_in(browser, "cleo", "only looking")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    assert "Max-Age=43200" in answer.headers["set-cookie"]
    assert browser.get("/").text == "Visitor(id='cleo', role='watcher')"
    browser.get("/logout")
    assert browser.get("/").status_code == 401
    assert browser.post("/login", content=b"x" * 10_000).status_code == 400


def test_guests_of_a_public_server():
    """Each gets a cookie, and is another one."""
    ben, dana = client(PublicDoor(POLICY)), client(PublicDoor(POLICY))
    for browser in (ben, dana):
        assert browser.get("/", headers=HTML).headers["set-cookie"]
    seen = [browser.get("/config").text for browser in (ben, ben, dana)]
    assert seen[0] == seen[1] != seen[2]
    assert "role='guest'" in seen[2]

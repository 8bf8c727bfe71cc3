"""How a server knows who asks: by the token of its address, by a password, or, where it is public, by a cookie."""

import hashlib
import http.cookies
import secrets
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope

from app.access import login
from app.access.attempts import Attempts
from app.access.bodies import TooLargeError, whole
from app.access.passes import Passes
from app.access.passwords import Passwords
from app.access.policy import Policy
from engine.service.visitor import GUEST, OPERATOR, Visitor

NO_TOKEN = (
    "Open the address that Gatelight printed in the terminal when it was started: it ends with ?token=….\n"
    "请打开 Gatelight 启动时在终端显示的地址：它以 ?token=… 结尾。\n"
)


@dataclass(frozen=True)
class Admitted:
    """Somebody who is let in.

    Attributes:
        visitor: Who it is.
        cookie: A `Set-Cookie` header for the answer; empty for none.
    """

    visitor: Visitor
    cookie: str = ""


class Door(Protocol):
    """Tells who sends a request."""

    async def admit(self, scope: Scope, headers: Headers, receive: Receive) -> Admitted | Response:
        """Who asks; or what is answered to somebody who is not let in."""
        ...


class TokenDoor:
    """Lets in who brings the token in the address, and gives a cookie for it: the one user of this machine.

    The browser is sent to the same address without the token, so that it stands in no history or bookmark.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._passes = Passes(policy.cookie, "operator", policy.secret)

    async def admit(self, scope: Scope, headers: Headers, receive: Receive) -> Admitted | Response:
        """See `Door`."""
        if not self._policy.token:
            return Admitted(OPERATOR)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if self._policy.knows_token(dict(query).get("token", "")):
            return self._welcome(scope, urlencode([pair for pair in query if pair[0] != "token"]))
        if self._passes.read(cookie_of(headers, self._policy.cookie)) is not None:
            return Admitted(OPERATOR)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._policy.knows_token(bearer):
            return Admitted(OPERATOR)
        return PlainTextResponse(NO_TOKEN, 401)

    def _welcome(self, scope: Scope, query: str) -> Response:
        page = scope.get("path", "/").rsplit("/", 1)[-1]  # relative, so that it holds behind a proxy, too
        answer = RedirectResponse(f"./{page}{'?' + query if query else ''}", 303)
        answer.headers.append("set-cookie", self._passes.header(self._passes.issue("")))
        return answer


class PasswordDoor:
    """Shows a form to who is not known, and gives a cookie to who fills it with a name and password."""

    def __init__(self, policy: Policy, passwords: Passwords, attempts: Attempts | None = None) -> None:
        self._passwords = passwords
        self._attempts = attempts or Attempts()
        self._passes = Passes(policy.cookie, "name", policy.secret, passwords.mark)

    async def admit(self, scope: Scope, headers: Headers, receive: Receive) -> Admitted | Response:
        """See `Door`."""
        page = scope.get("path", "/").rstrip("/").rsplit("/", 1)[-1]
        if page == "login" and scope.get("method") == "POST":
            return await self._login(scope, receive)
        if page == "logout":
            return self._sent_on("")
        name = self._passes.read(cookie_of(headers, self._passes.cookie))
        visitor = self._passwords.visitor(name) if name else None
        return Admitted(visitor) if visitor else login.asked(headers)

    async def _login(self, scope: Scope, receive: Receive) -> Response:
        try:
            name, password = login.read(await whole(receive, login.MOST_BYTES))
        except (TooLargeError, ValueError):
            return login.form("wrong", 400)
        address = str((scope.get("client") or ("",))[0])
        if wait := self._attempts.wait_s(address, name):
            return login.form("wait", 429, seconds=wait)
        if not self._passwords(name, password):
            self._attempts.failed(address, name)
            return login.form("wrong", 401)
        self._attempts.passed(address, name)
        return self._sent_on(self._passes.issue(name), secure=scope.get("scheme") == "https")

    def _sent_on(self, value: str, *, secure: bool = False) -> Response:
        answer = RedirectResponse("./", 303)
        answer.headers.append("set-cookie", self._passes.header(value, secure=secure))
        return answer


class PublicDoor:
    """Lets everybody in, and tells them apart by a cookie. Who keeps none is a guest without a name."""

    def __init__(self, policy: Policy) -> None:
        self._passes = Passes(policy.cookie, "guest", policy.secret)
        self._framed = policy.embed

    async def admit(self, scope: Scope, headers: Headers, receive: Receive) -> Admitted | Response:
        """See `Door`."""
        if known := self._passes.read(cookie_of(headers, self._passes.cookie)):
            return Admitted(guest(known))
        if scope.get("method") != "GET" or "text/html" not in headers.get("accept", ""):
            return Admitted(Visitor(role="guest"))
        cookie = self._passes.header(self._passes.issue(secrets.token_urlsafe(16)), framed=self._framed)
        return Admitted(Visitor(role="guest"), cookie)


def guest(secret: str) -> Visitor:
    """The guest who knows a secret; runs are marked with what does not tell it."""
    return Visitor(GUEST + hashlib.sha256(secret.encode()).hexdigest()[:16], "guest")


def cookie_of(headers: Headers, name: str) -> str:
    """The value of a cookie; empty if there is none, or what was sent cannot be read."""
    try:
        jar = http.cookies.SimpleCookie(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return ""
    return jar[name].value if name in jar else ""

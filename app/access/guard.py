"""Stands before the whole server, and refuses what the policy does not let in."""

import http.cookies
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.policy import Policy

KEPT_S = 30 * 24 * 3600
FOREIGN_HOST = (
    "This server does not answer to the name {host!r}: open it under the address that it printed when it was started, "
    "or start it with --allow-host {host}.\n"
    "此服务器不响应名称 {host!r}：请使用启动时显示的地址，或用 --allow-host {host} 启动。\n"
)
FOREIGN_PAGE = "Another page may not ask this server for anything.\n其他网页不能向此服务器发送请求。\n"
NO_TOKEN = (
    "Open the address that Gatelight printed in the terminal when it was started: it ends with ?token=….\n"
    "请打开 Gatelight 启动时在终端显示的地址：它以 ?token=… 结尾。\n"
)


class Guard:
    """An ASGI application before another one.

    A foreign name or page gets 403, an unknown visitor 401. Who brings the token gets a cookie for it, and is sent to
    the same address without it, so that it stands in no history, bookmark or referrer.
    """

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self.app = app
        self.policy = policy
        self.headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
        rules = "base-uri 'self'; object-src 'none'"
        if not policy.embed:
            self.headers["X-Frame-Options"] = "DENY"
            rules += "; frame-ancestors 'none'"
        self.headers["Content-Security-Policy"] = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, self._with_headers(send))
        elif scope["type"] == "http":
            await refusal(scope, receive, self._with_headers(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def refusal(self, scope: Scope) -> Response | None:
        """What is answered in place of the application, if anything."""
        headers, method = Headers(scope=scope), str(scope.get("method", "GET"))
        host = headers.get("host", "")
        if not self.policy.knows_host(host):
            return PlainTextResponse(FOREIGN_HOST.format(host=host[:100]), 403)
        if not self.policy.knows_sender(headers, method):
            return PlainTextResponse(FOREIGN_PAGE, 403)
        return self._for_unknown(scope, headers) if self.policy.token else None

    def _for_unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """What somebody gets who brings the token in the address, or neither that nor the cookie."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if self.policy.knows_token(dict(query).get("token", "")):
            return self._welcome(scope, urlencode([pair for pair in query if pair[0] != "token"]))
        if self.policy.knows_cookie(_cookie(headers, self.policy.cookie)):
            return None
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.policy.knows_token(bearer):
            return None
        return PlainTextResponse(NO_TOKEN, 401)

    def _welcome(self, scope: Scope, query: str) -> Response:
        page = scope.get("path", "/").rsplit("/", 1)[-1]  # relative, so that it holds behind a proxy, too
        answer = RedirectResponse(f"./{page}{'?' + query if query else ''}", 303)
        value = self.policy.cookie_value
        answer.set_cookie(self.policy.cookie, value, max_age=KEPT_S, httponly=True, samesite="strict")
        return answer

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        return sent


def _cookie(headers: Headers, name: str) -> str:
    """The value of a cookie; empty if there is none, or what was sent cannot be read."""
    try:
        jar = http.cookies.SimpleCookie(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return ""
    return jar[name].value if name in jar else ""

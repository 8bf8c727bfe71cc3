"""Stands before the whole server, and refuses what the policy does not let in."""

import json
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.bodies import TooLargeError, again, whole
from app.access.doors import Door, TokenDoor
from app.access.in_flight import InFlight
from app.access.policy import Policy
from app.access.receiving import receive_upload
from app.access.uploads import FETCHED, Uploads, named_in
from app.access.visitors import IN_SCOPE
from engine.service.visitor import Visitor

WITHOUT_COOKIES = "/manifest.json"
"""What a browser fetches without cookies of any page that names it: a title and an icon, for whoever wants it."""
LONGEST_BODY = 8 * 2**20
"""Bytes of a request, other than an upload."""
CONTENT = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's config is inline, and it makes handlers of texts
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "form-action": "'self'",
    "base-uri": "'self'",  # Gradio sets one
    "object-src": "'none'",
}
"""What the page may load and reach: itself alone, so that what slips into it comes from, and tells, nowhere else."""
FOREIGN_HOST = (
    "This server does not answer to the name {host!r}: open it under the address that it printed when it was started, "
    "or start it with --allow-host {host}.\n"
    "此服务器不响应名称 {host!r}：请使用启动时显示的地址，或用 --allow-host {host} 启动。\n"
)
FOREIGN_PAGE = "Another page may not ask this server for anything.\n其他网页不能向此服务器发送请求。\n"
FOREIGN_FILE = "This file was not uploaded by you.\n此文件不是您上传的。\n"
TOO_MANY = (
    "You have too many pages or requests open: close some, and try again.\n打开的页面或请求太多：请关闭一些再试。\n"
)
FULL = "This server is full: try again in a minute.\n此服务器已满：请稍后再试。\n"
REFUSED = {"own": TOO_MANY, "all": FULL}
TOO_LARGE = "This is too large, or no JSON.\n内容太大，或不是 JSON。\n"
NO_ROOM = "Your uploads take too much room: close the page, or wait.\n您上传的文件占用太多空间：请关闭页面或等待。\n"


class Guard:
    """An ASGI application before another one.

    A foreign name or page gets 403, whom the door does not know what the door says. The others reach the application,
    which finds in the scope who asks; they fetch and name no files but their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: Policy,
        door: Door | None = None,
        uploads: Uploads | None = None,
        most_pages: int | None = None,
        most_requests: int | None = None,
        left: Callable[[Visitor, Callable[[], bool]], None] = lambda *_: None,
    ) -> None:
        """Stand before an application.

        Args:
            app: The application.
            policy: What is let in.
            door: Tells who asks.
            uploads: The files of open pages.
            most_pages: Open pages of all visitors together; None for any number.
            most_requests: Other requests of all visitors that are answered at once; None for any number.
            left: Called when a visitor has closed their last page, with what tells whether none is open.
        """
        self.app = app
        self.policy = policy
        self.door = door or TokenDoor(policy)
        self.uploads = uploads
        self._in_flight = InFlight(most_pages, most_requests)
        self._left = left
        self.headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
        rules = dict(CONTENT)
        if not policy.embed:
            self.headers["X-Frame-Options"] = "DENY"
            rules["frame-ancestors"] = "'none'"
        self.headers["Content-Security-Policy"] = "; ".join(f"{kind} {sources}" for kind, sources in rules.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        foreign = self._foreign(scope, headers)
        if foreign is None and (scope.get("method"), scope["path"]) == ("GET", WITHOUT_COOKIES):
            await self.app(scope, receive, self._with_headers(send))
            return
        found = foreign or await self.door.admit(scope, headers, receive)
        if isinstance(found, Response):
            await _refuse(found, scope, receive, self._with_headers(send))
            return
        scope[IN_SCOPE] = found.visitor
        send = self._with_headers(send, found.cookie)
        kind = "page" if "/heartbeat/" in scope["path"] else "request"
        with self._in_flight.one_more(found.visitor, kind) as too_many:
            if too_many:
                await _refuse(PlainTextResponse(REFUSED[too_many], 429), scope, receive, send)
            else:
                await self._answer(found.visitor, scope, receive, send)
        if kind == "page" and self.uploads and not self._in_flight.open_pages(found.visitor):
            self.uploads.forget(found.visitor)
            self._left(found.visitor, lambda: not self._in_flight.open_pages(found.visitor))

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """What a foreign name or page gets."""
        host = headers.get("host", "")
        if not self.policy.knows_host(host):
            return PlainTextResponse(FOREIGN_HOST.format(host=host[:100]), 403)
        if not self.policy.knows_sender(headers, str(scope.get("method", "GET"))):
            return PlainTextResponse(FOREIGN_PAGE, 403)
        return None

    async def _answer(self, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, unless it fetches or names a file that is not this visitor's."""
        if self.uploads is None or scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"].rstrip("/").endswith("/upload"):
            await self._upload(self.uploads, visitor, scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._checked(self.uploads, visitor, scope, receive, send)
        elif (fetched := FETCHED.search(scope["path"])) and not self.uploads.belongs(visitor, fetched["path"]):
            await _refuse(PlainTextResponse(FOREIGN_FILE, 403), scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _checked(self, uploads: Uploads, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a request whose body names no file of others."""
        try:
            body = await whole(receive, LONGEST_BODY)
            named = list(named_in(json.loads(body))) if body else []
        except (TooLargeError, ValueError, RecursionError):
            await _refuse(PlainTextResponse(TOO_LARGE, 413), scope, receive, send)
            return
        if all(uploads.belongs(visitor, path) for path in named):
            await self.app(scope, again(body, receive), send)
        else:
            await _refuse(PlainTextResponse(FOREIGN_FILE, 403), scope, receive, send)

    async def _upload(self, uploads: Uploads, visitor: Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive an upload, where there is room for it."""
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal() or uploads.full(visitor, int(length)):
            await _refuse(PlainTextResponse(NO_ROOM, 413), scope, receive, send)
            return
        await receive_upload(self.app, uploads, visitor, scope, receive, send)

    def _with_headers(self, send: Send, cookie: str = "") -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                if cookie:
                    headers.append("set-cookie", cookie)
            await send(message)

        return sent


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})

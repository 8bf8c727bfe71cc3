"""Receives an upload: whose it is is remembered; of one that breaks off nothing stays, and a sentence says why."""

import json
import logging
import os

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.uploads import Uploads
from engine.service.visitor import Visitor

NOT_KEPT = (
    "The upload could not be kept on the server: {reason}. Make room there, or name a file of that machine.\n"
    "服务器无法保存上传的文件：{reason}。请在服务器上腾出空间，或填写该机器上的文件。\n"
)
NOT_RECEIVED = (
    "The upload could not be received; the server's log says why. Try again.\n"
    "无法接收上传的文件，原因见服务器日志。请重试。\n"
)


async def receive_upload(
    app: ASGIApp, uploads: Uploads, visitor: Visitor, scope: Scope, receive: Receive, send: Send
) -> None:
    """Hand an upload on to Gradio, whose answer is a list of paths.

    The answer is held back until the files lie at these paths. Gradio's is a bare 500 where the disk is full, and it
    leaves the half that it has written.
    """
    held: list[Message] = []

    async def hold(message: Message) -> None:
        held.append(message)

    refusal: tuple[str, int] | None = None
    try:
        with uploads.receiving():
            await app(scope, receive, hold)
    except ClientDisconnect:  # the page was closed meanwhile
        return
    except OSError as error:
        refusal = _not_kept(error)
    except Exception:
        refusal = NOT_RECEIVED, 500
        logging.getLogger(__name__).exception("An upload could not be received")
    if refusal:
        await PlainTextResponse(*refusal)(scope, receive, send)
        return
    for path in _paths(b"".join(message.get("body", b"") for message in held)):
        uploads.remember(visitor, path)
    for message in held:
        await send(message)


def _not_kept(error: OSError) -> tuple[str, int]:
    """The answer where a file cannot be written, and its status."""
    return NOT_KEPT.format(reason=os.strerror(error.errno) if error.errno else type(error).__name__), 507


def _paths(answered: bytes) -> list[str]:
    try:
        paths = json.loads(answered)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []

"""Keeps tracebacks out of the terminal that mean nothing but that somebody left: a browser tab, or the whole server.

A tab may have two streams of events open. When it is closed, Gradio deletes the session's messages as the first of them
is cancelled. The second then fails in `sse_stream`: with a KeyError on the same deletion while it is cancelled itself,
or with 404 where it was still waiting for a message. Nobody is there to be harmed.

When the server is ended while pages are open, their streams never end by themselves: uvicorn cancels them after the
time that it was given, and writes a traceback for each.

Seen in Gradio 6.31 (gradio/routes.py, `del blocks._queue.pending_messages_per_session[session_hash]`); issue 11497 of
gradio-app/gradio is a neighbour in the same function, whose mending left this one. The test of this module closes such
a tab with and without it: once Gradio no longer writes the tracebacks, that test fails and this can go.
"""

import asyncio
import logging
import traceback
from pathlib import Path

SHUTDOWN = "timeout graceful shutdown exceeded"
"""What uvicorn says of requests that it cancels when it ends."""


def ignore_closed_clients() -> None:
    """Leave the failures of closed tabs out of the server's log; everything else is written as before."""
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return SHUTDOWN not in str(record.msg)
    return not (_cancelled_twice(error) or _without_session(error) or _cancelled_with_server(error))


def _cancelled_twice(error: BaseException) -> bool:
    """The stream was cancelled, and so had been another one of the same session."""
    return isinstance(error, KeyError) and isinstance(error.__cause__, asyncio.CancelledError) and _in_stream(error)


def _cancelled_with_server(error: BaseException) -> bool:
    """The server was ended while the page was open."""
    return isinstance(error, asyncio.CancelledError) and SHUTDOWN in str(error)


def _without_session(error: BaseException) -> bool:
    """The stream found its session gone after it had begun to answer."""
    reason = error.__cause__
    missing = getattr(reason, "status_code", None) == 404
    return isinstance(error, RuntimeError) and reason is not None and missing and _in_stream(reason)


def _in_stream(error: BaseException) -> bool:
    """Whether an error was raised in Gradio's stream of a session's events."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    return frames[-1].name == "sse_stream" and Path(frames[-1].filename).parts[-2:] == ("gradio", "routes.py")

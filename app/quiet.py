"""Holds back what Gradio 6.31 writes into the terminal when a tab is closed while it is being told something.

Two of the tab's streams end at once, each clears away the session's messages, and the second finds nothing to clear:
nobody is harmed, but a traceback would frighten whoever reads the terminal.
"""

import logging
import traceback


def quiet() -> None:
    """Let the server's log be calm about closed tabs; everything else is written as before."""
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)


def _worth_telling(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, KeyError):
        return traceback.extract_tb(error.__traceback__)[-1].name != "sse_stream"
    return not (isinstance(error, RuntimeError) and "response already started" in str(error))

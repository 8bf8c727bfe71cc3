"""The signals that end a program in good order."""

import signal

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, a kill, and a terminal that is closed; Windows has no SIGHUP."""


def ignored_hangup(number: int) -> bool:
    """Whether a signal says that the terminal was closed, to a program that was started with nohup."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN

"""The signals that end a program in good order, and the end of one that does not come to an end by itself."""

import faulthandler
import os
import signal
import socket

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C, a kill, and a terminal that is closed; Windows has no SIGHUP."""


def ignored_hangup(number: int) -> bool:
    """Whether a signal says that the terminal was closed, to a program that was started with nohup."""
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


def wait_for_stop_signal() -> None:
    """Returns when one of `STOP_SIGNALS` has come; they do nothing more from then on. For the main thread alone.

    It sleeps on a socket that the interpreter's C handler writes to: that wakes it whichever thread the system gave
    the signal to, and no lock is taken in a handler, which could be the one that this thread just holds.
    """
    waiting, woken = socket.socketpair()
    woken.setblocking(False)
    before = signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    numbers = {number for number in STOP_SIGNALS if not ignored_hangup(number)}
    for number in numbers:
        signal.signal(number, lambda *_: None)
    try:
        while not numbers & set(waiting.recv(64)):
            pass
    finally:
        signal.set_wakeup_fd(before)
        waiting.close()
        woken.close()


def end_within(seconds: int) -> None:
    """The process is gone after that time, whatever its threads are at; `end_within(0)` takes that back.

    The kernel ends it (by SIGALRM, whose default that is), without a word and without Python; on Windows, which has
    no such alarm, a thread of the interpreter.
    """
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
    elif seconds:
        faulthandler.dump_traceback_later(seconds, exit=True, file=os.open(os.devnull, os.O_WRONLY))
    else:
        faulthandler.cancel_dump_traceback_later()

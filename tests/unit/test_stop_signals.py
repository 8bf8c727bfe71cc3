"""A program waits for the signals that end it, whichever thread the system gives them to."""

import subprocess
import sys

import pytest

from tests.site import ROOT

WAITS = """
import os, signal, threading, time
from engine.core.signals import wait_for_stop_signal

def another_thread():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.{name})  # not the one that waits

signal.signal(signal.SIGHUP, signal.{hangup})
threading.Thread(target=another_thread, daemon=True).start()
wait_for_stop_signal()
print("ended in good order")
"""


def waits(name, hangup="SIG_DFL", timeout=30):
    code = WAITS.format(name=name, hangup=hangup)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=timeout, check=False, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.fault("killed", "The system gives the signal to a thread that is not the one that waits: it ends as well.")
def test_a_signal_to_any_thread_ends_the_waiting(name):
    assert waits(name).stdout == "ended in good order\n"


def test_a_hangup_under_nohup_is_waited_through():
    with pytest.raises(subprocess.TimeoutExpired):
        waits("SIGHUP", "SIG_IGN", timeout=3)

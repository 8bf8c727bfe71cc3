"""Memory that is freed while a run trains stays with the process, and goes back at its end: counted in page faults."""

import json
import os
import subprocess
import sys

import pytest

from engine.core.allocator import OF_USERS
from tests.unit.test_loading import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux and glibc")

CODE = """
import json, resource, threading
from engine.core.allocator import freed_memory_kept

SIZE, PAGE = 64 << 20, resource.getpagesize()
PAGES = SIZE // PAGE
touch = b"x" * PAGES

def share():
    "Of the pages of a block that is taken and freed again: how many the kernel had to clear."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = bytearray(SIZE)
    block[::PAGE] = touch
    del block
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / PAGES

def measured():
    share()
    shares = {"before": share()}
    with freed_memory_kept():
        share()
        shares["kept"] = share()
        with freed_memory_kept():
            pass
        shares["kept by another run"] = share()
    shares["after"] = share()
    print(json.dumps(shares), flush=True)

def beside():
    with freed_memory_kept():
        begun.set()
        done.wait()

measured()
begun, done = threading.Event(), threading.Event()
thread = threading.Thread(target=beside)
thread.start()
begun.wait()
share()
print(json.dumps({"beside a thread that asks for it": share()}))
done.set()
thread.join()
"""


def shares(**environment):
    """What the code tells, of a main thread that asks for it and of one beside another that does."""
    bare = {name: value for name, value in os.environ.items() if name not in OF_USERS} | environment
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=bare, check=True, capture_output=True, text=True, timeout=120
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_freed_memory_is_kept_for_the_next_step():
    """In the main thread, until the last run has ended; another thread, as in the workbench, leaves all as it is."""
    told, beside = shares()
    assert max(told["kept"], told["kept by another run"]) < 0.1, told
    assert min(told["before"], told["after"], *beside.values()) > 0.9, (told, beside)


def test_who_has_chosen_keeps_that():
    for told in shares(MALLOC_MMAP_THRESHOLD_="1000000"):
        assert min(told.values()) > 0.9, told

"""What the workbench takes of the machine."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from engine.service import machine as module
from engine.service.machine import Machine


@pytest.fixture
def fresh(monkeypatch):
    """Every question is a reading."""
    monkeypatch.setattr(module, "FRESH_S", 0)


@pytest.mark.usefixtures("fresh")
def test_memory_is_that_of_all_its_processes():
    """A child that holds 200 MB counts, and no longer when it has ended."""
    machine = Machine()
    before = machine.use()
    assert before.memory_bytes >= psutil.Process().memory_info().rss / 2
    assert before.memory_bytes < before.memory_total_bytes
    assert 0 < before.memory_free_bytes < before.memory_total_bytes
    code = "import sys; held = bytearray(b'x') * 200_000_000; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline().strip() == b"ready"
        assert machine.use().memory_bytes > before.memory_bytes + 150_000_000
        child.communicate(b"")
    assert machine.use().memory_bytes < before.memory_bytes + 150_000_000


@pytest.mark.usefixtures("fresh")
def test_the_share_of_the_processors_is_that_since_the_last_reading():
    """Busy between two readings it is more than nothing, and at most all."""
    machine = Machine()
    machine.use()
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    assert 0 < machine.use().cpu <= 1


def test_without_a_gpu_there_is_none():
    """And torch is not loaded for the question."""
    code = "import sys, engine.service.machine as m; print(m.Machine().use().gpu_total_bytes, 'torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert answer == ["0", "False"]


def test_a_class_of_pages_costs_one_reading(monkeypatch):
    """Thirty that ask at once are told the same; whoever asks later is told anew."""
    machine, readings = Machine(), []
    real = machine._reading
    monkeypatch.setattr(machine, "_reading", lambda: readings.append(1) or real())
    with ThreadPoolExecutor(30) as pool:
        told = list(pool.map(lambda _: machine.use(), range(30)))
    assert len(readings) == 1
    assert told == [told[0]] * 30
    machine._read_at -= module.FRESH_S
    machine.use()
    assert len(readings) == 2

"""Turns of those who look at data or weigh a run: few at once, in turns by visitor, and none waits behind many."""

import threading
import time

import pytest

from engine.core.errors import WorkbenchError
from engine.service.turns import AT_ONCE, MOST_OF_ALL, MOST_WAITING, Turns


class Crowd:
    """Visitors whose turns last until they are let go."""

    def __init__(self):
        self.training = False
        self.turns, self.began, self.over, self.refused = Turns(lambda: self.training), [], [], []
        self._ends = {}

    def ask(self, visitor, name):
        """Somebody asks; returns when they wait, have begun, or were refused."""
        self._ends[name] = threading.Event()
        known = sum(map(len, self.turns._waiting.values())) + len(self.began) + len(self.refused)
        threading.Thread(target=self._turn, args=(visitor, name), daemon=True).start()
        self.until(lambda: sum(map(len, self.turns._waiting.values())) + len(self.began) + len(self.refused) > known)

    def _turn(self, visitor, name):
        try:
            with self.turns.turn(visitor):
                self.began.append(name)
                self._ends[name].wait()
            self.over.append(name)
        except WorkbenchError as error:
            self.refused.append(error.key)

    def end(self, name):
        """A turn ends; returns when the next one has begun, if somebody waits."""
        self._ends[name].set()
        self.until(lambda: name in self.over)
        self.until(lambda: len(self.began) - len(self.over) == self.turns._at_work.total())

    def until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.001)


@pytest.mark.fault("load", "45 previews of one visitor at once: one is at work, 8 wait, and others' go in between.")
def test_one_visitor_takes_one_turn():
    crowd = Crowd()
    for number in range(45):
        crowd.ask("ben", f"ben{number}")
    assert crowd.began == ["ben0"]
    assert crowd.refused == ["too_many_questions"] * (45 - 1 - MOST_WAITING)
    crowd.ask("dana", "dana0")
    assert crowd.began == ["ben0", "dana0"]
    crowd.ask("dana", "dana1")
    crowd.ask("anna", "anna0")
    crowd.ask("cleo", "cleo0")
    assert crowd.began == ["ben0", "dana0", "anna0"]
    crowd.end("ben0")
    crowd.end("anna0")
    crowd.end("dana0")
    assert crowd.began[3:] == ["ben1", "cleo0", "dana1"]
    for name in ("cleo0", "dana1", *(f"ben{number}" for number in range(1, MOST_WAITING + 1))):
        crowd.end(name)
    assert len(crowd.began) == 4 + 1 + MOST_WAITING
    assert not crowd.turns._at_work


@pytest.mark.fault("load", "Many visitors look at data at once: few are at work, those beyond the limit are refused.")
def test_few_are_at_work():
    crowd = Crowd()
    for number in range(AT_ONCE + MOST_OF_ALL + 2):
        crowd.ask(f"visitor{number}", f"{number}")
    assert len(crowd.began) == AT_ONCE
    assert len(crowd.refused) == 2
    for number in range(AT_ONCE + MOST_OF_ALL):
        crowd.end(f"{number}")
    assert crowd.began == [f"{number}" for number in range(AT_ONCE + MOST_OF_ALL)]


def test_who_is_alone_is_never_refused():
    crowd = Crowd()
    for number in range(MOST_OF_ALL + 10):
        crowd.ask("", f"{number}")
    assert (len(crowd.began), crowd.refused) == (AT_ONCE, [])


def test_a_turn_that_fails_is_over():
    turns = Turns()
    for _ in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="bad"), turns.turn("ben"):
            raise ValueError("bad")


@pytest.mark.fault("load", "Previews of many visitors while a run trains: one at a time, so that it keeps its share.")
def test_training_keeps_its_share():
    crowd = Crowd()
    crowd.training = True
    for name in ("ben", "dana", "anna", "cleo", "emil"):
        crowd.ask(name, name)
    assert crowd.began == ["ben"]
    crowd.end("ben")
    assert crowd.began == ["ben", "dana"]
    crowd.training = False
    crowd.end("dana")
    assert set(crowd.began[2:]) == {"anna", "cleo", "emil"}

"""One answer at a time: a person's question takes the place of one that nobody asked for, and of no other."""

import threading
import time

import pytest

from app.tabs.answers import Answers
from engine.core.errors import WorkbenchError


@pytest.mark.fault("load", "Two questions of one page at once: the second is refused while the first is answered.")
def test_one_at_a_time():
    answers = Answers()
    first = answers.begin("a")
    answers.begin("b")
    for gives_way in (False, True):
        with pytest.raises(WorkbenchError, match="still being written"):
            answers.begin("a", gives_way=gives_way)
    assert not first.stop.is_set()
    answers.end("a")
    assert first.stop.is_set()
    assert answers.begin("a").given_up is False


@pytest.mark.parametrize("gives_way", [False, True])
def test_an_answer_that_gives_way(gives_way):
    """It is stopped, not shown any more, and what comes next begins when it has ended."""
    answers = Answers()
    soft = answers.begin("a", gives_way=True)
    order = []

    def write():
        soft.stop.wait()
        time.sleep(0.05)
        order.append("ended")
        answers.end("a")

    thread = threading.Thread(target=write)
    thread.start()
    assert not answers.turn("a")
    asked = answers.begin("a", gives_way=gives_way)
    order.append("begun")
    thread.join()
    assert order == ["ended", "begun"]
    assert (soft.given_up, asked.given_up, asked.stop.is_set()) == (True, False, False)
    assert answers.turn("a") is not gives_way


def test_what_is_turned_meanwhile():
    """It is told once, when the answer has ended; what somebody stopped is left at that."""
    answers = Answers()
    assert not answers.turn("a")
    for halted in (False, True):
        answers.begin("a")
        assert answers.turn("a")
        assert not answers.outdated("a")
        if halted:
            answers.stop("a")
        answers.end("a")
        assert answers.outdated("a") is not halted
        assert not answers.outdated("a")

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


def test_an_answer_that_gives_way():
    """It is stopped, not shown any more, and the question begins when it has ended."""
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
    asked = answers.begin("a")
    order.append("begun")
    thread.join()
    assert order == ["ended", "begun"]
    assert (soft.given_up, asked.given_up, asked.stop.is_set()) == (True, False, False)
    assert answers.busy("a")

"""The line of questions: in turns by visitor, commands first, training in between."""

import queue

import pytest

from engine.core.errors import WorkbenchError
from engine.service.line import MOST_OF_ALL, MOST_WAITING, FairLine


def order(line, *, training, most=100):
    """What is done one after another; "step" where it is training's turn."""
    done = []
    for _ in range(most):
        try:
            done.append(line.next(training=training))
        except queue.Empty:
            done.append("step")
            if done[-2:] == ["step", "step"]:
                return done[:-2]
    return done


@pytest.mark.fault("load", "One visitor asks much while another runs: each gets turns, training a step between two.")
def test_everybody_has_turns():
    line = FairLine()
    for number in range(MOST_WAITING):
        line.question(f"ben{number}", "ben")
    line.question("dana0", "dana")
    line.question("anna0", "anna")
    done = order(line, training=True)
    assert done[:6] == ["ben0", "step", "dana0", "step", "anna0", "step"]
    assert done.count("step") >= len(done) // 2
    assert [job for job in done if job.startswith("ben")] == [f"ben{number}" for number in range(MOST_WAITING)]


def test_commands_go_first():
    line = FairLine()
    line.question("question", "ben")
    line.command("stop")
    line.command("start")
    assert [line.next(training=True) for _ in range(3)] == ["stop", "start", "question"]


@pytest.mark.fault("load", "45 questions of one visitor, or 30 visitors at once: those beyond the limit are refused.")
def test_the_line_is_short():
    line = FairLine()
    for number in range(MOST_WAITING):
        line.question(number, "ben")
    with pytest.raises(WorkbenchError) as refused:
        line.question(45, "ben")
    assert (refused.value.key, refused.value.values["n"]) == ("too_many_questions", MOST_WAITING)
    line.question("dana", "dana")
    for number in range(MOST_OF_ALL - MOST_WAITING - 1):
        line.question(number, f"visitor{number}")
    with pytest.raises(WorkbenchError, match=str(MOST_OF_ALL)):
        line.question("late", "late")
    waiting = [line.next(training=False) for _ in range(MOST_OF_ALL)]
    assert waiting[1] == "dana"
    line.question("again", "ben")

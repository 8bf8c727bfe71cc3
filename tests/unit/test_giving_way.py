"""A long answer gives way: counted in turns, training and others come in between, whatever a step takes."""

import threading
import time

import pytest

from engine.analysis.ablation import ablation, routes
from engine.analysis.strength import strength_curve
from engine.core.errors import RunError
from engine.data.dataset import load_dataset
from engine.evaluation.predictions import predict_rows
from engine.inference.generate import TOKENS_OF_A_PART
from engine.models.view import View
from engine.service import deferred
from engine.service.worker_thread import PARTS_OF_A_TURN, WorkerThread
from tests.tiny import Case, randomise
from tests.unit.making import make_dataset


class Trainer:
    """Stands in for the worker: it only notes what is done."""

    done: list
    training = False

    def __init__(self, _notify):
        pass

    def advance(self):
        self.done.append("step")
        if self.done.count("step") > 1000:
            Trainer.training = False

    def stop(self):
        Trainer.training = False

    @staticmethod
    def told(error):
        return error

    @staticmethod
    def give_back(_error):
        pass


@pytest.fixture
def thread(monkeypatch):
    Trainer.done, Trainer.training = [], False
    monkeypatch.setattr(deferred, "worker_class", lambda: Trainer)
    made = WorkerThread()
    yield made
    made.close()


def held(thread):
    """The thread waits until the event is set, so that questions line up."""
    ready, go = threading.Event(), threading.Event()
    thread.submit(lambda _: (ready.set(), go.wait()))
    ready.wait()
    return go


def answer(thread, visitor, parts):
    def begin(_worker):
        return iter([visitor] * parts)

    return thread.stream(begin, Trainer.done.append, visitor)


def turns(done):
    """Who had a turn, one after another."""
    return [name for name, before in zip(done, [None, *done], strict=False) if name != before]


@pytest.mark.fault("load", "A chat writes a long answer: training makes a step after every eight tokens of it.")
def test_training_goes_on_during_an_answer(thread):
    go = held(thread)
    future = answer(thread, "ben", 5 * PARTS_OF_A_TURN)
    Trainer.training = True
    go.set()
    future.result(timeout=20)
    told = Trainer.done[: len(Trainer.done) - Trainer.done[::-1].index("ben")]
    assert turns(told) == ["ben", "step"] * 4 + ["ben"]
    assert told.count("step") == 4


@pytest.mark.fault("load", "30 chats at once while a run trains: of all turns every second one is a step of training.")
def test_training_keeps_its_share_beside_many_answers(thread):
    go = held(thread)
    futures = [answer(thread, f"visitor{number}", 3 * PARTS_OF_A_TURN) for number in range(24)]
    Trainer.training = True
    go.set()
    for future in futures:
        future.result(timeout=20)
    told = turns(Trainer.done)
    assert told.count("step") >= len(told) // 2 - 1
    first = [name for name in told if name != "step"][:24]
    assert first == [f"visitor{number}" for number in range(24)]


@pytest.mark.fault("load", "Somebody asks while another's long answer is being written: answered after a part of it.")
def test_others_come_in_between(thread):
    go = held(thread)
    long, short = answer(thread, "ben", 4 * PARTS_OF_A_TURN), answer(thread, "dana", 3)
    asked = thread.submit(lambda _: Trainer.done.append("anna"), "anna")
    later = thread.submit(lambda _: Trainer.done.append("ben's next"), "ben")
    go.set()
    for future in (long, short, asked, later):
        future.result(timeout=20)
    assert turns(Trainer.done) == ["ben", "dana", "anna", "ben", "ben's next"]
    assert Trainer.done.count("ben") == 4 * PARTS_OF_A_TURN


QUESTIONS = {
    "ablation": (ablation, {}, 1),
    "routes": (routes, {"samples": 2}, 1),
    "strength": (strength_curve, {}, 1),
    "predictions": (predict_rows, {"start": 0}, TOKENS_OF_A_PART),
}
"""Long questions, their arguments, and the forwards of a part: one over many rows, or some of one token each."""


@pytest.mark.fault("load", "A long question while a run trains: a step after each forward, and others in between.")
@pytest.mark.parametrize(("function", "arguments", "most"), QUESTIONS.values(), ids=QUESTIONS)
def test_long_questions_give_way_between_forwards(thread, tmp_path, monkeypatch, function, arguments, most):
    base, method = Case("adamix", {"experts": 2, "width": 5}, "llama").build()
    randomise(method, std=0.3)
    dataset = load_dataset(str(make_dataset(tmp_path / "data")))
    wanted = function(base, method, dataset, **arguments)
    hidden = View.hidden

    def noted(*given):
        Trainer.done.append("forward")
        return hidden(*given)

    monkeypatch.setattr(View, "hidden", noted)
    go, told = held(thread), []

    def ask():
        told.append(thread.call_in_parts(lambda _: function.parts(base, method, dataset, **arguments), "ben"))

    asking = threading.Thread(target=ask)
    asking.start()
    while not thread._streams:
        pass
    other = thread.submit(lambda _: Trainer.done.append("anna"), "anna")
    Trainer.training = True
    go.set()
    asking.join(timeout=60)
    other.result(timeout=20)
    assert told == [wanted]
    runs = "".join("f" if name == "forward" else " " for name in Trainer.done).split()
    assert max(map(len, runs)) <= most
    assert len(runs) > 3
    assert Trainer.done.index("anna") <= most + 3


def test_stop_comes_between_two_parts(thread):
    began, go = threading.Event(), threading.Event()

    def begin(_worker):
        yield "part"
        began.set()
        go.wait()
        for _ in range(3 * PARTS_OF_A_TURN):
            yield "part"

    future = thread.stream(begin, Trainer.done.append, "ben")
    began.wait()
    command = thread.submit(lambda _: Trainer.done.append("stop"))
    go.set()
    command.result(timeout=20)
    future.result(timeout=20)
    assert Trainer.done.index("stop") == PARTS_OF_A_TURN


def test_errors_and_the_end_reach_who_asked(thread):
    def begin(_worker):
        yield "part"
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        thread.stream(begin, Trainer.done.append, "ben").result(timeout=20)

    def unending(_worker):
        while True:
            yield "part"

    told = []

    def ask():
        with pytest.raises(RunError) as caught:
            thread.call_in_parts(unending, "eve")
        told.append(caught.value.key)

    asking = threading.Thread(target=ask)
    asking.start()
    future = thread.stream(unending, Trainer.done.append, "ben")
    while len(thread._streams) < 2:
        time.sleep(0.01)
    thread.close()
    asking.join(timeout=20)
    assert future.cancelled()
    assert told == ["ending"]

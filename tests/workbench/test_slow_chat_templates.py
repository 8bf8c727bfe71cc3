"""A model's own chat template that is slow, or never ends, keeps nobody waiting but the one who asks."""

import json
import threading
import time
import uuid

import pytest

from engine.core.errors import DataError, WorkbenchError
from engine.core.sampling import Sampling
from engine.data import jinja_process
from engine.inference.messages import ChatRequest, ChatSide, Exchange
from engine.service.workbench import Workbench
from tests.tiny import save_tiny, tokenizer
from tests.workbench.test_slow_data import in_thread
from tests.workbench.test_workbench import chat, config, wait

CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    opened.ask("probe", "lora", sentence="Ivan")  # the worker is there
    yield opened
    opened.close()


def chat_model(folder, template=CHATML):
    """A tiny model whose tokenizer has a chat template that no other test has filled."""
    save_tiny(folder)
    reader = tokenizer()
    reader.chat_template = f"{{# {uuid.uuid4().hex} #}}{template}"
    reader.save_pretrained(folder)
    return str(folder)


def talks_at(path):
    """Conversations, which the model's own template writes."""
    told = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Here."}]
    rows = (json.dumps({"messages": [{**told[0], "content": f"Where is {n}?"}, told[1]]}) for n in range(40))
    path.write_text("\n".join(rows))
    return str(path)


class Slow:
    """Templates take until they are let go; each is noted with the thread that waits for it."""

    def __init__(self, monkeypatch):
        self.goes, self.threads, self._ask = threading.Event(), [], jinja_process._ask
        monkeypatch.setattr(jinja_process, "_ask", self)

    def __call__(self, *args):
        self.threads.append(threading.current_thread().name)
        assert self.goes.wait(60)
        return self._ask(*args)


def others_go_on(workbench, slow):
    """A query and a chat are answered while somebody's template is filled, and a run could be started or stopped."""
    wait(lambda: slow.threads)
    assert workbench.ask("probe", "lora", sentence="Ivan Marsh lives").report
    assert chat(workbench, ChatSide(), ChatSide(run="lora"))[-1].done
    assert not workbench._starting.lock.locked()


def let_go(workbench, slow, asking):
    slow.goes.set()
    asking.join(60)
    assert not asking.is_alive()
    assert "gatelight-worker" not in slow.threads


@pytest.mark.fault("load", "A model's slow chat template at a run's start: no chat and no other start waits for it.")
def test_a_slow_chat_template_at_a_start(workbench, tmp_path, monkeypatch):
    """Nor at a resume, nor when its strength is asked for, nor while its conversations are written."""
    values = {"model": chat_model(tmp_path / "chats"), "dataset": talks_at(tmp_path / "talks.jsonl"), "method": "lora"}
    slow, begun = Slow(monkeypatch), []
    starting = in_thread(lambda: begun.append(workbench.start(config(steps=4000, **values))))
    others_go_on(workbench, slow)
    let_go(workbench, slow, starting)
    (run,) = begun
    wait(lambda: workbench.live().step >= 1)
    assert "<assistant>" in workbench.runs.folder(run).facts().template
    workbench.ask("strength", run)
    assert "gatelight-worker" not in slow.threads

    slow.goes.clear()
    slow.threads.clear()
    said = Exchange("Who?", "Me.")
    request = ChatRequest(
        prompt="And where?", sides=(ChatSide(run=run, history=(said,)),), sampling=Sampling(max_new_tokens=4)
    )
    asking = in_thread(lambda: list(workbench.chat(request, threading.Event())))
    step = workbench.live().step
    others_go_on(workbench, slow)
    wait(lambda: workbench.live().step > step)
    workbench.stop()
    let_go(workbench, slow, asking)
    workbench.resume(run)
    wait(lambda: workbench.live().step >= 1)
    assert "gatelight-worker" not in slow.threads


@pytest.mark.fault("load", "A model's chat template never ends: who asks is told so, and no chat waits for it again.")
def test_an_endless_chat_template(workbench, tmp_path, monkeypatch):
    """A start is refused; a chat goes on without the template, whose refusal is remembered for a while."""
    monkeypatch.setattr(jinja_process, "BATCH_S", 0.5)
    values = {"model": chat_model(tmp_path / "ends", ENDLESS + CHATML), "method": "lora"}
    slow = Slow(monkeypatch)
    slow.goes.set()
    with pytest.raises(WorkbenchError) as told:
        workbench.start(config(steps=4, dataset=talks_at(tmp_path / "talks.jsonl"), **values))
    assert told.value.key == "jinja_slow"
    run = workbench.start(config(steps=4, dataset="town-qa", **values))
    wait(lambda: workbench.live().run is None)
    assert chat(workbench, ChatSide(run=run), prompt="Who?")[-1].done
    assert "gatelight-worker" not in slow.threads


def test_a_refusal_is_forgotten_after_a_while(monkeypatch):
    """What was slow while the machine was busy is tried again."""
    template, given = f"{{# {uuid.uuid4().hex} #}}{{{{ nothing.at_all }}}}", (json.dumps({"messages": []}),)
    started, now, ask = [], time.monotonic, jinja_process._ask
    monkeypatch.setattr(jinja_process, "_ask", lambda *args: (started.append(args[1]), ask(*args))[1])
    for later, tries in ((0, 1), (30, 1), (90, 2)):
        monkeypatch.setattr("engine.data.lately.time.monotonic", lambda later=later: now() + later)
        with pytest.raises(DataError):
            jinja_process.chats(template, given)
        assert sum("template" in request for request in started) == tries

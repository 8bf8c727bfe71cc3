"""The door between page and engine: one worker, many callers, nothing lost."""

import json
import threading
import time
import zipfile
from dataclasses import replace

import pytest
import torch

from engine.config.run import RunConfig
from engine.core.errors import DataError, ExchangeError, ModelError, RunError, SettingError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide, Exchange
from engine.service.limits import SPACE
from engine.service.workbench import Workbench
from engine.telemetry.serialise import EVENTS

QUESTION = "Where does Ivan Marsh live?"


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


def config(steps=400, **values):
    return RunConfig(training={"steps": steps, "batch_size": 4, "eval_every": 100}, **values)


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def chat(workbench, *sides, stop=None, prompt=QUESTION, **sampling):
    request = ChatRequest(prompt=prompt, sides=sides, sampling=Sampling(**{"max_new_tokens": 8, **sampling}))
    return list(workbench.chat(request, stop or threading.Event()))


def test_recordings_are_there_before_anything_runs(workbench):
    recorded = [run for run in workbench.runs.summaries() if run.recording]
    assert {run.method for run in recorded} == {"llama_adapter", "lora", "prompt"}
    for run in recorded:
        assert run.status == "finished"
        assert run.step == run.steps == 300
        news = workbench.runs.since(run.id, 0, None)
        json.dumps(news.to_json())
        assert {event["kind"] for event in news.events} <= EVENTS.keys()
        assert workbench.runs.snapshots(run.id)[0] == 0


def test_recordings_cannot_be_changed(workbench):
    for change in (workbench.runs.delete, workbench.resume, lambda run: workbench.runs.rename(run, "x")):
        with pytest.raises(RunError, match="recording"):
            change("lora")


def test_a_run_from_start_to_end(workbench):
    run = workbench.start(config(steps=3))
    wait(lambda: workbench.live().run is None)
    (summary,) = [summary_of_run for summary_of_run in workbench.runs.summaries() if summary_of_run.id == run]
    assert (summary.status, summary.step, summary.trainable) == ("finished", 3, 9630)
    events, cursor, more = [], 0, True
    while more:
        news = workbench.runs.since(run, cursor, 0)
        events, cursor, more = events + news.events, news.cursor, news.more
    assert [event["step"] for event in events if event["kind"] == "loss"] == [1, 2, 3]
    assert workbench.runs.since(run, cursor, 0).events == []
    with pytest.raises(RunError, match="finished"):
        workbench.resume(run)


def test_pressed_twice_it_is_one_run_and_a_second_one_waits(workbench):
    run = workbench.start(config())
    assert workbench.start(config()) == run
    waits = workbench.start(config(steps=401))
    assert workbench.start(config(steps=401)) == waits != run
    assert [row.run for row in workbench.queue.shown()] == [waits]
    with pytest.raises(RunError, match="active"):
        workbench.runs.delete(run)
    assert len([summary_of_run for summary_of_run in workbench.runs.summaries() if not summary_of_run.recording]) == 1


def test_pause_step_go_on_stop_resume(workbench):
    run = workbench.start(config())
    wait(lambda: workbench.live().step >= 2)
    workbench.pause()
    workbench.pause()
    paused = workbench.live().step
    time.sleep(0.3)
    assert workbench.live().step == paused
    assert workbench.live().status == "paused"
    workbench.one_step()
    assert (workbench.live().step, workbench.live().status) == (paused + 1, "paused")
    before = workbench.live().turn
    workbench.go_on()
    workbench.pause()
    assert (workbench.live().status, workbench.live().turn) == ("paused", before + 2), "what came between is told"
    workbench.go_on()
    wait(lambda: workbench.live().step >= paused + 3)
    workbench.stop()
    workbench.stop()
    assert (workbench.live().status, workbench.live().turn) == ("idle", before + 5)  # running, stopping, idle
    kept = workbench.runs.summaries()[0]
    assert (kept.id, kept.status) == (run, "stopped")
    epoch = workbench.runs.since(run, 0, None).epoch
    workbench.resume(run)
    wait(lambda: workbench.live().step > kept.step)
    assert workbench.runs.since(run, 0, None).epoch == epoch + 1
    assert workbench.live().status == "running"


def test_chat_while_training(workbench):
    run = workbench.start(config())
    wait(lambda: workbench.live().step >= 2)
    before = workbench.live().step
    updates = chat(workbench, ChatSide(), ChatSide(run=run), ChatSide(run="lora"))
    assert updates[-1].done
    assert not any(update.done for update in updates[:-1])
    assert len(updates[-1].texts) == 3
    assert updates[-1].difference > 0
    assert updates[-1].texts[2].startswith("Ivan Marsh lives on")
    wait(lambda: workbench.live().step > before)


def test_strength_zero_is_the_base_and_a_snapshot_is_the_past(workbench):
    (*_, last) = chat(workbench, ChatSide(), ChatSide(run="llama_adapter", strength=0.0), max_new_tokens=20)
    assert last.texts[0] == last.texts[1]
    assert last.difference == 0
    (*_, last) = chat(workbench, ChatSide(), ChatSide(run="llama_adapter", step=0), max_new_tokens=20)
    assert last.texts[0] == last.texts[1]


def test_chat_goes_on(workbench):
    """A column reads its own history, within the server's limit; a model without a chat template refuses one."""
    talk = ChatSide(history=(Exchange("Who is Dora Marsh?", "A gardener. " * 4),) * 9)
    asked = ChatRequest(prompt=QUESTION, sides=(talk, ChatSide()), sampling=Sampling(max_new_tokens=8), alone=False)

    def last(**changes):
        return list(workbench.chat(replace(asked, **changes), threading.Event()))[-1]

    whole = last()
    assert whole.forgotten == (0, 0)
    assert set(whole.templates) == {"### Instruction:\n{prompt}\n\n### Response:\n"}
    assert last(system="Answer with a name.").texts[1] != whole.texts[1]
    assert last(around="bare").templates == ("{prompt}", "{prompt}")
    workbench.limits = replace(SPACE, chat_tokens=200)
    assert last().forgotten[0] > 0
    with pytest.raises(DataError, match="no chat template"):
        last(around="chat")


def test_chat_stops_at_once(workbench):
    stop = threading.Event()
    request = ChatRequest(prompt=QUESTION, sides=(ChatSide(),), sampling=Sampling(max_new_tokens=400))
    answers = workbench.chat(request, stop)
    next(answers)
    stop.set()
    began = time.monotonic()
    (*_, last) = answers
    assert last.done
    assert time.monotonic() - began < 1.0


def test_a_reader_that_goes_away_frees_the_worker(workbench):
    request = ChatRequest(prompt=QUESTION, sides=(ChatSide(),), sampling=Sampling(max_new_tokens=400))
    answers = workbench.chat(request, threading.Event())
    next(answers)
    answers.close()
    assert chat(workbench, ChatSide())[-1].done


def test_probe_and_strength_curve(workbench):
    for run, kind in (("llama_adapter", "prompts"), ("lora", "updates"), ("prompt", "soft")):
        answer = workbench.ask("probe", run, sentence="Ivan Marsh was born in April. 你好 <b>").to_json()
        json.dumps(answer)
        assert answer["kind"] == kind
        curve = workbench.ask("strength", run).report
        assert curve[0][0] == 0
        assert curve[-1][0] == 2
        losses = dict(curve)
        assert losses[1.0] < losses[0.0]
    with pytest.raises(SettingError):
        workbench.ask("probe", "lora", sentence="  ")


def test_exports(workbench):
    names = zipfile.ZipFile(workbench.export("lora", "peft")).namelist()
    assert set(names) == {"adapter_config.json", "adapter_model.safetensors", "run.yaml"}
    names = zipfile.ZipFile(workbench.export("llama_adapter", "llama_adapter")).namelist()
    assert set(names) == {"adapter.pth", "run.yaml"}
    names = zipfile.ZipFile(workbench.export("prompt", "gatelight")).namelist()
    assert set(names) == {"adapter.json", "adapter.safetensors", "run.yaml"}
    for run, form in (("llama_adapter", "peft"), ("lora", "llama_adapter"), ("lora", "../x")):
        with pytest.raises(ExchangeError):
            workbench.export(run, form)


@pytest.mark.parametrize("run", ["", "..", "../llama_adapter", "/etc", "a/b", "nothing", "lora\n", "名"])
def test_ids_are_plain_folder_names(workbench, run):
    with pytest.raises(RunError, match="no run"):
        workbench.runs.config(run)


def test_a_bad_start_leaves_nothing_behind(workbench):
    for bad, kind in (
        (config(model="./nowhere"), ModelError),
        (config(method="magic"), SettingError),
        (config(method_settings={"layers": 9}), SettingError),
    ):
        with pytest.raises(kind):
            workbench.start(bad)
        assert workbench.live().status == "idle"
        assert workbench.live().run is None
    assert all(run.recording for run in workbench.runs.summaries())
    workbench.start(config(steps=2))


def test_a_run_that_diverges_says_so_and_can_be_looked_at(workbench, monkeypatch):
    losses = iter([1.0])
    made = lambda *_: torch.tensor(next(losses, float("nan")), requires_grad=True) * 1  # noqa: E731
    monkeypatch.setattr("engine.training.objective.TrainingObjective.forward", made)
    run = workbench.start(config())
    wait(lambda: workbench.live().run is None)
    assert "learning_rate" in workbench.live().message
    news = workbench.runs.since(run, 0, None)
    assert news.status == "failed"
    assert news.message == workbench.live().message
    assert news.problem["key"] == workbench.live().problem["key"] == "loss_not_finite"
    assert chat(workbench, ChatSide(), ChatSide(run=run))[-1].done


def test_names_and_notes(workbench):
    run = workbench.start(config(steps=1), name="  My \n first   run ")
    wait(lambda: workbench.live().run is None)
    assert workbench.runs.summaries()[0].name == "My first run"
    workbench.runs.rename(run, "门控 <b>x</b> " + "y" * 500)
    workbench.runs.annotate(run, "说明\nnotes")
    summary = workbench.runs.summaries()[0]
    assert summary.name.startswith("门控 <b>x</b> y")
    assert len(summary.name) <= 120
    assert summary.notes == "说明\nnotes"
    workbench.runs.tag(run, " first,第二，first,  ,<i>third</i> try")
    assert workbench.runs.summaries()[0].tags == ["first", "第二", "<i>third</i> try"]
    with pytest.raises(SettingError):
        workbench.runs.rename(run, "  ")
    workbench.runs.delete(run)
    assert all(summary_of_run.recording for summary_of_run in workbench.runs.summaries())


def test_a_server_that_ended_leaves_its_run_stopped_and_another_server_resumes_it(tmp_path):
    first = Workbench(tmp_path / "home")
    run = first.start(config())
    wait(lambda: first.live().step >= 2)
    first.close()
    second = Workbench(tmp_path / "home")
    assert second.runs.summaries()[0].status == "stopped"
    second.resume(run)
    wait(lambda: second.live().step > 3)
    second.close()


def test_two_servers_cannot_train_one_run(tmp_path):
    first, second = Workbench(tmp_path / "home"), Workbench(tmp_path / "home")
    run = first.start(config())
    wait(lambda: first.live().step >= 2)
    assert second.runs.summaries()[0].status == "running"
    with pytest.raises(RunError, match="another process"):
        second.resume(run)
    with pytest.raises(RunError, match="another process"):
        second.runs.delete(run)
    first.close()
    second.close()

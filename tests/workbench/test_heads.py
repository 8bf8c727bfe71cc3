"""Task heads through the page's door: count, train, look, chat, resume, and the library of a base."""

import shutil
import threading

import pytest

from app.cards import data_card
from app.chat_view import conversation
from app.tabs.questions import _columns
from app.turns import Heading, Turn
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.core.sampling import Sampling
from engine.data.shipped import DATASETS
from engine.inference.messages import ChatRequest, ChatSide
from engine.service.workbench import Workbench
from tests.tiny import save_tiny
from tests.unit.making import make_dataset
from tests.workbench.test_workbench import wait

POST = "The bus was late again and nobody said why."
LABELS = {"complaint", "no complaint"}
SHORT = {"steps": 4, "batch_size": 4, "eval_every": 4}


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


def headed(**values):
    training = {**SHORT, "head": "head", **values}
    return RunConfig(dataset="complaints", method="lora", training=training)


def trained(workbench, config):
    run = workbench.start(config)
    wait(lambda: workbench.live().run is None)
    assert not workbench.live().message, workbench.live().message
    return run


def chat(workbench, *sides):
    request = ChatRequest(prompt=POST, sides=sides, sampling=Sampling(max_new_tokens=4))
    return list(workbench.chat(request, threading.Event()))


def said(text):
    """Labels and shares of a head's answer."""
    return {line.rsplit("  ", 1)[0]: float(line.rsplit("  ", 1)[1].split()[0]) for line in text.splitlines()}


def test_counts_include_the_head(workbench):
    """Before a run starts, the head's parameters are counted with the method's."""
    plain = workbench.preflight.count(RunConfig(dataset="complaints", method="lora"))
    with_head = workbench.preflight.count(headed())
    assert "head" not in plain.groups
    assert with_head.groups["head"] == 2 * 192
    assert with_head.trainable == plain.trainable + 2 * 192


def test_labels_of_datasets_and_runs_are_told(workbench):
    """The page knows which data has labels, and which runs answer with a head."""
    labels = {info.name: info.labels for info in workbench.datasets()}
    assert labels["complaints"] == ("complaint", "no complaint")
    assert labels["town-qa"] is None
    run = trained(workbench, headed())
    summaries = {summary.id: summary.labels for summary in workbench.runs.summaries()}
    assert summaries.pop(run) == ("complaint", "no complaint")
    assert set(summaries.values()) == {None}


def test_chat_with_a_head_beside_the_base(workbench):
    """The head answers at once with every label's share; the base beside it writes; strength changes the shares."""
    run = trained(workbench, headed())
    first, *_, last = chat(workbench, ChatSide(), ChatSide(run=run))
    assert first.texts[0] == ""  # not None: its answer is still to come
    assert set(said(first.texts[1])) == LABELS
    assert last.done
    assert last.texts[0] != ""
    assert last.texts[1] == first.texts[1]
    assert sum(said(last.texts[1]).values()) == pytest.approx(100, abs=0.2)
    assert last.difference > 0
    (alone,) = chat(workbench, ChatSide(run=run, strength=0.0))
    assert alone.done
    assert alone.difference == 0
    (past,) = chat(workbench, ChatSide(run=run, step=0))
    assert said(past.texts[0]) != said(last.texts[1])


def test_two_heads_and_a_writer(workbench):
    """Columns of several runs: each in its own way, the difference between the outer two heads."""
    one, other = trained(workbench, headed()), trained(workbench, headed(seed=1))
    *_, last = chat(workbench, ChatSide(run=one), ChatSide(), ChatSide(run=other))
    assert set(said(last.texts[0])) == set(said(last.texts[2])) == LABELS
    assert last.texts[1]
    assert last.difference > 0
    *_, same = chat(workbench, ChatSide(run=one), ChatSide(run=one))
    assert same.difference == 0


def test_an_encoder_trains_and_answers(workbench, tmp_path):
    """A BERT from a folder: preview, training with a head by default, probe, and a base that has no answer."""
    model = str(save_tiny(tmp_path / "bert", "bert"))
    posts = [(f"{mood} {place}", label) for place in ("bus", "park", "soup")
             for mood, label in (("bad", "complaint"), ("nice", "no complaint"))]  # fmt: skip
    data = str(make_dataset(tmp_path / "posts", posts, labels=sorted(LABELS)))
    row = workbench.preflight.preview_data(RunConfig(model=model, dataset=data, method="lora"), 1).rows[0]
    assert not any(labelled for _, labelled in row.tokens)
    assert row.response in LABELS
    run = trained(workbench, RunConfig(model=model, dataset=data, method="lora", training={**SHORT, "max_seq_len": 60}))
    (answer,) = chat(workbench, ChatSide(), ChatSide(run=run))
    assert answer.texts[0] is None
    assert set(said(answer.texts[1])) == LABELS
    assert workbench.ask("probe", run, sentence="bad soup").to_json()["kind"] == "updates"
    assert len(workbench.ask("strength", run).report) == 9


def test_the_data_may_be_gone(workbench, tmp_path):
    """A finished run chats and is exported without the data it learned from."""
    data = shutil.copytree(DATASETS / "complaints", tmp_path / "mine")
    run = trained(workbench, RunConfig(dataset=str(data), method="lora", training={**SHORT, "head": "head"}))
    before = chat(workbench, ChatSide(run=run))[-1].texts
    shutil.rmtree(data)
    assert chat(workbench, ChatSide(run=run))[-1].texts == before
    assert workbench.export(run, "gatelight").exists()


def test_library_of_a_base(workbench):
    """Runs and recordings of one model with their bytes; other models have their own."""
    run = trained(workbench, headed())
    adapters = {info.id: info for info in workbench.runs.adapters("town")}
    assert set(adapters) == {run} | {known.id for known in workbench.runs.summaries() if known.recording}
    mine = adapters[run]
    (summary,) = [known for known in workbench.runs.summaries() if known.id == run]
    assert (mine.size_bytes, mine.trainable, mine.labels) == (summary.size_bytes, summary.trainable, summary.labels)
    assert {info.fingerprint for info in adapters.values()} == {mine.fingerprint}
    assert workbench.runs.adapters("other") == []


def test_a_stopped_run_with_a_head_goes_on(workbench):
    """Stop and resume through the page's door."""
    run = workbench.start(headed(steps=200))
    wait(lambda: workbench.live().step >= 2)
    workbench.stop()
    before = workbench.runs.summaries()[0].step
    workbench.resume(run)
    wait(lambda: workbench.live().step > before)
    workbench.stop()
    assert workbench.runs.summaries()[0].step > before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_why_a_column_is_silent(workbench, language):
    """A column without an answer gets a sentence, labels stand as text, and the base beside a head says it has none."""
    say = Say(language)
    turn = Turn("q", [Heading(), Heading("run")], [None, "<b>complaint</b>  97.0 %"], done=True)
    drawn = conversation(say, [turn])
    assert say("chat.mute") in drawn
    assert "&lt;b&gt;complaint&lt;/b&gt;  97.0 %" in drawn
    run = trained(workbench, headed(steps=1))
    base, tuned = _columns(workbench, (ChatSide(), ChatSide(run=run)))
    assert say("chat.no_head") in base.text(say)
    assert tuned.run
    (alone,) = _columns(workbench, (ChatSide(),))
    assert say("chat.no_head") not in alone.text(say)
    info = next(info for info in workbench.datasets() if info.name == "complaints")
    assert say("train.labels", labels="complaint, no complaint") in data_card(say, info)

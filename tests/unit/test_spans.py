"""Runs whose head marks answers in texts: what is marked over all windows, what is scored, what is kept and chatted."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from engine.core.errors import DataError, ExchangeError, SettingError
from engine.core.sampling import Sampling
from engine.data.dataset import load_dataset
from engine.data.head_spec import HeadSpec, SpanSpec
from engine.data.passage import Answer, Passage
from engine.data.tokenise import Example
from engine.data.windows import Window
from engine.evaluation.head import head_predictions, head_scores
from engine.evaluation.predictions import predict_rows
from engine.evaluation.spans import likely_sentence
from engine.evaluation.text import text_scores
from engine.exchange.archive import write_adapter
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.spans import SpanPrediction, answers_in
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.training.launch import resume_run, start_run
from tests.tiny import tiny_base
from tests.unit.making import Maker, events_of, finish, load, losses, train_to
from tests.unit.squad import write_squad

SPAN = SpanSpec(window=60, overlap=10, longest=12, abstains=True)
TRAINING = {"max_seq_len": 60, "window_overlap": 10, "answer_tokens": 12, "batch_size": 8, "head_rate": 1e-2}


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    return Maker(tmp_path_factory.mktemp("spans"))


def config_for(maker, family="bert", *, impossible=True, **training):
    """A short run on a file in SQuAD's form."""
    path = write_squad(maker.folder / f"squad-{impossible}.json", impossible=impossible)
    config = maker.config("lora", dataset=str(path), **{**TRAINING, **training})
    return dataclasses.replace(config, model=family)


@pytest.fixture(scope="module")
def trained(maker):
    """A run of an encoder on SQuAD 2.0's form."""
    return finish(start_run(maker.folder / "trained", config_for(maker), load))


def window_of(scores, words):
    """A window behind one token of a question, whose words are two letters and a space long; and its scores."""
    offsets = np.array([[3 * at, 3 * at + 2] for at in range(words)], np.int32)
    starts, ends = ([-9.0, *each] for each in scores)
    window = Window(0, Example([1] * (words + 1), words + 1), (0, 0), answered=False, first=1, offsets=offsets)
    return window, torch.tensor([starts, ends])


def test_the_best_pair_is_marked():
    """Start before end, no longer than allowed, and only in the text: the best of what is left."""
    passage = Passage("q", "aa bb cc dd", ())
    window, scores = window_of(([0.0, 5.0, 1.0, 1.5], [3.0, 0.0, 1.0, 4.0]), 4)
    best = [answer.text for answer, _ in answers_in(window, scores, passage, 4)]
    assert best[:2] == ["bb cc dd", "bb cc"]
    assert len(best) == 10
    assert answers_in(window, scores, passage, 2)[0] == (Answer("bb cc", 3), 6.0)
    assert {len(answer.text.split()) for answer, _ in answers_in(window, scores, passage, 1)} == {1}


def test_windows_are_put_together():
    """The same answer in two windows counts once, with its better score; "no answer" is the lowest of all."""
    found = [(Answer("a", 0), 1.0), (Answer("b", 4), 3.0), (Answer("a", 0), 2.0)]
    told = SpanPrediction.of(found, [5.0, 2.5], [1.0, 3.0], SPAN)
    assert told.answers == [(Answer("b", 4), 3.0), (Answer("a", 0), 2.0)]
    assert (told.absent, told.doubt, told.loss) == (2.5, -0.5, 2.0)
    assert told.answer() == Answer("b", 4)
    assert told.answer(-1.0) is None
    assert told.text.splitlines()[1].startswith("(no answer)")
    sure = SpanPrediction.of(found, [50.0], [1.0], dataclasses.replace(SPAN, abstains=False))
    assert sure.answer() == Answer("b", 4)
    assert "no answer" not in sure.text


def test_a_run_learns_to_mark(trained):
    """The loss falls, validations tell F1, the sample's answers are listed, and the head is in run.json as it was."""
    first, last = losses(trained)[0], losses(trained)[-1]
    assert last < first
    assert {event["score_name"] for event in events_of(trained, "eval")} == {"f1"}
    assert all(0 <= event["score"] <= 1 for event in events_of(trained, "eval"))
    for event in events_of(trained, "sample"):
        best = event["answer"].splitlines()[0].rsplit("  ", 1)[0]
        start, end = event["mark"] or (0, 0)
        assert event["prompt"][start:end] == ("" if best == "(no answer)" else best)
    facts = RunFolder.open(trained.folder.path).facts()
    assert facts.head == HeadSpec(labels=(), pooling="first", span=SPAN, token_types=True)
    assert RunFacts.from_json(facts.to_json()).head == facts.head


def test_predictions_and_scores(trained):
    """Every test row is answered by a piece of its text or by nothing; scores hold what the official script tells."""
    base, dataset = tiny_base("bert"), trained.folder.config.load_data()
    method = load_adapter(trained.folder.adapter_path, base)
    predictions = head_predictions(base, method, dataset)
    for row, told in zip(dataset.rows("test"), predictions, strict=True):
        assert row.passage.context[told.marked.start : told.marked.end] == told.marked.best
        assert told.tuned in ("", told.marked.best)
        assert (told.tuned == "") == (told.marked.doubt > 0)
        assert told.base == ""
    scores = head_scores(base, method, dataset, predictions)
    assert scores.rows == len(predictions)
    assert scores.base_exact_match == pytest.approx(scores.unanswered.rows / scores.rows, abs=1e-4)
    assert scores.answered.rows + scores.unanswered.rows == scores.rows
    assert scores.no_answer.best_f1 >= max(scores.f1, scores.no_answer.f1, scores.no_answer.best_exact_match)
    assert scores.no_answer.best_exact_match >= scores.exact_match
    score = trained.folder.facts().score
    assert (score.name, score.value, score.baseline) == ("f1", scores.f1, scores.base_f1)
    assert (score.against, score.rows) == ("constant", scores.rows)
    rows, total = predict_rows(base, method, dataset, 2)
    assert rows[0] == json.loads(json.dumps(dataclasses.asdict(predictions[2])))
    assert total == scores.rows


def test_resumed_run_is_the_uninterrupted_one(maker, trained):
    """Stopped and resumed, the same losses: windows come in the same order."""
    start_run(maker.folder / "stopped", config_for(maker), load)
    stopped = train_to(resume_run(RunFolder.open(maker.folder / "stopped"), load), 5)
    assert losses(finish(resume_run(stopped.folder, load))) == losses(trained)


def test_chat_marks_the_answer(trained):
    """A question and a text, apart or in one message, give answers with probabilities and the place of the best."""
    base, method = tiny_base("bert"), load_adapter(trained.folder.adapter_path, tiny_base("bert"))
    text = ("The red cat sat on mat 3. A blue dog ran far away. " * 4).strip()
    tuned = ChatColumn("Which dog ran?", method, passage=text)
    *_, update = stream_answers(base, [ChatColumn("Which dog ran?", passage=text), tuned], Sampling())
    assert update.done
    assert update.texts[0] is None
    assert update.marks[0] is None
    lines = [line.rsplit("  ", 1)[0] for line in update.texts[1].splitlines()]
    assert all(line == "(no answer)" or line in " ".join(text.split()) for line in lines)
    if update.marks[1] is not None:
        start, end = update.marks[1]
        assert text[start:end] == lines[0]
    *_, joined = stream_answers(base, [ChatColumn(f"Which dog ran?\n\n{text}", method)], Sampling())
    assert joined.texts[0] == update.texts[1]


@pytest.mark.fault("input", "A model that marks answers is asked without a text: a sentence says that both are needed.")
def test_nothing_to_mark(trained):
    """A question alone has no place for an answer."""
    base, method = tiny_base("bert"), load_adapter(trained.folder.adapter_path, tiny_base("bert"))
    with pytest.raises(DataError) as caught:
        list(stream_answers(base, [ChatColumn("Which dog ran?", method)], Sampling()))
    assert caught.value.key == "no_text_to_mark"


def test_decoders_write_or_mark(maker):
    """A decoder writes answers by default, and is scored by the official script too; with a head it marks them."""
    written = start_run(maker.folder / "written", config_for(maker, "llama"), load)
    assert written.method.head is None
    base, dataset = tiny_base("llama"), dataclasses.replace(written.folder.config.load_data(), max_new_tokens=2)
    scores = text_scores(base, written.method, dataset)
    assert scores.spans.rows == scores.rows
    assert scores.base_spans is not None
    marking = start_run(maker.folder / "marking", config_for(maker, "llama", head="head"), load)
    assert marking.method.head.spec == HeadSpec(labels=(), pooling="last", span=SPAN)
    assert head_scores(base, marking.method, dataset).rows == scores.rows


def test_texts_that_all_hold_the_answer(maker):
    """On SQuAD 1.1's form there is no "no answer", and no threshold; the base's column is the likely sentence."""
    trainer = start_run(maker.folder / "sure", config_for(maker, impossible=False), load)
    assert not trainer.method.head.spec.span.abstains
    dataset = trainer.folder.config.load_data()
    scores = head_scores(tiny_base("bert"), trainer.method, dataset)
    assert scores.no_answer is None
    assert scores.unanswered is None
    assert scores.base_f1 > 0
    assert likely_sentence(Passage("Which dog ran?", "A cat sat. A dog ran! The end.", ())) == "A dog ran!"


@pytest.mark.fault("input", "A head that marks answers is to read one token: a sentence names the setting.")
def test_pooling_is_refused(maker):
    """It reads every token."""
    with pytest.raises(SettingError) as caught:
        start_run(maker.folder / "mean", config_for(maker, pooling="mean"), load)
    assert caught.value.key == "span_pooling"
    assert not (maker.folder / "mean").exists()


def test_peft_cannot_hold_it(trained, tmp_path):
    """The export says so, and names what can."""
    with pytest.raises(ExchangeError, match="marks answers"):
        write_adapter(trained.method, tiny_base("bert"), "peft", tmp_path / "peft")


@pytest.mark.fault("damaged", "The file of an adapter says of its head what is of another kind: a sentence names it.")
@pytest.mark.parametrize("span", [[], {"window": "9"}, {"window": -1, "overlap": 0, "longest": 3, "abstains": True}, 7])
def test_damaged_span(trained, tmp_path, span):
    """Neither adapter.json nor run.json is trusted."""
    facts = json.loads((trained.folder.adapter_path / "adapter.json").read_text(encoding="utf-8"))
    for name in ("adapter.json", "adapter.safetensors"):
        (tmp_path / name).write_bytes((trained.folder.adapter_path / name).read_bytes())
    facts["head"]["span"] = span
    (tmp_path / "adapter.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ExchangeError):
        load_adapter(tmp_path, tiny_base("bert"))
    told = trained.folder.facts().to_json()
    told["head"] = {**told["head"], "span": span}
    if span:
        with pytest.raises(ValueError, match="span of the head"):
            RunFacts.from_json(told)


def test_data_without_places_is_no_span_task(maker):
    """The same rows without places are text, for which an encoder's head has nothing to say."""
    path = maker.folder / "plain.jsonl"
    path.write_text("".join(json.dumps({"question": f"q{i}", "answer": f"a{i}"}) + "\n" for i in range(9)))
    assert not load_dataset(str(path)).spans
    with pytest.raises(DataError) as caught:
        start_run(maker.folder / "no", dataclasses.replace(config_for(maker), dataset=str(path)), load)
    assert caught.value.key == "no_head"

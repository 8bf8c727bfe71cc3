"""Training with a task head: what is read, what is lost, what is scored, and that a run can be broken off anywhere."""

import dataclasses
import json
import logging
import math
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import pearsonr
from torch.testing import assert_close

from engine.analysis.strength import strength_curve
from engine.config.training import TrainingSettings
from engine.core.errors import DataError, ExchangeError
from engine.core.sampling import Sampling
from engine.data.batching import collate, collator_of
from engine.data.dataset import Row, load_dataset
from engine.data.encode import encode_for
from engine.data.head_spec import HeadSpec
from engine.data.task import head_for
from engine.data.tokenise import Example, encode_for_head, encode_masked
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.head import constant_baseline, head_predictions, head_scores
from engine.evaluation.label_metrics import label_metrics, number_metrics
from engine.evaluation.loss import mean_loss, summed_loss
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, column_logits, kl, stream_answers
from engine.inference.classify import HeadPrediction, validation_score
from engine.methods.attach import attached_view
from engine.methods.base import Start
from engine.methods.lora.method import Lora
from engine.methods.lora.spec import LoraSettings
from engine.methods.parts.task_head import TaskHead, pooled
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.telemetry.events import EvalEvent
from engine.telemetry.serialise import from_json
from engine.training.launch import resume_run, start_run
from engine.training.objective import TrainingObjective
from tests.tiny import PAD, randomise, save_tiny, tiny_base, tokenizer
from tests.unit.making import Maker, broken_off, events_of, finish, load, losses, make_dataset

POSTS = [(f"{mood} {place}", label) for place in ("bus", "park", "soup", "road", "yard", "shop")
         for mood, label in (("bad", "complaint"), ("nice", "no complaint"))]  # fmt: skip
MARKS = [(f"{'x' * n}{'o' * (6 - n)}", str(n / 6)) for n in (0, 1, 2, 3, 4, 5, 6, 2, 5)]


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def config_for(maker, rows, family="bert", method="lora", settings=None, **training):
    """A run on rows with labels, or with numbers."""
    facts = {"labels": ["complaint", "no complaint"]} if rows == POSTS else {"task": "regression"}
    data = make_dataset(maker.folder / ("posts" if rows == POSTS else "marks"), rows, template="{prompt}", **facts)
    config = maker.config(method, settings, **training)
    return dataclasses.replace(config, model=family, dataset=str(data))


def started(maker, name, rows, family="bert", method="lora", settings=None, **training):
    """A trainer at step 0."""
    config = config_for(maker, rows, family, method, settings, **training)
    return start_run(maker.folder / name, config, load)


@pytest.mark.parametrize("side", ["left", "right"])
def test_pooling_reads_the_right_tokens(side):
    """First, last and mean of the text, whatever side is padded; a virtual token inside is read, but not averaged."""
    hidden = torch.randn(2, 6, 4)
    ids = torch.tensor([[5, 6, -1, 7, 0, 0], [8, 9, 5, 6, 7, -1]])
    mask = torch.tensor([[True] * 4 + [False] * 2, [True] * 6])
    if side == "left":
        hidden, ids, mask = (torch.cat([x[:1].roll(2, 1), x[1:]]) for x in (hidden, ids, mask))
    at = 2 if side == "left" else 0
    tokens = Tokens(ids, mask)
    assert torch.equal(pooled(hidden, tokens, "first"), torch.stack([hidden[0, at], hidden[1, 0]]))
    assert torch.equal(pooled(hidden, tokens, "last"), torch.stack([hidden[0, at + 3], hidden[1, 5]]))
    means = [hidden[0, at : at + 4][[0, 1, 3]].mean(0), hidden[1, :5].mean(0)]
    assert_close(pooled(hidden, tokens, "mean"), torch.stack(means))


@pytest.mark.parametrize("template", ["{prompt}!", "{p}{prompt}{p}!"])
@pytest.mark.parametrize("pooling", ["first", "last"])
def test_rows_are_encoded_together_as_one_by_one(tmp_path, template, pooling):
    """Many texts at once give the same ids and targets, cut or whole."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "\n".join(json.dumps({"prompt": "abcdefgh"[: 1 + i % 8], "response": "xy"[i % 2]}) for i in range(20))
    )
    dataset = load_dataset(str(path)).in_template(template)
    rows, spec = dataset.rows("train"), HeadSpec(labels=("x", "y"), pooling=pooling)
    examples = encode_for(tokenizer(), dataset, rows, 6, spec)
    assert [one.ids for one in examples] == [
        encode_for_head(tokenizer(), template, row.prompt, 6, pooling) for row in rows
    ]
    assert [one.target for one in examples] == ["xy".index(row.response) for row in rows]


def test_losses_are_cross_entropy_and_squared_error():
    """Summed over rows, computed here by hand."""
    scores = torch.randn(3, 4)
    classes = torch.tensor([3, 0, 2])
    by_hand = -sum(math.log(scores[row].exp()[c] / scores[row].exp().sum()) for row, c in enumerate(classes))
    assert float(summed_loss(scores, classes)) == pytest.approx(by_hand, rel=1e-5)
    numbers = torch.tensor([0.5, -1.0, 2.0])
    by_hand = sum((float(scores[row, 0]) - float(number)) ** 2 for row, number in enumerate(numbers))
    assert float(summed_loss(scores[:, :1], numbers)) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize(("family", "rows"), [("bert", POSTS), ("bert", MARKS), ("llama", POSTS), ("llama", MARKS)])
def test_training_learns_labels_and_numbers(maker, family, rows):
    """Encoders and decoders learn: the loss falls by half, and the head beats the blind answer on its training rows."""
    trainer = finish(started(maker, "a", rows, family, head="head", steps=60, learning_rate=1e-2, head_rate=1e-2))
    curve = losses(trainer)
    assert sum(curve[-5:]) < 0.5 * sum(curve[:5])
    base, dataset = tiny_base(family), load_dataset(trainer.folder.config.dataset)
    method = load_adapter(trainer.folder.adapter_path, base)
    mine = mean_loss(attached_view(base, method), trainer.examples, collator_of(trainer.base), head=method.head)
    spec, rows_ = method.head.spec, dataset.rows("train")
    constant = constant_baseline(spec, rows_)
    assert mine < 0.5 * sum(constant.loss(spec, row.response) for row in rows_) / len(rows_) / spec.spread**2


FAR_OFF = {
    "thousands": [1000.5, 9000.5],
    "years": [1990.0, 2010.0],
    "tiny": [1e-6, 3e-6],
    "below zero": [-70000.0, -60000.0],
    "all the same": [7.0, 7.0],
}


@pytest.mark.fault(
    "network", "Numbers to learn are in the thousands, or far from zero: a head learns them in their unit."
)
@pytest.mark.parametrize("numbers", FAR_OFF.values(), ids=FAR_OFF)
@pytest.mark.parametrize("causal", [True, False])
def test_scores_are_of_one_size_whatever_the_unit(tmp_path, numbers, causal):
    rows = [("big" if i % 2 else "small", repr(numbers[i % 2])) for i in range(8)]
    dataset = load_dataset(str(make_dataset(tmp_path / "data", rows, template="{prompt}", task="regression")))
    family = tiny_base("llama" if causal else "bert").shape.family
    spec = head_for("head", "auto", family, dataset, "m", TrainingSettings().span)
    scores = [spec.target(Row(*row), "d") for row in rows]
    assert max(map(abs, scores)) < 3
    assert numbers[0] == numbers[1] or abs(scores[0] - scores[1]) > 0.5
    assert [spec.number(score) for score in scores] == pytest.approx([float(number) for _, number in rows])
    assert HeadPrediction.of(spec, torch.tensor(scores[:1])).number == pytest.approx(numbers[0], rel=1e-4)
    assert HeadSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_numbers_are_scored_in_their_unit(maker):
    """Thousands are learned at once, and errors are told in the file's unit; old heads have no scale."""
    rows = [("x" if i % 2 else "o", str(9000.5 if i % 2 else 1000.5)) for i in range(20)]
    trainer = finish(started(maker, "a", rows, head="head", steps=25, learning_rate=1e-2, head_rate=1e-2))
    base, dataset = tiny_base("bert"), load_dataset(trainer.folder.config.dataset)
    scores = head_scores(base, load_adapter(trainer.folder.adapter_path, base), dataset)
    assert scores.squared_error < 0.05 * scores.base_squared_error
    assert scores.base_squared_error > 1e6
    assert RunFolder.open(trainer.folder.path).head == trainer.method.head.spec
    assert HeadSpec.from_dict({"labels": [], "pooling": "last"}).number(2.5) == 2.5


@pytest.mark.fault(
    "network", "A file of numbers has five to nine rows, of which one is scored: correlations are left out."
)
def test_a_single_number_is_scored_without_correlation():
    scores = number_metrics([1.5], [2.0])
    assert (scores.pearson, scores.spearman, scores.squared_error) == (None, None, 0.25)


@pytest.mark.fault("damaged", "An adapter's scale of numbers is zero or no number: it is refused by a sentence.")
def test_a_damaged_scale_is_refused(maker):
    trainer = finish(started(maker, "a", MARKS, head="head", steps=1))
    path = trainer.folder.adapter_path / "adapter.json"
    facts = json.loads(path.read_text())
    for scale in ({"spread": 0}, {"centre": math.nan}, {"spread": "wide"}, {"centre": None}):
        path.write_text(json.dumps({**facts, "head": {**facts["head"], **scale}}))
        with pytest.raises(ExchangeError):
            load_adapter(trainer.folder.adapter_path, trainer.base)


def test_encoders_get_a_head_and_decoders_words_by_default():
    """Left to us, whoever can write writes."""
    from engine.data.task import wants_head

    assert wants_head("auto", tiny_base("bert").shape.family)
    assert not wants_head("auto", tiny_base("llama").shape.family)
    assert wants_head("head", tiny_base("llama").shape.family)


def test_data_without_labels_is_refused_before_a_folder_is_made(maker):
    """No labels, a response that is none, a response that is no number: each names what is wrong."""
    plain = dataclasses.replace(maker.config("lora"), model="bert")
    with pytest.raises(DataError, match="neither labels nor numbers"):
        start_run(maker.folder / "plain", plain, load)
    for rows, word in ((POSTS, "perhaps"), (MARKS, "many"), (MARKS, "nan")):
        config = config_for(maker, rows)
        facts = {"labels": ["complaint", "no complaint"]} if rows == POSTS else {"task": "regression"}
        make_dataset(maker.folder / ("posts" if rows == POSTS else "marks"), [("a", word), *rows], **facts)
        with pytest.raises(DataError, match=word):
            start_run(maker.folder / "wrong", config, load)
    assert not (maker.folder / "plain").exists()
    assert not (maker.folder / "wrong").exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"labels": ["a"]},
        {"labels": ["a", "a"]},
        {"labels": ["a", " b"]},
        {"labels": ["a", 3]},
        {"labels": ["a", "b"], "task": "regression"},
        {"task": "ranking"},
    ],
    ids=str,
)
def test_bad_descriptions_of_labels_are_refused(tmp_path, facts):
    """One label, the same twice, spaces around it, no text, two kinds at once, an unknown task."""
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset(str(make_dataset(tmp_path / "data", **facts)))


@pytest.mark.parametrize("parts", [2, 5])
def test_accumulation_is_the_big_batch(maker, parts):
    """A batch in parts gives the same run within rounding, for classes as for tokens."""
    whole = losses(finish(started(maker, "whole", POSTS)))
    assert losses(finish(started(maker, "split", POSTS, micro_batches=parts))) == pytest.approx(whole, abs=3e-4)


@pytest.mark.parametrize(("rows", "family"), [(POSTS, "bert"), (MARKS, "llama")])
@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_resumed_run_is_the_uninterrupted_one(maker, rows, family, way):
    """With a head too: stopped, or killed and set back to the checkpoint, the same losses and the same adapter."""
    training = {"head": "head", "weight_decay": 0.1}
    whole = finish(started(maker, "whole", rows, family, settings={"dropout": 0.3}, **training))
    start = partial(started, maker, "broken", rows, family, settings={"dropout": 0.3}, **training)
    folder = broken_off(start, 5, killed=way != "stopped")
    resumed = finish(resume_run(folder, load))
    assert losses(resumed) == losses(whole)
    mine, its = (load_file(trainer.folder.adapter_path / "adapter.safetensors") for trainer in (resumed, whole))
    assert {"head.weight"} <= mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in its)


def test_labels_of_a_run_do_not_follow_its_data(maker):
    """A run resumed after someone sorted the labels anew keeps the classes that its head began with."""
    trainer = started(maker, "a", POSTS)
    progress = trainer.run()
    next(progress)
    progress.close()
    make_dataset(maker.folder / "posts", POSTS, template="{prompt}", labels=["no complaint", "complaint"])
    resumed = resume_run(trainer.folder, load)
    assert resumed.method.head.spec.labels == ("complaint", "no complaint")
    assert [example.target for example in resumed.examples] == [example.target for example in trainer.examples]


def test_head_learns_at_its_own_rate(maker):
    """The head's group has `head_rate`, the method's the learning rate; the log tells the method's."""
    trainer = started(maker, "a", POSTS, learning_rate=0.5, head_rate=0.01, schedule="constant")
    groups = trainer.state.optimiser.param_groups
    assert [group["lr"] for group in groups] == [0.5, 0.01]
    assert [p.shape for p in groups[-1]["params"]] == [p.shape for p in trainer.method.head.parameters()]
    next(trainer.run())
    assert events_of(trainer, "loss")[0]["lr"] == 0.5


def test_validation_tells_loss_and_score(maker):
    """Accuracy for labels, Pearson for numbers; the sample's answer lists the labels; words have no score."""
    trainer = finish(started(maker, "a", POSTS))
    for event in events_of(trainer, "eval"):
        assert event["score_name"] == "accuracy"
        assert 0 <= event["score"] <= 1
        assert event["base_ability_loss"] is None  # the tiny tokenizer has no mask: nothing to guess
    sample = events_of(trainer, "sample")[-1]
    assert {line.split("  ")[0] for line in sample["answer"].splitlines()} == {"complaint", "no complaint"}
    assert sample["reference"] in ("complaint", "no complaint")
    number = finish(started(maker, "b", MARKS, "llama", head="head"))
    assert {event["score_name"] for event in events_of(number, "eval")} == {"pearson"}
    assert all(event["base_ability_loss"] > 0 for event in events_of(number, "eval"))
    float(events_of(number, "sample")[-1]["answer"])
    written = finish(maker.start("c", "lora"))
    assert {event["score"] for event in events_of(written, "eval")} == {None}


def test_old_recordings_are_read_as_before():
    """An event that was written before there were scores is the one without a score."""
    old = {"kind": "eval", "step": 3, "validation_loss": 1.5, "base_ability_loss": 0.5}
    assert from_json(old) == EvalEvent(step=3, validation_loss=1.5, base_ability_loss=0.5)


def test_snapshots_hold_the_head(maker):
    """A snapshot is the whole adapter at its step: method and head."""
    trainer = finish(started(maker, "a", POSTS))
    last = load_file(trainer.folder.snapshot_path(8))
    assert torch.equal(last["head.weight"], trainer.method.head.weight.detach())
    assert not torch.equal(load_file(trainer.folder.snapshot_path(2))["head.weight"], last["head.weight"])


def test_quick_score_is_the_librarys():
    """Accuracy and Pearson of validation equal what the library says; equal estimates score 0."""
    rng = torch.Generator().manual_seed(0)
    scores, classes = torch.randn(20, 3, generator=rng), torch.randint(3, (20,), generator=rng)
    labels = ["a", "b", "c"]
    told = label_metrics([labels[c] for c in classes], [labels[c] for c in scores.argmax(-1)], labels)
    assert validation_score(scores, classes) == (told.accuracy, "accuracy")
    numbers = torch.randn(20, generator=rng)
    assert validation_score(scores[:, :1], numbers)[0] == pytest.approx(pearsonr(scores[:, 0], numbers)[0], abs=1e-4)
    assert validation_score(torch.ones(20, 1), numbers) == (0.0, "pearson")


def test_metrics_by_hand():
    """Two of four right; F1 and Matthews from their formulas; what is no label is wrong; constants correlate 0."""
    metrics = label_metrics(["a", "a", "b", "b"], ["a", "b", "b", "rubbish"], ["a", "b"])
    assert metrics.accuracy == 0.5
    assert metrics.f1_by_label == {"a": 0.6667, "b": 0.5}
    assert metrics.f1 == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
    half = label_metrics(["a", "a", "b", "b"], ["a", "a", "b", "a"], ["a", "b"])
    tp, tn, fp, fn = 2, 1, 1, 0
    root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert half.matthews == pytest.approx((tp * tn - fp * fn) / root, abs=1e-4)
    assert label_metrics(["a"], ["a"], ["a", "b"]).matthews == 0
    told = number_metrics([1.0, 2.0, 4.0], [1.0, 3.0, 100.0])
    assert told.spearman == 1
    assert 0.8 < told.pearson < 1
    assert told.squared_error == pytest.approx((1 + 96**2) / 3)
    assert number_metrics([1.0, 2.0], [3.0, 3.0]).pearson == 0


def test_scores_of_a_run_stand_beside_the_blind_answer(maker):
    """Test scores of labels and numbers; the base column is the best constant answer, and says which."""
    trainer = finish(started(maker, "a", POSTS, steps=1))
    base, dataset = tiny_base("bert"), load_dataset(trainer.folder.config.dataset)
    method = load_adapter(trainer.folder.adapter_path, base)
    predictions = head_predictions(base, method, dataset)
    scores = head_scores(base, method, dataset, predictions)
    assert scores.accuracy == sum(row.right for row in predictions) / len(predictions)
    assert scores.base_answer == predictions[0].base == "complaint"
    assert scores.base_accuracy == 0.5
    assert scores.base_test_loss == pytest.approx(math.log(2), abs=1e-4)
    assert scores.test_loss == pytest.approx(sum(row.loss for row in predictions) / len(predictions), abs=1e-3)
    told = trainer.folder.facts().score
    assert (told.name, told.value, told.baseline) == ("accuracy", scores.accuracy, scores.base_accuracy)
    assert (told.against, told.rows) == ("constant", scores.rows)
    trainer = finish(started(maker, "b", MARKS, steps=1))
    dataset = load_dataset(trainer.folder.config.dataset)
    told = head_scores(base, load_adapter(trainer.folder.adapter_path, base), dataset)
    responses = [float(row.response) for row in dataset.rows("train")]
    assert told.base_answer == pytest.approx(sum(responses) / len(responses), rel=1e-5)
    held = [float(row.response) for row in dataset.rows("test")]
    assert told.base_squared_error == pytest.approx(
        sum((told.base_answer - n) ** 2 for n in held) / len(held), rel=1e-4
    )


def test_blind_answer_survives_a_label_without_rows():
    """A label that training never saw counts as one row, so that its loss is finite."""
    spec = HeadSpec(labels=("a", "b"), pooling="first")
    constant = constant_baseline(spec, [Row("x", "a")] * 3)
    assert constant.answer == "a"
    assert constant.loss(spec, "b") == pytest.approx(math.log(4))


def test_verdict_is_the_softmax_in_words():
    """Likeliest first, adding up to one; a number is itself."""
    spec = HeadSpec(labels=("no", "yes"), pooling="first")
    verdict = HeadPrediction.of(spec, torch.tensor([0.0, math.log(3)]))
    assert verdict.probabilities == [("yes", 0.75), ("no", 0.25)]
    assert verdict.answer == "yes"
    assert verdict.text == "yes  75.0 %\nno  25.0 %"
    assert HeadPrediction.of(HeadSpec(labels=(), pooling="mean"), torch.tensor([2.5])).text == "2.5"


def test_long_texts_lose_the_end_that_is_not_read():
    """A head that reads the last token keeps the end, others the beginning and what closes every text."""
    ids = encode_for_head(tokenizer(), "{prompt}!", "abcdefgh", 5, "last")
    assert tokenizer().decode(ids) == "<bos>fgh!"
    first = encode_for_head(tokenizer(), "{prompt}!", "abcdefgh", 5, "first")
    assert tokenizer().decode(first[1:]) == "abcd"
    closing = tokenizer()
    from tokenizers.processors import TemplateProcessing

    closing.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    closing.sep_token = "<eos>"
    whole = encode_for_head(closing, "{prompt}!", "abcdefgh", 5, "first")
    assert whole[0] == 1
    assert whole[-1] == 2
    assert closing.decode(whole[1:-1]) == "abc"


def test_cloze_covers_a_seventh():
    """Covered tokens carry the labels, and nothing else does."""
    masked = tokenizer()
    masked.mask_token = "~"
    (example,) = encode_masked(masked, ["the cat sat on the mat"], 40)
    batch = collate([example], PAD)
    covered = batch.inputs.ids[0] == masked.mask_token_id
    assert torch.equal(covered, batch.labels[0] != -100)
    whole = torch.tensor(masked.encode("the cat sat on the mat"))
    assert torch.equal(batch.labels[0][covered], whole[covered])
    assert 0.1 < float(covered.float().mean()) < 0.2
    assert encode_masked(tokenizer(), ["a"], 40) == []


def test_two_passes_agree_over_rows():
    """A method that makes two passes compares the scores of rows: (n, v), and v = 1 for numbers."""
    seen = []

    class Twice(Lora):
        passes = 2

        def consistency_loss(self, first, second):
            seen.append((first.shape, second.shape))
            return (first - second).square().sum() + 7

    base = tiny_base("bert")
    for spec, targets, shape in (
        (HeadSpec(labels=("a", "b", "c"), pooling="first"), (1, 2), (2, 3)),
        (HeadSpec(labels=(), pooling="mean"), (0.5, 1.5), (2, 1)),
    ):
        method = Twice(LoraSettings(rank=2), base.shape).with_head(spec, torch.Generator().manual_seed(0))
        views = [base.view(), base.view()]
        method.attach(views[0].sites)
        batch = collate([Example([5, 6], 2, targets[0]), Example([7], 1, targets[1])], PAD)
        loss = TrainingObjective(method, views)(batch)
        assert seen.pop() == (shape, shape)
        scores = method.head(views[0].hidden(batch.inputs), batch.inputs)
        assert loss.item() == pytest.approx(summed_loss(scores, batch.targets).item() + 7, rel=1e-5)


def test_the_strength_curve_knows_the_head(maker):
    """The curve is the head's loss and lower when trained."""
    trainer = finish(started(maker, "a", POSTS, "llama", head="head", steps=60, learning_rate=1e-2))
    base, dataset = trainer.base, load_dataset(trainer.folder.config.dataset)
    method = load_adapter(trainer.folder.adapter_path, base)
    curve = dict(strength_curve(base, method, dataset))
    assert curve[1.0] < curve[0.0]


def test_a_head_needs_its_shape():
    """Labels decide the rows, the family the bias: as transformers has it."""
    spec = HeadSpec(labels=("a", "b", "c"), pooling="first")
    rng = torch.Generator().manual_seed(0)
    encoder, decoder = (TaskHead.build(spec, tiny_base(name).shape, rng) for name in ("bert", "llama"))
    assert encoder.bias.shape == (3,)
    assert decoder.bias is None
    assert {name: tuple(t.shape) for name, t in decoder.state_dict().items()} == {"weight": (3, 32)}


def test_difference_compares_only_the_same_labels():
    """Two heads with the same labels are compared with each other; else each with itself on the untouched base."""
    base = tiny_base("bert")
    same, other = (HeadSpec(labels=labels, pooling="first") for labels in (("a", "b"), ("c", "d")))

    def headed(spec, seed):
        method = Lora.build(LoraSettings(rank=2), base.shape, Start.of(base, seed))
        return randomise(method.with_head(spec, torch.Generator()), seed=seed)

    one, two, three = headed(same, 1), headed(same, 2), headed(other, 3)

    def difference(*methods, strength=1.0):
        columns = [ChatColumn("abc", method, strength) for method in methods]
        (update,) = stream_answers(base, columns, Sampling())
        return update.difference

    def scores(method, strength=1.0):
        return column_logits(base, [ChatColumn("abc", method, strength)])[0]

    assert difference(one, two) == pytest.approx(kl(scores(two), scores(one)), abs=1e-3)
    assert difference(one, three) == pytest.approx(kl(scores(three), scores(three, 0.0)), abs=1e-3)
    assert difference(three) == difference(one, three)
    assert difference(three, strength=0.0) == 0


def test_an_encoder_without_a_language_head_is_the_same_at_every_load(tmp_path, caplog, monkeypatch):
    """Weights that a file lacks are random, but always the same: adapters know their base, and no ability is told."""
    folder = save_tiny(tmp_path / "bert", "bert")
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("cls.")}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    torch.manual_seed(5)
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    first, again = load_base(str(folder)), load_base(str(folder))
    assert first.missing
    assert not caplog.messages  # such as a table of what is lacking
    assert all(name.startswith("cls.") for name in first.missing)
    assert first.fingerprint == again.fingerprint
    first.tokenizer.mask_token = "~"
    assert ability_examples(first, 4, 40) == []
    whole = load_base(str(save_tiny(tmp_path / "whole", "bert")))
    assert whole.missing == ()
    whole.tokenizer.mask_token = "~"
    assert len(ability_examples(whole, 4, 40)) == 4

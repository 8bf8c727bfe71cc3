"""A method with a template of its own, from the first step to the chat: virtual tokens inside of every row."""

import pytest
import torch

from engine.analysis.probe import probe, probe_input
from engine.analysis.strength import strength_curve
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import load_dataset
from engine.data.tokenise import Example, encode_prompt, encode_rows
from engine.evaluation.loss import mean_loss
from engine.evaluation.text import text_scores
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, stream_answers
from tests.tiny import Case, randomise, tiny_base
from tests.unit.making import Maker, events_of, finish, losses

TEMPLATE = "{p}ask {prompt}{p}{p}"
SETTINGS = {"template": TEMPLATE, "encoder_width": 4}


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def test_a_run_with_its_own_template(maker):
    """It trains, tells of itself, and its adapter answers by the template that it was trained with."""
    trainer = finish(maker.start("a", "p_tuning", SETTINGS, steps=30, learning_rate=2e-2))
    curve = losses(trainer)
    assert sum(curve[-5:]) < sum(curve[:5])
    assert events_of(trainer, "prompt")[-1]["stride"] > 0
    assert len(events_of(trainer, "prompt")[0]["norms"]) == 3
    assert {event["kind"] for event in events_of(trainer, "sample")} == {"sample"}
    base, dataset = tiny_base("llama"), load_dataset(trainer.folder.config.dataset)
    method = load_adapter(trainer.folder.adapter_path, base)
    assert method.template == TEMPLATE
    scores = text_scores(base, method, dataset)
    assert scores.test_loss < scores.base_test_loss


def test_stopped_and_resumed(maker):
    """Resumed in the middle, its losses and its telemetry are those of a run that was never stopped."""
    whole = finish(maker.start("whole", "p_tuning", SETTINGS))
    broken = maker.start("broken", "p_tuning", SETTINGS)
    steps = broken.run()
    for _ in range(4):
        next(steps)
    steps.close()
    resumed = finish(maker.resume("broken"))
    assert losses(resumed) == losses(whole)
    assert events_of(resumed, "prompt") == events_of(whole, "prompt")


def made():
    """Random P-tuning with the template."""
    base, method = Case("p_tuning", SETTINGS, "llama").build()
    return base, randomise(method)


def test_chat_beside_the_base_and_other_templates():
    """Each column reads its own template; side by side they say what they say alone."""
    base, method = made()
    columns = [
        ChatColumn("abc", template="Q: {prompt} A:"),
        ChatColumn("abc", method, 1.0, method.template),
        ChatColumn("a longer question", method, 0.5, method.template),
        ChatColumn("abc", method, 0.0, method.template),
        ChatColumn("abc", template="ask {prompt}"),
    ]
    sampling = Sampling(max_new_tokens=6)
    *_, together = stream_answers(base, columns, sampling)
    for column, speaker in enumerate(columns):
        *_, alone = stream_answers(base, [speaker], sampling)
        assert together.texts[column] == alone.texts[0]
    assert together.texts[3] == together.texts[4]  # at strength 0 it is the base, reading the template without marks
    assert together.texts[1] != together.texts[3]
    assert together.difference >= 0


def test_the_sentence_panel_shows_holes_as_numbers():
    """The sentence stands in the template; every token says how much it looks at each virtual token."""
    base, method = made()
    report = probe(base, method, "xy")
    assert report.tokens == ["<bos>", "[1]", *"ask xy", "[2]", "[3]"]
    weights, mass = torch.tensor(report.weights), torch.tensor(report.mass)
    assert weights.shape == (3, 4, 10, 3)
    assert float(mass[:, :, 0].max()) == 0  # <bos> stands before all of them
    assert float(mass[:, :, 1:].min()) > 0
    assert float((weights.sum(-1)[:, :, 1:] - 1).abs().max()) < 1e-3
    assert float(weights[:, :, 1:8, 1:].max()) == 0  # the last two are not seen by what stands before them
    long = probe(base, method, "x" * 100)
    assert torch.tensor(long.weights).shape == (3, 4, 64, 3)  # the last two marks were cut off with its end
    whole, cut = (probe(base, method, "x" * n) for n in (56, 57))
    assert [(len(report.tokens), report.cut) for report in (whole, cut)] == [(64, None), (64, True)]


def test_the_sentence_panel_at_strength_zero():
    """With the virtual tokens gone the sentence keeps its places, and nobody looks at anything."""
    base, method = made()
    view, off = base.view(), method.sharing_copy()
    off.control.strength = 0.0
    off.attach(view.sites)
    with torch.inference_mode():
        report = off.probe(view, probe_input(base, view, Example(encode_prompt(base.tokenizer, TEMPLATE, "xy"), 0)))
    mass = torch.tensor(report.mass)
    assert mass.shape == (3, 4, 10)
    assert float(mass.max()) == 0


def test_strength_curve_starts_at_the_base(maker):
    """At strength 0 the validation loss is the base's on the same template without marks."""
    maker.config()
    base, method = made()
    dataset = load_dataset(str(maker.folder / "data"))
    curve = dict(strength_curve(base, method, dataset))
    bare = dataset.in_template("ask {prompt}")
    rows = encode_rows(base.tokenizer, bare, bare.rows("validation"), 256)
    assert curve[0.0] == pytest.approx(mean_loss(base.view(), rows, collator_of(base)), abs=2e-4)
    assert abs(curve[0.25] - curve[0.0]) > 1e-3

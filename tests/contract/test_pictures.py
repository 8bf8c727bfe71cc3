"""Pictures with labels on a tiny ViT, from the folder to the score: every kind of method learns to tell them apart."""

import base64
import dataclasses
import io
import logging
from functools import partial

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.testing import assert_close

from engine.analysis.ablation import ablation
from engine.analysis.image_probe import probe_picture
from engine.analysis.probe import need_picture, need_words
from engine.analysis.strength import strength_curve
from engine.config.run import RunConfig
from engine.core.errors import DataError, ModelError, SettingError
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import load_dataset
from engine.data.encode import encode_for
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example
from engine.evaluation.head import head_predictions, head_scores
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.classify import head_logits
from engine.memory.capacity import DeviceMemory
from engine.methods import METHODS
from engine.methods.base import Start
from engine.methods.parts.task_head import TaskHead, pooled
from engine.methods.serving import serves
from engine.models.families import family_of
from engine.models.inputs import Pixels
from engine.preflight.memory import Plan, estimate
from engine.telemetry.serialise import picture_to_json, to_json
from engine.training.launch import resume_run, start_run
from tests.tiny import built, randomise, tiny_base
from tests.unit.drawing import draw_shapes
from tests.unit.making import QUICK, broken_off, events_of, finish, load, losses

SERVED = [name for name, spec in METHODS.items() if serves(spec, family_of("vit"))]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Forty pictures of each of two shapes."""
    return draw_shapes(tmp_path_factory.mktemp("shapes"), 40)


def config_for(shapes, method="lora", settings=None, **training):
    """A short run on the shapes."""
    values = {"steps": 8, "batch_size": 8, "eval_every": 4, "save_every": 3, "warmup_ratio": 0.0, **training}
    config = RunConfig(model="vit", dataset=str(shapes), method=method, training=values)
    return dataclasses.replace(config, method_settings=QUICK.get(method, {}) if settings is None else settings)


@pytest.mark.parametrize("pooling", ["auto", "mean"])
@pytest.mark.parametrize("method", ["lora", "bottleneck", "llama_adapter"])
def test_shapes_are_learned(shapes, tmp_path, method, pooling):
    """After eighty steps nearly every test picture is named, and the events say so."""
    seldom = {"eval_every": 80, "save_every": 80}
    config = config_for(shapes, method, steps=80, pooling=pooling, batch_size=16, **seldom)
    trainer = finish(start_run(tmp_path / "run", config, load))
    method = load_adapter(trainer.folder.adapter_path, trainer.base)
    scores = head_scores(trainer.base, method, load_dataset(str(shapes)))
    assert scores.accuracy >= 0.9
    assert scores.f1 >= 0.9
    assert scores.base_ability_loss is None
    last = events_of(trainer, "eval")[-1]
    assert last["score_name"] == "accuracy"
    assert last["score"] >= 0.9
    sample = events_of(trainer, "sample")[-1]
    assert sample["prompt"].startswith(sample["reference"])
    assert sample["answer"].splitlines()[0].startswith(sample["reference"])


@pytest.mark.parametrize("method", SERVED)
def test_every_method_trains_and_tells(shapes, tmp_path, method, caplog):
    """All that serve a ViT: losses, telemetry, snapshots and what is watched work without one failure."""
    with caplog.at_level(logging.WARNING):
        trainer = finish(start_run(tmp_path / "run", config_for(shapes, method), load))
    assert len(losses(trainer)) == 8
    assert not [event for event in events_of(trainer, "status") if event["message"]]
    assert not caplog.records
    assert len(strength_curve(trainer.base, trainer.method, load_dataset(str(shapes)))) == 9
    if trainer.method.spec.layered:
        assert ablation(trainer.base, trainer.method, load_dataset(str(shapes))).spans[0][0] is not None


@pytest.mark.parametrize("killed", [False, True])
def test_resumed_run_is_the_uninterrupted_one(shapes, tmp_path, killed):
    """Stopped after five steps, or killed there and set back to step 3: the same losses and adapter."""
    config = config_for(shapes, settings={"rank": 2, "dropout": 0.5})
    whole = finish(start_run(tmp_path / "whole", config, load))
    start = partial(start_run, tmp_path / "broken", config, load)
    folder = broken_off(start, 5, killed=killed)
    resumed = resume_run(folder, load)
    assert resumed.position.step == (3 if killed else 5)
    assert losses(finish(resumed)) == losses(whole)
    mine, its = (load_file(trainer.folder.adapter_path / "adapter.safetensors") for trainer in (resumed, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)


def test_predictions_are_told_by_name(shapes):
    """A row is its picture's name, its label, what the head says and the most frequent label."""
    base, dataset = tiny_base("vit"), load_dataset(str(shapes))
    method = built("lora", base)
    method = randomise(method.with_head(HeadSpec(labels=tuple(dataset.labels), pooling="first"), Start.of(base, 0).rng))
    predictions = head_predictions(base, method, dataset)
    assert [row.prompt for row in predictions] == [row.prompt for row in dataset.rows("test")]
    assert all(row.prompt.startswith(row.reference) for row in predictions)
    assert all(row.right == (row.tuned == row.reference) for row in predictions)
    (alone,) = head_predictions(base, method, dataset, dataset.rows("test")[5:6])
    assert alone.loss == pytest.approx(predictions[5].loss, abs=1e-5)


def test_scores_are_those_of_transformers_own_reading(shapes):
    """Pixels come as the image processor makes them, and the head reads the state that transformers computes."""
    base, dataset = tiny_base("vit"), load_dataset(str(shapes))
    row = dataset.rows("train")[0]
    with Image.open(row.picture) as image:
        pixels = base.processor(images=[image.convert("RGB")], return_tensors="pt")["pixel_values"]
    state = base.model.base_model(pixel_values=pixels).last_hidden_state
    head = TaskHead.build(HeadSpec(labels=("a", "b"), pooling="first"), base.shape, torch.Generator().manual_seed(0))
    (scores,) = head_logits(base.view(), head, [Example([], 0, picture=row.picture)], collator_of(base))
    assert_close(scores, head.weight @ state[0, 0] + head.bias, rtol=1e-4, atol=1e-5)


def test_pooling_of_patches():
    """The first is the class token; the mean is that of the patches, without it."""
    hidden, pixels = torch.randn(2, 5, 4), Pixels(torch.zeros(2, 3, 16, 16))
    assert torch.equal(pooled(hidden, pixels, "first"), hidden[:, 0])
    assert_close(pooled(hidden, pixels, "mean"), hidden[:, 1:].mean(1))


def test_wrong_pairs_are_refused(shapes, tmp_path):
    """Pictures with a language model, texts with a ViT, and a head that would read the last patch: a sentence each."""
    pictures = config_for(shapes)
    with pytest.raises(DataError, match="holds pictures"):
        start_run(tmp_path / "a", dataclasses.replace(pictures, model="llama"), load)
    with pytest.raises(ModelError, match="reads pictures"):
        start_run(tmp_path / "b", dataclasses.replace(pictures, dataset="complaints"), load)
    with pytest.raises(SettingError, match="last patch"):
        start_run(tmp_path / "c", config_for(shapes, pooling="last"), load)
    assert not list(tmp_path.iterdir())


def test_a_picture_that_vanishes_ends_the_run_with_a_sentence(tmp_path):
    """Its name is said, and the run's folder tells it."""
    folder = draw_shapes(tmp_path / "shapes", 6)
    trainer = start_run(tmp_path / "run", config_for(folder), load)
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"\.png cannot be read any more"):
        finish(trainer)
    assert trainer.folder.facts().problem["key"] == "picture_gone"


@pytest.mark.parametrize("method", ["lora", "bottleneck", "llama_adapter", "ladder"])
def test_memory_is_estimated_from_patches(shapes, tmp_path, method):
    """What is estimated from shapes alone is what the run held, within a fifth."""
    config = config_for(shapes, method)
    trainer = finish(start_run(tmp_path / "run", config, load))
    base, dataset = trainer.base, load_dataset(str(shapes))
    examples = encode_for(base.processor, dataset, dataset.rows("train")[:8], 256, trainer.method.head.spec)
    plan = Plan(
        config=base.model.config,
        method=method,
        settings=config.of_method(),
        training=config.of_training(),
        batch=collator_of(base)(examples),
        head=trainer.method.head.spec,
        processor=base.processor,
    )
    estimated = estimate(plan, DeviceMemory(device="cpu", total=2**34, free=2**33))
    assert estimated.length == 17
    assert estimated.total == pytest.approx(trainer.folder.facts().memory.peak, rel=0.2)


def test_a_chat_about_a_picture(shapes, tmp_path):
    """The base says what its own classifier sees, the tuned model its labels with shares; all at once."""
    trainer = finish(start_run(tmp_path / "run", config_for(shapes, steps=60, batch_size=16), load))
    base, dataset = trainer.base, load_dataset(str(shapes))
    row = dataset.rows("test")[0]
    ask = ChatColumn(row.prompt, picture=row.picture)
    sides = [ask, dataclasses.replace(ask, method=trainer.method), dataclasses.replace(ask, method=trainer.method)]
    (answer,) = stream_answers(base, sides, Sampling())
    assert answer.done
    names = [line.rsplit("  ", 1)[0] for line in answer.texts[0].splitlines()]
    assert sorted(names) == sorted(base.model.config.id2label.values())
    inputs = collator_of(base)([Example([], 0, picture=row.picture)]).inputs
    best = int(base.model(pixel_values=inputs.values).logits.argmax())
    assert names[0] == base.model.config.id2label[best]
    assert answer.texts[1].startswith(row.response)
    assert answer.texts[1] == answer.texts[2]
    assert answer.difference > 0.1
    (bare,) = stream_answers(base, [ask, ask], Sampling())
    assert bare.texts == (answer.texts[0], answer.texts[0])
    assert bare.difference is None


@pytest.mark.parametrize("method", SERVED)
def test_patches_are_probed(shapes, method):
    """Every report has a value per patch and one of the class token; the picture is what the model reads."""
    base, dataset = tiny_base("vit"), load_dataset(str(shapes))
    row = dataset.rows("validation")[0]
    tuned = randomise(built(method, base))
    tuned.with_head(HeadSpec(labels=("circle", "square"), pooling="first"), Start.of(base, 1).rng)
    seen = probe_picture(base, tuned, row.prompt, row.picture)
    assert seen.side == 4
    assert seen.report.tokens == ["[CLS]", *(f"{y},{x}" for y in range(1, 5) for x in range(1, 5))]
    assert sum(share for _, share in seen.verdict) == pytest.approx(1, abs=1e-3)
    (values,) = [
        getattr(seen.report, name) for name in ("contribution", "mass", "fresh", "ratio") if hasattr(seen.report, name)
    ]
    assert len(list(flat(values))) % 17 == 0
    assert picture_to_json(seen).keys() >= to_json(seen.report).keys() | {"side", "picture", "verdict"}
    image = Image.open(io.BytesIO(base64.b64decode(seen.picture.split(",")[1])))
    assert image.size == (16, 16)
    with Image.open(row.picture) as original:
        assert_close(
            colours(image), colours(original.convert("RGB").resize((16, 16), Image.Resampling.BILINEAR)), atol=2, rtol=0
        )


def test_a_patch_has_the_value_of_its_place(tmp_path):
    """Two pictures that differ in the first row's third patch alone: so does what the first layer makes of them."""
    base = tiny_base("vit")
    tuned = randomise(built("lora", base))
    plain = Image.new("RGB", (16, 16), "black")
    plain.save(tmp_path / "plain.png")
    plain.paste("white", (8, 0, 12, 4))
    plain.save(tmp_path / "spot.png")
    reports = [probe_picture(base, tuned, name, tmp_path / name).report for name in ("plain.png", "spot.png")]
    first, second = (report.contribution[0] for report in reports)
    changed = {at for one, other in zip(first, second, strict=True) for at in range(17) if one[at] != other[at]}
    assert changed == {3}


def flat(nested):
    """All numbers of nested lists."""
    for part in nested:
        yield from flat(part) if isinstance(part, list) else [part]


def colours(image):
    """Mean of each colour."""
    return torch.tensor([sum(band.get_flattened_data()) / (image.width * image.height) for band in image.split()])


def test_words_and_pictures_are_told_apart(shapes, tmp_path):
    """Typed words for a ViT, a picture for a language model, and a file that is none: a sentence each."""
    picture = next(shapes.rglob("*.png"))
    with pytest.raises(ModelError, match="not what is typed"):
        need_words(tiny_base("vit"))
    with pytest.raises(DataError, match="is a picture"):
        need_picture(tiny_base("llama"), picture)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"?")
    with pytest.raises(DataError, match=r"bad\.png is no picture"):
        need_picture(tiny_base("vit"), bad)
    need_picture(tiny_base("vit"), picture)
    need_words(tiny_base("llama"))

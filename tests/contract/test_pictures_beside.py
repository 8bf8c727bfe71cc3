"""Pictures beside texts: prompts of LLaMA-Adapter that a picture changes, from the data file to the answer."""

import dataclasses
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from engine.config.run import RunConfig
from engine.core.errors import DataError, ExchangeError, ModelError, SettingError
from engine.core.sampling import Sampling
from engine.data.picture_features import PictureFeatures
from engine.data.pixels import read_picture
from engine.evaluation.text import text_scores
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.official import export_official
from engine.exchange.peft import export_peft
from engine.inference.chat import ChatColumn, stream_answers
from engine.memory.capacity import DeviceMemory
from engine.methods import method_class
from engine.models.loading import load_base
from engine.preflight.memory import Plan, estimate
from engine.preflight.planning import largest_batch
from engine.preflight.prepare import PreparedData
from engine.training.launch import resume_run, start_run
from tests.encoders import save_encoder, tiny_encoder
from tests.tiny import built, copies, logits, loss_of, randomise, save_tiny, tiny_base, viewed, words
from tests.unit.illustrated import draw_rows
from tests.unit.making import broken_off, events_of, finish, load, losses

K = {"prompt_len": 3, "layers": 2, "vision_depths": 2}
FAMILIES = ("llama", "qwen3", "gpt2", "bert")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny ViT on the disk."""
    return save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Twenty questions about each shape, and three about none."""
    return draw_rows(tmp_path_factory.mktemp("rows"), 20)


def made(encoder, family="llama", **settings):
    """An untrained method that sees pictures."""
    base = tiny_base(family)
    return base, built("llama_adapter", base, {**K, "vision": str(encoder), **settings})


def beside(*pictures):
    """Words with these pictures beside the rows."""
    return dataclasses.replace(words(len(pictures)), pictures=tuple(pictures))


def config_for(encoder, rows, *, settings=None, **training):
    """A short run on the questions."""
    values = {"steps": 8, "batch_size": 8, "eval_every": 4, "save_every": 3, "max_seq_len": 40, "warmup_ratio": 0.0}
    return RunConfig(
        model="llama",
        dataset=str(rows),
        method="llama_adapter",
        method_settings={**K, "vision": str(encoder), **(settings or {})},
        data={"picture": "image"},
        training={**values, "learning_rate": 1e-2, **training},
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("gates", ["zero", "ungated"])
def test_prompts_are_those_of_the_papers_equation(encoder, files, family, gates):
    """P_l + repeat(norm(W concat(I_m) + b)), computed from transformers' own encoder, all parameters random."""
    base, method = made(encoder, family, gate_init=gates)
    randomise(method)
    pixels = method.projection.store.encoder.processor(images=[read_picture(files[0])], return_tensors="pt")
    with torch.no_grad():
        out = tiny_encoder("vit")(**pixels, output_hidden_states=True)
        states = [out.hidden_states[2][0, 0], out.last_hidden_state[0, 0]]
        states = [(state - state.mean()) / (state.std(correction=0) + 1e-12) for state in states]
        linear, norm = method.projection.linear, method.projection.norm
        mapped = linear.weight @ torch.cat(states) + linear.bias
        mapped = (mapped - mapped.mean()) / (mapped.var(correction=0) + norm.eps).sqrt() * norm.weight + norm.bias
        plain = built("llama_adapter", base, {"prompt_len": 3, "layers": 2, "gate_init": gates})
        plain.load_state_dict({name: value for name, value in method.state_dict().items() if "projection" not in name})
        bare = logits(base, plain, words(1))
        plain.prompts += mapped
    tokens = words(1)
    seen = logits(base, method, dataclasses.replace(tokens, pictures=(files[0],)))
    assert_close(seen, logits(base, plain, tokens), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(seen, bare, atol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_untrained_it_is_the_base_with_any_picture(encoder, files, family):
    """Zero gates: to the bit, with one picture, another one, or none."""
    base, method = made(encoder, family)
    assert method.starts_at_base
    assert method.sees_pictures
    tokens = beside(files[0], None, files[1])
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))


def test_rows_with_and_without_pictures_mix(encoder, files):
    """Every row of a batch is what it is alone; without a picture it is the adapter of texts, to the bit."""
    base, method = made(encoder)
    randomise(method)
    tokens = beside(files[0], None, files[1], None)
    mixed = logits(base, method, tokens)
    for row in range(4):
        alone = logits(base, method, tokens.of_rows(slice(row, row + 1)))
        assert_close(mixed[row : row + 1], alone, rtol=1e-4, atol=1e-4)
    assert tokens.of_rows(torch.tensor([2, 1])).pictures == (files[1], None)
    texts = built("llama_adapter", base, {"prompt_len": 3, "layers": 2})
    texts.load_state_dict({name: value for name, value in method.state_dict().items() if "projection" not in name})
    assert torch.equal(logits(base, method, words(2)), logits(base, texts, words(2)))


def test_strength_and_gradients(encoder, files):
    """Strength 0 is the base to the bit; every parameter has a gradient; the base and the encoder have none."""
    base, method = made(encoder)
    randomise(method)
    tokens = beside(files[0], files[1])
    full = logits(base, method, tokens)
    method.control.strength = 0.0
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))
    method.control.strength = 1.0
    assert torch.equal(logits(base, method, tokens), full)
    loss_of(viewed(base, method), tokens).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in method.parameters())
    assert not any(parameter.requires_grad for parameter in method.projection.store.encoder.model.parameters())


def test_counts_are_the_parameters(encoder):
    """The closed form of the projection: 2 x 24 features to 32 numbers, and the norm."""
    base, method = made(encoder)
    counts = method_class("llama_adapter").count(method.settings, base.shape)
    assert counts["projection"] == 48 * 32 + 32 + 2 * 32
    assert sum(counts.values()) == sum(parameter.numel() for parameter in method.parameters())


def test_adapter_comes_back_and_folds(encoder, files, tmp_path):
    """The file holds the projection; a folded or loaded adapter answers the same, to the bit."""
    base, method = made(encoder)
    save_adapter(randomise(method), base, tmp_path)
    tokens = beside(files[0], None)
    assert torch.equal(logits(base, load_adapter(tmp_path, base), tokens), logits(base, method, tokens))
    assert torch.equal(logits(base, method.folded(), tokens), logits(base, method, tokens))


@pytest.mark.fault("damaged", "The vision encoder of an adapter was replaced by another one: it is refused by name.")
def test_another_encoder_is_refused(encoder, tmp_path):
    """The fingerprint in the adapter's file is that of the encoder with which it was trained."""
    own = tmp_path / "encoder"
    shutil.copytree(encoder, own)
    base, method = made(own)
    save_adapter(method, base, tmp_path / "adapter")
    weights = load_file(own / "model.safetensors")
    save_file({name: value + 0.01 for name, value in weights.items()}, own / "model.safetensors", {"format": "pt"})
    with pytest.raises(ExchangeError, match="trained with another vision encoder"):
        load_adapter(tmp_path / "adapter", base)
    shutil.rmtree(own)
    with pytest.raises(ModelError, match="not on this machine"):
        load_adapter(tmp_path / "adapter", base)


@pytest.mark.fault(
    "input", "An image model gets a vision encoder, or it has fewer layers than depths: one sentence each."
)
def test_what_does_not_fit_is_refused(encoder, tmp_path):
    """A ViT reads pictures itself; formats of others have no place for the projection."""
    with pytest.raises(SettingError, match="reads pictures itself"):
        made(encoder, "vit")
    with pytest.raises(SettingError, match="has 4 layers: choose at most 4"):
        made(encoder, vision_depths=5)
    base, method = made(encoder)
    with pytest.raises(ExchangeError, match="no place for what vision trained"):
        export_official(method, tmp_path / "a.pth")
    _, shared = made(encoder, gate="per_layer", activation="identity")
    with pytest.raises(ExchangeError, match="no place for what vision trained"):
        export_peft(shared, base, tmp_path / "peft")


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("stage", [0, 4])
def test_resumed_run_is_the_uninterrupted_one(encoder, rows, tmp_path, killed, stage):
    """Stopped or killed in either stage, with the cache deleted meanwhile: the same losses and adapter, to the bit."""
    config = config_for(encoder, rows, settings={"projection_steps": stage})
    whole = finish(start_run(tmp_path / "whole", config, load))
    start = partial(start_run, tmp_path / "broken", config, load)
    folder = broken_off(start, 5, killed=killed)
    shutil.rmtree(tmp_path / "home" / "cache", ignore_errors=True)
    resumed = resume_run(folder, load)
    assert losses(finish(resumed)) == losses(whole)
    mine, its = (load_file(trainer.folder.adapter_path / "adapter.safetensors") for trainer in (resumed, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)
    assert not [event for event in events_of(whole, "status") if event["message"]]
    assert whole.folder.snapshots()


def test_stages(encoder, rows, tmp_path):
    """First the projection and the gates move, and nothing else does; then all."""
    trainer = start_run(
        tmp_path / "run", config_for(encoder, rows, settings={"projection_steps": 3, "bias": True}), load
    )
    before, progress = copies(trainer.method), trainer.run()
    for _ in range(3):
        next(progress)
    moved = {name for name, value in copies(trainer.method).items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in moved} == {"projection", "gates"}
    finish_all = [step.step for step in progress]
    assert finish_all[-1] == 8
    moved = {name for name, value in copies(trainer.method).items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in moved} == {"projection", "gates", "prompts", "bias"}


def test_pictures_are_learned(encoder, rows, tmp_path):
    """One question, two answers: with the picture nearly all are right, and with the picture withheld half of them."""
    strong = {"layers": 3, "prompt_len": 10, "bias": True, "scale": True, "norms": True}
    config = config_for(encoder, rows, settings=strong, steps=120, batch_size=16)
    trainer = finish(start_run(tmp_path / "run", config, load))
    method = load_adapter(trainer.folder.adapter_path, trainer.base)
    dataset = config.load_data(trainer.base.processor)
    seen = text_scores(trainer.base, method, dataset)
    assert seen.exact_match >= 0.9
    tables = {split: dataclasses.replace(table, beside=None) for split, table in dataset.source.tables.items()}
    blind = dataclasses.replace(dataset.source, tables=tables)
    assert text_scores(trainer.base, method, dataclasses.replace(dataset, source=blind)).exact_match <= 0.7


def test_chat_with_a_picture(encoder, files):
    """Base, tuned with one picture, with another, and without: one batch, each column its own."""
    base, method = made(encoder)
    randomise(method)
    sampling = Sampling(max_new_tokens=6, temperature=0.0)
    columns = [
        ChatColumn("what?"),
        *(ChatColumn("what?", method, picture=picture) for picture in (files[0], files[1], None)),
    ]
    *_, last = stream_answers(base, columns, sampling)
    alone = []
    for column in columns:
        *_, update = stream_answers(base, [column], sampling)
        alone += update.texts
    assert list(last.texts) == alone
    assert len(set(last.texts[:3])) == 3
    assert last.difference is not None


@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_quantised_base(encoder, files, tmp_path, precision):
    """A base in 8 or 4 bits: untrained it is the base, and every parameter learns."""
    base = load_base(str(save_tiny(tmp_path / "model", "llama", hidden_size=64)), precision)
    method = built("llama_adapter", base, {**K, "vision": str(encoder)})
    tokens = beside(files[0], None)
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))
    loss_of(viewed(base, randomise(method)), tokens).backward()
    assert all(parameter.grad.any() for parameter in method.parameters())


def test_memory_is_estimated_without_reading_a_picture(encoder, rows, monkeypatch):
    """The projection and what it saves for the backward pass are counted; no encoder runs."""
    monkeypatch.setattr(PictureFeatures, "of", lambda *_: pytest.fail("a picture is read"))
    base, config = tiny_base("llama"), config_for(encoder, rows)
    dataset = config.load_data(base.processor)
    prepared = PreparedData(base=base.model.config, processor=base.processor, dataset=dataset, head=None, limit=40)
    batch = largest_batch(prepared, 8)
    assert any(batch.inputs.pictures)
    info = estimate(
        Plan(
            config=base.model.config,
            method="llama_adapter",
            settings=config.of_method(),
            training=config.of_training(),
            batch=batch,
        ),
        DeviceMemory(device="cpu", free=2**40, total=2**40),
    )
    _, method = made(encoder)
    parameters = sum(parameter.nbytes for parameter in method.parameters())
    assert parameters <= info.adapter <= parameters + 64
    assert info.gradients == parameters


@pytest.mark.fault("killed", "A picture is deleted while a run trains: the run ends with a sentence that names it.")
def test_picture_that_is_gone_ends_the_run(encoder, tmp_path):
    """What was learned until then is kept."""
    file = draw_rows(tmp_path / "data", 20)
    trainer = start_run(tmp_path / "run", config_for(encoder, file, eval_every=100), load)
    progress = trainer.run()
    next(progress)
    shutil.rmtree(Path(file).parent / "pictures")
    with pytest.raises(DataError, match=r"The picture [ab]\d+.png cannot be read any more"):
        list(progress)
    assert trainer.folder.facts().status == "failed"

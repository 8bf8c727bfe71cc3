"""V2's visual queries, added to prompts as in its code or apart from them as in its paper: the equations, and a run."""

import dataclasses
from functools import partial

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close

from engine.analysis.beside_probe import _probed
from engine.core.errors import SettingError
from engine.core.sampling import Sampling
from engine.data.picture_features import PictureTokens
from engine.data.pixels import read_picture
from engine.exchange.native import load_adapter, save_adapter
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.generate import generate
from engine.memory.capacity import DeviceMemory
from engine.methods.llama_adapter.visual_queries import VisualQueries
from engine.models.loading import load_base
from engine.models.vision import load_vision, vision_shape
from engine.preflight.memory import Plan, estimate
from engine.preflight.planning import largest_batch
from engine.preflight.prepare import PreparedData
from engine.training.launch import resume_run, start_run
from engine.training.optimiser import optimiser_for
from tests.contract.test_pictures_beside import beside, config_for
from tests.encoders import save_encoder, tiny_encoder
from tests.tiny import EOS, PAD, built, copies, logits, loss_of, randomise, save_tiny, tiny_base, viewed, words
from tests.unit.illustrated import draw_rows
from tests.unit.making import broken_off, finish, load, losses

K = {"prompt_len": 3, "layers": 2, "vision_blocks": 2}
FORMS = ("queries", "early")
every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny ViT on the disk."""
    return save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A few questions about pictures, and some about none."""
    return draw_rows(tmp_path_factory.mktemp("rows"), 12)


def made(encoder, form, family="llama", **settings):
    """An untrained method with visual queries."""
    base = tiny_base(family)
    return base, built("llama_adapter", base, {**K, "vision": str(encoder), "vision_form": form, **settings})


def queries_of(method, tokens):
    """norm(W blocks([queries; norm(W_r Z + b_r)])_1..K + b), block by block from the equation alone."""
    own = dict(method.projection.named_parameters())

    def normed(x, name):
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        return x * own[f"{name}.weight"] + own[f"{name}.bias"]

    def mapped(x, name):
        return x @ own[f"{name}.weight"].T + own[f"{name}.bias"]

    x = torch.cat([own["queries"], normed(mapped(tokens, "reading"), "reading_norm")])
    heads = 8  # the largest number that divides 16 and the width of 24
    for block in (f"blocks.{number}" for number in range(2)):
        inner = normed(x, f"{block}.norm1")
        joined = inner @ own[f"{block}.self_attn.in_proj_weight"].T + own[f"{block}.self_attn.in_proj_bias"]
        q, k, v = (part.view(len(x), heads, -1).transpose(0, 1) for part in joined.chunk(3, -1))
        weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
        x = x + mapped((weights @ v).transpose(0, 1).flatten(1), f"{block}.self_attn.out_proj")
        inner = nn.functional.gelu(mapped(normed(x, f"{block}.norm2"), f"{block}.linear1"))
        x = x + mapped(inner, f"{block}.linear2")
    return normed(mapped(x[:3], "linear"), "norm")


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
@every_form
def test_equation(encoder, files, family, form):
    """With all parameters random it is v1 with other prompts: P_l + Q in the top, or Q itself in the lowest layer."""
    base, method = made(encoder, form, family)
    randomise(method, std=0.3)
    pixels = method.projection.store.encoder.processor(images=[read_picture(files[0])], return_tensors="pt")
    plain = built("llama_adapter", base, {"prompt_len": 3, "layers": 3 if form == "early" else 2})
    with torch.no_grad():
        q = queries_of(method, tiny_encoder("vit")(**pixels).last_hidden_state[0])
        if form == "early":
            plain.prompts.copy_(torch.cat([q[None], method.prompts]))
            plain.gates.copy_(torch.cat([method.early_gates, method.gates]))
        else:
            plain.prompts.copy_(method.prompts + q)
            plain.gates.copy_(method.gates)
    seen = logits(base, method, beside(files[0]))
    assert_close(seen, logits(base, plain, words(1)), rtol=2e-3, atol=5e-3)
    assert (seen - logits(base, method, words(1))).abs().max() > 0.05


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2"])
@every_form
def test_rows_are_their_own_and_untrained_they_are_the_base(encoder, files, family, form):
    """Zero gates are the base to the bit; each row of a mixed batch is what it is alone, and blind rows are v1's."""
    base, method = made(encoder, form, family)
    tokens = beside(files[0], None, files[1])
    assert method.starts_at_base
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))
    randomise(method, std=0.3)
    mixed = logits(base, method, tokens)
    for row in range(3):
        alone = logits(base, method, tokens.of_rows(slice(row, row + 1)))
        assert_close(mixed[row : row + 1], alone, rtol=1e-3, atol=1e-3)
    blind = built("llama_adapter", base, {"prompt_len": 3, "layers": 2})
    blind.load_state_dict({name: method.state_dict()[name] for name in ("prompts", "gates")})
    assert torch.equal(logits(base, method, words(2)), logits(base, blind, words(2)))
    method.control.strength = 0.0
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))


@every_form
def test_every_parameter_learns_and_is_counted(encoder, files, form):
    """With gradient checkpointing the gradients are the same to the bit: pictures are read before the layers."""
    base, method = made(encoder, form)
    assert method.count(method.settings, base.shape) == {
        name: sum(parameter.numel() for parameter in group) for name, group in method.groups().items()
    }
    randomise(method, std=0.3)
    found = []
    for again in (False, True):
        view = viewed(base, method)
        if again:
            view.model.activation_checkpointing_enable({"use_reentrant": False})
            for layer in view.sites.layers:
                layer.training = True
        method.zero_grad()
        loss_of(view, beside(files[0], None)).backward()
        found.append({name: parameter.grad.clone() for name, parameter in method.named_parameters()})
    assert all(gradient.any() and gradient.isfinite().all() for gradient in found[0].values())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_sizes_are_those_of_the_authors_code():
    """With CLIP ViT-L/14's 768 numbers, 10 queries and LLaMA-7B: 8 blocks of 7,087,872 parameters, and the rest."""
    clip = dataclasses.replace(vision_shape("town-vit"), token_width=768, tokens=257)
    projections = 768 * 768 + 768 + 768 * 4096 + 4096
    norms = 2 * 768 + 2 * 4096
    assert VisualQueries.count(clip, 10, 8, 4096) == 8 * 7_087_872 + 10 * 768 + projections + norms


@every_form
def test_adapter_comes_back(encoder, files, tmp_path, form):
    """Saved, loaded and folded it answers the same, to the bit; a single picture is read from the cache again."""
    base, method = made(encoder, form)
    save_adapter(randomise(method, std=0.3), base, tmp_path)
    tokens = beside(files[0], None)
    assert torch.equal(logits(base, load_adapter(tmp_path, base), tokens), logits(base, method, tokens))
    assert torch.equal(logits(base, method.folded(), tokens), logits(base, method, tokens))


@every_form
def test_cached_decoding_reads_a_picture_once(encoder, files, form, monkeypatch):
    """Every token is the one that a whole forward gives, and the queries ran once for all of them."""
    base, method = made(encoder, form)
    view = viewed(base, randomise(method, std=0.3))
    calls, read = [], type(method.projection).read
    monkeypatch.setattr(type(method.projection), "read", lambda *given: calls.append(1) or read(*given))
    sampling = Sampling(max_new_tokens=4, temperature=0.0)
    steps = list(generate(view, [[5, 6, 7]], sampling, pad_id=PAD, eos_id=None, pictures=(files[0],)))
    assert len(calls) == 1
    said = [step.ids[0] for step in steps]
    ids = torch.tensor([[5, 6, 7, *said[:-1]]])
    whole = logits(base, method, dataclasses.replace(words(1, 6), ids=ids, pictures=(files[0],)))
    assert whole[0, 2:].argmax(-1).tolist() == said
    assert EOS not in ids


@every_form
def test_chat_answers_beside_each_other(encoder, files, form):
    """Base and tuned, with one picture, another and none, in one batch: each as alone."""
    base, method = made(encoder, form)
    randomise(method, std=0.3)
    pictures = (files[0], files[1], None)
    columns = [ChatColumn("what?"), *(ChatColumn("what?", method, picture=picture) for picture in pictures)]
    sampling = Sampling(max_new_tokens=4, temperature=0.0)
    *_, last = stream_answers(base, columns, sampling)
    for column, text in zip(columns, last.texts, strict=True):
        *_, alone = stream_answers(base, [column], sampling)
        assert list(alone.texts) == [text]


def test_resumed_run_is_the_uninterrupted_one(encoder, rows, tmp_path):
    """Stopped after the first of two stages, in which only what reads pictures moves: the same adapter to the bit."""
    settings = {**K, "vision_form": "early", "projection_steps": 3}
    config = config_for(encoder, rows, settings=settings, steps=5, eval_every=5, batch_size=4, score_rows=0)
    whole = start_run(tmp_path / "whole", config, load)
    before, progress = copies(whole.method), whole.run()
    for _ in range(3):
        next(progress)
    moved = {name for name, value in copies(whole.method).items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in moved} == {"projection", "gates", "early_gates"}
    list(progress)
    resumed = resume_run(broken_off(partial(start_run, tmp_path / "broken", config, load), 4, killed=False), load)
    assert losses(finish(resumed)) == losses(whole)
    mine, its = (load_file(trainer.folder.adapter_path / "adapter.safetensors") for trainer in (resumed, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)
    assert whole.folder.snapshots()


def test_blocks_learn_more_slowly(encoder):
    """Transformer blocks get a twentieth of the rate that prompts and gates need; nothing is in two groups."""
    _, method = made(encoder, "queries")
    training = config_for(encoder, "town-qa").of_training()
    groups = optimiser_for(method, training, 0.02).param_groups
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(rates) == len(list(method.parameters()))
    slow = {name for name, parameter in method.named_parameters() if rates[id(parameter)] == pytest.approx(0.001)}
    assert {name.split(".")[1] for name in slow} == {"blocks", "reading", "reading_norm"}
    decays = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    spared = {name for name, parameter in method.named_parameters() if id(parameter) not in decays}
    assert {"gates", "projection.blocks.1.norm2.weight", "projection.reading.bias"} <= spared


def test_eight_bits(encoder, files, tmp_path):
    """On an 8-bit base: untrained it is the base, and every parameter learns."""
    base = load_base(str(save_tiny(tmp_path / "model", "llama", hidden_size=64)), "int8")
    method = built("llama_adapter", base, {**K, "vision": str(encoder), "vision_form": "early"})
    tokens = beside(files[0], None)
    assert torch.equal(logits(base, method, tokens), logits(base, None, tokens))
    loss_of(viewed(base, randomise(method)), tokens).backward()
    assert all(parameter.grad.any() for parameter in method.parameters())


def test_memory_is_estimated_without_reading_a_picture(encoder, rows, monkeypatch):
    """The blocks and what they save for the backward pass are counted; no encoder runs."""
    monkeypatch.setattr(PictureTokens, "of", lambda *_: pytest.fail("a picture is read"))
    base = tiny_base("llama")
    needs = []
    for blocks in (1, 8):
        config = config_for(encoder, rows, settings={**K, "vision_form": "queries", "vision_blocks": blocks})
        dataset = config.load_data(base.processor)
        prepared = PreparedData(base=base.model.config, processor=base.processor, dataset=dataset, head=None, limit=40)
        plan = Plan(
            config=base.model.config, method="llama_adapter", settings=config.of_method(),
            training=config.of_training(), batch=largest_batch(prepared, 8),
        )  # fmt: skip
        needs.append(estimate(plan, DeviceMemory(device="cpu", free=2**40, total=2**40)))
    assert needs[1].adapter - needs[0].adapter == 7 * (12 * 24 * 24 + 13 * 24) * 4
    # a block keeps its input, q, k, v, and 4 times as wide states of 8 rows of 3 queries and 17 tokens
    assert needs[1].activations - needs[0].activations > 7 * 8 * 20 * 24 * 12 * 4


@pytest.mark.fault(
    "input", "Early fusion reaches into layers with prompts, or there are no gates for it: one sentence."
)
def test_what_does_not_fit_is_refused(encoder):
    with pytest.raises(SettingError, match="only 1 of the 3 layers have no adaption prompts: lower vision_early"):
        made(encoder, "early", vision_early=2)
    with pytest.raises(SettingError, match="only 0 of the 3 layers"):
        made(encoder, "early", layers=3)
    with pytest.raises(SettingError, match="needs gates, but gate_init is 'ungated'"):
        made(encoder, "early", gate_init="ungated")


def test_clip_gives_its_projected_tokens(tmp_path, files):
    """A whole CLIP's tokens go through its projection, as in the authors' code; their cache is of their own."""
    encoder = load_vision(str(save_encoder(tmp_path, "clip")))
    whole = tiny_encoder("clip")
    pixels = encoder.processor(images=[read_picture(files[0])], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        state = whole.vision_model(pixel_values=pixels).last_hidden_state
        expected = whole.visual_projection(whole.vision_model.post_layernorm(state))[0]
    store = PictureTokens(encoder)
    assert_close(encoder.tokens(read_picture(files[0])), expected)
    assert store.of(files[0]).dtype == torch.float16
    assert_close(store.of(files[0]).float(), expected, rtol=1e-3, atol=1e-3)
    assert expected.shape == (encoder.shape.tokens, encoder.shape.token_width) == (17, 8)
    assert store.fingerprint != encoder.fingerprint
    assert torch.equal(PictureTokens(encoder).of(files[0]), store.of(files[0]))


@every_form
def test_watch_tells_of_it(encoder, files, form):
    """Gates of all layers that act, and who asks whom in them; nothing is asked in early layers without a picture."""
    base, method = made(encoder, form)
    randomise(method)
    (frame,) = method.parameter_events(1)
    layers = [0, 1, 2] if form == "early" else [1, 2]
    assert frame.layers == layers
    assert len(frame.gate) == len(frame.grad) == len(layers)
    seen, blind = (_probed(base, method, "{prompt}", "what?", picture) for picture in (files[0], None))
    assert seen.layers == blind.layers == layers
    assert_close(torch.tensor(seen.weights).sum(-1), torch.ones(len(layers), 4, len(seen.tokens)), atol=1e-3, rtol=0)
    changes = (torch.tensor(seen.contribution) - torch.tensor(blind.contribution)).abs().amax((-1, -2))
    assert (changes > 1e-3).all()
    if form == "early":
        assert not torch.tensor(blind.weights[0]).any()
        assert not torch.tensor(blind.contribution[0]).any()

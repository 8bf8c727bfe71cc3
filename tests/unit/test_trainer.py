"""The training loop: reproducible, resumable, and honest about what it did."""

import contextlib
import dataclasses
import logging
import math
import weakref
from weakref import WeakKeyDictionary

import pytest
import torch
from safetensors.torch import load_file

from engine.config.resuming import Resuming
from engine.config.run import RunConfig
from engine.config.training import SAME_RESULT, TrainingSettings
from engine.core.errors import ModelError, RunError, SettingError
from engine.data.batching import collate
from engine.evaluation.loss import label_loss
from engine.exchange.native import load_adapter
from engine.methods import METHODS
from engine.models.base import base_from_model
from engine.models.loading import load_base
from engine.service.catalogue import usual_rate
from engine.training import recorder, warm_up
from engine.training.gradients import Gradients
from engine.training.launch import resume_run, start_run
from engine.training.objective import TrainingObjective
from engine.training.out_of_memory import advised, is_out_of_memory, less_memory, out_of_memory
from tests.tiny import plain_model, save_tiny, tiny_base, tokenizer
from tests.unit.making import events_of, finish, load, losses, make_dataset

METHOD_NAMES = list(METHODS)


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_training_learns(maker, method):
    """Forty steps lower the training loss by a tenth, where words are searched by a twentieth: the gradient points the
    right way. None is taken to diverge, at a rate that is brisk for it."""
    trainer = finish(maker.start("a", method, steps=40, learning_rate=3e-2, eval_every=40, save_every=40))
    curve = losses(trainer)
    assert sum(curve[-5:]) < (0.95 if METHODS[method].finds_words else 0.9) * sum(curve[:5])
    assert trainer.notice is None
    assert trainer.folder.facts().problem is None
    assert not (trainer.folder.path / "best").exists()


@pytest.mark.parametrize("parts", [2, 3, 16])
def test_accumulation_is_the_big_batch(maker, shelf, parts):
    """Split into parts, even unequal ones or more than there are rows, a batch gives the same run within rounding."""
    whole = losses(shelf.finished())
    split = losses(finish(maker.start("split", micro_batches=parts)))
    assert split == pytest.approx(whole, abs=3e-4)


def test_checkpointing_and_clip_change_only_what_they_should(maker, shelf):
    """Gradient checkpointing gives the very same losses; a tight clip gives others from step 2 on."""
    plain = losses(shelf.finished())
    assert losses(finish(maker.start("again", gradient_checkpointing=True))) == plain
    clipped = finish(maker.start("clipped", max_grad_norm=1e-9))
    assert losses(clipped)[0] == plain[0]
    assert losses(clipped)[1:] != plain[1:]
    assert all(event["grad_norm"] > 1e-9 for event in events_of(clipped, "loss"))  # told before clipping


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_loss_that_is_not_finite_ends_the_run(maker, monkeypatch, bad):
    """The sentence names learning_rate, the newest checkpoint stays, and the run is marked as failed."""
    trainer = maker.start("a")
    true_loss = TrainingObjective.forward

    def forward(self, batch):
        return true_loss(self, batch) * (bad if trainer.position.step == 4 else 1.0)

    monkeypatch.setattr(TrainingObjective, "forward", forward)
    with pytest.raises(RunError, match="learning_rate") as caught:
        finish(trainer)
    assert caught.value.values["step"] == 5
    facts = trainer.folder.facts()
    assert (facts.status, facts.message, facts.step) == ("failed", str(caught.value), 3)
    monkeypatch.undo()
    saved = load_adapter(trainer.folder.adapter_path, tiny_base("llama"))
    assert all(bool(p.isfinite().all()) for p in saved.parameters())
    assert maker.resume("a").position.step == 3


@pytest.mark.fault("input", "Numbers of an untrained base overflow in fp16: the sentence names the precision, no rate.")
@pytest.mark.parametrize(
    ("precision", "key", "says"),
    [
        ("fp32", "loss_damaged_weights", "weights are damaged"),
        ("fp16", "loss_never_finite", "too large for precision fp16"),
    ],
)
def test_a_loss_that_never_was_a_number_is_not_the_rates(maker, monkeypatch, precision, key, says):
    trainer = maker.start("a")
    trainer.base = dataclasses.replace(trainer.base, precision=precision)
    forward = TrainingObjective.forward
    monkeypatch.setattr(TrainingObjective, "forward", lambda self, batch: forward(self, batch) * math.nan)
    with pytest.raises(RunError, match=says) as caught:
        finish(trainer)
    assert caught.value.key == key
    assert "learning_rate" not in str(caught.value)


def test_weight_decay_spares_gates(maker):
    """With a decay and no gradient, prompts shrink and gates stay where they are."""
    trainer = maker.start("a", "llama_adapter", {"gate_init": "random"}, weight_decay=0.5, schedule="constant", steps=1)
    prompts, gates = (p.detach().clone() for p in (trainer.method.prompts, trainer.method.gates))
    for parameter in trainer.method.parameters():
        parameter.grad = torch.zeros_like(parameter)
    trainer.state.optimiser.step()
    assert torch.equal(trainer.method.gates, gates)
    torch.testing.assert_close(trainer.method.prompts.detach(), prompts * (1 - 1e-2 * 0.5))


def test_snapshots_are_the_parameters(maker):
    """Every frame step's snapshot holds the parameters as they were after that step."""
    trainer, seen = maker.start("a"), {}
    seen[0] = {name: tensor.clone() for name, tensor in trainer.method.state_dict().items()}
    for progress in trainer.run():
        seen[progress.step] = {name: tensor.clone() for name, tensor in trainer.method.state_dict().items()}
    assert trainer.folder.snapshots() == list(range(9))
    for step, expected in seen.items():
        snapshot = load_file(trainer.folder.snapshot_path(step))
        assert snapshot.keys() == expected.keys()
        assert all(torch.equal(snapshot[name], expected[name]) for name in expected)


def test_moved_tells_norms_of_the_step(shelf):
    """A group's update norm is the distance between two snapshots."""
    trainer = shelf.finished()
    before, after = (load_file(trainer.folder.snapshot_path(step)) for step in (4, 5))
    (event,) = [event for event in events_of(trainer, "moved") if event["step"] == 5]
    for group, update, norm in zip(event["groups"], event["update_norms"], event["norms"], strict=True):
        assert update == pytest.approx(float((after[group] - before[group]).norm()), rel=1e-3, abs=1e-6)
        assert norm == pytest.approx(float(after[group].norm()), rel=1e-4, abs=1e-6)


def test_first_loss_is_the_base(shelf):
    """A method that starts at the base has the base's loss in step 1, and the base's validation at step 0."""
    trainer = shelf.finished()
    base = tiny_base("llama")
    total, count = label_loss(base.view(), collate(trainer.validation.examples, 0))
    assert events_of(trainer, "eval")[0]["validation_loss"] == pytest.approx(float(total) / count, abs=1e-4)


def test_full_disk_does_not_stop_training(maker, shelf, monkeypatch, caplog):
    """Snapshots that cannot be written, in whatever way the library says so, are told of and passed over."""
    from safetensors import SafetensorError

    quiet = losses(shelf.finished())
    true_write = recorder.write_tensors
    errors = iter([OSError(28, "No space left on device"), SafetensorError("I/O error: No space left on device")])

    def write(path, tensors):
        if "snapshots" in str(path) and (error := next(errors, None)):
            raise error
        true_write(path, tensors)

    monkeypatch.setattr(recorder, "write_tensors", write)
    trainer = finish(maker.start("full"))
    assert losses(trainer) == quiet
    assert trainer.folder.snapshots() == list(range(2, 9))
    messages = [event["message"] for event in events_of(trainer, "status") if event["message"]]
    assert len(messages) == 2
    assert all("space" in message for message in messages)


def test_telemetry_that_cannot_be_written_does_not_stop_training(maker, monkeypatch, caplog):
    """A log that cannot be opened or written is told once, and once more when what waited for it is given up."""
    trainer = maker.start("a")
    trainer.folder.events_path.mkdir()
    monkeypatch.setattr("engine.runs.log.CLOSE_PATIENCE_S", 0.5)
    with caplog.at_level(logging.WARNING):
        finish(trainer)
    assert trainer.folder.facts().status == "finished"
    assert trainer.position.step == 8
    for told in ("Telemetry cannot be written", "could not be written"):
        assert sum(told in record.message for record in caplog.records) == 1


def test_statuses_of_a_run(maker):
    """Loading, running, paused, stopped, finished: run.json and the log say the same."""
    trainer = maker.start("a")
    assert trainer.folder.facts().status == "loading"
    progress = trainer.run()
    next(progress)
    assert trainer.folder.facts().status == "running"
    trainer.pause()
    assert trainer.folder.facts().status == "paused"
    assert trainer.folder.facts().step == 1  # its work is safe while it pauses
    trainer.go_on()
    progress.close()
    resumed = finish(maker.resume("a"))
    assert resumed.folder.facts().status == "finished"
    assert [event["status"] for event in events_of(resumed, "status")] == [
        "running",
        "paused",
        "running",
        "stopped",
        "running",
        "finished",
    ]


def test_a_model_that_cannot_write_on_is_refused(maker):
    """A masked language model sees the answer that it should give: it would learn to copy."""
    config = dataclasses.replace(maker.config("lora", head="words"), model="bert")
    with pytest.raises(ModelError, match=r"bert.*causal"):
        start_run(maker.folder / "bert", config, load)
    assert not (maker.folder / "bert").exists()


@pytest.mark.parametrize(("method", "settings"), [("lora", {}), ("prompt", {"prompt_len": 5, "shift_positions": True})])
def test_rows_are_cut_to_the_models_positions(maker, method, settings):
    """Learned positions end somewhere: longer rows lose their beginning there too, instead of an index error."""
    base = base_from_model("gpt2", plain_model("gpt2", n_positions=20), tokenizer())
    config = dataclasses.replace(maker.config(method, settings), model="gpt2")
    trainer = finish(start_run(maker.folder / "short", config, lambda _name, _precision: base))
    assert max(len(example.ids) for example in trainer.examples) == (20 if method == "lora" else 15)
    assert len(losses(trainer)) == 8


@pytest.mark.parametrize(("prompt", "template"), [("a and b", "Q: {prompt}\nA: "), ("", "{prompt}")])
def test_every_validation_shows_an_answer(maker, caplog, prompt, template):
    """Also where a reference is longer than a row may be, and where rows are plain text and nothing is asked."""
    folder = make_dataset(maker.folder / "long", [(prompt, "a cat " * 20)] * 12, template=template)
    trainer = finish(maker.start("a", dataset=str(folder)))
    assert len(events_of(trainer, "sample")) == len(events_of(trainer, "eval")) == 3
    assert trainer.validation.prompt == tokenizer().encode(template.replace("{prompt}", prompt))
    assert not caplog.records


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "constant_with_warmup"])
def test_learning_rate_follows_its_schedule(maker, schedule):
    """The rate that an update used is told; it climbs during warm-up and ends low where it should."""
    trainer = finish(maker.start("a", schedule=schedule, warmup_ratio=0.25, steps=8))
    rates = [event["lr"] for event in events_of(trainer, "loss")]
    assert max(rates) == pytest.approx(1e-2)
    if schedule != "constant":
        assert rates[0] < rates[1] < rates[2]
    if schedule in ("cosine", "linear"):
        assert rates[-1] < 0.5 * max(rates)


OTHER = {"side": {"distill_steps": 13}, "prefix": {"init_text": "dog"}, "lora": {"init": "olora"}}
"""What makes another warm-up of the same first values, or of others."""


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("side", {"width": 8, "distill_steps": 12}),
        ("prefix", {"init": "text", "init_text": "cat and owl"}),
        ("lora", {"init": "pissa"}),
    ],
)
def test_warming_up_comes_once_and_whole(maker, monkeypatch, method, settings):
    """A run that is stopped while it warms up keeps nothing of that, and goes on as if it had never been stopped.

    A run that begins alike takes over what the warm-up came to, and becomes the same.
    """
    monkeypatch.setattr(warm_up, "_kept", WeakKeyDictionary())
    whole = finish(maker.start("whole", method, settings))
    warm_up._kept.clear()
    first = maker.start("a", method, settings)
    values = {name: tensor.clone() for name, tensor in first.method.state_dict().items()}
    steps, shares = first.run(), []
    for progress in steps:
        assert progress.step == 0
        shares.append(progress.warming)
        if len(shares) == (8 if method == "side" else 1):
            break
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] < 1
    if method == "side":
        assert any(not torch.equal(tensor, values[name]) for name, tensor in first.method.state_dict().items())
    first.pause()
    assert not first.folder.checkpoint_paths
    steps.close()
    assert first.folder.facts().status == "stopped"
    assert all(torch.equal(tensor, values[name]) for name, tensor in first.method.state_dict().items())
    steps = (resumed := maker.resume("a")).run()
    while next(steps).warming is not None:  # the first progress of a step leaves nothing to warm up
        pass
    steps.close()
    assert losses(resumed) == losses(whole)[:1]
    again = maker.resume("a")
    assert all(progress.warming is None for progress in again.run())
    assert losses(again) == losses(whole)
    alike = maker.start("alike", method, settings)
    assert all(progress.warming is None for progress in alike.run())
    assert losses(alike) == losses(whole)
    for other in (
        maker.start("seed", method, settings, seed=1),
        maker.start("method", method, settings | OTHER[method]),
    ):
        with contextlib.closing(other.run()) as steps:
            assert next(steps).warming is not None


@pytest.mark.parametrize(
    ("name", "rate", "power"),
    [
        ("lora", 5e-3, 1),
        ("prompt", 1e-1, 1),
        ("p_tuning", 9e-3, 1),
        ("ladder", 1e-2, 1),
        ("bias", 1e-2, 2),
        ("miss", 2e-3, 2),
    ],
)
def test_smaller_strides_on_wider_models(name, rate, power):
    """The usual rate falls with the width beyond that of the embedded base, where it was found (docs/rates.md)."""
    spec = METHODS[name]
    rates = [spec.usual_rate(spec.settings(), d) for d in (32, 192, 384, 4096)]
    assert rates == pytest.approx([rate, rate, rate / 2**power, rate * (192 / 4096) ** power])


@pytest.mark.parametrize(
    ("own", "rates"),
    [({}, [6e-2, 6e-2, 2e-2, 2e-2]), ({"vision": "town-vit"}, [2e-2] * 4), ({"norms": True}, [2e-2] * 4)],
)
def test_prompts_and_gates_alone_bear_more_on_narrow_models(own, rates):
    """LLaMA-Adapter's rate is that of wide models where biases, norms or what reads a picture trains too."""
    spec = METHODS["llama_adapter"]
    settings = spec.settings.from_dict(own)
    assert [spec.usual_rate(settings, d) for d in (32, 192, 384, 4096)] == pytest.approx(rates)


def test_a_side_network_with_a_tenth_of_the_blend_makes_larger_strides():
    """Beside a large base it would stand still at the rate of one that has half."""
    spec = METHODS["side"]
    large = spec.settings.from_dict({"alpha": spec.smaller[0]["alpha"]})
    assert [spec.usual_rate(one, 576) for one in (spec.settings(), large)] == pytest.approx([2e-4, 2e-3])


def test_every_method_can_be_searched():
    """A search multiplies the usual rate, that of a method without weights to train too."""
    assert all(usual_rate(RunConfig(method=name)) > 0 for name in METHODS)


def test_usual_rates_on_small_models():
    """There they are those that a method's description tells."""
    for name, spec in METHODS.items():
        assert spec.usual_rate(spec.settings(), 32) == spec.learning_rate, name


def test_the_form_names_the_rate_that_a_run_takes(maker, tmp_path):
    """What stands in the empty field is what the first update is made with."""
    save_tiny(tmp_path / "wide", "llama", hidden_size=256, intermediate_size=64, num_attention_heads=4)
    config = dataclasses.replace(
        maker.config("lora", learning_rate=None, schedule="constant"), model=str(tmp_path / "wide")
    )
    first = events_of(finish(start_run(tmp_path / "run", config, load_base)), "loss")[0]
    assert first["lr"] == pytest.approx(usual_rate(config)) == pytest.approx(5e-3 * 192 / 256)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
]


@pytest.mark.fault(
    "memory", "Memory runs out in a step: one sentence names the settings to change, and the work before it stays."
)
@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "python", "cpu"])
def test_out_of_memory_is_a_sentence(maker, monkeypatch, error):
    trainer = maker.start("a")
    steps = trainer.run()
    for _ in range(4):
        next(steps)

    def fails(*_):
        raise error

    monkeypatch.setattr(trainer._worker.gradients, "_backward", fails)
    with pytest.raises(RunError) as told:
        next(steps)
    assert told.value.key == "out_of_memory"
    assert told.value.values["advice"] == "micro_batches=2, gradient_checkpointing=true, precision=int8"
    assert told.value.values["micro_batches"] == 2
    assert "resume --micro-batches 2" in str(told.value)
    assert (trainer.folder.facts().status, trainer.folder.facts().problem["key"]) == ("failed", "out_of_memory")
    monkeypatch.undo()
    assert maker.resume("a").position.step == 3


@pytest.mark.fault(
    "memory", "Memory runs out in a step: what the step held is given back before the run is said to end."
)
def test_memory_is_given_back(maker, monkeypatch):
    trainer = maker.start("a")
    steps, held = trainer.run(), []
    next(steps)

    def fails(*_):
        activations = torch.ones(1000)
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(trainer._worker.gradients, "_backward", fails)
    with pytest.raises(RunError) as told:
        next(steps)
    assert held[0]() is None
    assert told.value.__context__ is None
    assert all(parameter.grad is None for parameter in trainer.method.parameters())


def test_the_way_out_is_what_the_estimate_calls_enough(maker, monkeypatch):
    """The smallest change that fits; the smallest of all where the estimate thought that memory was enough."""
    trainer = maker.start("a", batch_size=6)
    trainer.enough = lambda settings: settings.micro_batches >= 4
    steps = trainer.run()
    next(steps)
    monkeypatch.setattr(trainer._worker.gradients, "_backward", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(RunError, match="resume --micro-batches 4`"):
        next(steps)
    settings = TrainingSettings(batch_size=4)
    assert less_memory(settings, lambda _: True) == {"micro_batches": 2}
    assert less_memory(settings, lambda _: False) == {"micro_batches": 4, "gradient_checkpointing": True}
    both = less_memory(settings, lambda settings: settings.gradient_checkpointing)
    assert both == {"micro_batches": 4, "gradient_checkpointing": True}


def test_a_warning_of_too_little_memory_is_no_allocators_text(maker):
    """Where a validation or a frame lacks memory, training goes on, and a person is told in words."""
    trainer = maker.start("a")
    trainer.recorder.open()
    trainer.recorder.warning(3, "The validation", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    trainer.recorder.close()
    assert events_of(trainer, "status")[-1]["message"] == "The validation of step 3 failed: memory ran out"


@pytest.mark.fault("killed", "Power is cut after a checkpoint: losses, best state and adapter are on the disk with it.")
def test_what_a_checkpoint_stands_for_is_on_the_disk(maker, monkeypatch):
    """Events, checkpoint, best state and adapter reach it in turn, before run.json speaks of them."""
    trainer = maker.start("a", keep="best", eval_every=3)
    done, folder = [], trainer.folder
    update = type(folder).update
    monkeypatch.setattr(recorder, "sync_tree", lambda path: done.append(path.relative_to(folder.path).parts[0]))
    monkeypatch.setattr("engine.runs.log.os.fsync", lambda _: done.append("events"))
    monkeypatch.setattr(recorder, "save_checkpoint", lambda *_: done.append("checkpoint"))
    monkeypatch.setattr(type(folder), "update", lambda self, **new: (done.append(tuple(new)), update(self, **new))[1])
    with contextlib.closing(trainer.run()) as steps:
        while next(steps).step < 3:
            done.clear()
        first = done.index("checkpoint") - 1
        spoken = ("step", "best_validation", "kept_step", "text")
        assert done[first : first + 5] == ["events", "checkpoint", "best", "adapter", spoken]


def test_a_run_without_numbers_keeps_its_best_state(maker, monkeypatch):
    """Whatever `keep` says: the newest checkpoint may be of the way into the ditch."""
    trainer = maker.start("a", keep="newest", eval_every=2, save_every=3)
    steps = trainer.run()
    while next(steps).step < 2:
        pass
    assert trainer.position.best.step == 2
    best = load_file(trainer.folder.best_path(2) / "adapter.safetensors")
    assert next(steps).step == 3
    forward = TrainingObjective.forward
    monkeypatch.setattr(TrainingObjective, "forward", lambda self, batch: forward(self, batch) * math.nan)
    with pytest.raises(RunError, match="became nan at step 4"):
        next(steps)
    assert trainer.folder.facts().kept_step == 2
    kept = load_file(trainer.folder.adapter_path / "adapter.safetensors")
    assert all(torch.equal(kept[name], values) for name, values in best.items())


def test_only_a_lack_of_memory_is_taken_for_one():
    assert not any(
        map(is_out_of_memory, [RuntimeError("shape mismatch"), ValueError("can't allocate memory"), OSError()])
    )
    frugal = TrainingSettings(
        batch_size=2, micro_batches=2, gradient_checkpointing=True, max_seq_len=32, precision="nf4"
    )
    assert advised(frugal) == []
    assert "precision=nf4" in str(out_of_memory("a", frugal, 3))
    assert out_of_memory("a", frugal, 3).key == "out_of_memory_again"


def test_what_needs_less_memory_for_the_same_result():
    """Twice as many parts, as far as there are rows; then gradient checkpointing; then nothing is left."""
    steps, settings = [], TrainingSettings(batch_size=6)
    while changes := less_memory(settings):
        steps.append(changes)
        settings = dataclasses.replace(settings, **changes)
    assert steps == [{"micro_batches": 2}, {"micro_batches": 4}, {"micro_batches": 6}, {"gradient_checkpointing": True}]


@pytest.mark.fault(
    "memory", "A run that ran out of memory goes on with smaller parts from its last checkpoint: the same losses."
)
@pytest.mark.parametrize("method", ["llama_adapter", "lora"])
def test_out_of_memory_goes_on_with_less(maker, monkeypatch, method):
    """As told by the sentence, for as long as it takes; run.json and run.yaml have the new values."""
    whole = losses(finish(maker.start("whole", method)))
    trainer = maker.start("a", method)
    gradients = Gradients.of

    def needs_small_parts(self, rows, step):
        if step.number >= 4 and self._settings.micro_batches < 4:
            raise MemoryError
        return gradients(self, rows, step)

    monkeypatch.setattr(Gradients, "of", needs_small_parts)
    tries = 0
    while True:
        try:
            finish(trainer)
            break
        except RunError as error:
            tries += 1
            changes = {name: error.values[name] for name in SAME_RESULT if name in error.values}
            trainer = resume_run(trainer.folder, load, Resuming(training=changes))
            assert trainer.position.step == 3
    assert tries == 2
    assert losses(trainer) == pytest.approx(whole, abs=3e-4)
    assert trainer.folder.config.of_training().micro_batches == 4
    assert RunConfig.from_yaml((trainer.folder.path / "run.yaml").read_text()) == trainer.folder.config


def test_a_setting_that_changes_the_result_is_refused_on_resume(maker):
    trainer = maker.start("a")
    with pytest.raises(SettingError, match="batch_size cannot change"):
        resume_run(trainer.folder, load, Resuming(training={"batch_size": 2}))

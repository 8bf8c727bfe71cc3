"""Data or a base that changed since a run: noticed when it goes on or is scored, with a choice."""

import hashlib
import json
from dataclasses import replace

import pytest
from tokenizers import normalizers
from transformers import ViTImageProcessorPil

from engine.cli import adapter
from engine.cli.parser import build_parser
from engine.config.resuming import Resuming
from engine.core.errors import ModelError, RunError
from engine.data.dataset import load_dataset
from engine.data.fingerprint import BY_BYTES, changed_splits, fingerprints
from engine.models.base import base_from_model
from engine.models.processor_hash import hash_processor
from engine.training.launch import resume_run
from tests.tiny import plain_model, tokenizer
from tests.unit.drawing import draw_shapes
from tests.unit.making import ROWS, Maker, events_of, finish, load, losses, make_dataset

ACCEPTED = Resuming(accept_changed=True)


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def stopped(maker, steps=5):
    """A run that was stopped."""
    trainer = maker.start("a")
    progress = trainer.run()
    for _ in range(steps):
        next(progress)
    progress.close()
    return trainer.folder


def change(maker, split):
    """Another answer in the first row of a split."""
    path = maker.folder / "data" / f"{split}.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), "response": "other"}), *others]) + "\n")


@pytest.mark.fault("damaged", "A run's rows have changed when it shall go on: it asks, and goes on only if told so.")
@pytest.mark.parametrize("split", ["train", "validation"])
def test_changed_data_are_noticed_on_resume(maker, split):
    """Accepted once, they are known; the log says from which step on."""
    folder = stopped(maker)
    change(maker, split)
    with pytest.raises(RunError, match="--accept-changed") as asked:
        maker.resume("a")
    assert (asked.value.key, asked.value.values["splits"]) == ("data_changed", split)
    trainer = finish(resume_run(folder, load, ACCEPTED))
    assert len(losses(trainer)) == 8
    said = [event["message"] for event in events_of(trainer, "status") if event["message"]]
    assert ["Accepted at step 5" in message for message in said] == [True]


def test_the_same_data_are_the_same(maker):
    """Written anew, and in a run of an older version, which knows no fingerprint."""
    folder = stopped(maker)
    make_dataset(maker.folder / "data", ROWS)
    assert maker.resume("a").position.step == 5
    change(maker, "train")
    folder.update(data={})
    assert maker.resume("a").position.step == 5


def test_test_rows_may_change_while_a_run_trains(maker):
    """They take no part in it."""
    stopped(maker)
    change(maker, "test")
    assert maker.resume("a").position.step == 5


@pytest.mark.fault("damaged", "A run's base has other weights when it shall go on: it asks likewise.")
def test_a_changed_base_is_noticed_on_resume(maker):
    """Validations of the former base count no more for the best one."""
    folder = stopped(maker)
    other = base_from_model("llama", plain_model("llama", seed=7), tokenizer())
    with pytest.raises(RunError, match="--accept-changed") as asked:
        resume_run(folder, lambda *_: other)
    assert asked.value.key == "other_weights"
    trainer = resume_run(folder, lambda *_: other, ACCEPTED)
    assert trainer.position.best.loss is None
    finish(trainer)
    assert folder.facts().base.fingerprint == other.fingerprint


def merged():
    """A tokenizer that reads otherwise, with the same tokens."""
    made = tokenizer()
    made.backend_tokenizer.normalizer = normalizers.Lowercase()
    return made


def chatting():
    """A tokenizer with a chat template."""
    made = tokenizer()
    made.chat_template = "{{ messages[0].content }}"
    return made


@pytest.mark.fault("damaged", "A run's base has another tokenizer or chat template when it goes on: it asks likewise.")
@pytest.mark.parametrize("other", [merged, chatting])
def test_a_changed_tokenizer_is_noticed_on_resume(maker, other):
    """Accepted once, it is known; runs of older versions know none."""
    folder = stopped(maker)
    base = base_from_model("llama", plain_model("llama"), other())
    with pytest.raises(RunError, match="--accept-changed") as asked:
        resume_run(folder, lambda *_: base)
    assert (asked.value.key, asked.value.values["name"]) == ("other_processor", "llama")
    known = folder.facts().base
    folder.update(base=replace(known, processor=""))
    assert resume_run(folder, lambda *_: base).position.step == 5
    folder.update(base=known)
    trainer = finish(resume_run(folder, lambda *_: base, ACCEPTED))
    said = [event["message"] for event in events_of(trainer, "status") if event["message"]]
    assert ["tokenizer" in message for message in said] == [True]
    assert folder.facts().base.processor == base.processor_fingerprint


def test_a_tokenizer_is_the_same_after_its_calls():
    """What a call leaves in it is no change; so is how a library wrote it."""
    used = tokenizer()
    used(["a", "a b c"], padding=True, truncation=True, max_length=2)
    assert hash_processor(used) == hash_processor(tokenizer())
    assert len({hash_processor(each()) for each in (tokenizer, merged, chatting)}) == 3
    pictures = [ViTImageProcessorPil(size={"height": size, "width": size}) for size in (16, 16, 24)]
    assert len({hash_processor(each) for each in pictures}) == 2


@pytest.mark.fault("damaged", "A run's test rows or its base have changed when it is scored: eval asks likewise.")
def test_changes_are_noticed_on_eval(maker, monkeypatch, capsys):
    """With --accept-changed it scores."""
    trainer = finish(maker.start("a"))
    bases = [trainer.base, base_from_model("llama", plain_model("llama", seed=7), tokenizer())]
    monkeypatch.setattr(adapter, "load_base", lambda *_, **__: bases[0])

    def run(*flags):
        args = build_parser().parse_args(["eval", str(trainer.folder.path), "--json", *flags])
        args.run(args)

    run()
    change(maker, "test")
    with pytest.raises(RunError, match="--accept-changed"):
        run()
    run("--accept-changed")
    bases.reverse()
    with pytest.raises(ModelError, match="--accept-changed"):
        run()
    run("--accept-changed")
    bases[0] = base_from_model("llama", plain_model("llama"), merged())
    with pytest.raises(RunError, match="tokenizer"):
        run()
    run("--accept-changed")
    assert capsys.readouterr().out.count("\n") == 4


def formerly(rows):
    """The fingerprint in runs of older versions: of pictures the sizes."""
    digest = hashlib.sha256()
    for row in rows:
        picture = row.picture.stat().st_size if row.picture else None
        digest.update(json.dumps([row.prompt, row.response, row.template, picture]).encode())
    return digest.hexdigest()[:32]


@pytest.mark.fault("damaged", "A run's picture has become another of equal size: it is noticed when the run goes on.")
def test_another_picture_of_equal_size_is_noticed(tmp_path):
    """Runs of older versions are compared by what they know; a picture that is put back is the same."""
    folder = draw_shapes(tmp_path / "shapes", 10)
    picture = load_dataset(str(folder)).rows("train")[0].picture
    former = picture.read_bytes() + b"\0"  # behind its end, anything can stand
    picture.write_bytes(former)
    dataset = load_dataset(str(folder))
    known = fingerprints(dataset)
    older = {split: formerly(dataset.rows(split)) for split in known}
    assert all(digest.startswith(BY_BYTES) for digest in known.values())
    assert changed_splits(known, dataset) == changed_splits(older, dataset) == []
    picture.write_bytes(former[:-1] + b"\1")
    dataset = load_dataset(str(folder))
    changed = [split for split in known if picture in {row.picture for row in dataset.rows(split)}]
    assert changed_splits(known, dataset) == changed != []
    assert changed_splits(older, dataset) == []
    picture.write_bytes(former + b"\1")
    assert changed_splits(older, load_dataset(str(folder))) == changed
    picture.write_bytes(former)
    assert changed_splits(known, load_dataset(str(folder))) == []


def test_texts_have_the_fingerprint_of_older_versions(tmp_path):
    """So that older runs of theirs are compared in full."""
    dataset = load_dataset(str(make_dataset(tmp_path / "data", ROWS)))
    assert fingerprints(dataset) == {split: formerly(dataset.rows(split)) for split in ("train", "validation", "test")}

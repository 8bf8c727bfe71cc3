"""One task after another on one base: nothing of an earlier task changes, and none of its data is needed again."""

import shutil
from pathlib import Path

import pytest
import torch

from engine.config.run import RunConfig
from engine.exchange.native import load_adapter
from engine.methods import METHODS
from engine.methods.attach import attached_view
from engine.models.base import hash_weights
from engine.service.adapters import list_adapters
from engine.service.switching import time_switch
from engine.training.launch import start_run
from tests.tiny import tiny_base, words
from tests.unit.making import finish, load, make_dataset

MOODS = [(f"{mood} {place}", mood) for place in ("bus", "park", "soup") for mood in ("bad", "nice", "odd")]
COUNTS = [("x" * n + "o" * (6 - n), str(n)) for n in range(7)]
PAIRS = [(f"{a} and {b}", f"{a}{b}") for a in ("cat", "owl", "newt") for b in ("1", "22", "333")]
TASKS = {
    "moods": (MOODS, {"labels": ["bad", "nice", "odd"]}, "head"),
    "counts": (COUNTS, {"task": "regression"}, "head"),
    "pairs": (PAIRS, {}, "words"),
    "ends": ([(text, text[-1]) for text, _ in COUNTS], {"labels": ["o", "x"]}, "head"),
}
IN_A_ROW = {"llama": ("moods", "counts", "pairs"), "bert": ("moods", "counts", "ends")}
"""Three tasks for each family: an encoder has no words."""


def learn(folder: Path, task: str, family: str, method: str) -> Path:
    """Train a task, then keep nothing but the adapter's folder: the data and the run are gone."""
    rows, facts, head = TASKS[task]
    data, run = make_dataset(folder / "data", rows, template="{prompt}", **facts), folder / "run"
    training = {"steps": 3, "batch_size": 4, "max_seq_len": 40, "head": head, "learning_rate": 1e-2}
    config = RunConfig(model=family, dataset=str(data), method=method, method_settings=small(method), training=training)
    trainer = finish(start_run(run, config, load))
    kept = (run / "adapter").rename(folder / f"{task}-{method}")
    assert all(map(torch.equal, answers(trainer.base, trainer.method), answers(trainer.base, kept)))
    shutil.rmtree(run)
    shutil.rmtree(data)
    return kept


def small(method: str) -> dict[str, object]:
    """Settings that fit a tiny model."""
    return dict(METHODS[method].examples[0])


def answers(base, adapter):
    """Hidden states and head's scores (or logits) of a method, or of one that is read from its folder alone."""
    method = load_adapter(adapter, base) if isinstance(adapter, Path) else adapter
    view = attached_view(base, method)
    with torch.no_grad():
        hidden = view.hidden(words())
        return hidden, view.head(hidden) if method.head is None else method.head(hidden, words())


@pytest.mark.parametrize("method", ["lora", "bottleneck"])
@pytest.mark.parametrize("family", ["llama", "bert"])
def test_three_tasks_in_a_row(tmp_path, family, method):
    """After each new task all earlier ones answer as before, equal to the bit, from their adapters' folders alone."""
    base = tiny_base(family)
    untouched = hash_weights(base.model)
    expected: dict[Path, tuple[torch.Tensor, torch.Tensor]] = {}
    for number, task in enumerate(IN_A_ROW[family]):
        kept = learn(tmp_path / str(number), task, family, method)
        expected[kept] = answers(base, kept)
        for before, scores in expected.items():
            assert all(map(torch.equal, answers(base, before), scores)), before
        assert hash_weights(base.model) == untouched
    states = [hidden for hidden, _ in expected.values()]
    assert not any(torch.equal(states[0], other) for other in states[1:])  # the tasks did learn something of their own


def test_library_lists_what_is_left(tmp_path):
    """Adapter folders alone tell name, task, labels, parameters and bytes; a damaged folder is passed over."""
    kept = [learn(tmp_path, task, "llama", "lora") for task in IN_A_ROW["llama"]]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "adapter.json").write_text("{")
    listed = list_adapters(tmp_path)
    assert [info.id for info in listed] == [path.name for path in kept]
    assert [info.labels for info in listed] == [("bad", "nice", "odd"), (), None]
    assert {info.fingerprint for info in listed} == {tiny_base("llama").fingerprint}
    assert [info.size_bytes for info in listed] == [sum(f.stat().st_size for f in path.iterdir()) for path in kept]
    head = {"moods-lora": 3 * 32, "counts-lora": 32, "pairs-lora": 0}
    alone = listed[2].trainable
    assert {info.id: info.trainable - alone for info in listed} == head
    assert list_adapters(tmp_path, "tiny-llama") == listed
    assert list_adapters(tmp_path, "other") == []


def test_switching_is_measured_on_what_it_says(tmp_path):
    """Both ways of switching take some time, and the measured adapter is the one in the folder."""
    base = tiny_base("llama")
    times = time_switch(base, learn(tmp_path, "moods", "llama", "lora"))
    assert times.disk_ms > 0
    assert times.memory_ms > 0

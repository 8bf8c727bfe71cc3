"""Test rows through the workbench: both answers, in parts, kept until the run goes on."""

import csv
import dataclasses
import io
import json

import pytest

from app.tabs.predictions import as_csv, cells, worst_first
from engine.core.errors import RunError
from engine.evaluation.predicted import Predicted
from engine.service.runs import RECORDINGS
from tests.unit.making import make_dataset
from tests.workbench.test_workbench import config, wait, workbench  # noqa: F401 - a fixture

ROW = {"prompt": "p", "reference": "r", "base": "b", "tuned": "t", "right": True, "loss": 1.0}


def test_the_worst_come_first():
    """Wrong before right, then by nats; numbers, which are neither, stand with the wrong ones."""
    pairs = ((True, 9), (False, 1), (None, 3), (True, 2), (False, 5))
    rows = [ROW | {"right": right, "loss": loss} for right, loss in pairs]
    assert [(row["right"], row["loss"]) for row in worst_first(rows)] == [
        (False, 5), (None, 3), (False, 1), (True, 9), (True, 2),
    ]  # fmt: skip
    assert cells(ROW | {"tuned": " <b>\n"}) == ["✓", 1.0, "p", "r", "b", "<b>"]


def test_csv_holds_whatever_was_said():
    """Commas, quotes, lines, and other scripts come back as they were."""
    nasty = ROW | {"base": 'a, "b"\nc', "tuned": "你好 🙂 مرحبا"}
    (row,) = csv.DictReader(io.StringIO(as_csv(Predicted(rows=[nasty], total=1))))
    assert (row["base"], row["tuned"]) == (nasty["base"], nasty["tuned"])
    assert as_csv(None) == ""


def trained(bench, data, steps=3, **values):
    """A finished run on some data; its id."""
    run = bench.start(config(steps=steps, dataset=data, **values))
    wait(lambda: bench.live().run is None)
    return run


def test_rows_are_answered_in_parts_and_kept(workbench, tmp_path):  # noqa: F811 - the fixture
    """Every held-out row once, in the order of the data, with progress; the second time all at once, and the same."""
    rows = [(f"Where does number {number} live?", "Here.") for number in range(60)]
    run = trained(workbench, str(make_dataset(tmp_path / "rows", rows)))
    assert workbench.runs.kept_predictions(run) is None
    tables = list(workbench.predictions(run))
    assert [len(one.rows) for one in tables] == [16, 20]
    assert {one.total for one in tables} == {20}
    assert [row["prompt"] for row in tables[-1].rows] == [prompt for prompt, _ in rows[40:]]
    assert all(row["loss"] > 0 for row in tables[-1].rows)
    assert list(workbench.predictions(run)) == [workbench.runs.kept_predictions(run)] == tables[-1:]
    folder = workbench.runs.editable_folder(run)
    folder.update(step=99)  # it went on
    assert workbench.runs.kept_predictions(run) is None
    (folder.path / "predictions.json").write_text("{")
    assert workbench.runs.kept_predictions(run) is None


def test_what_is_active_or_recorded(workbench):  # noqa: F811 - the fixture
    """A run that trains is refused with a sentence; a recording is answered, and nothing is written beside it."""
    run = workbench.start(config())
    with pytest.raises(RunError, match="stop it"):
        next(workbench.predictions(run))
    workbench.stop()
    first = next(workbench.predictions("lora"))
    assert first.total == 192
    assert all(row["right"] for row in first.rows)
    assert not (RECORDINGS / "lora" / "predictions.json").exists()


@pytest.mark.fault(
    "damaged", "A run's test rows or its base have changed when the page answers them: it asks likewise."
)
def test_changes_are_noticed(workbench, tmp_path):  # noqa: F811 - the fixture
    """Nothing is kept until somebody accepts; what was answered before the change stays as it is."""
    data = make_dataset(tmp_path / "rows", [(f"Where does number {number} live?", "Here.") for number in range(30)])
    run = trained(workbench, str(data), steps=1)
    path = data / "test.jsonl"
    before = path.read_text()
    path.write_text(before.replace("Here.", "There."))
    with pytest.raises(RunError) as asked:
        list(workbench.predictions(run))
    assert (asked.value.key, asked.value.values["splits"]) == ("data_changed", "test")
    path.write_text(before)
    folder = workbench.runs.editable_folder(run)
    known = folder.facts().base
    folder.update(base=dataclasses.replace(known, processor="of another tokenizer"))
    with pytest.raises(RunError) as asked:
        list(workbench.predictions(run))
    assert asked.value.key == "other_processor"
    folder.update(base=known)
    facts = json.loads((folder.adapter_path / "adapter.json").read_text())
    (folder.adapter_path / "adapter.json").write_text(
        json.dumps({**facts, "base": {**facts["base"], "fingerprint": "of another base"}})
    )
    (folder.adapter_path / "adapter.safetensors").touch()  # or it is taken for the one that was read before
    with pytest.raises(RunError) as asked:
        list(workbench.predictions(run))
    assert (asked.value.key, asked.value.values["run"]) == ("other_weights", run)
    assert workbench.runs.kept_predictions(run) is None
    *_, last = workbench.predictions(run, accept_changed=True)
    assert len(last.rows) == last.total == 10
    path.write_text("")
    assert list(workbench.predictions(run)) == [last]

"""Run folders of version 0.1.0 open today: listed, replayed, asked and resumed as if nothing had been renamed."""

import json
import shutil
from pathlib import Path

import pytest

from engine.analysis.probe import probe
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.exchange.native import load_adapter
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.runs.scan import run_folders
from engine.training.launch import resume_run

EXPECTED = [1.4633, 1.68495, 1.18461, 1.60847, 2.23155, 1.94489]
ROOT = Path(__file__).resolve().parents[2]
FORMER, FORMER_TOWN = ROOT / "tests" / "data" / "runs-0.1.0", ROOT / "assets" / "town-0.1.0"
TRAINING = {
    "steps": 6,
    "batch_size": 8,
    "seed": 3,
    "micro_batches": 2,
    "warmup_ratio": 0.2,
    "max_grad_norm": 0.5,
    "max_seq_len": 96,
    "gradient_checkpointing": True,
}


@pytest.fixture
def runs(tmp_path):
    """A copy that may be changed."""
    return Path(shutil.copytree(FORMER, tmp_path / "runs"))


def former_base(_name, *options, **named):
    """The embedded base of version 0.1.0, which has other weights today."""
    return load_base(str(FORMER_TOWN), *options, **named)


def test_they_are_listed_with_todays_names(runs):
    """Both are there, and their settings read as today's."""
    folders = {folder.id: folder for folder in run_folders(runs)}
    assert set(folders) == {"llama_adapter-0.1.0", "lora-0.1.0"}
    assert {folder.status() for folder in folders.values()} == {"stopped", "finished"}
    for folder in folders.values():
        assert folder.config.training == TRAINING
        assert RunConfig.from_yaml((folder.path / "run.yaml").read_text("utf-8")) == folder.config
        assert {event["kind"] for event in all_events(folder.events_path)} >= {"loss", "eval", "sample"}


def test_what_they_held_is_read_and_written_alike(runs):
    """The memory of a run of before is known by its fields, and its entry in run.json stays as it is."""
    for folder in run_folders(runs):
        entry = json.loads((folder.path / "run.json").read_text("utf-8"))["memory"]
        memory = folder.facts().memory
        assert memory.peak == memory.weights + memory.adapter + memory.optimiser + memory.step
        folder.update(notes="seen")
        assert json.loads((folder.path / "run.json").read_text("utf-8"))["memory"] == entry


def test_their_adapters_can_be_asked(runs):
    """An adapter file of before acts on the base."""
    base = former_base("town")
    for name in ("llama_adapter-0.1.0", "lora-0.1.0"):
        report = probe(base, load_adapter(runs / name / "adapter", base), "Where does Ivan Marsh live?")
        assert report.tokens


def test_todays_base_is_not_theirs(runs):
    """The weights of the embedded base are others today: one sentence says so, and nothing answers wrongly."""
    with pytest.raises(RunError, match="are not the ones that the run"):
        resume_run(RunFolder.open(runs / "llama_adapter-0.1.0"), load_base)


def test_a_stopped_one_goes_on(runs):
    """The last two losses are the ones that version 0.1.0 itself made when it resumed this run."""
    trainer = resume_run(RunFolder.open(runs / "llama_adapter-0.1.0"), former_base)
    assert trainer.position.step == 4
    with trainer.folder.owned():
        for _ in trainer.run():
            pass
    losses = [event["loss"] for event in all_events(trainer.folder.events_path) if event["kind"] == "loss"]
    assert losses == pytest.approx(EXPECTED, rel=1e-3)
    assert trainer.folder.status() == "finished"

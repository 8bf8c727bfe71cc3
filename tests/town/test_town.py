"""The embedded town: small, whole, regenerated bit-equal, and never told the instruction template."""

import hashlib
import itertools
import json

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.config.run import RunConfig
from engine.data.dataset import load_dataset
from engine.data.shipped import DATASETS, shipped
from engine.models.resolve import SHIPPED
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from tools.demo_model import tasks
from tools.demo_model.corpus import documents, heldout_texts
from tools.demo_model.record import record
from tools.demo_model.tokenizer import save_tokenizer

TOWN = SHIPPED["town"]


def test_datasets_regenerate_bit_equal(tmp_path):
    tasks.write_all(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = sorted(path.relative_to(DATASETS) for path in DATASETS.rglob("*") if path.is_file())
    assert made == [path for path in kept if path.parts[0] != "town-pictures"]  # drawn by a tool of its own
    for path in made:
        assert (tmp_path / path).read_bytes() == (DATASETS / path).read_bytes(), path


@pytest.mark.slow
def test_tokenizer_regenerates_bit_equal(tmp_path):
    save_tokenizer(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (TOWN / name).read_bytes(), name


def test_corpus_begins_as_recorded():
    text = "\0".join(itertools.islice(documents(50), 50))
    assert hashlib.sha256(text.encode()).hexdigest() == hashlib.sha256("\0".join(documents(50)).encode()).hexdigest()
    kept = [json.loads(line)["text"] for line in (TOWN / "plain_test.jsonl").read_text("utf-8").splitlines()]
    assert kept == heldout_texts()


def test_base_is_small_and_loads_with_plain_transformers():
    assert sum(path.stat().st_size for path in TOWN.glob("*.safetensors")) <= 12e6
    model, tokenizer = AutoModelForCausalLM.from_pretrained(TOWN), AutoTokenizer.from_pretrained(TOWN)
    assert model.config.model_type == "llama"
    assert model.num_parameters() == 2_853_312
    ids = tokenizer("Ivan Marsh was born in", return_tensors="pt")
    assert tokenizer.decode(model.generate(**ids, max_new_tokens=2, do_sample=False)[0][-2:])


def test_base_never_reads_the_instruction_template():
    templates = [load_dataset(name).template for name in shipped()]
    markers = {line.strip() for template in templates for line in template.splitlines() if len(line.strip()) > 3}
    markers.discard("{prompt}")
    text = "\n".join(itertools.islice(documents(5000), 5000))
    assert markers
    assert not [marker for marker in markers if marker in text]


@pytest.mark.parametrize("name", shipped())
def test_splits_do_not_leak(name):
    dataset = load_dataset(name)
    rows = {split: dataset.rows(split) for split in dataset.splits}
    assert {split: len(of_split) for split, of_split in rows.items()} == dataset.splits
    train = {(row.prompt, row.response, row.picture) for row in rows["train"]}
    for split in ("validation", "test"):
        assert not train & {(row.prompt, row.response, row.picture) for row in rows[split]}, split
    assert dataset.chips
    assert (dataset.folder / "README.md").exists()


def test_heldout_town_qa_asks_about_people_never_asked_about():
    dataset = load_dataset("town-qa")
    named = {row.response.split()[0] + " " + row.response.split()[1] for row in dataset.rows("train")}
    asked = "\n".join(row.prompt for row in dataset.rows("test"))
    assert named
    assert not [name for name in named if name in asked]


def test_model_card_reports_the_trials_that_were_measured():
    trials = json.loads((TOWN / "trials.json").read_text("utf-8"))["trials"]
    card = (TOWN / "README.md").read_text("utf-8")
    for trial in trials:
        assert f"{trial['scores']['exact_match']:.1%}" in card
    of_dataset = [trial for trial in trials if trial["dataset"] == "town-qa"]
    for method, target in (("llama_adapter", 0.85), ("lora", 0.95), ("prompt", 0.60)):
        scores = [trial["scores"]["exact_match"] for trial in of_dataset if trial["method"] == method]
        assert scores
        assert min(scores) >= target
    assert max(trial["scores"]["base_exact_match"] for trial in of_dataset) <= 0.10
    assert max(trial["seconds"] for trial in of_dataset) <= 180


@pytest.mark.usefixtures("brief_evaluations", "few_shipped_rows")
def test_a_recording_has_no_more_than_it_shows(tmp_path):
    """No checkpoint, no lock, few states; it is a whole run, at every step that its log names."""
    record(RunConfig(method="bias", training={"steps": 6, "score_rows": 2}), tmp_path / "bias")
    folder = RunFolder.open(tmp_path / "bias")
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "adapter", "events.jsonl", "run.json", "run.yaml", "snapshots",
    ]  # fmt: skip
    assert folder.snapshots() == [0, 4]
    assert [event["step"] for event in all_events(folder.events_path) if event["kind"] == "snapshot"] == [0, 4]
    assert folder.facts().status == "finished"

"""The embedded town: small, whole, regenerated bit-equal, and never told the instruction template."""

import hashlib
import itertools
import json
import re

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks import methods
from benchmarks.expected import EXPECTED
from engine.config.run import RunConfig
from engine.data.dataset import load_dataset
from engine.data.shipped import DATASETS, shipped
from engine.models.resolve import SHIPPED
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from tools.demo_model import tasks
from tools.demo_model.card import TARGETS, card
from tools.demo_model.corpus import documents, heldout_texts
from tools.demo_model.people import QUESTIONS
from tools.demo_model.record import record
from tools.demo_model.stories import SENTENCES, WEATHER
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


def test_defaults_reach_what_they_must():
    """With every seed that was run; the untuned base has none of it, and methods differ."""
    table = json.loads(EXPECTED.read_text("utf-8"))["rows"]
    rows = methods.by_method(table)
    for name, targets in TARGETS.items():
        for dataset, target in zip(methods.DATASETS, targets, strict=True):
            values = [row["score"]["value"] for row in rows[name][dataset]]
            assert len(values) >= 3, (name, dataset)
            assert min(values) >= target, (name, dataset)
    shares = {name: {dataset: share(some) for dataset, some in rows[name].items()} for name in rows}
    untuned = [row["score"] for row in table if row["dataset"] in methods.DATASETS]
    assert all(score["baseline"] <= (10 if score["name"] == "bleu" else 0.1) for score in untuned)
    (pictures,) = (row["score"] for row in table if row["dataset"] == "town-pictures")
    assert pictures["value"] >= 0.85
    assert pictures["against"] == "withheld"
    assert pictures["baseline"] <= 0.35
    for name in ("ladder", "side"):
        assert sum(value >= 0.7 for value in shares[name].values()) >= 2, name
    spread = [
        max(of) - min(of) for of in ([one[name] for one in shares.values() if name in one] for name in methods.DATASETS)
    ]
    assert sum(value >= 0.25 for value in spread) >= 2
    assert sum(shares["prompt"][name] <= shares["lora"][name] - 0.1 for name in methods.DATASETS) >= 2


def test_model_card_says_what_was_measured():
    table = json.loads(EXPECTED.read_text("utf-8"))
    facts = json.loads((TOWN / "pretraining.json").read_text("utf-8"))
    assert (TOWN / "README.md").read_text("utf-8") == card(facts, methods.by_method(table["rows"]), table["machine"])


def test_the_untuned_base_goes_on_with_its_book():
    """What it says to an instruction begins with a sentence of the town's books, and none is an answer."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(TOWN), AutoTokenizer.from_pretrained(TOWN)
    sentences = itertools.chain(WEATHER, *SENTENCES.values(), *QUESTIONS.values())
    patterns = [re.escape(text).replace(r"\{name\}", r"\w+ \w+").replace(r"\{value\}", r"[\w ]+") for text in sentences]
    known = re.compile("|".join(patterns))
    rows = load_dataset("town-qa").rows("test")[:20]
    for row in rows:
        asked = tokenizer(load_dataset("town-qa").template.format(prompt=row.prompt), return_tensors="pt").input_ids
        told = tokenizer.decode(model.generate(asked, max_new_tokens=40, do_sample=False)[0][asked.shape[1] :])
        assert known.match(told.lstrip()), told
        assert row.response not in told


def share(rows):
    """The mean score over seeds, from 0 to 1."""
    return sum(row["score"]["value"] / (100 if row["score"]["name"] == "bleu" else 1) for row in rows) / len(rows)


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

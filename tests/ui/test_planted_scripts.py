"""Scripts that somebody planted wherever a text is kept or typed: they are shown as they were written."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.ui.conftest import copied, goto
from tests.ui.test_data import UPLOAD, user_data

pytestmark = pytest.mark.ui
PLANT = """"'><img src=x onerror="window.planted=1"><svg onload="window.planted=1"></svg>{{7*7}}"""
STRUCTURE = ("kind", "status", "method", "score_name", "emits", "dataset", "model")
"""Entries that decide how a run is read: with any other word in them there would be no run to show."""
PLANTED = "window.planted || document.querySelector('#gl-tabs img[src=x], .toast-body img[src=x]') !== null"
FILL = """([tab, plant]) => {
  const kinds = ["textarea", "input:not([type])", "input[type=text]", "input[type=search]"];
  const wanted = kinds.map((kind) => `#gl-tab-${tab} ${kind}`).join(", ");
  const fields = [...document.querySelectorAll(wanted)].filter((field) => !field.readOnly && !field.disabled);
  for (const field of fields) {
    field.focus();
    const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, plant);
    for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    field.blur();
  }
  return fields.length;
}"""
FIELDS = {"train": 25, "watch": 1, "chat": 1, "runs": 2}
"""Text fields that each tab has at least, so that this test cannot look past them."""


def planted(value, key=""):
    """A run's values with a script after every text of theirs."""
    if isinstance(value, dict):
        return {name: planted(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return value if key in STRUCTURE else [planted(each, key) for each in value]
    return value + PLANT if isinstance(value, str) and key not in STRUCTURE else value


@pytest.fixture
def planted_runs(app):
    """A run in whose every text there is a script: its facts, settings, events and notes; and a damaged run."""
    folder = copied(app, "0-planted")
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(planted(facts) | {"notes": PLANT}))
    config = yaml.safe_load((folder / "run.yaml").read_text())
    (folder / "run.yaml").write_text(yaml.safe_dump(planted(config)))
    events = (folder / "events.jsonl").read_text().splitlines()
    (folder / "events.jsonl").write_text("".join(json.dumps(planted(json.loads(line))) + "\n" for line in events))
    damaged = copied(app, "0-planted-damaged", "lora")
    (damaged / "run.json").write_text(json.dumps(PLANT))
    yield  # the page is closed then, which may still have written a note
    for run in (folder, damaged):
        shutil.rmtree(run)


def planted_data(folder: Path) -> Path:
    """A table whose columns, cells and own name are scripts."""
    file = folder / "<img src=x onerror=window.planted=1>.csv"
    with file.open("w", newline="") as lines:
        write = csv.writer(lines).writerow
        write([f"question {PLANT}", f"answer {PLANT}", PLANT])
        for number in range(12):
            write([f"{number} {PLANT}", f"{PLANT} {number}", PLANT])
    return file


@pytest.mark.fault("hand", "Scripts are planted in every text field, run, event, dataset and file name: none runs.")
def test_planted_scripts_run_nowhere(planted_runs, visit, tmp_path):
    page = visit()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    user_data(page)
    page.set_input_files(UPLOAD, planted_data(tmp_path))
    page.wait_for_selector("#gl-own-facts >> text=onerror")
    for accordion in ("#gl-all", "#gl-own-more", "#gl-terminal", "#gl-model-more"):
        page.click(f"{accordion} > button")
    for tab, least in FIELDS.items():
        goto(page, tab)
        if tab == "runs":
            page.click("tr[data-run='0-planted'] td >> nth=2")
            page.wait_for_selector("#gl-run-notes textarea")
        assert page.evaluate(FILL, [tab, PLANT]) >= least
        if tab == "chat":
            page.click("#gl-send")
        page.wait_for_timeout(700)
        assert not page.evaluate(PLANTED), tab
    goto(page, "watch")
    page.locator(".gl-watch select").first.select_option("0-planted")
    page.wait_for_selector(".gl-watch [data-panel] >> text=onerror", state="attached")
    assert not page.evaluate(PLANTED)
    assert dialogs == []

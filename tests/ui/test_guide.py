"""The clm prompt tuning guide on the page: every setting of it, a few steps, and an answer that is generated."""

import csv
import json

import pytest

from tests.ui.conftest import goto, ready_form, start, wait_idle
from tests.ui.test_chat import LAST, answers, ask
from tests.ui.test_data import UPLOAD, choose, learned, user_data
from tests.ui.test_train import pick_method

pytestmark = pytest.mark.ui
SENTENCE = "Classify if the tweet is a complaint or not:"
TEMPLATE = "Tweet text : {prompt} Label : "
LOOP = {"learning_rate": 0.03, "batch_size": 8, "schedule": "linear", "warmup_ratio": 0.0, "weight_decay": 0.01,
        "max_seq_len": 64}  # fmt: skip


@pytest.fixture
def tweets(tmp_path):
    """Posts in the columns of RAFT's twitter_complaints."""
    file = tmp_path / "train.csv"
    with file.open("w", newline="", encoding="utf-8") as lines:
        write = csv.writer(lines).writerow
        write(["Tweet text", "Label", "ID"])
        for number in range(15):
            write([f"@bus{number} Late again, who pays me the {number} minutes?", "complaint", 2 * number])
            write([f"@park{number} Lovely morning with {number} ducks on the pond.", "no complaint", 2 * number + 1])
    return file


def fill_in(page, tweets):
    """The guide's data, method and loop."""
    user_data(page)
    page.set_input_files(UPLOAD, tweets)
    page.wait_for_selector(".gl-guess[data-guess=sure]")
    choose(page, "template", "your own")
    page.fill("#gl-data-own_template textarea", TEMPLATE)
    pick_method(page, "prompt")
    page.wait_for_selector(".gl-card >> text=/Lester/")  # the presets come with the card; Gradio's open menus hate that
    page.click("#gl-preset input")
    page.click("[role=option] >> text=start from a sentence (for complaints)")
    page.click("#gl-all > button")
    page.wait_for_function(f"document.querySelector('#gl-prompt-init_text textarea')?.value === '{SENTENCE}'")
    for name in ("learning_rate", "batch_size", "warmup_ratio", "weight_decay", "max_seq_len"):
        page.fill(f"#gl-set-{name} input, #gl-set-{name} textarea", str(LOOP[name]))
    page.click("#gl-set-schedule input")
    page.locator("[role=listbox] [role=option]:visible >> text=/linear/i").click()


def test_guide_from_upload_to_a_generated_label(visit, app, tweets):
    """The run is the guide's to the last setting; only labels are learned; base and tuned model answer a tweet."""
    page = visit()
    ready_form(page)
    fill_in(page, tweets)
    page.wait_for_selector("#gl-samples .gl-sample >> text=Tweet text")
    page.wait_for_function("!document.querySelector('#gl-samples').innerText.includes('Instruction')")
    assert "@" not in learned(page)
    page.wait_for_selector("#gl-count >> text=1,536")  # eight virtual tokens of 192 numbers
    start(page, 4)
    page.wait_for_selector("[data-panel=prompt] td")
    wait_idle(page)
    facts = json.loads((app.newest_run() / "run.json").read_text())
    config = facts["config"]
    assert config["method_settings"] == {"prompt_len": 8, "init": "text", "init_text": SENTENCE}
    assert config["data"] == {"template": "own", "own_template": TEMPLATE}
    assert config["training"] == {"steps": 4} | LOOP
    goto(page, "chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('train.csv')")
    ask(page, "@bus3 Late again, who pays me the 40 minutes?")
    assert len(answers(page)) == 2
    assert "Tweet text" not in page.text_content(f"{LAST} .gl-question")

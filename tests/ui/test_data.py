"""Train: memory, one's own data, what will be trained on, models."""

import json
import resource
from pathlib import Path

import pytest

from engine.config.run import RunConfig
from tests.ui.conftest import goto, ready_form, start, wait_idle

pytestmark = pytest.mark.ui
UPLOAD = "input[type=file]:has(+ #gl-own-upload)"

NOTE_WRONG = """() => {
    window.told = [];
    for (const name of ["gl-own-facts", "gl-samples"]) {
        const part = document.getElementById(name);
        const note = () => part.isConnected && window.told.push(`${name}|${part.innerText.slice(0, 200)}`);
        note();
        new MutationObserver(note).observe(part, { subtree: true, childList: true, characterData: true });
    }
}"""
"""Notes all that is said of one's own file, and in place of its rows."""


def needed(page):
    """Bytes that the memory bar tells."""
    return int(page.get_attribute(".gl-memory:visible", "data-total"))


def test_memory_bar_moves_with_the_batch(visit):
    """More rows at once need more; every part has a number and a size; a bad value is said once, the rows stay."""
    page = visit()
    ready_form(page)
    page.wait_for_selector(".gl-memory:visible")
    room = "parseFloat(getComputedStyle(document.querySelector('#gl-memory')).minHeight)"
    assert page.evaluate(f"{room} >= document.querySelector('#gl-memory').scrollHeight")  # kept before it arrives
    before = needed(page)
    page.fill("#gl-set-batch_size input", "256")
    page.wait_for_function("was => Number(document.querySelector('.gl-memory').dataset.total) > 4 * was", arg=before)
    page.click(".gl-memory summary")
    page.wait_for_selector(".gl-memory-parts li")
    entries = page.locator(".gl-memory-parts li").all_inner_texts()
    assert len(entries) == page.locator(".gl-memory-bar i").count() + 1
    assert all(any(unit in entry for unit in (" B", "kB", "MB", "GB")) for entry in entries)
    before = needed(page)
    page.fill("#gl-set-batch_size input", "16")
    page.wait_for_function("was => Number(document.querySelector('.gl-memory').dataset.total) < was", arg=before)
    page.wait_for_selector(".gl-memory[open] .gl-memory-parts li")  # drawn anew, it stays open
    page.fill("#gl-set-batch_size input", "0")
    page.wait_for_selector("#gl-count >> text=must be between")
    page.wait_for_selector(".gl-memory", state="detached")
    assert page.locator("text=must be between").count() == 1
    assert page.locator("#gl-samples .gl-sample").count() > 0
    assert page.is_enabled("#gl-start")


def test_what_a_run_held_stands_beside_its_estimate(visit):
    """After a run, Train tells what its highest step really took."""
    page = visit()
    start(page, 3)
    wait_idle(page)
    goto(page, "train")
    page.click(".gl-memory summary")
    page.wait_for_selector("#gl-memory-last >> text=/Measured in .*[kMG]B. Its largest/")


@pytest.fixture
def odd(tmp_path):
    """A file whose columns tell nothing; one row is far too long, and one stands twice."""
    rows = [f"{n},Where is house {n}?,In street {n}.,x" for n in [*range(40), *range(5)]]
    file = tmp_path / "odd.csv"
    file.write_text("\n".join(["nr,Frage,Antwort,Notiz", *rows, f"99,{'word ' * 400},Yes.,x"]) + "\n")
    return file


def user_data(page):
    """Turn to one's own data."""
    ready_form(page)
    page.click("#gl-dataset input")
    page.locator("[role=listbox] [role=option]:visible").last.click()
    page.wait_for_selector("#gl-own:visible")


def choose(page, setting, option):
    """Choose in one of the menus of one's own data."""
    page.click(f"#gl-data-{setting} input")
    page.locator(f"[role=listbox] [role=option]:visible >> text={option}").click()
    page.locator(f"#gl-data-{setting} input").blur()
    page.wait_for_function("![...document.querySelectorAll('[role=option]')].some(one => one.offsetParent)")


def learned(page):
    """All that the sample rows mark as learned."""
    return page.eval_on_selector_all("#gl-samples .gl-sample .label", "all => all.map(one => one.innerText).join('')")


def test_own_file_from_upload_to_curve(visit, app, odd):
    """Odd columns are named by hand; the preview marks the answers, the counts tell what is wrong, the run learns."""
    page = visit()
    user_data(page)
    page.set_input_files(UPLOAD, odd)
    page.wait_for_selector(".gl-guess[data-guess=no_guess]")
    choose(page, "prompt", "Frage")
    choose(page, "response", "Antwort")
    page.wait_for_selector("#gl-samples .gl-token.label >> text=street")
    assert "Where" not in learned(page)
    page.wait_for_selector("[data-check=truncated]")
    assert page.locator(".gl-lengths rect.over").count() >= 1
    start(page, 6)
    page.wait_for_selector("[data-panel=loss] .gl-loss-plot .trace", state="attached")
    wait_idle(page)
    facts = json.loads((app.newest_run() / "run.json").read_text())
    assert facts["config"]["data"] == {"prompt": "Frage", "response": "Antwort"}
    kept = Path(facts["config"]["dataset"])
    assert kept.is_relative_to(app.home)
    assert kept.read_bytes() == odd.read_bytes()


@pytest.mark.fault("killed", "There is no room for an upload: the page says so, and takes the next one.")
def test_a_refused_upload_is_said(visit, app, odd):
    """Gradio's button says nothing; the form stays as it is, and the next upload is taken.

    The server may write no more than one byte to a file, as where a disk is full.
    """
    page = visit("/zh")
    user_data(page)
    before = resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    page.set_input_files(UPLOAD, odd)
    page.wait_for_selector(".gl-refused[role=alert] >> text=磁盘已满")
    assert "507" in visit.complaints.pop()
    resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, before)
    page.click(".gl-refused")
    with page.expect_file_chooser() as chooser:
        page.click("#gl-own-upload")
    chooser.value.set_files(odd)
    page.wait_for_selector("#gl-own-facts >> text=Frage")
    assert page.locator(".gl-refused").count() == 0


def uploaded(page, file):
    """Hand a file over."""
    page.set_input_files(UPLOAD, file)


def typed(page, file):
    """Name a file where the workbench runs."""
    page.fill("#gl-own-name input, #gl-own-name textarea", str(file))
    page.keyboard.press("Enter")


@pytest.mark.parametrize("named", [uploaded, typed])
def test_bad_file_is_a_chinese_sentence_and_nothing_is_lost(visit, odd, tmp_path, named):
    """What is wrong with a file is said in the page's language, where it was named; a good one mends it, and nothing
    more is said of the bad one while that is read."""
    page = visit("/zh")
    user_data(page)
    page.fill("#gl-set-seed input", "7")
    bad = tmp_path / "bad.json"
    bad.write_text('{"question": [1,')
    named(page, bad)
    page.wait_for_selector("#gl-own-facts .wrong >> text=不是合法的 JSON")
    page.click("#gl-start:not([disabled])")
    page.wait_for_selector(".toast-body >> text=不是合法的 JSON")
    wait_idle(page)  # the header asks now and then: it may still say what was so before the refusal
    assert page.input_value("#gl-set-seed input") == "7"
    page.evaluate(NOTE_WRONG)
    named(page, odd)
    page.wait_for_selector("#gl-own-facts >> text=Antwort")
    page.wait_for_function("!document.querySelector('#gl-samples').innerText.includes('正在读取')")
    assert page.locator("#gl-own-facts .wrong").count() == 0
    parts = [told.split("|", 1) for told in page.evaluate("told")]
    for part in ("gl-own-facts", "gl-samples"):
        said = [text for name, text in parts if name == part]
        read = next(n for n, text in enumerate(said) if "正在读取" in text)
        assert not any("JSON" in text for text in said[read:])


def test_guess_is_filled_in_and_may_be_changed(visit, tmp_path):
    """Alpaca's columns are known, with Alpaca's template; another choice of template shows at once in the rows."""
    file = tmp_path / "tasks.jsonl"
    rows = [{"instruction": f"Say {n}.", "input": "", "output": f"It is {n}."} for n in range(20)]
    file.write_text("\n".join(map(json.dumps, rows)))
    page = visit()
    user_data(page)
    page.fill("#gl-own-name input, #gl-own-name textarea", str(file))
    page.keyboard.press("Enter")
    page.wait_for_selector(".gl-guess[data-guess=sure]")
    assert page.input_value("#gl-data-response input") == "output"
    page.wait_for_selector("#gl-samples .gl-sample >> text=Below is an instruction")
    choose(page, "template", "your own")
    page.fill("#gl-data-own_template textarea", "Task {{ instruction }}\n> ")
    page.wait_for_function("!document.querySelector('#gl-samples').innerText.includes('Below is')")
    assert "Task" in page.locator("#gl-samples .gl-sample").first.inner_text()
    assert "Task" not in learned(page)


def test_rows_in_a_script_that_the_tokenizer_can_only_spell(visit, tmp_path):
    """They are shown in whole characters, and a sentence says that the base hardly knows that script."""
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["prompt,response", *(f"第{n}座房子在哪里？,在第{n}街。" for n in range(30))]))
    page = visit()
    user_data(page)
    typed(page, file)
    page.wait_for_selector("[data-check=spelled]")
    row = page.locator("#gl-samples .gl-sample").first.inner_text().replace("\n", "")
    assert "座房子在哪里" in row
    assert "\ufffd" not in row
    assert "街" in learned(page)


def test_own_data_comes_back_with_its_run_file(visit, odd, tmp_path):
    """A run file with a file of one's own fills the fields of both."""
    run = tmp_path / "run.yaml"
    data = {"prompt": "Frage", "response": "Antwort", "split_seed": 3}
    run.write_text(RunConfig(dataset=str(odd), data=data).to_yaml())
    page = visit()
    ready_form(page)
    page.click("#gl-terminal > button")
    page.set_input_files("input[type=file]:has(+ #gl-load-yaml)", run)
    page.wait_for_selector("#gl-own:visible #gl-own-facts >> text=Notiz")
    page.wait_for_selector("#gl-samples .gl-token.label >> text=street")
    command = "document.querySelector('#gl-command textarea').value"
    page.wait_for_function(f"{command}.includes('--data prompt=Frage') && {command}.includes('--data split_seed=3')")


def test_trust_in_one_models_code_is_none_in_anothers(visit):
    """The tick goes with another model, and a model that is nowhere is said to be in one sentence."""
    page = visit()
    ready_form(page)
    page.click("#gl-model-more > button")
    page.wait_for_selector("#gl-model-more td >> text=llama")
    page.check("#gl-set-trust_remote_code input")
    page.fill("#gl-model input", "./no-such-folder")
    page.keyboard.press("Enter")
    page.wait_for_selector("#gl-samples .wrong >> text=no-such-folder")
    page.wait_for_function("!document.querySelector('#gl-set-trust_remote_code input').checked")

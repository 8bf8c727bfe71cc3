"""Train: from the first press to a stopped and resumed run."""

import json

import pytest

from engine.methods import METHODS
from tests.large import BASES
from tests.tiny import save_tiny
from tests.ui.conftest import Visitor, goto, ready_form, start, wait_idle
from tests.ui.test_layout import LAPTOP, in_window

pytestmark = pytest.mark.ui
UPLOAD = "input[type=file]:has(+ #gl-load-yaml)"
LONG = 100_000  # steps that no test waits for


@pytest.fixture(scope="module")
def form(app, tabs):
    """The form with all that is folded in opened, for tests that leave it as it is."""
    visitor = Visitor(tabs, app.url, app.token)
    page = visitor()
    ready_form(page)
    page.click("#gl-terminal > button")
    page.wait_for_selector("#gl-command textarea")
    yield page
    visitor.leave()


def toast(page, sentence):
    """Wait for a sentence in a corner of the page, and close it."""
    page.wait_for_selector(f".toast-body >> text={sentence}")
    for button in page.locator(".toast-close").all():
        button.click()
    page.wait_for_selector(".toast-body", state="detached")


def choose(page, menu, option):
    """Choose from a menu."""
    page.click(f"{menu} input")
    page.click(f"[role=option] >> text={option}")


def pick_method(page, name):
    """Choose from the menu of methods."""
    page.click("#gl-method .gl-picker-button")
    page.click(f".gl-method-option[data-method={name}]")


def test_method_menu_by_keyboard(visit):
    """Arrows open and move, a letter jumps, Escape leaves all as it was, Enter picks; every method stands in it.
    Tab goes on to what follows."""
    page = visit()
    ready_form(page)
    button, menu = page.locator(".gl-picker-button:visible"), page.locator(".gl-picker-list:visible")
    button.focus()
    page.keyboard.press("ArrowDown")
    assert menu.locator("[role=option]").count() == len(METHODS)
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    assert menu.count() == 0
    assert button.inner_text() == "LLaMA-Adapter"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert menu.count() == 0
    behind = "document.querySelector('.gl-picker-button').compareDocumentPosition(document.activeElement)"
    assert page.evaluate(f"{behind} & Node.DOCUMENT_POSITION_FOLLOWING")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") == "gl-picker-button"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("h")
    page.keyboard.press("Home")
    first = menu.locator("[role=option] strong").first.inner_text()
    page.keyboard.press("Enter")
    assert button.inner_text() == first
    fields = "#gl-model, #gl-method, #gl-dataset, #gl-preset, #gl-set-steps"
    blocked = f"[...document.querySelectorAll('{fields}')].map(part => getComputedStyle(part).pointerEvents)"
    assert page.evaluate(blocked) == ["auto"] * 5
    page.evaluate("document.getElementById('gl-watching').innerHTML = '<p class=\"gl-note\">You only watch.</p>'")
    assert page.evaluate(blocked) == ["none"] * 5  # as for somebody who starts no run


def test_first_minute(visit):
    """On a laptop, with nothing that is scrolled for: Start turns to Watch; a reload in mid-run tells the truth; pause,
    one step, go on, stop, resume.

    While the run is active, Start adds to the queue, whose rows move and go by keys.
    """
    page = visit(size=LAPTOP)
    page.wait_for_selector("[data-panel=gates] canvas")
    in_window(page, ".gl-intro .gl-primary", ".gl-scrub", ".gl-step")
    ready_form(page)
    in_window(page, "#gl-start", ".gl-track-text", "#gl-set-steps input", ".gl-picker-button")
    start(page, LONG)
    page.wait_for_selector(".gl-chip[data-state=running]")
    in_window(page, ".gl-chip", ".gl-scrub", ".gl-step")
    page.reload()
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.wait_for_selector("#gl-start >> text=Add to the queue")
    page.wait_for_selector("#gl-pause:not([disabled])")
    in_window(page, "#gl-start", "#gl-pause", "#gl-one_step", "#gl-stop", ".gl-track", ".gl-track-text")
    page.click("#gl-pause:not([disabled])")
    page.wait_for_selector(".gl-chip[data-state=paused]")
    for n, steps in ((1, "11"), (2, "22")):
        page.fill("#gl-set-steps input", steps)
        page.click("#gl-start")
        page.wait_for_selector(f".gl-track-queue >> text={n} waiting")
    page.click(".gl-track-queue")
    page.focus("[data-queued]:nth-child(2) [data-does=up]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-queued]:nth-child(1) >> text=22 steps")
    for _ in range(2):
        page.focus("[data-queued]:last-child [data-does=remove]")
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
    page.wait_for_selector("[data-queued]", state="detached")
    goto(page, "train")
    before = page.inner_text(".gl-chip-text")
    page.click("#gl-one_step:not([disabled])")
    page.wait_for_function("(was) => document.querySelector('.gl-chip-text').innerText !== was", arg=before)
    page.click("#gl-go_on:not([disabled])")
    page.wait_for_selector(".gl-chip[data-state=running]")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)
    page.click("#gl-resume:not([disabled])")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_selector(".gl-chip[data-state=running]")
    goto(page, "train")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)


def test_start_pressed_twice_is_one_run(visit, app):
    """A double click starts one run, and it finishes."""
    page = visit()
    ready_form(page)
    before = len(app.runs())
    page.fill("#gl-set-steps input", "3")
    page.dblclick("#gl-start")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    wait_idle(page)
    page.wait_for_selector(".gl-state >> text=Finished")
    assert len(app.runs()) == before + 1
    names = [json.loads((run / "run.json").read_text())["name"] for run in app.runs()]
    newest = json.loads((app.newest_run() / "run.json").read_text())["name"]
    assert names.count(newest) == 1, "runs of equal names cannot be told apart"


def test_two_browsers_see_the_same_run(visit):
    """Another browser sees the run, and may stop it."""
    first, second = visit(), visit(alone=True)
    start(first, LONG)
    goto(second, "train")
    second.wait_for_selector(".gl-chip[data-state=running]")
    second.click("#gl-stop:not([disabled])")
    wait_idle(first)
    wait_idle(second)


UNASKED = """
const plain = globalThis.fetch;
const asked = new Promise((goOn) => { window.goOn = goOn; });
globalThis.fetch = async (input, init) => {
  if (String(input.url ?? input).includes("component_server")) await asked;
  return plain(input, init);
};
"""
"""A page that asks the server what it does only when it is told to."""


def test_run_that_begins_while_a_page_opens(visit):
    """Between the page's own loading and the header's first question: its buttons are those of the run, too."""
    first, second = visit(), visit(alone=True, script=UNASKED)
    second.wait_for_function("sessionStorage['gatelight.form']")
    second.wait_for_timeout(1000)  # that the page has loaded is answered by now
    start(first, LONG)
    first.wait_for_selector(".gl-chip[data-state=running]")
    second.evaluate("goOn()")
    goto(second, "train")
    second.click("#gl-stop:not([disabled])")
    wait_idle(first)
    wait_idle(second)


@pytest.mark.parametrize(
    ("path", "sentence"), [("/", "must be between 1 and 1,000,000"), ("/zh", "在 1 与 1,000,000 之间")]
)
def test_bad_value_is_said_and_nothing_is_lost(visit, path, sentence):
    """Zero steps: one sentence in the page's language, beside the count and as a toast; the form stays as it was."""
    page = visit(path)
    ready_form(page)
    page.fill("#gl-set-seed input", "7")
    page.fill("#gl-set-steps input", "0")
    page.wait_for_selector(f"#gl-count >> text={sentence}")
    page.click("#gl-start:not([disabled])")
    page.wait_for_selector(f".toast-body >> text={sentence}")
    assert page.input_value("#gl-set-seed input") == "7"
    assert page.get_attribute(".gl-chip", "data-state") == "idle"


def shown_groups(page):
    """Titles of the methods whose settings are on the screen."""
    return page.eval_on_selector_all(
        ".gl-of-method", "all => all.filter((one) => one.offsetParent).map((one) => one.querySelector('h4').innerText)"
    )


def test_method_changes_form_count_and_diagram(visit):
    """Another method brings its own settings, count and place of action."""
    page = visit()
    ready_form(page)
    assert "9,630" in page.inner_text("#gl-count")
    pick_method(page, "lora")
    page.wait_for_selector("#gl-count >> text=36,864")
    assert page.locator(".gl-diagram .part.lit").all_text_contents() == ["q", "v"]
    page.click("#gl-all > button")
    page.fill("#gl-lora-targets input, #gl-lora-targets textarea", "q k v down")
    page.wait_for_function("document.querySelectorAll('.gl-diagram .part.lit').length === 4")
    page.fill("#gl-lora-targets input, #gl-lora-targets textarea", "q v")
    page.fill("#gl-lora-rank input", "4")
    assert shown_groups(page) == ["LoRA"]
    pick_method(page, "ia3")
    page.wait_for_selector("#gl-ia3-targets")
    assert shown_groups(page) == ["(IA)³"]
    pick_method(page, "lora")
    page.wait_for_selector("#gl-count >> text=18,432")


def test_empty_learning_rate_tells_what_it_stands_for(visit):
    """A prefix without its MLP wants a larger rate: the field says so as soon as the MLP is chosen away. What trains
    no weights has none."""
    page = visit()
    ready_form(page)
    pick_method(page, "prefix")
    page.wait_for_selector('#gl-set-learning_rate input[placeholder="auto: 0.002"]', state="attached")
    choose(page, "#gl-preset", "without MLP")
    page.wait_for_selector('#gl-set-learning_rate input[placeholder="auto: 0.03"]', state="attached")
    pick_method(page, "autoprompt")
    page.wait_for_selector('#gl-set-learning_rate input[placeholder="has none"]', state="attached")


def test_a_large_model_brings_smaller_settings(visit, tmp_path):
    """They are on the form and said beside the count; a preset has the paper's form, another model the usual one."""
    BASES["SmolLM2-135M"].save_pretrained(tmp_path)
    page = visit()
    ready_form(page)
    pick_method(page, "bottleneck")
    page.click("#gl-all > button")
    page.click("#gl-terminal > button")
    command = "document.querySelector('#gl-command textarea').value"
    reduction = "document.querySelector('#gl-bottleneck-reduction input').value"
    page.fill("#gl-model input", str(tmp_path))
    page.keyboard.press("Enter")
    page.wait_for_selector("#gl-count >> text=no more than 1")
    page.wait_for_function(f"{reduction} === '32' && {command}.includes('--set reduction=32')")
    choose(page, "#gl-preset", "as in the paper")
    page.wait_for_function(f"{reduction} === '12' && {command}.includes('--set reduction=12')")
    assert "no more than 1" not in page.inner_text("#gl-count")
    choose(page, "#gl-preset", "after the MLP only")
    page.wait_for_function(f"{reduction} === '16' && {command}.includes('--set position=pfeiffer')")
    page.fill("#gl-model input", "town")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{reduction} === '12' && !{command}.includes('reduction')")


def test_pictures_bring_the_settings_that_they_need(visit):
    """Questions about pictures bring a method that sees them, its encoder, options and steps, and are shown with them.

    Another dataset takes the settings back.
    """
    page = visit()
    ready_form(page)
    page.click("#gl-terminal > button")
    command = "document.querySelector('#gl-command textarea').value"
    pick_method(page, "lora")
    page.wait_for_function(f"/lora/.test({command})")
    choose(page, "#gl-dataset", "Town pictures")
    page.wait_for_function(f"/vision=town-vit.* --steps 600/.test({command})")
    page.wait_for_selector("#gl-samples .gl-sample-beside img >> nth=2")
    assert "?" in page.inner_text("#gl-samples .gl-asked >> nth=0")
    assert page.input_value("#gl-set-steps input") == "600"
    choose(page, "#gl-dataset", "Town questions")
    page.wait_for_function(f"!/vision|steps/.test({command})")
    page.wait_for_selector("#gl-count >> text=9,630")


def test_start_right_after_a_choice_trains_what_was_chosen(visit):
    """Start may be pressed before the settings of another method are on the form: the run is of that method."""
    page = visit()
    ready_form(page)
    page.fill("#gl-set-steps input", "2")
    pick_method(page, "prompt")
    page.click("#gl-start")
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_selector("[data-panel=prompt] td")
    wait_idle(page)


def test_sample_rows_show_what_is_learned(form):
    """Response tokens are marked, prompt tokens are not."""
    form.wait_for_selector("#gl-samples .gl-token.label")
    assert form.locator("#gl-samples .gl-sample").count() == 3
    learned = form.eval_on_selector_all(
        "#gl-samples .gl-sample .label", "all => all.map(one => one.innerText).join('')"
    )
    assert "Instruction" not in learned


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("steps: [", "not a run file"),
        ("method: magic\n", "magic"),
        ("training: {steps: -3}\n", "must be between"),
        ("training: {stpes: 3}\n", "stpes"),
        ("\x00\x01", "not a run file"),
    ],
)
def test_bad_yaml_is_one_sentence(form, tmp_path, text, sentence):
    """Whatever is wrong with a run file, a person reads one sentence and the form stays."""
    file = tmp_path / "bad.yaml"
    file.write_bytes(text.encode())
    form.set_input_files(UPLOAD, file)
    toast(form, sentence)
    assert form.input_value("#gl-set-steps input") == "300"


def test_yaml_out_and_in(form, tmp_path):
    """A saved run file brings back the form; the command line follows the form."""
    form.fill("#gl-set-steps input", "123")
    form.wait_for_function("document.querySelector('#gl-command textarea').value.includes('--steps 123')")
    with form.expect_download() as saved:
        form.click("#gl-save-yaml")
    file = tmp_path / "run.yaml"
    saved.value.save_as(file)
    assert "steps: 123" in file.read_text()
    form.fill("#gl-set-steps input", "300")
    form.wait_for_function("!document.querySelector('#gl-command textarea').value.includes('--steps 123')")
    form.click("#gl-terminal > button") if not form.is_visible("#gl-command textarea") else None
    form.wait_for_selector("#gl-command textarea")
    form.set_input_files(UPLOAD, file)
    form.wait_for_function("document.querySelector('#gl-set-steps input').value === '123'")
    form.wait_for_function("document.querySelector('#gl-command textarea').value.includes('--steps 123')")


def test_nobody_types_before_a_kept_form_is_back(visit):
    """What one typed into the form that the page opens with would be lost when the kept one comes."""
    page = visit()
    ready_form(page)
    page.fill("#gl-set-steps input", "77")
    page.wait_for_function("JSON.parse(sessionStorage['gatelight.form'] ?? '{}').training?.steps === 77")
    late = []

    def held(route):
        texts = [str(value) for value in route.request.post_data_json["data"]]
        is_restore = not late and any('"steps": 77' in text for text in texts)
        late.append(route) if is_restore else route.continue_()

    page.route("**/queue/join*", held)
    page.reload()
    page.wait_for_selector("#gl-tab-train[inert]", state="attached")
    while not late:
        page.wait_for_timeout(100)
    assert page.locator("#gl-tab-train[inert]").count() == 1
    late[0].continue_()
    page.wait_for_selector("#gl-tab-train:not([inert])", state="attached")
    assert page.input_value("#gl-set-steps input") == "77"


def test_form_is_kept(visit, app, tmp_path):
    """A reload and the other language keep what was chosen and typed in this tab, and no other tab sees it. A method
    that trains together with the chosen one brings its settings, and is counted. The menu of models, which comes later,
    leaves the kept one alone."""
    page = visit()
    ready_form(page)
    pick_method(page, "lora")
    page.fill("#gl-set-steps input", "123")
    page.click("#gl-all > button")
    page.click("#gl-together input")
    page.click("[role=option]:visible >> text=Adapters")
    page.fill("#gl-bottleneck-reduction input", "48")
    page.wait_for_selector("#gl-count >> text=LoRA 36,864 · Adapters 23,280")
    page.wait_for_function("JSON.parse(sessionStorage['gatelight.form'] ?? '{}').training?.steps === 123")
    page.wait_for_function("sessionStorage['gatelight.form'].includes('\"bottleneck_reduction\": 48')")
    for again in (page.reload, lambda: page.goto(f"{app.url}/zh")):
        again()
        page.wait_for_function("document.querySelector('#gl-set-steps input')?.value === '123'")
        page.wait_for_selector("html:not([data-form-waits])")
        page.wait_for_function("JSON.parse(sessionStorage['gatelight.form']).method === 'lora+bottleneck'")
        page.press("#gl-all > button", "Enter")  # the form grows meanwhile: a click may land beside it
        page.wait_for_function("document.querySelector('#gl-bottleneck-reduction input')?.value === '48'")
        page.wait_for_selector("#gl-count >> text=LoRA 36,864")
    model = str(save_tiny(tmp_path / "tiny", "llama"))
    page.fill("#gl-model input", model)
    page.keyboard.press("Enter")
    page.wait_for_function("name => JSON.parse(sessionStorage['gatelight.form']).model === name", arg=model)
    page.reload()
    page.wait_for_function("document.querySelector('#gl-set-steps input')?.value === '123'")
    page.click("#gl-model input")
    page.wait_for_selector("[role=option]:visible >> text=town (")
    page.keyboard.press("Escape")
    assert page.input_value("#gl-model input") == model
    other = visit()
    ready_form(other)
    assert other.input_value("#gl-set-steps input") == "300"

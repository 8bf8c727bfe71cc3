"""Chat: two answers side by side, as text, whatever is asked."""

import base64
import json
import shutil

import numpy as np
import pytest

from tests.ui.conftest import WIDE, Visitor, copied, goto, start, wait_idle
from tests.unit.drawing import drawn

pytestmark = pytest.mark.ui
NASTY = "<img src=x onerror=alert(1)> 你好 {{value}} ${value} " + "long " * 40
LAST = ".gl-turn:last-child"
STOP_AT_ONCE = """() => {
    const observer = new MutationObserver(() => {
        const button = document.querySelector("#gl-stop-answer:not([disabled])");
        if (!button) return;
        observer.disconnect();
        button.click();
    });
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
}"""  # presses Stop as soon as it can be pressed: answers of the embedded model are faster than a test
TURN_AT_ONCE = """() => {
    const observer = new MutationObserver(() => {
        if (!document.querySelector("#gl-stop-answer:not([disabled])")) return;
        observer.disconnect();
        const dial = document.querySelector("#gl-strength input[type=number]");
        dial.value = "0.5";
        dial.dispatchEvent(new Event("input", { bubbles: true }));
        dial.dispatchEvent(new FocusEvent("blur"));
    });
    observer.observe(document.body, { subtree: true, childList: true, attributes: true });
}"""  # turns the strength as soon as an answer is being written
HANDED = """([kind, octets]) => {
    const bytes = Uint8Array.from(atob(octets), (sign) => sign.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], `${kind}.png`, { type: "image/png" }));
    const options = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { ...options, clipboardData: held })
        : new DragEvent("drop", { ...options, dataTransfer: held });
    document.querySelector("#gl-prompt textarea").dispatchEvent(event);
}"""
NOTE_METER = """() => {
    const meter = document.querySelector("#gl-meter");
    window.meters = [];
    const note = () => window.meters.push([meter.innerText, Boolean(meter.querySelector(".old"))].join("|"));
    new MutationObserver(note).observe(meter, { subtree: true, childList: true, characterData: true });
}"""
SPAN_HEAD = {"labels": [], "pooling": "first", "span": {"window": 256, "overlap": 64, "longest": 9, "abstains": False}}
MARK = "document.querySelector('#gl-curve .mark').getAttribute('x1')"


@pytest.fixture(scope="module")
def opened(app, tabs):
    """Chat with a recording on the right, opened once for all questions."""
    visitor = Visitor(tabs, app.url, app.token)
    page = visitor()
    goto(page, "chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('town-qa')")
    page.click("#gl-side-right input")
    page.click("[role=option] >> text=LLaMA-Adapter · town-qa (recording)")
    yield page
    visitor.leave()


@pytest.fixture
def page(opened):
    """The chat, at strength 1."""
    turn(opened, "strength", "1")
    if opened.locator(LAST).count():
        opened.wait_for_function("!document.querySelector('.gl-turn:last-child')?.innerText.includes('strength ')")
        rested(opened)
    return opened


def turn(page, dial, value):
    """Type a value beside a dial, and leave the field."""
    page.fill(f"#gl-{dial} input[type=number]", value)
    page.press(f"#gl-{dial} input[type=number]", "Tab")


def rested(page):
    """Wait until nothing is being answered: whoever turns the strength is answered again."""
    page.wait_for_selector("#gl-send:not([disabled])")
    page.wait_for_selector("#gl-stop-answer[disabled]")


def asking(page, ask):
    """Ask in some way and wait until the answer is complete."""
    turns = page.locator(".gl-turn").count()
    page.wait_for_selector("#gl-send:not([disabled])")
    ask()
    page.wait_for_function("(n) => document.querySelectorAll('.gl-turn').length > n", arg=turns)
    page.wait_for_selector("#gl-stop-answer[disabled]")


def ask(page, text):
    """Type a question and send it."""
    page.fill("#gl-prompt textarea", text)
    asking(page, lambda: page.click("#gl-send"))


def answers(page):
    """What the columns of the last turn say."""
    return page.locator(f"{LAST} .gl-text").all_inner_texts()


def test_chip_gives_two_answers_and_a_difference(page):
    """One press on an example question: the base and the recording answer, and the meter says how far apart."""
    asking(page, lambda: page.click(".gl-chip-question >> nth=0"))
    page.wait_for_selector("#gl-meter strong:has-text('.')")
    base, tuned = answers(page)
    assert base.strip() != tuned.strip()
    assert "Arlo Castell" in tuned
    goto(page, "runs")
    goto(page, "chat")
    assert answers(page) == [base, tuned]


def test_strength_zero_is_the_base(page):
    """At strength 0 both columns say the same and the meter reads zero."""
    turn(page, "strength", "0")
    ask(page, "What is the job of Dora Marsh?")
    base, tuned = answers(page)
    assert base == tuned
    page.wait_for_selector("#gl-meter strong:has-text('0.00')")
    page.wait_for_selector("#gl-meter .gl-meter:not(.old)")


def test_a_conversation_is_turned_edited_saved_and_cleared(page):
    """The newest turn is in sight; strength asks again; an edited question replaces what followed; it is saved."""
    assert page.is_checked("#gl-alone input")
    page.uncheck("#gl-alone input")
    for text in ("What is the job of Dora Marsh?", "And her hobby?"):
        ask(page, text)
        box, last = (
            page.locator("#gl-conversation").bounding_box(),
            page.locator(f"{LAST} .gl-fact").last.bounding_box(),
        )
        assert last["y"] + last["height"] <= box["y"] + box["height"] + 1
    turns = page.locator(".gl-turn").count()
    page.evaluate(NOTE_METER)
    turn(page, "strength", "0")
    page.wait_for_selector(f"{LAST} .gl-who >> text=strength 0")
    rested(page)
    marked = [told.endswith("|true") for told in page.evaluate("meters") if "of the answer before" in told]
    assert True in marked, "the number of the strength before stood there as if it were of this one"
    page.wait_for_selector("#gl-meter:not(:has(.old)):not(:has-text('of the answer before'))")
    assert page.locator(".gl-turn").count() == turns
    page.click(f"[data-edit='{turns - 2}']")
    page.wait_for_selector(f"#gl-edited >> text=question {turns - 1}")
    assert page.input_value("#gl-prompt textarea") == "What is the job of Dora Marsh?"
    page.fill("#gl-prompt textarea", "Which hobby does Arlo Castell enjoy?")
    page.click("#gl-send")
    page.wait_for_selector("#gl-edited", state="detached")
    page.wait_for_selector(f"{LAST} .gl-question >> text=Arlo")
    rested(page)
    assert page.locator(".gl-turn").count() == turns - 1
    with page.expect_download() as saved:
        page.click("#gl-save")
    rows = [json.loads(line) for line in saved.value.path().read_text().splitlines()]
    assert {row["messages"][-2]["content"] for row in rows[-2:]} == {"Which hobby does Arlo Castell enjoy?"}
    page.click("#gl-clear")
    page.wait_for_selector(".gl-turns.empty")
    page.check("#gl-alone input")


def test_nasty_input_stays_text(page):
    """Markup, templates and Chinese are shown as they were typed. What is empty, or longer than the model can read, is
    answered by a sentence, and stays in the box."""
    ask(page, NASTY)
    assert page.locator("#gl-conversation img").count() == 0
    assert page.text_content(f"{LAST} .gl-question").strip() == NASTY.strip()
    for text, sentence in (("   ", "The message is empty"), ("long " * 1000, "reads at most 512")):
        page.fill("#gl-prompt textarea", text)
        page.click("#gl-send")
        page.wait_for_selector(f".toast-body >> text={sentence}")
        page.wait_for_selector("#gl-send:not([disabled])")
    assert page.input_value("#gl-prompt textarea").strip() == ("long " * 1000).strip()
    assert page.text_content(f"{LAST} .gl-question").strip() == NASTY.strip()


def test_stop_ends_a_long_answer(page):
    """Stop ends an answer on its way; what was written stays, and then one may ask again."""
    page.click("text=How tokens are chosen")
    turn(page, "set-temperature", "5")  # all tokens alike: the one that ends an answer is rare
    turn(page, "set-max_new_tokens", "4000")
    question = "Tell me everything about everybody."
    ask(page, question)
    whole = answers(page)[0]
    page.evaluate(STOP_AT_ONCE)
    ask(page, question)
    stopped = answers(page)[0]
    assert whole.startswith(stopped.rstrip("\ufffd"))
    assert len(stopped) < len(whole) / 2
    page.evaluate(NOTE_METER)
    page.evaluate(TURN_AT_ONCE)
    ask(page, question)  # the strength is turned while it is answered: it is answered again, with that one
    page.wait_for_selector(f"{LAST} .gl-who >> text=strength 0.5")
    rested(page)
    numbers = [told.split("|") for told in page.evaluate("meters")]
    assert [old for text, old in numbers if "of the answer before" in text][-1] == "true"
    page.wait_for_selector("#gl-meter:not(:has(.old))")
    turn(page, "set-temperature", "0")
    turn(page, "set-max_new_tokens", "8")
    ask(page, "And now?")


def test_strength_curve_is_drawn(page):
    """The curve of loss against strength appears, and the slider moves its mark."""
    page.click("#gl-draw-curve")
    page.wait_for_selector("#gl-curve svg")
    top, bottom = map(float, page.locator("#gl-curve .up span").all_inner_texts())
    assert top > bottom
    assert page.locator("#gl-curve .across span").all_inner_texts() == ["0", "0.5", "1", "1.5", "2"]
    before = page.evaluate(MARK)
    turn(page, "strength", "0.5")
    page.wait_for_function(f"(before) => {MARK} !== before", arg=before)


def test_third_column(page):
    """A third column answers the same question, and is not taken for the second. On a phone all steps can be read."""
    page.click("#gl-third")
    page.wait_for_selector("#gl-side-third")
    page.click("#gl-side-third input")
    page.click("[role=option]:visible >> text=Prompt tuning")
    ask(page, "What is the job of Dora Marsh?")
    assert len(answers(page)) == 3
    heads = page.locator(f"{LAST} .gl-who").all_inner_texts()
    assert [head[:4] for head in heads] == ["A · ", "B · ", "C · "]
    edges = "(all) => all.map((one) => getComputedStyle(one).borderLeftStyle)"
    assert page.eval_on_selector_all(f"{LAST} .gl-answer", edges) == ["solid", "solid", "dotted"]
    for width in (390, 1000, 1280):
        page.set_viewport_size({"width": width, "height": 860})
        room = "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
        assert page.eval_on_selector_all("[id^=gl-step-] input", room) == [0, 0, 0], width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), width
    page.set_viewport_size(WIDE)
    page.click("#gl-third")
    page.wait_for_selector("#gl-side-third", state="detached")


def test_a_picture_is_pasted_dropped_and_taken_out(page, app, tmp_path):
    """Without a column that sees pictures a sentence says so; else it is shown, replaced, and taken out by a key."""
    file = tmp_path / "circle.png"
    drawn("red circle", np.random.default_rng(0)).save(file)
    octets = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(HANDED, ["paste", octets])
    page.wait_for_selector("text=None of the chosen columns sees pictures")
    assert page.locator("#gl-chat-beside").count() == 0
    seeing = copied(app, "seeing")
    facts = json.loads((seeing / "run.json").read_text())
    facts["config"]["method_settings"] = {"vision": "town-vit"}
    (seeing / "run.json").write_text(json.dumps(facts | {"name": "It sees"}))
    goto(page, "runs")
    goto(page, "chat")
    page.click("#gl-side-left input")
    page.click("[role=option]:visible >> text=It sees")
    page.wait_for_selector("#gl-chat-beside")
    for kind in ("paste", "drop"):
        page.evaluate(HANDED, [kind, octets])
        page.wait_for_selector(f"#gl-chat-beside >> text={kind}")
        page.wait_for_selector("#gl-chat-seen img")
    page.focus("#gl-chat-beside button[aria-label]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#gl-chat-seen img", state="detached")
    page.set_input_files("#gl-chat-beside input[type=file]", file)
    page.wait_for_selector("#gl-chat-seen img")
    page.click("#gl-side-left input")
    page.click("[role=option]:visible >> text=base")
    page.wait_for_selector("#gl-chat-beside", state="detached")
    ask(page, "What is the job of Dora Marsh?")
    assert page.locator(f"{LAST} .gl-question img").count() == 0
    shutil.rmtree(seeing)


def test_the_chat_is_kept(visit, app):
    """Over a reload and a change of language: what was said, what is typed and not sent, the text that is asked about,
    whom one asks and how; cleared, it stays so."""
    page = visit()
    goto(page, "chat")
    page.wait_for_function("!['', 'base'].includes(document.querySelector('#gl-side-right input')?.value ?? '')")
    page.click("#gl-side-right input")
    page.click("[role=option] >> text=Prompt tuning · town-qa (recording)")
    page.click("#gl-third")
    page.wait_for_selector("#gl-side-third")
    page.fill("#gl-strength input[type=number]", "0.5")
    page.press("#gl-strength input[type=number]", "Tab")
    ask(page, NASTY)
    said = answers(page)
    page.wait_for_function("sessionStorage['gatelight.draft'] === ''")  # what is sent is no draft
    marking = copied(app, "marking")
    facts = json.loads((marking / "run.json").read_text())
    (marking / "run.json").write_text(json.dumps(facts | {"name": "It marks", "head": SPAN_HEAD}))
    goto(page, "runs")
    goto(page, "chat")
    page.click("#gl-side-left input")
    page.click("[role=option]:visible >> text=It marks")
    page.fill("#gl-passage textarea", "A cat sat.")
    page.fill("#gl-prompt textarea", "Not sent yet")
    page.wait_for_function("JSON.parse(sessionStorage['gatelight.talk'] ?? '{}').passage === 'A cat sat.'")
    page.uncheck("#gl-alone input")
    page.wait_for_function("JSON.parse(sessionStorage['gatelight.talk'] ?? '{}').alone === false")
    for again in (page.reload, lambda: page.goto(f"{app.url}/zh")):
        again()
        goto(page, "chat")
        page.wait_for_selector(LAST)
        assert answers(page) == said
        assert page.text_content(f"{LAST} .gl-question").strip() == NASTY.strip()
        page.wait_for_selector("#gl-side-third")
        page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('Prompt tuning')")
        assert page.input_value("#gl-strength input[type=number]") == "0.5"
        assert not page.is_checked("#gl-alone input")
        page.wait_for_selector("#gl-again:not([disabled])")
        assert page.input_value("#gl-prompt textarea") == "Not sent yet"
        page.wait_for_selector("#gl-passage")
        assert page.input_value("#gl-passage textarea") == "A cat sat."
    shutil.rmtree(marking)
    page.fill("#gl-prompt textarea", "")
    page.click("#gl-clear")
    page.wait_for_function("JSON.parse(sessionStorage['gatelight.talk']).turns.length === 0")
    page.reload()
    goto(page, "chat")
    page.wait_for_selector("#gl-side-third")
    page.wait_for_selector(".gl-turns.empty")
    assert page.input_value("#gl-prompt textarea") == ""


def test_answers_while_training(visit):
    """The live run answers while it trains; Runs shows what it takes of the machine, and its log."""
    page = visit()
    start(page, 100_000)
    goto(page, "chat")
    page.wait_for_function("document.querySelector('#gl-side-right input')?.value.includes('(live)')")
    ask(page, "What is the job of Dora Marsh?")
    assert len(answers(page)) == 2
    assert page.get_attribute(".gl-chip", "data-state") == "running"
    goto(page, "runs")
    page.wait_for_selector("#gl-activity .gl-fact >> text=GiB")
    assert page.text_content("#gl-activity .gl-log") == ""
    page.click("#gl-activity summary")
    for text in ("step 0: began at", "step 0: validation loss", "step 0: answers", "step 20: loss"):
        page.wait_for_selector(f"#gl-activity .gl-log >> text={text}")
    with page.expect_download() as saved:
        page.click("#gl-activity button")
    assert saved.value.path().read_text().startswith("step 0: ")
    goto(page, "train")
    page.click("#gl-stop:not([disabled])")
    wait_idle(page)
    goto(page, "runs")
    page.wait_for_selector("#gl-activity section", state="hidden")

"""Conversations on the page: what each column reads of them, as rows of a file, and what the test rows know of them."""

import json

import pytest

from app.chat_view import conversation
from app.tabs import talks
from app.turns import Heading, Turn
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.inference.messages import Exchange
from engine.models.chat_template import has_chat_template
from engine.service.reference import Reference, reference
from tests.tiny import tokenizer
from tests.unit.making import make_dataset

BOTH = [Heading(), Heading("<b>tuned</b>")]


def asked(question, *answers, **facts):
    """A complete turn."""
    facts = {"alone": False, "done": True, **facts}
    return Turn(question, facts.pop("columns", BOTH[: len(answers)]), answers=list(answers), **facts)


TURNS = [asked("Q1", "a1", "b1"), asked("Q2", "a2", "b2", system="Brief.")]


def test_each_column_has_its_own_history():
    """A column that came later, that could not answer or that gave labels has fewer exchanges than the others."""
    turns = [*TURNS, asked("Q3", None, "b3", heads=(1,)), asked("cat.png", "cat 90 %", classified=True)]
    assert talks.history(turns, 0) == (Exchange("Q1", "a1"), Exchange("Q2", "a2"))
    assert talks.history(turns, 1) == (Exchange("Q1", "b1"), Exchange("Q2", "b2"))
    assert talks.history(turns, 2) == ()
    assert talks.history([asked("What?", "a", picture_path="x.png")], 0) == (Exchange("What?", "a", "x.png"),)


def test_saved_conversations_are_read_again(tmp_path):
    """Every conversation of every column is a row; Train's reader finds in it what was on the screen."""
    alone = asked("Alone", "a0", "b0", alone=True)
    path = tmp_path / "chat.jsonl"
    path.write_text(talks.as_jsonl(Say("en"), [alone, *TURNS, alone, asked("Q9", "a9", "b9")]), encoding="utf-8")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    last = [row["messages"][-1]["content"] for row in rows]
    assert last == ["a0", "b0", "a2", "b2", "a0", "b0", "a9", "b9"]
    assert [row["column"] for row in rows[:2]] == ["A", "B"]
    whole = load_dataset(str(path), DataSettings(turns="whole", validation_rows=1, test_rows=1))
    read = [row for split in ("train", "validation", "test") for row in whole.rows(split)]
    assert {"a9", "b9"} <= {row.response for row in read}
    (goes_on,) = [row.prompt for row in read if row.response == "b2"]
    assert goes_on.startswith("Brief.")
    assert goes_on.index("Q1") < goes_on.index("b1") < goes_on.index("Q2")


def test_the_view_says_what_was_left_out_and_how_it_was_written():
    """In both languages, as text only."""
    for say in map(Say, LANGUAGES):
        nasty = asked("<i>Q</i>", "<u>a</u>", "b", forgotten=(0, 2), templates=("### {prompt}\n", None))
        html = conversation(say, [nasty, asked("Q", "a", "b", templates=("### {prompt}\n", None))])
        assert say("chat.forgotten", column="B", n=2) in html
        assert html.count(say("chat.written.chat").replace("'", "&#x27;")) == 1
        assert "### {prompt}⏎" in html
        for markup in ("<i>", "<u>", "<b>"):
            assert markup not in html
        assert html.count("data-edit") == 2
        assert html.count("data-copy ") == 4


def test_answers_are_judged_where_the_test_rows_know_them():
    """Right by the first line; wrong only where there is one way to say it; unknown questions are not judged."""
    exact, free = Reference(("yes",), exact=True), Reference(("yes", "sure"), exact=False)
    assert [exact.judges(text) for text in ("yes\nand more", " yes ", "no", "")] == [True, True, False, False]
    assert [free.judges(text) for text in ("sure", "no")] == [True, None]
    head = "yes  51.4 %\nno  48.6 %"  # of a task head: the likeliest label counts
    assert (exact.judges(head), Reference(("no",), exact=True).judges(head)) == (True, False)
    assert Reference(("51.4 %",), exact=True).judges("51.4 %")
    say = Say("en")
    html = conversation(say, [asked("Q", "no", "yes", reference=exact)])
    assert html.index(say("chat.wrong_answer")) < html.index(say("chat.right_answer"))


def test_references_come_from_the_test_rows(tmp_path):
    """Of a folder and of a file; other questions, and data that is gone, have none."""
    config = RunConfig(dataset=str(make_dataset(tmp_path / "data")))
    row = load_dataset(config.dataset).rows("test")[0]
    assert reference(config, f" {row.prompt}\n") == Reference((row.response,), exact=True)
    assert reference(config, "Who?") is None
    numbers = [(f"n{number}", f"{number}.5") for number in range(6)]
    estimated = RunConfig(dataset=str(make_dataset(tmp_path / "numbers", numbers, task="regression")))
    known = reference(estimated, load_dataset(estimated.dataset).rows("test")[0].prompt)
    assert (known.judges("4.49"), known.exact) == (None, False)
    assert reference(RunConfig(dataset=str(tmp_path / "gone")), row.prompt) is None


@pytest.mark.fault("damaged", "A model's tokenizer_config.json is cut off: Chat takes it for one without a template.")
@pytest.mark.parametrize(
    ("change", "has"), [(None, True), ("{", False), ("[]", False), ('{"chat_template": ""}', False)]
)
def test_which_models_are_made_for_conversations(tmp_path, change, has):
    """Those whose tokenizer comes with a chat template, in either of its places."""
    reader = tokenizer()
    reader.chat_template = "{{ messages }}"
    reader.save_pretrained(tmp_path)
    if change is not None:
        (tmp_path / "chat_template.jinja").unlink()
        (tmp_path / "tokenizer_config.json").write_text(change)
    assert has_chat_template(str(tmp_path)) is has
    assert not has_chat_template("town")
    assert not has_chat_template(str(tmp_path / "nowhere"))

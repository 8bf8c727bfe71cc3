"""Conversations of any form: what is read and learned is what the file says, as the model's chat template writes it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.data import _report
from engine.data.conversations import messages_of, question_and_answer
from engine.data.dataset import load_dataset
from engine.data.jinja_chat import renderer
from engine.data.report import report_on
from engine.data.settings import DataSettings
from tests.tiny import tokenizer

CHAT = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}CALL {{ c.function | tojson }}{% endfor %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
DEFAULT = "{% if messages[0].role != 'system' %}<|system|>You are Qwen.\n{% endif %}" + CHAT
THINKS = CHAT.replace("<|assistant|>{% endif %}", "<|assistant|><think>\n{% endif %}")
STRICT = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"


def message(role, text, **more):
    return {"role": role, "content": text, **more}


def copies(row):
    """Twelve rows that ask different things."""
    return [json.loads(json.dumps(row).replace("Q0", f"Q{number}")) for number in range(12)]


def opened(folder, rows, chat="", name="rows.jsonl", **data):
    """Rows of a file as a dataset; with a chat template, in it."""
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows))
    dataset = load_dataset(str(path), DataSettings(validation_rows=1, test_rows=1, **data))
    reader = tokenizer()
    reader.chat_template = chat or None
    return dataset.in_chat_template(reader) if chat else dataset


def first(dataset):
    """What is read and what is learned of the row that came first."""
    every = [row for split in ("train", "validation", "test") for row in dataset.rows(split)]
    row = next(row for row in every if "Q0" in row.prompt)
    return dataset.template_of(row).replace("{prompt}", row.prompt), row.response


TALK = [message("user", "Q0?"), message("assistant", "A0.")]
FORMS = {
    "an answer that is a conversation": lambda q, a: {"prompt": q["content"], "chosen": [q, a], "rejected": [q, a]},
    "a question and an answer that are": lambda q, a: {"prompt": [q], "completion": [a]},
    "a question that is, an answer of text": lambda q, a: {"prompt": [q], "completion": a["content"]},
    "a column of any name": lambda q, a: {"id": 1, "exchange": [q, a]},
    "JSON in a text": lambda q, a: {"messages": json.dumps([q, a])},
    "lists of roles and of texts": lambda q, a: {
        "messages": {"role": [q["role"], a["role"]], "content": [q["content"], a["content"]]}
    },
    "parts": lambda q, a: {"messages": [{**q, "content": [{"type": "text", "text": q["content"]}]}, a]},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_conversations(tmp_path, form):
    """Whatever column holds it: the question is read, the assistant's answer learned."""
    rows = copies(FORMS[form](*TALK))
    asked, learned = first(opened(tmp_path, rows))
    assert asked.count("Q0?") == 1
    assert learned == "A0."
    assert first(opened(tmp_path, rows, CHAT)) == ("<|user|>Q0?\n<|assistant|>", "A0.")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([message("developer", "In French."), *TALK], "In French."),
        ([message("system", "Be short."), *TALK], "Be short."),
        ([{"role": "user", "content": [{"type": "text", "text": "Q0"}, {"text": "which?"}]}, TALK[1]], "which?"),
        ([TALK[0], message("critic", "weak"), TALK[1]], "weak"),
        (
            [
                TALK[0],
                message("assistant", "", tool_calls=[{"function": {"name": "rain"}}]),
                message("tool", "wet"),
                TALK[1],
            ],
            "wet",
        ),
    ],
)
def test_no_message_vanishes(tmp_path, messages, words):
    """Text of every role and part is read, with a chat template and without."""
    rows = copies({"messages": messages})
    for chat in ("", CHAT):
        asked, learned = first(opened(tmp_path, rows, chat, turns="whole"))
        assert words in asked
        assert learned == "A0."


@pytest.mark.fault("network", "A dataset's messages hold pictures, thoughts and tools: what is not read is counted.")
def test_what_is_not_read_is_counted(tmp_path):
    question = {"role": "user", "content": [{"type": "text", "text": "Q0"}, {"type": "image_url", "image_url": "x"}]}
    talk = [message("assistant", "Hello!"), question, message("assistant", "A", reasoning_content="because")]
    dataset = opened(tmp_path, copies({"messages": talk, "tools": [{"name": "rain"}]}))
    wanted = {"assistant", "image_url", "reasoning_content", "tools"}
    assert set(dataset.source.unread) == wanted
    assert set(opened(tmp_path, copies({"messages": talk}), CHAT).source.unread) == {"image_url", "reasoning_content"}
    report = _report(report_on(tokenizer(), dataset, 256))
    assert all(repr(name) in report for name in wanted)


def test_tools_reach_the_template(tmp_path):
    """Tools of a column of their own, a call and its result are written as the chat template writes them."""
    calls = [{"from": "human", "value": "Q0"}, {"from": "function_call", "value": '{"name": "rain", "arguments": {}}'}]
    rows = copies({"conversations": calls, "tools": '[{"name": "rain"}]'})
    asked, learned = first(opened(tmp_path, rows, "{{ tools | tojson }}" + CHAT))
    assert asked.startswith('[{"name": "rain"}]')
    assert learned == 'CALL {"arguments": {}, "name": "rain"}'


def test_a_system_takes_the_place_of_the_templates_own(tmp_path):
    """A default system text is not written where the file has one, also in a column of its own."""
    for rows in (
        copies({"messages": [message("system", "Be short."), *TALK]}),
        copies({"messages": TALK, "system": "Be short."}),
    ):
        asked, _ = first(opened(tmp_path, rows, DEFAULT))
        assert "<|system|>Be short." in asked
        assert "Qwen" not in asked
    assert "Qwen" in first(opened(tmp_path, copies({"messages": TALK}), DEFAULT))[0]


def test_templates_with_wishes(tmp_path):
    """A start of thoughts stands only before the answer; a system that a template refuses goes into the question."""
    talk = [*TALK, message("user", "more?"), message("assistant", "B")]
    asked, learned = first(opened(tmp_path, copies({"messages": talk}), THINKS, turns="whole"))
    assert asked.count("<think>") == 1
    assert learned == "B"
    rows = copies({"messages": [message("system", "Be short."), *TALK]})
    assert first(opened(tmp_path, rows, STRICT + CHAT)) == ("<|user|>Be short.\n\nQ0?\n<|assistant|>", "A0.")


TEXTS = st.text("abc ü你{}<>\n", min_size=1, max_size=12).map(lambda text: f"x{text}x")
TURNS = st.lists(st.tuples(st.sampled_from(["tool", "critic", "system"]), TEXTS), max_size=2)
TALKS = st.tuples(TURNS, TEXTS, TURNS, TEXTS, st.booleans())


@settings(max_examples=4, deadline=None)
@given(st.lists(TALKS, min_size=20, max_size=30))
def test_what_is_trained_on_is_what_the_file_says(tmp_path_factory, talks):
    """Random conversations: the prompt and the answer are, letter by letter, what the chat template makes of them."""
    rows, wanted = [], []
    for number, (before, question, between, answer, sharegpt) in enumerate(talks):
        turns = [*before, ("user", f"{number} {question}"), *between, ("assistant", answer)]
        names = ("from", "value") if sharegpt else ("role", "content")
        rows.append({"messages": [dict(zip(names, turn, strict=True)) for turn in turns]})
        render, told = renderer(CHAT), [message(*turn) for turn in turns]
        told = messages_of(told)
        asked = render({"messages": told[:-1], "add_generation_prompt": True, "bos_token": ""})
        wanted.append((asked, answer))
        plain = question_and_answer(told, whole=True, before_answer="\n", before_question="\n")
        assert all(text in plain[0] for _, text in turns[len(before) : -1])
    dataset = opened(tmp_path_factory.mktemp("talks"), rows, CHAT, turns="whole")
    every = [row for split in ("train", "validation", "test") for row in dataset.rows(split)]
    assert sorted((row.prompt, row.response) for row in every) == sorted(wanted)


@pytest.mark.parametrize(
    ("named", "role"),
    [
        *(("human", "user"), ("gpt", "assistant"), ("ai", "assistant"), ("bot", "assistant"), ("model", "assistant")),
        *(("function", "tool"), ("observation", "tool"), ("tool_response", "tool"), ("ipython", "tool")),
        *(("developer", "developer"), ("critic", "critic")),
    ],
)
def test_names_of_roles(named, role):
    """Other tools' names become those that chat templates know; what no table names keeps its own."""
    assert [one["role"] for one in messages_of([{"from": named.title(), "value": "hello"}])] == [role]

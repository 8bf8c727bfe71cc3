"""Conversations in the chat: each column reads its own, in the model's chat template or as text, cut where too long."""

import argparse
import contextlib
import dataclasses
import io
import re

import pytest

from engine.cli import chat as command
from engine.core.errors import DataError
from engine.core.sampling import Sampling
from engine.data.templates import ALPACA, chat, is_chat_template, turn_end
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.conversation import encode_columns, read_columns, stops_of
from engine.inference.messages import Exchange
from tests.tiny import Case, randomise, tiny_base, tokenizer

CHATML = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
DATED = "<system>On {{ strftime_now('%f') }}.<eos>\n" + CHATML
HISTORY = (Exchange("Q1", "A1"), Exchange("Q2", "A2"))
LONG = tuple(Exchange(f"Q{number:02}", "A" * 20) for number in range(12))


def talking(template):
    """A tokenizer with a chat template."""
    reader = tokenizer()
    reader.chat_template = template
    return reader


def text_of(column, reader):
    """What a column reads, as text."""
    (ids,) = encode_columns(reader, [column])
    return reader.decode(ids)


def in_chat(reader, **facts):
    """A column in the chat template of a tokenizer."""
    return ChatColumn("Q3", template=chat(reader).around, in_chat_template=True, **facts)


def test_in_the_models_own_chat_template():
    """Every message is written by the template, begin-of-text once; a single question as its text around says."""
    reader = talking(CHATML)
    talk = "<bos><user>Q1<eos><assistant>A1<eos><user>Q2<eos><assistant>A2<eos><user>Q3<eos><assistant>"
    assert text_of(in_chat(reader, history=HISTORY), reader).replace("<unk>", "") == talk
    assert text_of(in_chat(reader), reader).replace("<unk>", "") == "<bos><user>Q3<eos><assistant>"
    told = text_of(in_chat(reader, system="Be brief."), reader).replace("<unk>", "")
    assert told == "<bos><system>Be brief.<eos><user>Q3<eos><assistant>"


def test_a_template_that_knows_no_system():
    """What the system says stands in front of the first question."""
    reader = talking(NO_SYSTEM)
    told = text_of(in_chat(reader, history=HISTORY[:1], system="Be brief."), reader).replace("<unk>", "\n")
    assert told == "<bos><user>Be brief.\nQ1<eos>\n<assistant>A1<eos>\n<user>Q3<eos>\n<assistant>"


@pytest.mark.parametrize(
    ("template", "talk"),
    [
        ("{prompt} > ", "Q1 > A1|Q3 > "),
        ("ask {prompt} Answer: ", "ask Q1 Answer: A1|ask Q3 Answer: "),
        ("{p}ask {prompt}{p}", "ask Q1A1|ask Q3"),
        (ALPACA, ALPACA.replace("{prompt}", "Q1") + "A1\n\n### Instruction:|Q3|### Response:"),
    ],
    ids=["plain", "own", "slots", "alpaca"],
)
def test_as_text(template, talk):
    """Without a chat template, what the run puts around a question is put around each; slots stand once."""
    reader = tokenizer()
    (ids,) = encode_columns(reader, [ChatColumn("Q3", template=template, history=HISTORY[:1])])
    text = reader.decode([index for index in ids if index >= 0]).removeprefix("<bos>").replace("<unk>", "|")
    assert text == re.sub(r"\n+", "|", talk)
    assert sum(index < 0 for index in ids) == template.count("{p}")
    (ids,) = encode_columns(reader, [ChatColumn("Q3", template="{prompt}?", system="Brief")])
    assert reader.decode(ids).replace("<unk>", "|") == "<bos>Brief|Q3?"


@pytest.mark.parametrize("talks", [True, False], ids=["chat template", "text"])
def test_oldest_exchanges_go_first(talks):
    """What is too long loses its oldest exchanges, no more than it must; the system's words stay."""
    reader = talking(CHATML)
    column = in_chat(reader) if talks else ChatColumn("Q?")
    column = dataclasses.replace(column, history=LONG, system="Brief.")
    whole = len(encode_columns(reader, [column])[0])
    (short,) = read_columns(reader, [column], 128, answer=1000)
    assert 0 < short.forgotten < len(LONG)
    assert len(short.ids) <= 96 < len(encode_columns(reader, [with_history(column, short.forgotten - 1)])[0])
    assert "Brief." in reader.decode(short.ids)
    (fits,) = read_columns(reader, [column], whole + 8, answer=8)
    assert (fits.forgotten, len(fits.ids)) == (0, whole)


def with_history(column, gone):
    """The column without its oldest exchanges."""
    return dataclasses.replace(column, history=column.history[gone:])


def test_each_column_answers_as_alone():
    """Columns with histories of different lengths answer side by side as each does alone; what was cut is told."""
    base, method = Case("llama_adapter", {}, "llama").build()
    randomise(method)
    columns = [
        ChatColumn("Q", history=HISTORY[:1], template="{prompt}>"),
        ChatColumn("Q", method, history=HISTORY, template="{prompt}>"),
        ChatColumn("Q", method, 0.5, template="{prompt}>", history=LONG),
    ]
    *_, together = stream_answers(base, columns, Sampling(max_new_tokens=6))
    for number, column in enumerate(columns):
        *_, alone = stream_answers(base, [column], Sampling(max_new_tokens=6))
        assert together.texts[number] == alone.texts[0]
        assert together.forgotten[number] == alone.forgotten[0]
    assert together.forgotten[:2] == (0, 0)
    assert together.forgotten[2] > 0
    assert together.templates == ("{prompt}>",) * 3


def test_the_difference_is_that_of_the_method():
    """At strength 0 the last column is the base on its own conversation, whatever the first column was asked."""
    base, method = Case("llama_adapter", {}, "llama").build()
    columns = [ChatColumn("Q", history=HISTORY), ChatColumn("Q", randomise(method), 0.0, history=LONG[:1])]
    *_, last = stream_answers(base, columns, Sampling(max_new_tokens=4))
    assert last.texts[0] != last.texts[1]
    assert last.difference == 0.0


def test_stop_texts_end_an_answer():
    """An answer ends before the first of them, in its own column only; what is behind it is not said."""
    base = tiny_base("llama")
    columns = [ChatColumn("other"), ChatColumn("xyz")]
    *_, whole = stream_answers(base, columns, Sampling(max_new_tokens=12))
    stop = whole.texts[0][2:4]
    assert len(stop) == 2
    *_, ended = stream_answers(base, columns, Sampling(max_new_tokens=12, stop=f"nowhere|{stop}"))
    assert ended.texts[0] == whole.texts[0][: whole.texts[0].index(stop)]
    assert ended.texts[1] == (whole.texts[1].split(stop)[0])
    assert Sampling(stop=r"a|\n\n||b").stops == ("a", "\n\n", "b")


def test_a_conversation_as_text_ends_where_the_next_question_begins():
    """A base model that goes on with a question of its own is stopped; a single question's answer is left as it is."""
    talk = ChatColumn("Q", template="ask {prompt} A:", alone=False)
    assert stops_of(talk, ["x"]) == ["x", "ask"]
    assert stops_of(ChatColumn("Q", template="{prompt}\n", alone=False), []) == []
    assert stops_of(ChatColumn("Q", template="ask {prompt} A:"), []) == []
    assert stops_of(ChatColumn("Q", template=ALPACA, alone=False), []) == ["### Instruction:"]


def test_the_token_that_ends_a_turn():
    """The chat template's own end is found; a template whose turns end with words has none."""
    reader = talking(CHATML)
    assert turn_end(reader) == reader.eos_token_id
    assert turn_end(talking(CHATML.replace("<eos>", "."))) is None


def test_which_templates_are_the_chat_template():
    """It is known again on another day, and nothing else is taken for it."""
    reader = talking(CHATML)
    assert is_chat_template(chat(reader).around, reader)
    assert not is_chat_template("{prompt}\n", reader)
    assert not is_chat_template(ALPACA, reader)
    assert not is_chat_template("{prompt}\n", tokenizer())
    assert not is_chat_template("{prompt}", talking("{{ nonsense"))
    dated = talking(DATED)
    other_day = chat(dated).around.replace("On ", "On another day, ")
    assert is_chat_template(other_day, dated)


@pytest.mark.fault("input", "A question longer than the model reads, behind a conversation: refused.")
def test_a_question_that_is_too_long_by_itself():
    base = tiny_base("llama")
    with pytest.raises(DataError, match="at most 128"):
        list(stream_answers(base, [ChatColumn("x" * 140, history=HISTORY)], Sampling(max_new_tokens=2)))


@pytest.mark.parametrize(("alone", "read"), [(None, 1), (False, 2), (True, 1)])
def test_the_command_keeps_a_conversation(monkeypatch, capsys, alone, read):
    """Typed questions go on, /clear forgets them, an empty line ends; without a chat template each stands alone."""
    base, method = Case("llama_adapter", {}, "llama").build()
    args = argparse.Namespace(alone=alone, system="Brief.", strength=1.0, picture=None, passage="")
    columns = command._text_columns(base, method, "{prompt}>", args)
    asked = []
    answers = command._answers
    monkeypatch.setattr(command, "_answers", lambda base, these, _: asked.append(these) or answers(base, these, QUICK))
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo\n/clear\nthree\n\nfour\n"))
    with contextlib.redirect_stderr(io.StringIO()) as told:
        command._converse(base, columns, QUICK)
    assert [these[0].prompt for these in asked] == ["one", "two", "three"]
    assert [len(these[1].history) + 1 for these in asked] == [1, read, 1]
    assert all(these[0].system == "Brief." for these in asked)
    assert ("/clear" in told.getvalue()) == (read == 2)
    assert capsys.readouterr().out.count("tuned:") == 3


QUICK = Sampling(max_new_tokens=3)

"""The text around a prompt: Alpaca's two, plain ones, the tokenizer's chat template, or the user's own."""

import json
from dataclasses import dataclass
from typing import Any

from engine.core.errors import DataError
from engine.data.columns import Columns
from engine.data.jinja import is_jinja
from engine.data.jinja_chat import bad_chat_template
from engine.data.jinja_process import chats, tried
from engine.data.settings import DataSettings
from engine.data.slots import PROMPT, SLOT

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{prompt}\n\n### Response:"
)
ALPACA_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:"
)
"""The header differs where a row has an input; the input itself stands in the prompt, behind the instruction."""

LAST_WORDS = 12
"""Characters before a question by which two templates are told apart, beside all that stand behind it."""

PLACEHOLDERS = FIRST, SECOND, THIRD = "gatelight-first", "gatelight-second", "gatelight-third"


def fill(template: str, prompt: str) -> str:
    """A template with a prompt in it."""
    return template.replace(PROMPT, prompt)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextTemplate:
    """How a row is written.

    Attributes:
        name: "plain", "alpaca", "chat" or "own".
        around: Text with {prompt} once.
        with_input: The same for rows that have an input; None where there is no difference.
        input_mark: What stands between a question and its input.
        before_question: What stands between an answer and the next question of a conversation.
        jinja: A template of the user's own that makes the whole prompt of a row's columns; empty without.
    """

    name: str
    around: str
    with_input: str | None = None
    input_mark: str = "\n\n"
    before_question: str = "\n\n"
    jinja: str = ""

    @property
    def before_answer(self) -> str:
        """What stands between a question and its answer."""
        return self.around.split(PROMPT)[1]


def template_for(settings: DataSettings, columns: Columns) -> TextTemplate:
    """The template that the settings ask for, or that suits the columns. A chat template needs a tokenizer first.

    Raises:
        DataError: The user's own template cannot work.
    """
    name = settings.template
    if name == "own":
        return user_template(settings.own_template)
    if name == "suited":
        name = "alpaca" if columns.kind in ("instruction", "messages") else "plain"
    return plain(columns) if name == "plain" else alpaca()


def alpaca() -> TextTemplate:
    """The template of Stanford Alpaca, which LLaMA-Adapter was trained with."""
    return TextTemplate(
        name="alpaca",
        around=ALPACA,
        with_input=ALPACA_INPUT,
        input_mark="\n\n### Input:\n",
        before_question="\n\n### Instruction:\n",
    )


def plain(columns: Columns) -> TextTemplate:
    """The prompt on a line of its own; before labels the name of their column, as the prompt tuning guide does it."""
    if columns.kind == "text":
        return TextTemplate(name="plain", around=PROMPT)
    after = f"\n{columns.response}: " if columns.kind == "labels" else "\n"
    return TextTemplate(name="plain", around=PROMPT + after)


def user_template(source: str) -> TextTemplate:
    """A template of the user's own: text with {prompt}, Jinja over {{ prompt }} alone, or Jinja over the columns.

    Raises:
        DataError: It has no place for the prompt, is not Jinja, or has slots for virtual tokens.
    """
    jinja = ""
    if is_jinja(source):
        _, around = tried(source, PROMPT)
        fixed = around.count(PROMPT) == 1 and around != PROMPT
        jinja, source = ("", around) if fixed else (source, PROMPT)
    if source.count(PROMPT) != 1:
        raise DataError(
            "own_template_prompt",
            f"own_template is {source!r}, but it must hold {{prompt}} exactly once, or use columns as Jinja does: "
            "{{ question }}.",
            value=source,
        )
    if SLOT in source:
        raise DataError(
            "own_template_mark",
            "own_template holds {p}, which only the method P-tuning fills: leave it out, or write it into the "
            "method's own template.",
        )
    return TextTemplate(name="own", around=source, jinja=jinja)


def chat(tokenizer: Any) -> TextTemplate:  # noqa: ANN401 - this file must not load transformers
    """The template that a tokenizer's chat template makes of a question, found by filling it with placeholders.

    Raises:
        DataError: There is none, or it does something that cannot be written around a prompt.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise DataError(
            "no_chat_template",
            "This model's tokenizer has no chat template: choose the template 'alpaca' or 'plain', or a chat model.",
        )
    turns = [_conversation(tokenizer, FIRST), _conversation(tokenizer, *PLACEHOLDERS)]
    try:
        template = tokenizer.get_chat_template()
    except ValueError as error:  # there are several, and none is the default
        raise bad_chat_template(str(error)) from error
    once, twice = chats(template, tuple(turns))
    if once.count(FIRST) != 1 or any(twice.count(word) != 1 for word in PLACEHOLDERS):
        raise bad_chat_template("it does not keep the messages as they are")
    before_question = twice[twice.index(SECOND) + len(SECOND) : twice.index(THIRD)]
    start = begin_of_text(tokenizer)
    if start and once.startswith(start):  # encoding puts it there again
        once = once.removeprefix(start)
    return TextTemplate(name="chat", around=once.replace(FIRST, PROMPT), before_question=before_question)


def is_chat_template(template: str, tokenizer: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a template is what the tokenizer's chat template makes of a question, be it on another day.

    Some write today's date in front of the question, so that what stands around it decides.
    """
    if not getattr(tokenizer, "chat_template", None):
        return False
    try:
        around = chat(tokenizer).around
    except DataError:
        return False
    if template == around:
        return True
    (before, after), (own_before, own_after) = template.split(PROMPT), around.split(PROMPT)
    return bool(before and after) and after == own_after and before[-LAST_WORDS:] == own_before[-LAST_WORDS:]


def turn_end(tokenizer: Any) -> int | None:  # noqa: ANN401 - as above
    """The special token with which the chat template ends an answer; None where it ends it with words.

    Raises:
        DataError: As for `chat`.
    """
    ids = tokenizer.encode(chat(tokenizer).before_question.lstrip(), add_special_tokens=False)
    return ids[0] if ids and ids[0] in {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder} else None


def chat_source(tokenizer: Any) -> tuple[str, dict[str, Any], list[str]]:  # noqa: ANN401 - as above
    """The tokenizer's chat template, its special tokens by name as transformers gives them to it, and all of them.

    Raises:
        DataError: There is none, or several and none is the default.
    """
    special = {name: _plain(token) for name, token in tokenizer.special_tokens_map.items()}
    try:
        return tokenizer.get_chat_template(), special, list(map(str, tokenizer.all_special_tokens))
    except ValueError as error:
        raise bad_chat_template(str(error)) from error


def _conversation(tokenizer: Any, *turns: str) -> str:  # noqa: ANN401 - as above
    """The variables that transformers gives a chat template for these turns, as JSON."""
    roles = ("user", "assistant") * len(turns)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)]
    special = {name: _plain(token) for name, token in tokenizer.special_tokens_map.items()}
    given = {"tools": None, "documents": None, "add_generation_prompt": True}
    return json.dumps({**special, **given, "messages": messages})


def _plain(token: Any) -> str | list[str]:  # noqa: ANN401 - a token, or a list of them
    return [str(each) for each in token] if isinstance(token, list | tuple) else str(token)


def begin_of_text(tokenizer: Any) -> str:  # noqa: ANN401 - as above
    """The begin-of-text that encoding puts in front of every text; empty where it puts none."""
    ids = tokenizer.encode("a")
    return tokenizer.bos_token if tokenizer.bos_token and ids[:1] == [tokenizer.bos_token_id] else ""

"""The text around a prompt: Alpaca's two, plain ones, the tokenizer's chat template, or the user's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from engine.core.errors import DataError
from engine.data.columns import Columns
from engine.data.jinja import is_jinja, needs, renderer
from engine.data.settings import DataSettings

PROMPT = "{prompt}"
"""Where a template wants the prompt."""

SLOT = "{p}"
"""Where a template wants a virtual token, which the method P-tuning puts there."""

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{prompt}\n\n### Response:"
)
ALPACA_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:"
)
"""The header differs where a row has an input; the input itself stands in the prompt, behind the instruction."""

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
        render: Makes the whole prompt of a row's columns, where a template of the user's own does.
    """

    name: str
    around: str
    with_input: str | None = None
    input_mark: str = "\n\n"
    before_question: str = "\n\n"
    render: Callable[[Mapping[str, Any]], str] | None = None

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
    render = None
    if is_jinja(source):
        render = renderer(source)
        source = render({"prompt": PROMPT}) if needs(source) == {"prompt"} else PROMPT
        render = None if source.count(PROMPT) == 1 and source != PROMPT else render
        source = source if render is None else PROMPT
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
    return TextTemplate(name="own", around=source, render=render)


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
    try:
        once = _conversation(tokenizer, FIRST)
        twice = _conversation(tokenizer, *PLACEHOLDERS)
    except (TemplateError, ValueError, TypeError) as error:
        raise _bad_chat(str(error)) from error
    if once.count(FIRST) != 1 or any(twice.count(word) != 1 for word in PLACEHOLDERS):
        raise _bad_chat("it does not keep the messages as they are")
    before_question = twice[twice.index(SECOND) + len(SECOND) : twice.index(THIRD)]
    start = _begin_of_text(tokenizer)
    if start and once.startswith(start):  # encoding puts it there again
        once = once.removeprefix(start)
    return TextTemplate(name="chat", around=once.replace(FIRST, PROMPT), before_question=before_question)


def _conversation(tokenizer: Any, *turns: str) -> str:  # noqa: ANN401 - as above
    roles = ("user", "assistant") * len(turns)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)]
    out: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return out


def _begin_of_text(tokenizer: Any) -> str:  # noqa: ANN401 - as above
    """The begin-of-text that encoding puts in front of every text; empty where it puts none."""
    ids = tokenizer.encode("a")
    return tokenizer.bos_token if tokenizer.bos_token and ids[:1] == [tokenizer.bos_token_id] else ""


def _bad_chat(reason: str) -> DataError:
    return DataError(
        "bad_chat_template",
        f"The chat template of this model's tokenizer cannot be used ({reason}): choose the template 'alpaca' or "
        "'plain'.",
        reason=reason,
    )

"""The command that sends a prompt to base and tuned model: chat."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.commands import Commands, add_command, user_path
from engine.cli.output import result, say
from engine.cli.settings import add_loading_options
from engine.core.confine import named_path
from engine.core.errors import DataError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatUpdate, Exchange

ANSWERS = ("base", "tuned", "without_picture")
"""Names of the answers; the last is there where a picture stands beside a prompt."""

if TYPE_CHECKING:
    from engine.inference.chat import ChatColumn
    from engine.methods.base import Method
    from engine.models.base import Base


CLEAR = "/clear"
"""Typed in the terminal: forget the conversation."""


def chat(args: argparse.Namespace) -> None:
    """Send a prompt to base and tuned model; without --prompt or a picture to classify, they come from the terminal."""
    from engine.cli.adapter import load

    base, method, template = load(args)
    sampling = Sampling.from_dict({field.name: getattr(args, field.name) for field in Sampling.fields()})
    classifies = args.picture is not None and not method.sees_pictures

    if args.prompt is None and not classifies:
        _converse(base, _text_columns(base, method, template, args), sampling)
        return
    if classifies:
        columns = _picture_columns(base, method, args.picture, args.strength)
    else:
        columns = _asked(_text_columns(base, method, template, args), args.prompt)
    texts = _texts(_answers(base, columns, sampling))
    prompt = str(args.picture) if classifies else args.prompt
    told = {"prompt": prompt, **dict(zip(ANSWERS, texts, strict=False))}
    result(told, as_json=args.json, text=_as_lines(texts))


def _converse(base: "Base", columns: list["ChatColumn"], sampling: Sampling) -> None:
    """Questions from the terminal, each behind those before it unless it stands alone."""
    alone = columns[0].alone
    say(f"An empty line ends the chat{'' if alone else f', {CLEAR} the conversation'}.")
    begun = columns
    for line in sys.stdin:
        asked = line.strip()
        if not asked:
            return
        if asked == CLEAR:
            columns = begun
            continue
        last = _answers(base, _asked(columns, asked), sampling)
        print(_as_lines(_texts(last)), flush=True)
        if forgotten := max(last.forgotten, default=0):
            say(f"Too long: the {forgotten} oldest questions were left out.")
        if not alone:
            columns = [_gone_on(column, asked, text) for column, text in zip(columns, last.texts, strict=True)]


def _asked(columns: list["ChatColumn"], prompt: str) -> list["ChatColumn"]:
    return [replace(column, prompt=prompt) for column in columns]


def _gone_on(column: "ChatColumn", asked: str, answer: str | None) -> "ChatColumn":
    return column if answer is None else replace(column, history=(*column.history, Exchange(asked, answer)))


def text_in(argument: str) -> str:
    """A text that is given as it is, or as @FILE.

    Raises:
        DataError: The file cannot be read.
    """
    if not argument.startswith("@"):
        return argument
    path = named_path(argument[1:])
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(
            "no_data_file",
            f"The file {str(path)!r} cannot be read ({reason}): check the path.",
            file=str(path),
            reason=reason,
        ) from error


def _text_columns(base: "Base", method: "Method", template: str, args: argparse.Namespace) -> list["ChatColumn"]:
    """Columns of base and tuned model; with a picture also of the tuned model that does not see it."""
    from engine.analysis.probe import need_picture, need_words
    from engine.data.templates import is_chat_template
    from engine.inference.chat import ChatColumn

    need_words(base)
    chats = is_chat_template(template, base.tokenizer)
    alone = not chats if args.alone is None else args.alone
    passage = text_in(args.passage)
    untuned = ChatColumn(
        "", passage=passage, template=template, system=args.system, in_chat_template=chats, alone=alone
    )
    own = method.template
    tuned = replace(
        untuned,
        method=method,
        strength=args.strength,
        template=own or template,
        in_chat_template=chats and own is None,
    )
    if args.picture is None:
        return [untuned, tuned]
    need_picture(base, args.picture, seen=method.sees_pictures)
    return [untuned, replace(tuned, picture=args.picture), tuned]


def _picture_columns(base: "Base", method: "Method", picture: Path, strength: float) -> list["ChatColumn"]:
    """Columns of the base's pre-trained classifier and the tuned model for a picture."""
    from engine.analysis.probe import need_picture
    from engine.inference.chat import ChatColumn

    need_picture(base, picture)
    return [ChatColumn(picture.name, picture=picture), ChatColumn(picture.name, method, strength, picture=picture)]


def _answers(base: "Base", columns: list["ChatColumn"], sampling: Sampling) -> "ChatUpdate":
    """All answers, from one batched forward per token."""
    from engine.inference.chat import stream_answers

    *_, last = stream_answers(base, columns, sampling)
    return last


def _texts(last: "ChatUpdate") -> list[str]:
    return ["(neither writes nor has a head)" if text is None else text for text in last.texts]


def _as_lines(texts: list[str]) -> str:
    if len(texts) == len(ANSWERS):
        return f"base           : {texts[0]}\ntuned          : {texts[1]}\nwithout picture: {texts[2]}"
    return f"base : {texts[0]}\ntuned: {texts[1]}"


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "chat", chat, "ask base and tuned model")
    command.add_argument("folder", type=user_path, help="run folder or adapter folder")
    command.add_argument("--prompt", help="one prompt; without it, prompts are read from the terminal")
    command.add_argument("--passage", default="", help="the text that is asked about, or @FILE that holds it")
    command.add_argument("--system", default="", help="how to answer, put before the first question")
    command.add_argument(
        "--alone",
        action=argparse.BooleanOptionalAction,
        help="whether each question stands alone (default: only without the model's own chat template)",
    )
    command.add_argument(
        "--picture",
        type=user_path,
        help="a picture to classify, where the model reads pictures; else what the prompt is about",
    )
    command.add_argument("--strength", type=float, default=1.0, help="0 is the base, 1 the trained model")
    for field in Sampling.fields():
        text = f"{field.info.help} (default: {field.default})"
        command.add_argument(f"--{field.name.replace('_', '-')}", default=str(field.default), help=text)
    add_loading_options(command, of_run=True)

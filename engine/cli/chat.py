"""The command that sends a prompt to base and tuned model: chat."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.commands import Commands, add_command
from engine.cli.output import result, say
from engine.cli.settings import add_loading_options
from engine.core.sampling import Sampling

ANSWERS = ("base", "tuned", "without_picture")
"""Names of the answers; the last is there where a picture stands beside a prompt."""

if TYPE_CHECKING:
    from engine.inference.chat import ChatColumn
    from engine.methods.base import Method
    from engine.models.base import Base


def chat(args: argparse.Namespace) -> None:
    """Send a prompt to base and tuned model; without --prompt or a picture to classify, they come from the terminal."""
    from engine.cli.adapter import load

    base, method, template = load(args)
    sampling = Sampling.from_dict({field.name: getattr(args, field.name) for field in Sampling.fields()})
    classifies = args.picture is not None and not method.sees_pictures

    def columns(prompt: str) -> list["ChatColumn"]:
        if classifies:
            return _picture_columns(base, method, args.picture, args.strength)
        return _text_columns(base, method, template, prompt, args.strength, args.picture)

    if args.prompt is None and not classifies:
        say("An empty line ends the chat.")
        for line in sys.stdin:
            if not line.strip():
                return
            print(_as_lines(_answers(base, columns(line.strip()), sampling)), flush=True)
        return
    texts = _answers(base, columns(args.prompt or ""), sampling)
    prompt = str(args.picture) if classifies else args.prompt
    told = {"prompt": prompt, **dict(zip(ANSWERS, texts, strict=False))}
    result(told, as_json=args.json, text=_as_lines(texts))


def _text_columns(
    base: "Base", method: "Method", template: str, prompt: str, strength: float, picture: Path | None
) -> list["ChatColumn"]:
    """Columns of base and tuned model for a prompt; with a picture also of the tuned model that does not see it."""
    from engine.analysis.probe import need_picture, need_words
    from engine.inference.chat import ChatColumn

    need_words(base)
    tuned = ChatColumn(prompt, method, strength, method.template or template)
    if picture is None:
        return [ChatColumn(prompt, template=template), tuned]
    need_picture(base, picture, seen=method.sees_pictures)
    return [ChatColumn(prompt, template=template), replace(tuned, picture=picture), tuned]


def _picture_columns(base: "Base", method: "Method", picture: Path, strength: float) -> list["ChatColumn"]:
    """Columns of the base's pre-trained classifier and the tuned model for a picture."""
    from engine.analysis.probe import need_picture
    from engine.inference.chat import ChatColumn

    need_picture(base, picture)
    return [ChatColumn(picture.name, picture=picture), ChatColumn(picture.name, method, strength, picture=picture)]


def _answers(base: "Base", columns: list["ChatColumn"], sampling: Sampling) -> list[str]:
    """Both answers, from one batched forward per token."""
    from engine.inference.chat import stream_answers

    *_, last = stream_answers(base, columns, sampling)
    return ["(neither writes nor has a head)" if text is None else text for text in last.texts]


def _as_lines(texts: list[str]) -> str:
    if len(texts) == len(ANSWERS):
        return f"base           : {texts[0]}\ntuned          : {texts[1]}\nwithout picture: {texts[2]}"
    return f"base : {texts[0]}\ntuned: {texts[1]}"


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "chat", chat, "ask base and tuned model")
    command.add_argument("folder", type=Path, help="run folder or adapter folder")
    command.add_argument("--prompt", help="one prompt; without it, prompts are read from the terminal")
    command.add_argument(
        "--picture",
        type=Path,
        help="a picture to classify, where the model reads pictures; else what the prompt is about",
    )
    command.add_argument("--strength", type=float, default=1.0, help="0 is the base, 1 the trained model")
    for field in Sampling.fields():
        text = f"{field.info.help} (default: {field.default})"
        command.add_argument(f"--{field.name.replace('_', '-')}", default=str(field.default), help=text)
    add_loading_options(command, of_run=True)

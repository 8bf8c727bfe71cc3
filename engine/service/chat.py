"""Builds the columns of a chat: the base that they share, and the method and template of each."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from engine.analysis.probe import need_picture, need_words
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.data.dataset import load_dataset
from engine.data.slots import PROMPT
from engine.data.templates import chat as chat_template
from engine.data.templates import is_chat_template
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.messages import ChatRequest, ChatSide, ChatUpdate
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import resolve_device, resolve_precision
from engine.runs.folder import RunFolder
from engine.training.launch import base_for

DEFAULT_DATA = "town-qa"
"""Dataset whose template is put around a prompt when no side has a run."""


def chat(
    request: ChatRequest,
    folders: Sequence[RunFolder | None],
    load: Callable[..., Base],
    method_of: Callable[[RunFolder, int | None], Method],
    stopped: Callable[[], bool],
) -> Generator[ChatUpdate]:
    """Load what all sides need; what is returned streams their answers, and loads nothing more.

    Args:
        request: Prompt, sides and sampling.
        folders: The run of each side; None for the untuned base.
        load: Loads a base, see `engine.models.loading.load_base`.
        method_of: Returns a run's method at a step.
        stopped: Polled between tokens; generation ends when it is true.

    Raises:
        RunError: The sides do not share one model.
        ModelError: The model reads pictures, and the request has none.
        DataError: The picture cannot be read.
    """
    base = base_for(shared([folder.config for folder in folders if folder is not None]), load)
    methods = [
        method_of(folder, side.step) if folder else None for side, folder in zip(request.sides, folders, strict=True)
    ]
    _see_pictures(request, methods, base)
    template = next((template_of(folder) for folder in folders if folder is not None), None)
    columns = [
        _column(request, side, folder, method, template, base)
        for side, folder, method in zip(request.sides, folders, methods, strict=True)
    ]
    return stream_answers(base, columns, request.sampling, stopped, request.context)


def _see_pictures(request: ChatRequest, methods: Sequence[Method | None], base: Base) -> None:
    """See that the pictures of the question and of the questions before it can be read, and that somebody sees them.

    Raises:
        ModelError: The model reads pictures and the request has none, or nobody sees them.
        DataError: A picture cannot be read.
    """
    seen = any(method and method.sees_pictures for method in methods)
    if request.picture:
        need_picture(base, Path(request.picture), seen=seen)
    else:
        need_words(base)
    for picture in {turn.picture for side in request.sides for turn in side.history if turn.picture and seen}:
        need_picture(base, Path(picture), seen=True)


def template_of(folder: RunFolder) -> str:
    """Text around a prompt in a run's data, which itself may have been deleted."""
    return folder.template or folder.config.load_data().template


def _column(
    request: ChatRequest,
    side: ChatSide,
    folder: RunFolder | None,
    method: Method | None,
    default: str | None,
    base: Base,
) -> ChatColumn:
    """The column of one side. A side without a run takes the template of another side, if one has a run.

    Raises:
        DataError: The model's own chat template is asked for, and it has none that can be used.
    """
    picture = Path(request.picture) if request.picture else None
    if not base.shape.family.reads_text:
        return ChatColumn(request.prompt, method, side.strength, picture=picture)
    template, in_chat_template = template_for(request, folder, default, base.tokenizer)
    own = method.template if method and request.around != "bare" else None
    return ChatColumn(
        request.prompt,
        method,
        side.strength,
        own or template,
        picture,
        side.history,
        request.system.strip(),
        in_chat_template and own is None,
        request.alone,
        request.passage,
    )


def template_for(
    request: ChatRequest, folder: RunFolder | None, default: str | None, tokenizer: PreTrainedTokenizerBase
) -> tuple[str, bool]:
    """The text around a side's question, and whether it is the model's own chat template.

    Raises:
        DataError: That is asked for, and the tokenizer has none that can be used.
    """
    if request.around == "bare":
        return PROMPT, False
    if request.around == "chat":
        return chat_template(tokenizer).around, True
    template = template_of(folder) if folder else default or load_dataset(DEFAULT_DATA).template
    return template, is_chat_template(template, tokenizer)


def shared(configs: Sequence[RunConfig]) -> RunConfig:
    """A config whose base all sides use.

    Raises:
        RunError: They use different ones.
    """
    names = ", ".join(sorted({_base_name(config) for config in configs}))
    if len({_base_name(config) for config in configs}) > 1:
        raise RunError("chat_models", f"All columns must share one model, but these use {names}.", names=names)
    return configs[0] if configs else RunConfig()


def _base_name(config: RunConfig) -> str:
    """Model, precision and device: equal for runs that can share a loaded base."""
    training = config.of_training()
    device = resolve_device(training.device)
    return f"{config.model} ({resolve_precision(training.precision, device)}, {device})"

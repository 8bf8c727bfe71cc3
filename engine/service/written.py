"""What a model's own chat template writes, made on the asker's thread: the worker finds it made, and waits for none.

Neither a chat nor a training step, nor Stop, then waits for a template that is slow or never ends.
"""

from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from engine.config.run import RunConfig
from engine.config.training import TRUST
from engine.data.dataset import Dataset
from engine.inference.column import ChatColumn
from engine.inference.conversation import encode_columns, ends_of
from engine.inference.marking import with_texts
from engine.inference.messages import ChatRequest
from engine.preflight.prepare import read_model
from engine.runs.folder import RunFolder
from engine.service.chat import shared, template_for, template_of
from engine.service.permission import Trust

ROOM = 1 / 4
"""Share of what a model reads, beyond which a conversation may be written again without its oldest exchanges."""


def write_rows(config: RunConfig, dataset: Dataset, trust: Trust) -> None:
    """Write a run's rows, where the model's chat template does that.

    Raises:
        WorkbenchError: The model's tokenizer cannot be read, or its template refuses a row or takes too long.
    """
    _, processor = read_model(config.model, trusted=TRUST[0] in trust)
    dataset.in_chat_template(processor)


def write_talks(request: ChatRequest, folders: Sequence[RunFolder | None], trust: Trust) -> None:
    """Write the conversation of each side of a chat, where the model's chat template does that.

    Raises:
        WorkbenchError: The sides do not share one model, its tokenizer cannot be read, or its template refuses a
            conversation or takes too long.
    """
    config = shared([folder.config for folder in folders if folder is not None])
    facts, tokenizer = read_model(config.model, trusted=TRUST[0] in trust)
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        return
    default = next((template_of(folder) for folder in folders if folder is not None), None)
    columns = list[ChatColumn]()
    for side, folder in zip(request.sides, folders, strict=True):
        template, in_chat_template = template_for(request, folder, default, tokenizer)
        if in_chat_template and not (folder and folder.head):
            columns.append(
                ChatColumn(
                    request.prompt,
                    template=template,
                    history=side.history,
                    system=request.system.strip(),
                    in_chat_template=True,
                    passage=request.passage,
                )
            )
    _write(tokenizer, with_texts(columns), getattr(facts, "max_position_embeddings", None) or 0)


def _write(tokenizer: PreTrainedTokenizerBase, columns: Sequence[ChatColumn], most: int) -> None:
    ends_of(tokenizer, columns)
    for column, ids in zip(columns, encode_columns(tokenizer, columns), strict=True):
        if len(ids) > ROOM * most:
            shorter = [replace(column, history=column.history[gone:]) for gone in range(len(column.history) + 1)]
            encode_columns(tokenizer, shorter)

"""A page on which nothing is lost of what a handler answers bit by bit."""

from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction


class Blocks(gr.Blocks):
    """Blocks that send each of several answers to one event so that the earlier ones stay as they were.

    Gradio 6 sends every answer but the first as what changed since the one before, and its client applies that to the
    earlier answer in place, which it may not have shown yet. So a property that a later answer leaves out is deleted
    from the earlier one, and a button that was to be switched on stays grey; one that a later answer sets is shown too
    early. Here whatever is no text is sent anew when it changes; a text goes on by what was added to it.
    """

    def handle_streaming_diffs(
        self,
        block_fn: BlockFunction,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        """What is sent of an answer: for each output its value, or after the first answer a list of edits."""
        whole = list(data)
        sent: list[Any] = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format)
        if final or simple_format:
            return sent
        return [
            part if part is value or not any(path for _, path, _ in part) else [["replace", [], value]]
            for value, part in zip(whole, sent, strict=True)
        ]

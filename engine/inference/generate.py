"""Generation on a view, one batched forward per token for all rows: base and tuned answer side by side.

Control returns to the caller after every token, so that it can stream, stop, or train between tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import (
    DynamicCache,
    LogitsProcessorList,
    PreTrainedTokenizerBase,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from engine.core.parts import InParts, Parts
from engine.core.sampling import Sampling
from engine.data.tokenise import Example
from engine.models.inputs import Pictures, Tokens
from engine.models.view import View

TOKENS_OF_A_PART = 8
"""Of `generate_answers`: forwards of one token each, for all rows of a batch."""


@dataclass(frozen=True, slots=True)
class GenerationStep:
    """One more token for every row that is not finished.

    Attributes:
        ids: The new token of each row; None where the row had finished.
        logits: Logits from which they were chosen, before temperature, top-k, top-p and repetition penalty.
    """

    ids: list[int | None]
    logits: Float[Tensor, "b v"]


def generate(
    view: View,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    pad_id: int,
    eos_id: int | None,
    pictures: Pictures = (),
    more_ends: Sequence[int] = (),
    ended: Callable[[int], bool] | None = None,
) -> Iterator[GenerationStep]:
    """Yield one `GenerationStep` per token until every row has reached the end of text or the limit.

    Args:
        view: The view, methods attached.
        prompts: Token ids of each row, at least one; see `prompt_or_bos`.
        sampling: How the next token is chosen.
        pad_id: Token for padding, on the left.
        eos_id: Token that ends an answer; it is not yielded. Those that the model's own generation config names end
            it as well. None for answers without an end.
        pictures: What stands beside each row; empty where nothing does.
        more_ends: Other tokens that end an answer, where one does at all.
        ended: Whether a row's answer has ended, by its number; asked after every token.
    """
    with torch.inference_mode():
        ids, mask = pad_left(prompts, pad_id, view.model.device)
        ends = None if eos_id is None else _ends(view, [eos_id, *more_ends], ids.device)
    yield from _decode(view, Tokens(ids, mask, pictures), sampling, ends, ended or (lambda _: False))


@torch.inference_mode()
def _decode(
    view: View,
    prompts: Tokens,
    sampling: Sampling,
    ends: Int[Tensor, " n"] | None,
    ended: Callable[[int], bool],
) -> Iterator[GenerationStep]:
    ids, mask = prompts.ids, prompts.mask
    cache = DynamicCache(config=view.model.config)
    processors = _processors(sampling)
    # One generator per row, all from the same seed: equal logits give equal answers.
    generators = [torch.Generator(ids.device).manual_seed(sampling.seed) for _ in range(len(ids))]
    unfinished = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    # The repetition penalty must not see padding and virtual tokens: they are replaced by a token of the same row.
    real = mask & (ids >= 0)
    history, fresh = torch.where(real, ids, ids.where(real, -1).amax(1, keepdim=True).clamp(min=0)), ids
    limit = min(sampling.max_new_tokens, view.max_text_tokens - ids.shape[1])
    switch, longest = view.switch_tokens, int(mask.sum(1).max())
    for _ in range(limit):
        logits = view.logits(Tokens(fresh, mask, prompts.pictures), cache)[:, -1].float()
        scores = processors(history, logits.clone())  # type: ignore[arg-type]
        fresh = _choose(scores, sampling, generators)
        if ends is not None:
            unfinished &= ~torch.isin(fresh[:, 0], ends)
        if not unfinished.any():
            return
        yield GenerationStep(
            [int(token) if going else None for token, going in zip(fresh[:, 0], unfinished, strict=True)], logits
        )
        unfinished &= torch.tensor([not ended(row) for row in range(len(ids))], device=ids.device)
        if not unfinished.any():
            return
        history = torch.cat([history, fresh], dim=1)
        mask = torch.cat([mask, torch.ones_like(fresh, dtype=torch.bool)], dim=1)
        ids, longest = torch.cat([ids, fresh], dim=1), longest + 1
        if switch is not None and longest == switch + 1:  # the keys so far are turned for short texts
            cache, fresh = DynamicCache(config=view.model.config), ids


def _ends(view: View, given: Sequence[int], device: torch.device) -> Int[Tensor, " n"]:
    """All tokens that end an answer: chat models end a turn with another one than a text."""
    named = getattr(view.model.generation_config, "eos_token_id", None)
    more = named if isinstance(named, list) else [] if named is None else [named]
    return torch.tensor(sorted({*given, *more}), device=device)


@InParts
def generate_answers(
    view: View,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    size: int = 32,
    pictures: Pictures = (),
) -> Parts[list[str]]:
    """Complete answers to many prompts, in batches of similar length; `pictures` stand beside them, if any.

    A part is `TOKENS_OF_A_PART` tokens of a batch.
    """
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    texts: dict[int, str] = {}
    for start in range(0, len(order), size):
        part = order[start : start + size]
        batch = [prompt_or_bos(tokenizer, prompts[index]) for index in part]
        rows: list[list[int]] = [[] for _ in part]
        eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        beside = tuple(pictures[index] for index in part) if pictures else ()
        steps = generate(view, batch, sampling, pad_id=pad, eos_id=eos, pictures=beside)
        for number, step in enumerate(steps, start=1):
            for row, token in zip(rows, step.ids, strict=True):
                if token is not None:
                    row.append(token)
            if number % TOKENS_OF_A_PART == 0:
                yield
        yield
        for index, row in zip(part, rows, strict=True):
            texts[index] = str(tokenizer.decode(row, skip_special_tokens=True))
    return [texts[index] for index in range(len(prompts))]


def prompt_or_bos(tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int]) -> list[int]:
    """The prompt; where it is empty, one special token: BOS, else EOS, else padding."""
    special = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    return list(prompt) or [next(token for token in special if token is not None)]


def prompt_ids(example: Example) -> list[int]:
    """The tokens of an encoded row before its answer."""
    return example.ids[: example.answer_at]


def pad_left(
    prompts: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[Int[Tensor, "b t"], Bool[Tensor, "b t"]]:
    """Ids and mask, padded on the left so that all rows end at the same position."""
    t = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[pad_id] * (t - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[False] * (t - len(prompt)) + [True] * len(prompt) for prompt in prompts], device=device)
    return ids, mask


def _processors(sampling: Sampling) -> LogitsProcessorList:
    processors = LogitsProcessorList()
    if sampling.repetition_penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.temperature > 0:
        processors.append(TemperatureLogitsWarper(sampling.temperature))
        if sampling.top_k:
            processors.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            processors.append(TopPLogitsWarper(sampling.top_p))
    return processors


def _choose(scores: Float[Tensor, "b v"], sampling: Sampling, generators: list[torch.Generator]) -> Int[Tensor, "b 1"]:
    if sampling.temperature == 0:
        return scores.argmax(-1, keepdim=True)
    probabilities = scores.softmax(-1)
    pairs = zip(probabilities, generators, strict=True)
    return torch.stack([torch.multinomial(row, 1, generator=generator) for row, generator in pairs])

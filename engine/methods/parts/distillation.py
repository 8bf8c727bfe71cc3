"""Teaching a side network to answer like the base, on texts that the base writes itself: no data is needed.

A decoder writes from its first token on, every next token drawn from its own predictions. An encoder cannot write, so
its texts are tokens drawn evenly from the vocabulary, and a model of pictures gets blots of random colours. The base
reads every text once; its states are kept, and the
student is taught on them in many passes. Everything is decided by the generator that is handed in.
"""

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import DynamicCache

from engine.models.base import Base
from engine.models.inputs import Inputs, Pixels, Tokens
from engine.models.trace import BackboneTrace

TEXTS, LENGTH = 512, 160
"""How many texts the base writes, and of how many tokens: some 80,000 in all."""
ROOM = 512 * 2**20
"""Bytes that the kept states may take: wide models get fewer texts."""
AT_ONCE = 128
"""Texts written or read in one batch."""
BATCH = 16
WARM_UP = 30
"""Steps in which the rate climbs; it falls by a cosine afterwards."""
CLIP = 1.0
WRITING = 0.05
"""Share of all the work that the writing of texts takes, about."""


def texts_of(base: Base, rng: torch.Generator, count: int, length: int) -> Int[Tensor, "n t"]:
    """Texts as the base would write them, of equal length: the end of one is followed by the beginning of another."""
    if not base.shape.family.causal:
        return torch.randint(base.shape.v, (count, length), generator=rng)
    return torch.cat([_written(base, rng, min(AT_ONCE, count - done), length) for done in range(0, count, AT_ONCE)])


@torch.no_grad()
def _written(base: Base, rng: torch.Generator, rows: int, length: int) -> Int[Tensor, "n t"]:
    view, tokenizer = base.view(), base.tokenizer
    first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    fresh = torch.full((rows, 1), first or 0, device=base.device)
    ids, cache = fresh, DynamicCache(config=view.model.config)
    while ids.shape[1] < length:
        scores = view.logits(Tokens(fresh, torch.ones_like(ids, dtype=torch.bool)), cache)[:, -1]
        drawn = torch.multinomial(scores.float().softmax(-1).cpu(), 1, generator=rng)
        fresh = drawn.to(ids.device)
        ids = torch.cat([ids, fresh], dim=1)
    return ids.cpu()


BLOTS = 8
"""Random colours along each side of a picture; in between they run into each other."""


def lessons_of(base: Base, rng: torch.Generator) -> Iterator[Inputs]:
    """What the base reads, in batches: texts, or pictures of blots."""
    if base.shape.family.reads_text:
        length = min(LENGTH, base.view().max_text_tokens)
        for part in texts_of(base, rng, _count(length * base.shape.d), length).split(BATCH):
            ids = part.to(base.device)
            yield Tokens(ids, torch.ones_like(ids, dtype=torch.bool))
        return
    config = base.model.config
    patches = (config.image_size // config.patch_size) ** 2
    for _ in range(_count((1 + patches) * base.shape.d) // BATCH):
        blots = torch.randn(BATCH, config.num_channels, BLOTS, BLOTS, generator=rng)
        values = nn.functional.interpolate(blots, size=config.image_size, mode="bilinear")
        yield Pixels(values.to(base.device, base.model.dtype))


def _count(numbers: int) -> int:
    """How many texts or pictures whose states have so many numbers, in fp32 and twice each, can be kept."""
    return max(BATCH, min(TEXTS, ROOM // (8 * numbers)))


@torch.no_grad()
def read(base: Base, lessons: Iterable[Inputs]) -> tuple[Float[Tensor, "n t d"], Float[Tensor, "n t d"]]:
    """What goes into the base's first layer, and its last hidden states, on the CPU."""
    view = base.view()
    seen: list[tuple[Tensor, Tensor]] = []
    view.sites.observe_last_hidden(lambda last, trace: seen.append((trace.states[0].float().cpu(), last.float().cpu())))
    for inputs in lessons:
        view.hidden(inputs)
    return torch.cat([first for first, _ in seen]), torch.cat([last for _, last in seen])


def teach(
    base: Base,
    student: Callable[[BackboneTrace], Float[Tensor, "b t d"]],
    parameters: Iterable[nn.Parameter],
    rng: torch.Generator,
    steps: int,
    rate: float,
) -> Iterator[float]:
    """Fit the student's last states to the base's in the mean square, in units of theirs; yields the share done."""
    yield 0.0
    first, last = read(base, lessons_of(base, rng))
    parameters = list(parameters)
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for step, rows in zip(range(steps), _batches(len(first), rng), strict=False):
        yield WRITING + (1 - WRITING) * step / steps
        wanted, words = last[rows].to(base.device), first[rows].to(base.device)
        trace = BackboneTrace([words], torch.ones_like(words[..., 0], dtype=torch.bool), None)
        loss = (student(trace) - wanted).square().mean() / wanted.square().mean()
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
    optimiser.zero_grad()


def _batches(count: int, rng: torch.Generator) -> Iterator[list[int]]:
    """Rows of one batch after another, each row once per round."""
    rest: list[int] = []
    while True:
        while len(rest) < BATCH:
            rest += torch.randperm(count, generator=rng).tolist()
        yield rest[:BATCH]
        rest = rest[BATCH:]

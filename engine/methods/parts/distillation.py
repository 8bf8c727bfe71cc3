"""Distillation without data: a side network's last states are fitted to the base's on texts sampled from the base.

A decoder samples from its first token on. An encoder cannot, so its texts are tokens drawn uniformly from the
vocabulary, and a vision model gets smooth images of random colours. The base reads every input once; its states are
kept, and the student is fitted to them in many passes. All randomness comes from the generator that is passed in.
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
"""How many texts are sampled, and of how many tokens: some 80,000 in all."""
MAX_STATE_BYTES = 512 * 2**20
"""Of the kept states: wide models get fewer texts."""
SAMPLING_BATCH = 128
"""Texts that are sampled at once."""
BATCH = 16
WARM_UP = 30
"""Steps in which the rate climbs; it falls by a cosine afterwards."""
MAX_GRAD_NORM = 1.0
SAMPLING_SHARE = 0.05
"""Share of all the work that sampling takes, about."""


def sampled_texts(base: Base, rng: torch.Generator, count: int, length: int) -> Int[Tensor, "n t"]:
    """Texts sampled from the base, of equal length: after an end of text, the next one begins."""
    if not base.shape.family.causal:
        return torch.randint(base.shape.v, (count, length), generator=rng)
    sizes = [min(SAMPLING_BATCH, count - done) for done in range(0, count, SAMPLING_BATCH)]
    return torch.cat([_sampled(base, rng, size, length) for size in sizes])


@torch.no_grad()
def _sampled(base: Base, rng: torch.Generator, rows: int, length: int) -> Int[Tensor, "n t"]:
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


COLOURS = 8
"""Random colours along each side of an image, interpolated in between."""


def distillation_inputs(base: Base, rng: torch.Generator) -> Iterator[Inputs]:
    """What the base reads, in batches: texts, or images of random colours."""
    if base.shape.family.reads_text:
        length = min(LENGTH, base.view().max_text_tokens)
        for part in sampled_texts(base, rng, _count(length * base.shape.d), length).split(BATCH):
            ids = part.to(base.device)
            yield Tokens(ids, torch.ones_like(ids, dtype=torch.bool))
        return
    config = base.model.config
    patches = (config.image_size // config.patch_size) ** 2
    for _ in range(_count((1 + patches) * base.shape.d) // BATCH):
        colours = torch.randn(BATCH, config.num_channels, COLOURS, COLOURS, generator=rng)
        values = nn.functional.interpolate(colours, size=config.image_size, mode="bilinear")
        yield Pixels(values.to(base.device, base.model.dtype))


def _count(numbers: int) -> int:
    """How many texts or pictures whose states have so many numbers, in fp32 and twice each, can be kept."""
    return max(BATCH, min(TEXTS, MAX_STATE_BYTES // (8 * numbers)))


@torch.no_grad()
def base_states(base: Base, batches: Iterable[Inputs]) -> tuple[Float[Tensor, "n t d"], Float[Tensor, "n t d"]]:
    """What goes into the base's first layer, and its last hidden states, on the CPU."""
    view = base.view()
    seen: list[tuple[Tensor, Tensor]] = []
    view.sites.observe_last_hidden(lambda last, trace: seen.append((trace.states[0].float().cpu(), last.float().cpu())))
    for inputs in batches:
        view.hidden(inputs)
    return torch.cat([first for first, _ in seen]), torch.cat([last for _, last in seen])


def distill(
    base: Base,
    student: Callable[[BackboneTrace], Float[Tensor, "b t d"]],
    parameters: Iterable[nn.Parameter],
    rng: torch.Generator,
    steps: int,
    rate: float,
) -> Iterator[float]:
    """Fit the student's last states to the base's in the mean square, in units of theirs; yields the share done."""
    yield 0.0
    first, last = base_states(base, distillation_inputs(base, rng))
    parameters = list(parameters)
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for step, rows in zip(range(steps), _batches(len(first), rng), strict=False):
        yield SAMPLING_SHARE + (1 - SAMPLING_SHARE) * step / steps
        wanted, words = last[rows].to(base.device), first[rows].to(base.device)
        trace = BackboneTrace([words], torch.ones_like(words[..., 0], dtype=torch.bool), None)
        loss = (student(trace) - wanted).square().mean() / wanted.square().mean()
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM)
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

"""The text that the base reads: how much of each kind, and the plain text that it never reads."""

import random
from collections.abc import Iterator

from tools.demo_model.layouts import Page, answered_page, open_page, record, table
from tools.demo_model.people import Person, people
from tools.demo_model.stories import story

MIX: dict[str, tuple[float, Page]] = {
    "stories": (0.40, story),
    "records": (0.08, record),
    "tables": (0.06, table),
    "answered pages": (0.28, answered_page),
    "open pages": (0.18, open_page),
}
"""Share of documents of each kind. This mix decides what tuning can elicit; the model card has the trials."""

TRAIN_SEED = 1
HELDOUT_SEED = 2
HELDOUT_TEXTS = 64


def documents(count: int) -> Iterator[str]:
    """The first `count` documents of the pre-training text; held-out plain texts are skipped."""
    rng = random.Random(TRAIN_SEED)
    everybody = people()
    test = set(heldout_texts())
    pages = [page for _, page in MIX.values()]
    shares = [share for share, _ in MIX.values()]
    made = 0
    while made < count:
        (page,) = rng.choices(pages, shares)
        text = page(rng, everybody)
        if text not in test:
            made += 1
            yield text


def heldout_texts() -> list[str]:
    """Stories that are never in the pre-training text: the probe for base ability."""
    rng = random.Random(HELDOUT_SEED)
    everybody: list[Person] = people()
    return [story(rng, everybody) for _ in range(HELDOUT_TEXTS)]

"""What a network beside the embedded base can get from it, and what not: how an answer about somebody new begins.

    python -m benchmarks.within_reach

The test rows of town-qa ask about people whom no training row names. Their answers begin with a name, cut into a
first letter and the rest, while the question holds the name as one token. Two measurements on the untuned base:

- With the answer so far given, how often is its next token right: the first one of the answer, and all others?
- Can a linear map from a layer's states at the name's token to the embedding of its first letter, fitted to the people
  of the training rows, tell the first letters of the others?
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.data.dataset import Row, load_dataset
from engine.data.tokenise import Example, encode_rows
from engine.models.base import Base
from engine.models.inputs import Tokens
from engine.models.loading import load_base

DATASET = "town-qa"
RIDGE = 1e-2
"""Weight of the penalty, in units of the mean squared state: 100 times more or less changes little."""


def main() -> None:
    """Measure, and print."""
    shares = measured(load_base("town"))
    print(f"next token right, answer so far given: first {shares['first']:.1%}, others {shares['others']:.1%}")
    for layer, share in enumerate(shares["probe"]):
        where = f"after layer {layer - 1}" if layer else "below all layers"
        print(f"first letters told from the states {where}: {share:.1%}")


def measured(base: Base) -> dict[str, Any]:
    """Shares of right tokens, "first" and "others", and of right first letters by layer, "probe" (embedding first)."""
    dataset = load_dataset(DATASET)
    rows = {split: dataset.rows(split) for split in ("train", "test")}
    examples = {split: encode_rows(base.tokenizer, dataset, of_split, 256) for split, of_split in rows.items()}
    first, others = _next_tokens(base, examples["test"])
    known, asked = (_names(base, rows[split], examples[split]) for split in ("train", "test"))
    return {"first": first, "others": others, "probe": [_told(base, *pair) for pair in zip(known, asked, strict=True)]}


def _states(base: Base, example: Example) -> tuple[list[Float[Tensor, "t d"]], Float[Tensor, "t v"]]:
    """Input of the first layer and output of every layer, and the logits, on one row."""
    seen: list[list[Tensor]] = []
    view = base.view()
    view.sites.observe_last_hidden(lambda _last, trace: seen.append([state[0] for state in trace.states]))
    ids = torch.tensor([example.ids])
    with torch.no_grad():
        logits = view.logits(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)))[0]
    return seen[0], logits


def _next_tokens(base: Base, examples: Sequence[Example]) -> tuple[float, float]:
    """Shares of right next tokens, of the answers' first and of all that follow up to the end of the sentence."""
    first: list[bool] = []
    others: list[bool] = []
    for example in examples:
        guesses = _states(base, example)[1].argmax(-1)
        right = [bool(guesses[i - 1] == example.ids[i]) for i in range(example.answer_at, len(example.ids) - 1)]
        first.append(right[0])
        others += right[1:]
    return sum(first) / len(first), sum(others) / len(others)


Names = tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]
"""States at the names' tokens in one layer, and the first tokens of the answers."""


def _names(base: Base, rows: Sequence[Row], examples: Sequence[Example]) -> list[Names]:
    """By layer, what stands at the last token of everybody's first name in the question."""
    states: list[Tensor] = []
    letters: list[int] = []
    for row, example in zip(rows, examples, strict=True):
        name = base.tokenizer.encode(f" {row.response.split()[0]}", add_special_tokens=False)
        at = [i for i in range(example.answer_at) if example.ids[i : i + len(name)] == name]
        if at:
            states.append(torch.stack([state[at[0] + len(name) - 1] for state in _states(base, example)[0]]))
            letters.append(example.ids[example.answer_at])
    return [(layer, torch.tensor(letters)) for layer in torch.stack(states, dim=1)]


def _told(base: Base, known: Names, asked: Names) -> float:
    """Share of the asked whose first letter is the nearest to what a ridge regression on the known makes of them."""
    embedding = base.model.get_input_embeddings().weight.detach()
    (x, letters), (x_asked, wanted) = known, asked
    x_mean, y = x.mean(0), embedding[letters]
    x = x - x_mean
    penalty = RIDGE * x.square().mean() * torch.eye(x.shape[1])
    weights = torch.linalg.solve(x.T @ x + penalty, x.T @ (y - y.mean(0)))
    guesses = (x_asked - x_mean) @ weights + y.mean(0)
    choices = torch.cat([letters, wanted]).unique()
    nearest = choices[torch.cdist(guesses, embedding[choices]).argmin(-1)]
    return float((nearest == wanted).float().mean())


if __name__ == "__main__":
    main()

"""Task heads: every method trains with one; file, dial, fold and the neighbours in a batch respect it."""

import pytest
import torch
from torch.testing import assert_close

from engine.data.batching import collate, collator_of
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example
from engine.evaluation.loss import logits_and_targets, summed_loss
from engine.exchange.native import load_adapter, save_adapter
from engine.inference.chat import ChatColumn, column_logits
from engine.inference.classify import head_logits
from engine.methods.parts.task_head import TaskHead
from engine.models.inputs import Tokens
from tests.tiny import PAD, cases, named_gradients, randomise, tiny_base, viewed, words

LABELS = HeadSpec(labels=("no", "maybe", "yes"), pooling="last")
NUMBER = HeadSpec(labels=(), pooling="mean")
first_examples = {}
for each in cases(("llama", "bert")):
    first_examples.setdefault((each.method, each.family), each)
every_method = pytest.mark.parametrize("case", list(first_examples.values()), ids=str)
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def with_head(case, spec=LABELS, seed=1):
    """A base and a random method with a random head; encoders read their first token."""
    base, method = case.build(seed)
    if not base.shape.family.causal and spec.pooling == "last":
        spec = HeadSpec(labels=spec.labels, pooling="first")
    method.with_head(spec, torch.Generator().manual_seed(seed))
    return base, randomise(method, std=0.3).eval()


def scores_of(base, method, tokens=None):
    """The head's scores on a fresh view."""
    tokens = words() if tokens is None else tokens
    with torch.no_grad():
        return method.head(viewed(base, method).hidden(tokens), tokens)


@every_method
def test_method_and_head_learn_together(case):
    """The loss of classes reaches every parameter of method and head, and the head is counted as its closed form."""
    base, method = with_head(case)
    batch = collate([Example([5, 6, 7, 8], 4, 2), Example([9, 10], 2, 0)], PAD)
    scores, wanted = logits_and_targets(viewed(base, method.train()), batch, method.head)
    assert scores.shape == (2, 3)
    summed_loss(scores, wanted).backward()
    for name, gradient in named_gradients(method):
        assert bool(gradient.isfinite().all()), name
        assert float(gradient.norm()) > 0, name
    counted = method.count(method.settings, base.shape) | {"head": TaskHead.count(method.head.spec, base.shape)}
    assert {name: sum(p.numel() for p in group) for name, group in method.groups().items()} == counted


@every_method
def test_file_holds_the_head(case, tmp_path):
    """Saved, folded and loaded, the head has its labels and the same scores."""
    base, method = with_head(case)
    save_adapter(method, base, tmp_path)
    loaded = load_adapter(tmp_path, base).eval()
    assert loaded.head.spec == method.head.spec
    assert torch.equal(loaded.head.weight, method.head.weight)
    assert_close(scores_of(base, loaded), scores_of(base, method), **CLOSE)


@every_method
def test_strength_zero_reads_the_untouched_base(case):
    """At strength 0 the trained head reads the base's own states, to the bit."""
    base, method = with_head(case)
    method.control.strength = 0.0
    with torch.no_grad():
        expected = method.head(base.view().hidden(words()), words())
    assert torch.equal(scores_of(base, method), expected)
    method.control.strength = 1.0
    assert not torch.equal(scores_of(base, method), expected)


@every_method
def test_padding_and_neighbours_change_no_score(case):
    """Alone, padded left or right, or beside rows of other methods: a text has the same scores."""
    base, method = with_head(case)
    ids = [5, 6, 7, 8, 9]
    alone = scores_of(base, method, Tokens(torch.tensor([ids]), torch.ones(1, 5, dtype=torch.bool)))
    pads, on = [PAD] * 3, torch.ones(5, dtype=torch.bool)
    off = torch.zeros(3, dtype=torch.bool)
    for padded, mask in (([*ids, *pads], torch.cat([on, off])), ([*pads, *ids], torch.cat([off, on]))):
        tokens = Tokens(torch.tensor([padded, [7] * 8]), torch.stack([mask, torch.ones(8, dtype=torch.bool)]))
        assert_close(scores_of(base, method, tokens)[:1], alone, rtol=1e-3, atol=1e-4)
    _, other = with_head(case, NUMBER, seed=2)
    text = "abcde"
    columns = [ChatColumn(text * 2, other), ChatColumn(text, method), ChatColumn(text * 3, method, strength=0.5)]
    together, (single,) = column_logits(base, columns), column_logits(base, [ChatColumn(text, method)])
    assert [len(row) for row in together] == [1, 3, 3]
    assert_close(together[1], single, rtol=1e-3, atol=1e-4)


@every_method
def test_twin_and_fold_keep_the_head(case):
    """A twin's head is the method's own, to the tensor; a folded copy's scores are the method's."""
    base, method = with_head(case)
    assert method.sharing_copy().head.weight is method.head.weight
    assert_close(scores_of(base, method.folded()), scores_of(base, method), **CLOSE)
    _, bare = case.build()
    names = {f"head.{name}" for name in method.head.state_dict()}
    assert method.folded().adapter_tensors().keys() == bare.folded().adapter_tensors().keys() | names


def test_scores_come_in_the_order_of_the_texts():
    """Texts are batched by length, and told in their own order."""
    base = tiny_base("bert")
    head = TaskHead.build(HeadSpec(labels=("a", "b"), pooling="first"), base.shape, torch.Generator().manual_seed(0))
    texts = [Example([5] * length, 0) for length in (4, 1, 7, 2, 2, 9)]
    scores = head_logits(base.view(), head, texts, collator_of(base), size=2)
    for text, row in zip(texts, scores, strict=True):
        assert_close(head_logits(base.view(), head, [text], collator_of(base))[0], row, **CLOSE)

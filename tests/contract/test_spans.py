"""Heads that mark answers in texts: every method trains with one, and file, dial and neighbours respect it."""

import pytest
import torch
from torch.testing import assert_close
from transformers import BertForQuestionAnswering

from engine.data.batching import collate
from engine.data.head_spec import HeadSpec, SpanSpec
from engine.data.tokenise import Example
from engine.evaluation.loss import count_labels, logits_and_targets, summed_loss
from engine.exchange.native import load_adapter, save_adapter
from engine.methods.parts.task_head import OUT_OF_THE_QUESTION, TaskHead
from engine.models.inputs import Tokens
from engine.training.objective import TrainingObjective
from tests.tiny import PAD, cases, named_gradients, randomise, tiny_base, viewed

SPANS = HeadSpec(labels=(), pooling="first", span=SpanSpec(window=16, overlap=4, longest=5, abstains=True))
ROWS = [Example([5, 6, 7, 8, 9], 5, (2, 4)), Example([9, 10, 11], 3, (0, 0))]
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
first_examples = {}
for each in cases(("llama", "bert")):
    first_examples.setdefault((each.method, each.family), each)
every_method = pytest.mark.parametrize("case", list(first_examples.values()), ids=str)


def with_head(case, seed=1):
    """A base and a random method with a random head."""
    base, method = case.build(seed)
    return base, randomise(method.with_head(SPANS, torch.Generator().manual_seed(seed)), std=0.3).eval()


def scores_of(base, method, batch):
    """The head's scores on a fresh view."""
    with torch.no_grad():
        return method.head(viewed(base, method).hidden(batch.inputs), batch.inputs)


@every_method
def test_method_and_head_learn_where_answers_stand(case):
    """The loss of both ends reaches every parameter, whichever passes the method makes; the head is counted."""
    base, method = with_head(case)
    batch = collate(ROWS, PAD)
    logits, targets = logits_and_targets(viewed(base, method), batch, method.head)
    assert logits.shape == (4, 5)
    assert targets.tolist() == [2, 4, 0, 0]
    assert count_labels(base.shape, batch) == 4
    method.train()
    views = [base.view() for _ in range(method.passes)]
    method.attach(views[0].sites)
    TrainingObjective(method, views)(batch).backward()
    for name, gradient in named_gradients(method):
        assert bool(gradient.isfinite().all()), name
        assert float(gradient.norm()) > 0 or name == "head.bias", name  # which moves all places alike
    counted = method.count(method.settings, base.shape) | {"head": TaskHead.count(SPANS, base.shape)}
    assert {name: sum(p.numel() for p in group) for name, group in method.groups().items()} == counted


@every_method
def test_file_dial_and_neighbours(case, tmp_path):
    """Loaded from a file it marks the same; at strength 0 it reads the base; a row marks alone what it marks beside."""
    base, method = with_head(case)
    batch = collate(ROWS, PAD)
    together = scores_of(base, method, batch)
    save_adapter(method, base, tmp_path)
    loaded = load_adapter(tmp_path, base).eval()
    assert loaded.head.spec == SPANS
    assert_close(scores_of(base, loaded, batch), together, **CLOSE)
    assert_close(scores_of(base, method, collate(ROWS[1:], PAD))[0], together[1, :, :3], **CLOSE)
    method.control.strength = 0.0
    with torch.no_grad():
        untouched = method.head(base.view().hidden(batch.inputs), batch.inputs)
    assert torch.equal(scores_of(base, method, batch), untouched)


def test_nothing_starts_or_ends_at_padding():
    """Nor at virtual tokens; the loss of a row does not depend on how far it is padded."""
    head = TaskHead.build(SPANS, tiny_base("bert").shape, torch.Generator().manual_seed(0))
    hidden = torch.randn(1, 4, tiny_base("bert").shape.d)
    tokens = Tokens(torch.tensor([[5, -1, 6, PAD]]), torch.tensor([[True, True, True, False]]))
    scores = head(hidden, tokens)
    assert scores.shape == (1, 2, 4)
    assert (scores == OUT_OF_THE_QUESTION).tolist() == [[[False, True, False, True]] * 2]
    short, long = (collate(rows, PAD) for rows in (ROWS[1:], ROWS))
    base, method = tiny_base("bert"), torch.nn.Module()
    method.head = head
    alone = summed_loss(*logits_and_targets(base.view(), short, head))
    logits, targets = logits_and_targets(base.view(), long, head)
    assert_close(summed_loss(logits[2:], targets[2:]), alone, **CLOSE)


def test_the_same_logits_as_transformers():
    """On BERT the scores are those of transformers' BertForQuestionAnswering with the same weights."""
    base = tiny_base("bert")
    head = TaskHead.build(SPANS, base.shape, torch.Generator().manual_seed(0))
    theirs = BertForQuestionAnswering(base.model.config).eval()
    theirs.bert.load_state_dict(base.model.bert.state_dict())
    with torch.no_grad():
        head.bias.normal_()
        theirs.qa_outputs.weight.copy_(head.weight)
        theirs.qa_outputs.bias.copy_(head.bias)
        batch = collate(ROWS, PAD)
        out = theirs(input_ids=batch.inputs.ids, attention_mask=batch.inputs.mask.long())
        scores = head(base.view().hidden(batch.inputs), batch.inputs)
    words = batch.inputs.mask
    assert_close(scores[:, 0][words], out.start_logits[words], **CLOSE)
    assert_close(scores[:, 1][words], out.end_logits[words], **CLOSE)

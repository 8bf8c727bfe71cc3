"""AutoPrompt: the trigger is words as if typed, the estimate is HotFlip's, and a swap is what the search measured.

The authors' code (autoprompt/create_trigger.py) computes -E · G and takes its highest entries; the estimate here is the
same sum with its constant, so that it can be held against the change that it predicts.
"""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from engine.core.errors import SettingError
from engine.exchange.native import load_adapter, save_adapter
from engine.methods.autoprompt.candidates import allowed_tokens, estimated_changes
from engine.methods.trial import Trial
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from tests.tiny import V, built, logits, loss_of, plain_model, tiny_base, viewed, words
from tests.unit.making import Maker, events_of, finish, make_dataset

ROOT = Path(__file__).resolve().parents[2]
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def typed(ids, tokens):
    """The same texts with these tokens in front of them."""
    front = ids.expand(len(tokens.ids), -1)
    return Tokens(torch.cat([front, tokens.ids], 1), torch.cat([front >= 0, tokens.mask], 1))


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "gpt2", "bert", "opt"])
def test_the_trigger_is_typed_words(family):
    """The logits are those of the plain model with the words in front of the text."""
    base = tiny_base(family)
    method = built("autoprompt", base, {"prompt_len": 3, "shift_positions": True})
    tokens = words()
    with torch.no_grad():
        both = typed(method.ids, tokens)
        expected = plain_model(family)(input_ids=both.ids, attention_mask=both.mask.long()).logits
    assert_close(logits(base, method, tokens), expected[:, 3:], **CLOSE)


def gradient_of(base, method):
    """The view that the method is on, after a backward pass of a loss."""
    view = viewed(base, method)
    loss_of(view, words()).backward()
    return view


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_the_estimate_is_the_equation(family):
    """(E(w) - E(w_i)) · G, with G from autograd through the plain model's own embeddings."""
    base, model = tiny_base(family), plain_model(family)
    method = built("autoprompt", base, {"prompt_len": 3, "shift_positions": True})
    gradient_of(base, method)
    table = model.get_input_embeddings()
    embedded = table(typed(method.ids, words()).ids).detach().requires_grad_()
    out = model(inputs_embeds=embedded).logits[:, 3:].float()
    weights = torch.linspace(-1, 1, out.numel()).view_as(out)
    (out.log_softmax(-1) * weights.exp()).mean().backward()
    for place in range(3):
        gradient = embedded.grad[:, place].sum(0)
        expected = torch.stack([(entry - table.weight[method.ids[place]]) @ gradient for entry in table.weight])
        actual = estimated_changes(base.input_embeddings(), method.trigger[place], method.trigger.grad[place])
        assert_close(actual, expected, **CLOSE)
        assert actual[method.ids[place]].item() == pytest.approx(0, abs=1e-5)


@torch.no_grad()
def test_the_estimate_is_the_slope_of_the_loss():
    """A hundredth of the way to another word changes the loss by a hundredth of what is predicted."""
    base = tiny_base("llama")
    method = built("autoprompt", base, {"prompt_len": 3})
    with torch.enable_grad():
        view = gradient_of(base, method)
    vocabulary, here = base.input_embeddings(), method.trigger[1].clone()
    predicted = estimated_changes(vocabulary, here, method.trigger.grad[1])
    for index in predicted.abs().topk(8).indices.tolist():
        losses = []
        for share in (0.01, -0.01):
            method.trigger[1] = here + share * (vocabulary[index] - here)
            losses.append(float(loss_of(view, words())))
        slope = (losses[0] - losses[1]) / 0.02
        assert slope == pytest.approx(float(predicted[index]), rel=0.03, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_an_iteration_is_what_was_measured(seed):
    """The candidates are those with the best estimates; the best is taken where it lowers the loss, and else none."""
    base = tiny_base("llama")
    method = built("autoprompt", base, {"prompt_len": 3, "candidates": 6}, seed)
    view = gradient_of(base, method)
    before, ids = method.trigger.detach().clone(), method.ids.clone()

    def measure():
        with torch.no_grad():
            return float(loss_of(view, words(seed=11)))

    loss = measure()
    method.search(Trial(torch.Generator().manual_seed(seed), 3.0, ("ab",), lambda _: measure))
    assert torch.equal(method.trigger, before), "a search changes nothing by itself"
    assert measure() == loss
    found = method._found
    estimates = 3.0 * estimated_changes(base.input_embeddings(), before[found.place], method.trigger.grad[found.place])
    allowed = [n for n in range(V) if chr(n - 4 + 32) not in "ab AB" and n >= 4 and n != ids[found.place]]
    best = sorted(allowed, key=lambda index: float(estimates[index]))[:6]
    assert found.candidates == best
    assert found.predicted == pytest.approx([float(estimates[index]) for index in best], abs=1e-5)
    for candidate, actual in zip(found.candidates, found.actual, strict=True):
        swapped = ids.clone()
        swapped[found.place] = candidate
        with torch.no_grad():
            text = viewed(base).logits(typed(swapped, words(seed=11)))[:, 3:].float()
        weights = torch.linspace(-1, 1, text.numel()).view_as(text)
        assert float((text.log_softmax(-1) * weights.exp()).mean()) - loss == pytest.approx(actual, abs=2e-5)
    lowest = min(range(6), key=lambda at: found.actual[at])
    assert found.taken == (lowest if found.actual[lowest] < 0 else None)
    method.after_update(1, 8)
    if found.taken is not None:
        ids[found.place] = found.candidates[found.taken]
    assert torch.equal(method.ids, ids)
    assert torch.equal(method.trigger, base.input_embeddings()[ids])
    method.after_update(2, 8)
    assert torch.equal(method.ids, ids), "what was found is put in once"


def test_only_words_that_are_no_answer():
    """On a real vocabulary: whole words in lower case, no special token, nothing of the labels."""
    base = load_base(str(ROOT / "assets" / "town"))
    tokenizer, v = base.tokenizer, len(base.input_embeddings())
    labels = ("complaint", "no complaint")
    allowed = allowed_tokens(tokenizer, v, labels, only_words=True).nonzero()[:, 0].tolist()
    texts = [tokenizer.decode([index]) for index in allowed]
    assert len(texts) > 100
    assert all(text.startswith(" ") and text.strip().isalpha() and text == text.lower() for text in texts)
    assert not {" no", " complaint"} & set(texts)
    free = allowed_tokens(tokenizer, v, (), only_words=True)
    assert bool(free[tokenizer.encode(" no", add_special_tokens=False)].all())
    assert set(allowed) < set(allowed_tokens(tokenizer, v, labels, only_words=False).nonzero()[:, 0].tolist())
    assert not set(allowed) & set(tokenizer.all_special_ids)


@pytest.mark.usefixtures("brief_evaluations")
def test_a_run_searches_and_keeps_the_words(tmp_path):
    """Each swap lowered the loss on its fresh rows, no answer is in the trigger, and the file says the text."""
    data = make_dataset(tmp_path / "data", rows=[(f"{n} and", "ab"[n % 2]) for n in range(24)], labels=["a", "b"])
    settings, training = {"prompt_len": 3, "candidates": 6, "trial_batches": 2}, {"steps": 6, "score_rows": 0}
    trainer = finish(Maker(tmp_path).start("run", "autoprompt", settings, dataset=str(data), **training))
    method, base = trainer.method, trainer.base
    assert torch.equal(method.trigger, base.input_embeddings()[method.ids])
    frames = events_of(trainer, "trigger")
    assert [frame["step"] for frame in frames] == list(range(7))
    assert frames[0]["place"] is None
    for one, two in pairwise(frames):
        expected = list(one["words"])
        assert expected[two["place"]] == two["before"]
        assert len(two["candidates"]) == len(two["actual"]) == 6
        assert two["predicted"] == sorted(two["predicted"])
        if two["taken"] is not None:
            expected[two["place"]] = two["candidates"][two["taken"]]
            assert two["actual"][two["taken"]] == min(two["actual"]) < 0
        assert two["words"] == expected
        assert not {"a", "b"} & set(two["candidates"])
    assert any(frame["taken"] is not None for frame in frames)
    assert {event["lr"] for event in events_of(trainer, "loss")} == {0.0}
    facts = json.loads((trainer.folder.adapter_path / "adapter.json").read_text())
    assert facts["text"] == method.text == "".join(frames[-1]["words"])
    loaded = load_adapter(trainer.folder.adapter_path, base)
    assert loaded.text == method.text
    assert torch.equal(logits(base, loaded), logits(base, method))


@pytest.mark.usefixtures("brief_evaluations")
def test_clipping_changes_no_estimate(tmp_path):
    """What is told and chosen is of the gradient before it was clipped."""
    maker, settings = Maker(tmp_path), {"prompt_len": 3, "candidates": 6}
    training = {"steps": 4, "score_rows": 0}
    tight, loose = (
        events_of(finish(maker.start(name, "autoprompt", settings, max_grad_norm=norm, **training)), "trigger")
        for name, norm in (("tight", 1e-3), ("loose", 1e6))
    )
    assert len(tight) == 5
    assert [frame["words"] for frame in tight] == [frame["words"] for frame in loose]
    for one, two in zip(tight, loose, strict=True):
        assert one["predicted"] == pytest.approx(two["predicted"], abs=2e-5)


def test_starts():
    """From a sentence, from mask tokens where there are some, and from random words elsewhere."""
    base = tiny_base("llama")
    assert built("autoprompt", base, {"prompt_len": 4, "init": "text", "init_text": "ab"}).text == "abab"
    assert len(built("autoprompt", base, {"prompt_len": 4, "init": "masks"}).text) == 4
    with pytest.raises(SettingError, match="init_text"):
        built("autoprompt", base, {"init": "text"})


def test_a_file_holds_ids_and_their_vectors(tmp_path):
    """Ids are whole numbers in the file, and come back as such."""
    base = tiny_base("llama")
    method = built("autoprompt", base, {"prompt_len": 3}, 5)
    save_adapter(method, base, tmp_path)
    loaded = load_adapter(tmp_path, base)
    assert loaded.ids.dtype == torch.long
    assert torch.equal(loaded.ids, method.ids)
    assert not torch.equal(loaded.ids, built("autoprompt", base, {"prompt_len": 3}, 0).ids)

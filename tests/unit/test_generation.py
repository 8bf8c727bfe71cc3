"""How the next token is chosen: each control alone, and what must not depend on the batch."""

import pytest
import torch

from engine.core.sampling import Sampling
from engine.inference.generate import generate, generate_answers
from engine.models.base import base_from_model
from engine.models.inputs import Tokens
from tests.tiny import EOS, PAD, Case, plain_model, randomise, tiny_base, tokenizer, viewed

PROMPT = [5, 9, 33, 61]


def rows_of(prompts=(PROMPT,), base=None, view=None, eos_id=None, **controls):
    """Answers as token ids, one list per row."""
    view = view or (base or tiny_base("llama")).view()
    sampling = Sampling(**{"max_new_tokens": 12, **controls})
    rows = [[] for _ in prompts]
    for step in generate(view, list(prompts), sampling, pad_id=PAD, eos_id=eos_id):
        for row, token in zip(rows, step.ids, strict=True):
            if token is not None:
                row.append(token)
    return rows


def steps_of(prompts=(PROMPT,), **controls):
    """The steps themselves."""
    sampling = Sampling(**{"max_new_tokens": 12, **controls})
    return list(generate(tiny_base("llama").view(), list(prompts), sampling, pad_id=PAD, eos_id=None))


def test_temperature_zero_is_greedy():
    """Every token is the likeliest, whatever the seed and the other controls."""
    for step in steps_of(temperature=0.0, seed=5, top_k=3, top_p=0.2):
        assert step.ids[0] == int(step.logits[0].argmax())


def test_top_k_and_top_p_keep_the_likeliest():
    """top_k=1 and a tiny top_p are greedy at any temperature; top_k=3 chooses among three and not always the first."""
    greedy = rows_of()
    assert rows_of(temperature=3.0, top_k=1) == greedy
    assert rows_of(temperature=3.0, top_p=0.01) == greedy
    ranks = []
    for seed in range(5):
        for step in steps_of(temperature=3.0, top_k=3, seed=seed):
            ranks.append(step.logits[0].argsort(descending=True).tolist().index(step.ids[0]))
    assert set(ranks) == {0, 1, 2}  # 60 draws at temperature 3: missing one of three has odds below 1e-6


def test_top_p_leaves_the_unlikely_tail():
    """Every token drawn lies within the likeliest that together have the probability."""
    for step in steps_of(temperature=1.0, top_p=0.5):
        chances = step.logits[0].softmax(-1)
        likelier = chances[chances > chances[step.ids[0]]].sum()
        assert float(likelier) < 0.5


def test_temperature_flattens():
    """Sampling at temperature 1 follows the softmax: over many rows, shares agree with the probabilities."""
    prompts = [PROMPT] * 1
    chances = steps_of(prompts, temperature=1.0, max_new_tokens=1)[0].logits[0].softmax(-1)
    drawn = torch.zeros_like(chances)
    for seed in range(300):
        drawn[rows_of(temperature=1.0, max_new_tokens=1, seed=seed)[0][0]] += 1 / 300
    best = int(chances.argmax())
    # Three standard deviations of a share out of 300.
    assert float(drawn[best]) == pytest.approx(float(chances[best]), abs=3 * (0.25 / 300) ** 0.5)


def test_equal_seeds_give_equal_answers():
    """The seed alone decides what is sampled, in every row alike; the global generator is left alone."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = rows_of([PROMPT, PROMPT], temperature=2.0, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    assert first[0] == first[1]
    assert rows_of(temperature=2.0, seed=7)[0] == first[0]
    assert rows_of(temperature=2.0, seed=8)[0] != first[0]


def test_equal_seeds_for_base_and_untrained_adapter():
    """Side by side at strength 0, base and tuned say the same word for word, also when sampled."""
    base, method = Case("lora", {"rank": 2}, "llama").build()
    randomise(method).control.strength = 0.0
    mixed = base.view()
    mixed.sites.rows = slice(1, 2)
    method.attach(mixed.sites)
    left, right = rows_of([PROMPT, PROMPT], view=mixed, temperature=1.5, seed=3)
    assert left == right


def test_repetition_penalty_avoids_used_tokens():
    """A strong penalty ends loops; 1.0 changes nothing."""
    assert rows_of(repetition_penalty=1.0) == rows_of()
    (plain,), (varied,) = rows_of(max_new_tokens=40), rows_of(max_new_tokens=40, repetition_penalty=5.0)
    assert len(set(varied)) > len(set(plain))
    assert not set(varied[:10]) & set(PROMPT)


def test_padding_is_not_a_repetition():
    """Left padding of a shorter row must not make <pad> (often the same as <eos>) less likely in its answer."""
    short, long = [5], [7] * 30
    view = tiny_base("llama").view()
    assert penalised(view, [short, long])[0] == penalised(view, [short])[0] == [PAD]


def penalised(view, prompts):
    """First tokens under a penalty, where the padding token would be the likeliest."""
    head = view.model.lm_head
    handle = head.register_forward_hook(lambda _m, _x, out: out.index_fill(-1, torch.tensor([PAD]), 9.0))
    rows = rows_of(prompts, view=view, max_new_tokens=1, repetition_penalty=5.0)
    handle.remove()
    return rows


def test_eos_ends_a_row_and_is_not_said():
    """Each row ends at its own end of text; generation stops when all have."""
    first, second = [5, 9, 33], [61, 40, 41, 42]
    free = rows_of([first, second], max_new_tokens=12)
    eos = free[0][3]
    ended = rows_of([first, second], max_new_tokens=12, eos_id=eos)
    for row, whole in zip(ended, free, strict=True):
        assert row == (whole[: whole.index(eos)] if eos in whole else whole)
    assert len(ended[0]) <= 3
    (at_once,) = rows_of([first], eos_id=free[0][0])
    assert at_once == []


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox"])
def test_positions_limit_an_answer(family):
    """An answer ends where the model's positions do, instead of in an index error."""
    base = base_from_model(family, plain_model(family, **limits(family)), tokenizer())
    (answer,) = rows_of([[5] * 20], base=base, max_new_tokens=50)
    assert len(answer) == 12
    assert rows_of([[5] * 32], base=base, max_new_tokens=50) == [[]]


def limits(family):
    """A config change that leaves 32 positions."""
    return {"n_positions": 32} if family == "gpt2" else {"max_position_embeddings": 32}


@pytest.mark.parametrize("shift", [False, True])
def test_pushed_back_positions_limit_an_answer(shift):
    """A soft prompt that pushes the text back by K takes K of the learned positions."""
    base = base_from_model("gpt2", plain_model("gpt2", n_positions=32), tokenizer())
    _, method = Case("prompt", {"prompt_len": 5, "shift_positions": shift}, "gpt2").build(base=base)
    (answer,) = rows_of([[5] * 20], view=viewed(base, method), max_new_tokens=50)
    assert len(answer) == (7 if shift else 12)


LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "short_factor": [1.0] * 4,
    "long_factor": [4.0] * 4,
    "original_max_position_embeddings": 16,
}


@pytest.mark.fault("memory", "An answer crosses LongRoPE's switch: each token is that of a forward over all of it.")
@pytest.mark.parametrize("shift", [None, False, True])
def test_a_text_that_becomes_long(shift):
    """Keys that were cached while the text was short are turned anew; virtual tokens may push the text back."""
    lengths = {"max_position_embeddings": 64, "original_max_position_embeddings": 16}
    base = base_from_model("phi3", plain_model("phi3", **lengths, rope_parameters=LONG_ROPE), tokenizer())
    method = None
    if shift is not None:
        _, method = Case("prompt", {"prompt_len": 5, "shift_positions": shift}, "phi3").build(base=base)
    view, text = viewed(base, method), list(PROMPT)
    (answer,) = rows_of([text], view=view, max_new_tokens=20)
    for token in answer:
        ids = torch.tensor([text])
        with torch.inference_mode():
            assert int(view.logits(Tokens(ids, torch.ones_like(ids, dtype=torch.bool)))[0, -1].argmax()) == token
        text.append(token)
    assert len(text) == 24


def test_answers_keep_the_order_of_their_prompts():
    """Batches are sorted by length inside; the texts come back in the order asked."""
    base, sampling = tiny_base("llama"), Sampling(max_new_tokens=5)
    prompts = [[5] * 9, [40, 41], [60] * 5, [33]]
    together = generate_answers(base.view(), base.tokenizer, prompts, sampling, size=2)
    alone = [generate_answers(base.view(), base.tokenizer, [prompt], sampling)[0] for prompt in prompts]
    assert together == alone
    assert len(set(together)) > 1
    assert base.tokenizer.eos_token_id == EOS


def test_empty_prompt_begins_as_a_text_does():
    """Nothing asked is answered as after the mark of a text's beginning, alone and beside others."""
    view, marked = tiny_base("llama").view(), [tokenizer().bos_token_id or EOS]
    answers = generate_answers(view, tokenizer(), [[], PROMPT, marked], Sampling(max_new_tokens=8))
    assert answers[0] == answers[2]
    assert generate_answers(view, tokenizer(), [[]], Sampling(max_new_tokens=8)) == answers[:1]

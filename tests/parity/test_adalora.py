"""AdaLoRA against HF peft, with every parameter random: forward, penalty, importance, budget, and files both ways."""

import pytest
import torch
from peft import AdaLoraConfig, PeftModel, get_peft_model
from torch.testing import assert_close

from engine.core.errors import SettingError
from engine.data.batching import collate
from engine.data.tokenise import Example
from engine.exchange.peft import export_peft, import_peft
from engine.methods.adalora.allocation import budget
from engine.methods.adalora.spec import AdaLoraSettings
from engine.runs.log import all_events
from engine.training.objective import TrainingObjective
from tests.tiny import PAD, built, logits, loss_of, plain_model, randomise, tiny_base, viewed, words
from tests.unit.making import Maker, finish

pytestmark = pytest.mark.filterwarnings("ignore")
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
SETTINGS = {"rank": 4, "target_rank": 2, "alpha": 5.0, "targets": "q v", "every": 2}
STEPS, FIRST, FINAL = 20, 2, 6
FAMILIES = [("llama", ["q_proj", "v_proj"]), ("gpt2", ["c_attn"])]


def peft_model(family, targets):
    """A peft model on the same weights, every adapter parameter random."""
    config = AdaLoraConfig(
        init_r=4, target_r=2, lora_alpha=5, target_modules=targets, total_step=STEPS, tinit=FIRST, tfinal=FINAL,
        deltaT=2, fan_in_fan_out=family == "gpt2", task_type="CAUSAL_LM",
    )  # fmt: skip
    model = get_peft_model(plain_model(family), config).eval()
    rng = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _, parameter in trained(model):
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.5)
    return model


def trained(model):
    """Parameters that train, by name."""
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def twin(model, base):
    """The method here with peft's values, and every parameter beside peft's."""
    method = built("adalora", base, {**SETTINGS, "start_share": FIRST / STEPS, "end_share": FINAL / STEPS})
    family, pairs = base.shape.family, []
    named = dict(trained(model))
    for layer in range(base.shape.l):
        for role in method.roles:
            stem = f"base_model.model.{family.layers}.{layer}.{family.linears[role]}.lora_"
            for part, letter in ((method.q, "A"), (method.e, "E"), (method.p, "B")):
                pairs.append((part[f"{layer}_{role}"], named[f"{stem}{letter}.default"]))
    with torch.no_grad():
        for mine, other in pairs:
            mine.copy_(other.view_as(mine))
    return method, pairs


def said(model, **labels):
    """What a transformers model gives for the tests' words."""
    tokens = words()
    return model(input_ids=tokens.ids, attention_mask=tokens.mask.long(), **labels)


@pytest.mark.parametrize(("family", "targets"), FAMILIES)
def test_forward_and_gradients_are_pefts(family, targets):
    """Equal logits from equal values, equal gradients, and an equal penalty."""
    model, base = peft_model(family, targets), tiny_base(family)
    method, pairs = twin(model, base)
    assert_close(logits(base, method), said(model).logits.detach(), **CLOSE)
    plain = said(model.base_model.model, labels=words().ids).loss
    assert_close(said(model, labels=words().ids).loss - plain, method.penalty(), rtol=1e-4, atol=1e-4)
    loss_of(viewed(base, method), words()).backward()
    actual = said(model).logits
    weights = torch.linspace(-1, 1, actual.numel()).view_as(actual)
    (actual.log_softmax(-1) * weights.exp()).mean().backward()
    for mine, other in pairs:
        assert_close(mine.grad, other.grad.view_as(mine), rtol=1e-3, atol=1e-6)


def test_ranks_fall_as_in_peft():
    """Twenty updates with the same random gradients: the same triplets are cut at the same steps, to the last."""
    model, base = peft_model("llama", ["q_proj", "v_proj"]), tiny_base("llama")
    method, pairs = twin(model, base)
    rng, seen = torch.Generator().manual_seed(3), []
    for step in range(1, STEPS + 1):
        with torch.no_grad():
            for mine, other in pairs:
                mine.grad = torch.randn(mine.shape, generator=rng)
                other.grad = mine.grad.view_as(other).clone()
                mine.sub_(mine.grad, alpha=0.05)
                other.sub_(other.grad, alpha=0.05)
        model.base_model.update_and_allocate(step)
        method.after_update(step, STEPS)
        for mine, other in pairs:
            assert torch.equal(mine, other.view_as(mine)), step
        seen.append(int(sum((e != 0).sum() for e in method.e.values())))
    assert seen[:3] == [24, 24, 24]
    assert seen[-FINAL:] == [12] * FINAL
    (frame, _) = method.parameter_events(STEPS)
    assert sum(map(sum, frame.ranks)) == 12
    assert frame.mean == 2
    assert len({rank for row in frame.ranks for rank in row}) > 1


def test_the_budget_is_pefts():
    """All triplets first, a cubic curve, and the wanted number at the end."""
    allocator = peft_model("llama", ["q_proj", "v_proj"]).base_model.rankallocator
    for step in range(1, STEPS + 1):
        mine = budget(step, first=FIRST, last=STEPS - FINAL, start=24, end=12)
        assert mine == allocator.budget_schedule(step)[0]


@pytest.mark.parametrize(("family", "targets"), FAMILIES)
def test_files_go_both_ways(family, targets, tmp_path):
    """peft's file, with triplets cut, gives equal logits here; what we export gives peft equal logits."""
    model, base = peft_model(family, targets), tiny_base(family)
    for _, parameter in trained(model):
        parameter.grad = torch.randn_like(parameter)
    for step in (1, 2, 4, STEPS - FINAL):
        model.base_model.update_and_allocate(step)
    model.save_pretrained(tmp_path / "theirs")
    method = import_peft(tmp_path / "theirs", base)
    assert_close(logits(base, method), said(model).logits.detach(), **CLOSE)
    assert method.settings.rank == 4
    export_peft(randomise(method), base, tmp_path / "ours")
    again = PeftModel.from_pretrained(plain_model(family), tmp_path / "ours").eval()
    assert_close(said(again).logits.detach(), logits(base, method), **CLOSE)
    assert torch.equal(logits(base, import_peft(tmp_path / "ours", base)), logits(base, method))


def test_a_resumed_run_cuts_alike():
    """All that decides about ranks is in the method's state: a copy of it goes on as the method would."""
    base = tiny_base("llama")
    method, other = built("adalora", base, SETTINGS), built("adalora", base, SETTINGS, seed=5)
    randomise(method)
    for step in range(1, 9):
        for parameter in method.parameters():
            parameter.grad = torch.full_like(parameter, 0.1 * step)
        method.after_update(step, 20)
    other.load_state_dict(method.state_dict())
    for each in (method, other):
        for parameter in each.parameters():
            parameter.grad = torch.ones_like(parameter)
        for step in range(9, 21):
            each.after_update(step, 20)
    assert all(torch.equal(method.e[key], other.e[key]) for key in method.e)


@pytest.mark.parametrize("settings", [{"target_rank": 7}, {"start_share": 0.7, "end_share": 0.4}], ids=str)
@pytest.mark.fault("hand", "Ranks of AdaLoRA cannot fall, or have no steps to: a sentence says so before it trains.")
def test_ranks_that_cannot_fall(settings):
    with pytest.raises(SettingError):
        AdaLoraSettings(**settings)


def test_the_penalty_trains_and_is_not_told():
    """The objective's loss is the one without the penalty; its gradient has the penalty's, once for every label."""
    base = tiny_base("llama")
    batch = collate([Example([5, 6, 7, 8], 1), Example([9, 10, 11], 2)], PAD)
    told = []
    for weight in (0.0, 0.5):
        method = randomise(built("adalora", base, {**SETTINGS, "orthogonality": weight}))
        loss = TrainingObjective(method, [viewed(base, method)])(batch)
        loss.backward()
        told.append((loss.detach(), method))
    (plain, without), (shown, method) = told
    assert torch.equal(plain, shown)
    own = torch.autograd.grad(method.penalty(), method.q["1_v"])[0]
    assert_close(method.q["1_v"].grad, without.q["1_v"].grad + 4 * own, rtol=1e-4, atol=1e-5)


def test_a_run_takes_ranks_away(tmp_path):
    """In a run of three steps the ranks fall to the wanted mean."""
    trainer = finish(Maker(tmp_path).start("a", "adalora", {**SETTINGS, "every": 1}, steps=3, score_rows=0))
    ranks = [event["mean"] for event in all_events(trainer.folder.events_path) if event["kind"] == "ranks"]
    assert (ranks[0], ranks[-1]) == (4, 2)

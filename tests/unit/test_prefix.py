"""What is particular to prefixes: counts, a start from text, folding, dropout, and who looks at them."""

import pytest
import torch
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, GPT2Config

from engine.core.errors import SettingError
from engine.methods import METHODS
from engine.methods.base import Start
from engine.methods.p_tuning_v2.method import PTuningV2
from engine.methods.p_tuning_v2.spec import PTuningV2Settings
from engine.methods.prefix.method import PrefixTuning
from engine.methods.prefix.spec import PrefixSettings
from engine.models.inputs import Tokens
from engine.models.shape import shape_of
from engine.telemetry.method_events import MassFrame, PrefixFrame
from engine.telemetry.observe import ProbeInput
from tests.tiny import Case, logits, loss_of, named_gradients, randomise, tiny_base, viewed, words
from tests.unit.making import Maker, events_of, finish, losses

TEXT = "Ask Ada."
FLAT = {"prompt_len": 3, "reparametrisation": "flat"}
MLP = {"prompt_len": 3, "mlp_width": 5}


def started(family, **settings):
    """A prefix that starts from `TEXT`, and its base."""
    example = {"init": "text", "init_text": TEXT, "prompt_len": len(TEXT), **settings}
    base, method = Case("prefix", example, family).build()
    list(method.warm_up(Start.of(base, 1)))
    return base, method


def test_counts_of_the_paper():
    """GPT-2 medium: 10 positions are 491,520 numbers, 25,750,016 with the MLP in front; 5 are 245,760."""
    with torch.device("meta"):
        medium = GPT2Config(n_embd=1024, n_layer=24, n_head=16)
        shape = shape_of(AutoModelForCausalLM.from_config(medium))

    def count(**settings):
        return sum(PrefixTuning.count(PrefixSettings(**settings), shape).values())

    assert count(prompt_len=10) == 25_750_016
    assert count(prompt_len=10, reparametrisation="flat") == 491_520
    assert count(prompt_len=5, reparametrisation="flat") == 245_760
    assert sum(PTuningV2.count(PTuningV2Settings(prompt_len=10), shape).values()) == 491_520


@pytest.mark.parametrize("reparametrisation", ["flat", "mlp"])
@pytest.mark.parametrize(
    ("family", "shift"),
    [("llama", False), ("qwen3", False), ("mistral", False), ("gpt_neox", False), ("gpt2", True)],
)
def test_prefix_from_text_is_the_text_in_front(family, shift, reparametrisation):
    """Untrained, a prefix from a text answers as the base does with that text before the prompt.

    This fails if its keys are rotated for other positions than those at which the text stands then.
    """
    base, method = started(family, reparametrisation=reparametrisation, shift_positions=shift, mlp_width=16)
    tokens = words()
    front = torch.tensor([base.tokenizer.encode(TEXT, add_special_tokens=False)] * 2)
    both = torch.cat([front, tokens.ids], dim=1)
    with torch.no_grad():
        expected = base.view().logits(Tokens(both, torch.ones_like(both, dtype=torch.bool)))[:, front.shape[1] :]
    actual = logits(base, method, tokens)
    assert_close(actual, expected, rtol=1e-3, atol=2e-4)  # solved and rounded in fp32, logits of size 5
    assert float((logits(base, tokens=tokens) - expected).abs().max()) > 0.1


def test_learned_positions_stay_by_default():
    """On gpt2 the text is pushed back only on request; on llama always, which its own logits cannot notice."""
    for family, expected in (("gpt2", 0), ("bert", 0), ("llama", 3), ("gpt_neox", 3)):
        base, method = Case("prefix", FLAT, family).build()
        assert method.shift() == expected
        assert viewed(base, method).max_text_tokens == base.view().max_text_tokens - expected
        method.control.strength = 0.0
        assert method.shift() == 0
    base, method = Case("prefix", {**FLAT, "shift_positions": True}, "gpt2").build()
    _, still = Case("prefix", FLAT, "gpt2").build()
    assert method.shift() == 3
    assert float((logits(base, randomise(method)) - logits(base, randomise(still))).abs().max()) > 0.1


@pytest.mark.parametrize(("width", "exact"), [(7, True), (8, True), (3, False)])
def test_mlp_is_solved_for_the_text(width, exact):
    """With as many hidden units (and the bias) as positions the MLP hits the text's keys and values; else nearly."""
    _, flat = started("llama", reparametrisation="flat")
    _, mlp = started("llama", mlp_width=width)
    _, random = Case("prefix", {"prompt_len": len(TEXT), "mlp_width": width}, "llama").build()
    target = flat.all_keys_values()
    miss = float((mlp.all_keys_values() - target).abs().max())
    assert (miss < 1e-3) is exact
    assert float((mlp.all_keys_values() - target).norm()) < 0.9 * float((random.all_keys_values() - target).norm())


def test_text_is_repeated_or_cut():
    """A short text fills the prefix by repetition; a long one is cut."""
    for text, p, same in (("ab", 5, "ababa"), ("abcdef", 3, "abc")):
        settings = {"reparametrisation": "flat", "prompt_len": p}
        _, given = started("llama", init_text=text, **settings)
        _, whole = started("llama", init_text=same, **settings)
        assert torch.equal(given.keys, whole.keys)
        assert given.keys.shape[2] == p


def test_start_from_text_needs_a_text():
    """Without words there is nothing to start from, and the field is named."""
    with pytest.raises(SettingError) as caught:
        PrefixSettings(init="text", init_text="  ")
    assert caught.value.values["field"] == "init_text"


def test_p_tuning_v2_starts_from_text_too():
    """It shares everything with prefix tuning but its first choices."""
    base = tiny_base("llama")
    settings = PTuningV2Settings(prompt_len=4, init="text", init_text="abcd")
    method = PTuningV2.build(settings, base.shape, Start.of(base, 0))
    list(method.warm_up(Start.of(base, 0)))
    _, prefix = started("llama", init_text="abcd", prompt_len=4, reparametrisation="flat")
    assert torch.equal(method.keys, prefix.keys)
    assert (method.settings.dropout, method.settings.reparametrisation) == (0.1, "flat")


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "bert"])
def test_folding_drops_the_mlp_to_the_bit(family):
    """What is left are keys and values, with the very logits; they can go on training, and the MLP is gone."""
    base, method = Case("prefix", MLP, family).build()
    expected = logits(base, randomise(method))
    folded = method.folded()
    assert torch.equal(logits(base, folded), expected)
    assert set(dict(folded.named_parameters())) == {"keys", "values"} == set(folded.method_tensors())
    assert folded.keys.shape == (base.shape.l, base.shape.g, 3, base.shape.k)
    loss_of(viewed(base, folded), words()).backward()
    assert all(float(gradient.norm()) > 0 for _, gradient in named_gradients(folded))
    assert method.mlp is not None


def dropping(rate):
    """A base and a random flat prefix with dropout."""
    base, method = Case("p_tuning_v2", {"prompt_len": 4, "dropout": rate}, "llama").build()
    return base, randomise(method)


def test_dropout_is_for_training_only():
    """While it trains, every row and every forward has its own dropout; while it reads, there is none."""
    base, method = dropping(0.5)
    _, plain = dropping(0.0)
    twice = Tokens(words(1).ids.repeat(2, 1), torch.ones(2, 7, dtype=torch.bool))
    torch.manual_seed(0)
    first, second = logits(base, method, twice), logits(base, method, twice)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(logits(base, method, twice), first)
    method.eval()
    assert torch.equal(logits(base, method), logits(base, plain))


def test_dropout_keeps_the_expected_prefix():
    """Numbers are dropped at the given rate and the others made larger, so that the mean stays."""
    _, method = dropping(0.2)
    torch.manual_seed(0)
    dropped = method._dropped(method.keys[0], 4000)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert_close(dropped.mean(0), method.keys[0], rtol=0.05, atol=0.05)


def test_dropout_and_recomputation_agree():
    """Gradient checkpointing draws the same dropout again: equal gradients, which peft cannot have with a prefix."""
    gradients = []
    for checkpointing in (False, True):
        base, method = dropping(0.5)
        view = viewed(base, method)
        if checkpointing:
            view.model.activation_checkpointing_enable({"use_reentrant": False})
            for layer in view.sites.layers:
                layer.training = True
        torch.manual_seed(3)
        loss_of(view, words()).backward()
        gradients.append(dict(named_gradients(method)))
    for name, gradient in gradients[0].items():
        assert torch.equal(gradient, gradients[1][name])


def test_dropout_serves_some_rows_of_a_batch():
    """In a mixed batch only its own rows get the prefix, each with its own dropout."""
    base, method = dropping(0.5)
    mixed = base.view()
    mixed.sites.rows = slice(1, 3)
    method.attach(mixed.sites)
    tokens = Tokens(words(1).ids.repeat(4, 1), torch.ones(4, 7, dtype=torch.bool))
    with torch.no_grad():
        actual = mixed.logits(tokens)
    assert_close(actual[0], logits(base, tokens=tokens)[0], rtol=1e-4, atol=5e-5)
    assert_close(actual[3], actual[0], rtol=1e-4, atol=5e-5)
    assert float((actual[1] - actual[0]).abs().max()) > 0.1
    assert float((actual[2] - actual[1]).abs().max()) > 0.1


def test_silent_layers_have_no_prefix():
    """Switched off in every layer, only the base is left; in one, the others still speak."""
    base, method = Case("prefix", FLAT, "gpt2").build()
    randomise(method)
    whole = logits(base, method)
    method.control.off_layers = frozenset({1})
    assert float((logits(base, method) - whole).abs().max()) > 1e-2
    method.control.off_layers = frozenset(range(3))
    assert torch.equal(logits(base, method), logits(base))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_knocked_out_heads_do_not_see_the_prefix(family):
    """A head that is switched off attends to the text alone, as in the base; the others still see the prefix."""
    base, method = Case("prefix", FLAT, family).build()
    randomise(method).eval()

    def outputs(method):
        view, seen = viewed(base, method), []
        view.sites.attention[0].observers.append(lambda _site, record: seen.append(record.out))
        with torch.no_grad():
            view.hidden(words())
        return seen[0]

    plain, whole = outputs(None), outputs(method)
    method.control.knocked_out = frozenset({(0, 1), (2, 3)})
    knocked = outputs(method)
    assert_close(knocked[:, 1], plain[:, 1], rtol=1e-4, atol=1e-5)
    assert float((whole[:, 1] - plain[:, 1]).abs().max()) > 0.1
    assert_close(knocked[:, [0, 2, 3]], whole[:, [0, 2, 3]], rtol=1e-4, atol=1e-5)
    method.control.knocked_out = frozenset((layer, head) for layer in range(3) for head in range(4))
    assert_close(logits(base, method), logits(base), rtol=1e-4, atol=5e-5)


def test_frames_tell_the_way_of_the_prefix():
    """Norms, the distance from the start and from the last frame are those of the folded prefix, also with an MLP."""
    _, method = Case("prefix", MLP, "llama").build()
    start = method.all_keys_values()
    with torch.no_grad():
        (zero,) = method.parameter_events(0)
        randomise(method, seed=1)
        one = method.all_keys_values()
        (first,) = method.parameter_events(1)
        randomise(method, seed=2)
        two = method.all_keys_values()
        (second,) = method.parameter_events(2)
    assert isinstance(zero, PrefixFrame)
    assert zero.moved == zero.stride == 0
    assert first.moved == pytest.approx(float((one - start).norm()), rel=1e-4)
    assert first.stride == pytest.approx(first.moved, rel=1e-4)
    assert second.moved == pytest.approx(float((two - start).norm()), rel=1e-4)
    assert second.stride == pytest.approx(float((two - one).norm()), rel=1e-4)
    folded = method.folded().requires_grad_(requires_grad=False)
    assert second.keys == pytest.approx([float(keys.norm()) for keys in folded.keys], rel=1e-3)
    assert second.values == pytest.approx([float(values.norm()) for values in folded.values], rel=1e-3)
    assert second.norm == pytest.approx(float(two.norm()), rel=1e-4)


def test_a_resumed_prefix_knows_where_it_started():
    """A checkpoint keeps the start and the last frame; an adapter file does not, and starts its way anew."""
    _, method = Case("prefix", MLP, "llama").build()
    with torch.no_grad():
        randomise(method, seed=1)
        list(method.parameter_events(1))
        randomise(method, seed=2)
        _, resumed = Case("prefix", MLP, "llama").build(seed=5)
        resumed.load_state_dict(method.state_dict())
        assert list(resumed.parameter_events(2)) == list(method.parameter_events(2))
        _, loaded = Case("prefix", FLAT, "llama").build()
        loaded.load_method_tensors(method.folded().method_tensors())
        (frame,) = loaded.parameter_events(0)
    assert frame.moved == frame.stride == 0


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_mass_is_the_share_of_the_softmax(family):
    """The event is the mean of the panel's shares, `even` that of a uniform softmax; at strength 0 all are 0."""
    base, method = Case("prefix", FLAT, family).build()
    randomise(method).eval()
    tokens = words(1)

    def attached():
        view = viewed(base, method)
        return view, ProbeInput([""] * 7, lambda: view.hidden(tokens))

    with torch.no_grad():
        (event,) = method.validation_events(4, *attached())
        report = method.probe(*attached())
        assert isinstance(event, MassFrame)
        assert_close(torch.tensor(event.mass), torch.tensor(report.mass).mean(-1), rtol=0, atol=2e-4)
        assert 0.02 < float(torch.tensor(event.mass).mean()) < 0.98
        columns = [3 / (3 + (7 if family == "bert" else seen)) for seen in range(1, 8)]
        assert event.even == pytest.approx(sum(columns) / 7, abs=1e-4)
        method.control.strength = 0.0
        assert float(torch.tensor(method.probe(*attached()).mass).abs().max()) == 0


@pytest.mark.parametrize("reparametrisation", ["flat", "mlp"])
def test_a_run_from_text_can_be_resumed(tmp_path, reparametrisation):
    """Warmed up once and never again: killed and resumed, it has the losses and the way of one that was not."""
    maker = Maker(tmp_path)
    settings = {"init": "text", "init_text": "ab", "prompt_len": 4, "reparametrisation": reparametrisation}
    whole = finish(maker.start("whole", "prefix", settings))
    killed = maker.start("killed", "prefix", settings).run()
    for _ in range(5):
        next(killed)
    del killed
    resumed = finish(maker.resume("killed"))
    assert losses(resumed) == losses(whole)
    frames = events_of(resumed, "prefix")
    assert frames == events_of(whole, "prefix")
    assert frames[0]["moved"] == 0 < frames[-1]["moved"]


@pytest.mark.parametrize(("method", "usual", "other"), [("prefix", 2e-3, "flat"), ("p_tuning_v2", 3e-2, "mlp")])
def test_an_empty_learning_rate_suits_the_settings(tmp_path, method, usual, other):
    """The MLP makes larger strides, so it gets a smaller rate than a prefix that trains directly."""
    maker = Maker(tmp_path)
    rates = []
    for name, settings in (("a", {}), ("b", {"reparametrisation": other})):
        trainer = maker.start(
            name, method, {"prompt_len": 2, **settings}, learning_rate=None, schedule="constant", steps=1
        )
        rates.append(events_of(finish(trainer), "loss")[0]["lr"])
    assert rates == [usual, {2e-3: 3e-2, 3e-2: 2e-3}[usual]]
    assert METHODS[method].learning_rate == usual

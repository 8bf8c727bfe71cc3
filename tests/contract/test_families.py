"""Family by family: the row in the table says the truth about the model's parts."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, BertConfig, BloomConfig, OPTConfig
from transformers.pytorch_utils import Conv1D

from engine.core.errors import ModelError
from engine.methods import METHODS
from engine.methods.parts.tuned_norms import TunedNorms, normalised
from engine.methods.prompt.method import PromptTuning
from engine.methods.prompt.spec import PromptSettings
from engine.methods.serving import serves
from engine.models.inputs import Tokens
from engine.models.layout import SoftPrompt
from engine.models.loading import load_base, shape_from_config
from engine.models.shape import shape_of
from engine.telemetry.observe import ProbeInput
from tests.tiny import (
    ALL,
    CONFIGS,
    FAMILIES,
    TEXT,
    Case,
    inputs_for,
    logits,
    randomise,
    save_tiny,
    tiny_base,
    viewed,
    words,
)

every_family = pytest.mark.parametrize("family", ALL)
with_attention = pytest.mark.parametrize("family", [*FAMILIES, "vit"])
POST_NORM = ("bert", "roberta", "distilbert")
"""Families that normalise the residual sum instead of the sub-layer's input."""
NORMS = {"gemma2": 13, "gemma3_text": 13, "bloom": 8}
"""How many norms three layers have, where it is not two for each and one at the end."""


@pytest.mark.parametrize("family", TEXT)
def test_virtual_tokens_that_are_words_do_what_words_do(family):
    """A soft prompt of vocabulary entries equals those words in front of the text.

    So `Base.input_embeddings` has the size at which virtual tokens enter (gemma multiplies its embeddings), and
    windows, positions and masks treat virtual tokens as they treat words.
    """
    base = tiny_base(family)
    ids = words(2, 9).ids
    whole = Tokens(ids, torch.ones_like(ids, dtype=torch.bool))
    text = Tokens(ids[:1, 3:], whole.mask[:1, 3:])
    view = base.view()
    view.sites.prepend(lambda: SoftPrompt(base.input_embeddings()[ids[0, :3]], strength=1.0, shift=True))
    with torch.no_grad():
        expected = base.view().logits(whole)[:1, 3:]
        assert_close(view.logits(text), expected, rtol=1e-4, atol=2e-5)


@with_attention
def test_projected_keys_are_the_frozen_ones(family):
    """Projected keys and values are the very ones that the layer makes of its input; position 0 rotates nothing."""
    base = tiny_base(family)
    view, inputs, seen = base.view(), {}, {}
    for site in view.sites.attention:

        def enter(_module, args, kwargs, layer=site.layer):
            inputs[layer] = args[0] if args else kwargs["hidden_states"]

        site.module.register_forward_pre_hook(enter, with_kwargs=True)
        site.observers.append(lambda site, record: seen.update({site.layer: record}))
    with torch.no_grad():
        view.hidden(inputs_for(base))
        for site in view.sites.attention:
            keys, values = (site.to_query_heads(part) for part in site.project_keys_values(inputs[site.layer]))
            assert_close(values, seen[site.layer].value)
            assert_close(keys[:, :, 0], seen[site.layer].key[:, :, 0])
    assert seen.keys() == set(range(base.shape.l))


@with_attention
def test_scores_are_the_layers_own_arithmetic(family):
    """Softmax over `site.scores` gives the attention's own output: factor, cap and shared heads are right."""
    base = tiny_base(family)
    view, checked = base.view(), []

    def observe(site, record):
        scores = torch.stack([site.scores(query, key) for query, key in zip(record.query, record.key, strict=True)])
        assert_close((scores + record.mask).softmax(-1) @ record.value, record.out, rtol=1e-4, atol=1e-5)
        checked.append(site.layer)

    for site in view.sites.attention:
        site.observers.append(observe)
    with torch.no_grad():
        view.hidden(inputs_for(base))
    assert checked == [0, 1, 2]


@every_family
def test_a_sublayers_output_is_all_that_it_adds(family):
    """Without what its sub-layers give, a layer adds nothing: the residual passes it by as it is."""
    base = tiny_base(family)
    view, states = base.view(), []
    for part in ("attention", "mlp"):
        view.sites.add_sublayer(1, part, lambda _x, y: -y)
    view.sites.add_last_hidden(lambda _state, trace: states.extend(trace.states))
    with torch.no_grad():
        view.hidden(inputs_for(base))
        entered, left = states[1], states[2]
        if family in POST_NORM:
            norms_of_layer = [path for path in base.shape.norms if path.startswith(f"{base.shape.family.layers}.1.")]
            for path in norms_of_layer:
                entered = view.model.get_submodule(path)(entered)
    assert_close(left, entered)
    assert not torch.equal(states[3], left)


@every_family
def test_linears_are_named_once_and_by_their_role(family):
    """Every linear of a layer has one role, and the sizes say that the role is right."""
    shape = tiny_base(family).shape
    layer = tiny_base(family).view().sites.layers[0]
    linears = [name for name, part in layer.named_modules() if type(part).__name__ in ("Linear", "Conv1D")]
    assert sorted(shape.family.linears.values()) == sorted(linears)
    assert shape.family.conv1d == all(isinstance(layer.get_submodule(name), Conv1D) for name in linears)
    sizes_in_config = ("intermediate_size", "ffn_dim", "hidden_dim")
    d, hk, gk = shape.d, shape.h * shape.k, shape.g * shape.k
    f = next((CONFIGS[family][1][name] for name in sizes_in_config if name in CONFIGS[family][1]), 4 * d)
    sizes = {"q": (d, hk), "k": (d, gk), "v": (d, gk), "qkv": (d, hk + 2 * gk), "o": (hk, d)}
    sizes |= {"gate": (d, f), "up": (d, f), "gate_up": (d, 2 * f), "down": (f, d)}
    assert shape.linears == {role: sizes[role] for role in shape.linears}


@pytest.mark.parametrize("family", TEXT)
def test_positions_are_what_the_model_has(family):
    """Rotary families have a rotation, learned ones a table of positions, relative ones neither."""
    base = tiny_base(family)
    kinds = {type(part).__name__.lower() for part in base.model.modules()}
    tables = [part for part in base.model.modules() if isinstance(part, nn.Embedding) and part.num_embeddings >= 128]
    expected = "rotary" if any("rotary" in kind for kind in kinds) else "learned" if tables else "relative"
    assert base.shape.family.positions == expected


@pytest.mark.parametrize("family", TEXT)
def test_what_is_special_in_a_row_is_in_the_model(family):
    """Attributes that a row names are there, and a first position comes from the model's own numbering."""
    base = tiny_base(family)
    row = base.shape.family
    assert bool(row.embedding_scale) == hasattr(base.model.get_input_embeddings(), "embed_scale")
    named = {name for part in base.model.modules() for name, value in vars(part).items() if isinstance(value, float)}
    assert set(row.functional_dropout) == named & {"dropout"}
    padding = [getattr(part, "padding_idx", None) for path, part in base.model.named_modules() if "position" in path]
    assert row.positions_after_padding == any(index is not None for index in padding)


@every_family
def test_norms_are_all_found_and_described(family):
    """All norms of the residual stream, from the lowest to the last, with their kind: gain * xhat + bias."""
    base = tiny_base(family)
    view, seen = base.view(), {}
    for path in base.shape.norms:
        view.sites.module(path).observe(lambda x, y, _total, path=path: seen.update({path: (x, y)}))
    with torch.no_grad():
        view.hidden(inputs_for(base))
    assert len(seen) == NORMS.get(family, 7) == len(base.shape.norms)
    for path, (x, y) in seen.items():
        norm, module = base.shape.norms[path], view.model.get_submodule(path)
        gain = module.weight + (1 if family.startswith("gemma") else 0)
        assert norm.bias == (getattr(module, "bias", None) is not None)
        expected = gain * normalised(x, norm) + (module.bias if norm.bias else 0)
        assert_close(y, expected, rtol=1e-4, atol=1e-5)
    assert list(seen) == list(base.shape.norms), "the order of the forward is the order of the list"


def test_norms_of_bert_base():
    """BERT-base has 25 LayerNorms, so 38,400 numbers train with them, as the adapter paper's code has it."""
    with torch.device("meta"):
        shape = shape_of(AutoModelForMaskedLM.from_config(BertConfig()))
    assert len(shape.norms) == 25
    assert all(norm.centred and norm.bias for norm in shape.norms.values())
    assert TunedNorms.count(shape) == 38_400


def test_opt_with_narrow_words_is_refused():
    """opt-350m puts a projection between its word vectors and its layers: the sentence names both widths."""
    _, values = CONFIGS["opt"]
    config = OPTConfig(**{**values, "word_embed_proj_dim": 16})
    with torch.device("meta"), pytest.raises(ModelError, match=r"16 numbers .* 32"):
        shape_of(AutoModelForCausalLM.from_config(config))


def test_bloom_counts_the_guides_parameters():
    """Eight virtual tokens on bloomz-560m are the 8,192 parameters of the prompt-tuning guide."""
    config = BloomConfig(vocab_size=250_880, hidden_size=1024, n_layer=24, n_head=16)
    with torch.device("meta"):
        shape = shape_of(AutoModelForCausalLM.from_config(config))
    assert shape.parameters == 559_214_592
    assert PromptTuning.count(PromptSettings(prompt_len=8), shape) == {"prompts": 8192}


def test_strength_reaches_bloom_through_its_mask():
    """What the mask adds equals log s on the virtual columns of ALiBi, which bloom adds to every score.

    Virtual tokens in front see only each other, so that it makes no difference for them.
    """
    base, method = Case("prompt", {"prompt_len": 3}, "bloom").build()
    randomise(method)
    other = viewed(base, method)
    alibi_of = other.model.transformer.build_alibi_tensor

    def with_log_strength(*args, **kwargs):
        alibi = alibi_of(*args, **kwargs).clone()
        alibi[:, :, :3] += torch.tensor(0.3).log()
        return alibi

    other.model.transformer.build_alibi_tensor = with_log_strength
    with torch.no_grad():
        expected = other.logits(words())
    method.control.strength = 0.3
    assert_close(logits(base, method), expected, rtol=1e-4, atol=2e-5)


def test_bloom_is_refused_where_its_attention_is_needed():
    """The sentence names the method, the family, what is missing, and methods that do work there."""
    for name in ("llama_adapter", "prefix", "p_tuning_v2"):
        with pytest.raises(ModelError, match=r"attention.*bloom.*Prompt tuning") as caught:
            Case(name, {}, "bloom").build()
        assert caught.value.key == "method_needs_attention"
        assert not {"llama_adapter", "prefix"} & set(caught.value.values["methods"].split(", "))
    assert {"prompt", "lora", "bottleneck"} <= {name for name, spec in METHODS.items() if served(spec, "bloom")}


def test_looking_at_bloom_is_a_sentence():
    """Nothing can observe its attention: the panel says so instead of drawing nothing."""
    base, method = Case("prompt", {"prompt_len": 3}, "bloom").build()
    with pytest.raises(ModelError, match=r"bloom.*cannot be observed"):
        method.probe(viewed(base, method), ProbeInput(["a"], lambda: None))


def test_pictures_are_refused_where_words_are_needed():
    """Virtual tokens need words to stand among; all other methods take pictures."""
    with pytest.raises(ModelError, match=r"vit models read pictures.*LoRA"):
        Case("prompt", {}, "vit").build()
    assert {name for name, spec in METHODS.items() if not served(spec, "vit")} == {"prompt", "p_tuning", "autoprompt"}
    with pytest.raises(ModelError, match="reads pictures, not text"):
        tiny_base("vit").tokenizer.encode("a")


def served(spec, family):
    """Whether a method serves a family of the table."""
    return serves(spec, tiny_base(family).shape.family)


@pytest.mark.parametrize("family", ["vit", "bloom", "gemma2"])
def test_loaded_base_equals_the_saved_model(family, tmp_path):
    """A folder of these loads, too, and is described without being loaded."""
    folder = str(save_tiny(tmp_path, family))
    base = load_base(folder)
    assert shape_from_config(folder) == base.shape == tiny_base(family).shape
    assert type(base.processor) is type(tiny_base(family).processor)
    assert torch.equal(logits(base), logits(tiny_base(family)))

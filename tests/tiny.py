"""Tiny random models of every family, a tokenizer of single characters, and helpers that all suites share.

The weights are drawn wide (std 0.2), so that attention is far from uniform and a wrong term shows in the logits.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BloomConfig,
    DistilBertConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    ViTConfig,
    ViTImageProcessorPil,
)

from engine.methods import METHODS, method_class
from engine.methods.base import Method, Start
from engine.methods.parts import distillation
from engine.methods.serving import serves
from engine.models.base import Base, base_from_model
from engine.models.families import family_of
from engine.models.inputs import Inputs, Pixels, Processor, Tokens
from engine.models.loading import auto_class
from engine.models.view import View

distillation.TEXTS = 32
"""Sampling the usual 512 takes two seconds of every run that teaches a side network."""

VOCABULARY = ["<pad>", "<bos>", "<eos>", "<unk>", *map(chr, range(32, 127))]
PAD, BOS, EOS = 0, 1, 2
V = len(VOCABULARY)
SIZES = {"vocab_size": V, "pad_token_id": PAD, "bos_token_id": BOS, "eos_token_id": EOS}
ROTARY = {
    **SIZES,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}

GEMMA = {
    **ROTARY,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "query_pre_attn_scalar": 16,
    "sliding_window": 5,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
}
"""The window is shorter than the texts of the tests, with and without virtual tokens."""

CONFIGS: dict[str, tuple[type[PreTrainedConfig], dict[str, object]]] = {
    "llama": (LlamaConfig, {**ROTARY, "num_key_value_heads": 2}),
    "mistral": (MistralConfig, {**ROTARY, "num_key_value_heads": 1, "head_dim": 8}),
    "qwen2": (Qwen2Config, {**ROTARY, "num_key_value_heads": 2}),
    "qwen3": (Qwen3Config, {**ROTARY, "num_key_value_heads": 2, "head_dim": 12}),
    "gemma2": (Gemma2Config, {**GEMMA, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 8.0}),
    "gemma3_text": (Gemma3TextConfig, GEMMA),
    "phi3": (Phi3Config, {**ROTARY, "num_key_value_heads": 2}),
    "opt": (OPTConfig, {**ROTARY, "ffn_dim": 48, "word_embed_proj_dim": 32, "pad_token_id": 1}),
    "gpt2": (GPT2Config, {**SIZES, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128}),
    "gpt_neox": (GPTNeoXConfig, ROTARY),
    "bloom": (BloomConfig, {**SIZES, "hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "bert": (BertConfig, ROTARY),
    "roberta": (RobertaConfig, {**ROTARY, "pad_token_id": 1}),
    "distilbert": (DistilBertConfig, {**SIZES, "dim": 32, "hidden_dim": 48, "n_layers": 3, "n_heads": 4}),
    "vit": (ViTConfig, {**ROTARY, "image_size": 16, "patch_size": 4, "num_labels": 5}),
}
ALL = tuple(CONFIGS)
FAMILIES = tuple(name for name in ALL if family_of(name).reads_text and family_of(name).attention)
"""Families that every method serves."""
CAUSAL = tuple(name for name in FAMILIES if family_of(name).causal)
TEXT = tuple(name for name in ALL if family_of(name).reads_text)
WRITERS = tuple(name for name in TEXT if family_of(name).causal)
EAGER = ("gemma2", "bloom")
"""Families for which transformers has no scaled-dot-product attention."""
VARIED = ("llama", "qwen3", "gpt2", "bert")
"""Families that differ most: grouped queries, wide normalised heads, fused projections, an encoder."""


ALL_CASES = os.environ.get("GATELIGHT_ALL_CASES") == "1"
"""Whether the full product of methods and families is wanted: `python -m tests --all` sets it."""


@dataclass(frozen=True)
class Case:
    """One method with one of its example settings on one family."""

    method: str
    example: Mapping[str, object]
    family: str

    def build(self, seed: int = 1, *, base: Base | None = None) -> tuple[Base, Method]:
        """The family's base, and the untrained method."""
        base = base or tiny_base(self.family)
        return base, built(self.method, base, self.example, seed)

    def __str__(self) -> str:
        words = [f"{value}".replace(" ", "+") for value in self.example.values()]
        return "-".join((self.method, *words, self.family))


def built(name: str, base: Base, settings: Mapping[str, object] | None = None, seed: int = 0) -> Method:
    """An untrained method on a base, with its defaults where no settings are given."""
    method = method_class(name)
    return method.build(method.spec.settings.from_dict(settings or {}), base.shape, Start.of(base, seed))


def cases(families: tuple[str, ...] = ALL, *methods: str) -> list[Case]:
    """Methods with their example settings, on those of the families that they can serve.

    A method knows no family and a family no method: both meet at sites, which tests/contract/test_sites.py holds on all
    families. So a method's first example runs on the families that differ most, and each further one on one of them in
    turn. `python -m tests --all` runs first examples everywhere, and all others on those that differ most.
    """
    return [
        Case(name, example, family)
        for name, spec in METHODS.items()
        if not methods or name in methods
        for number, example in enumerate(spec.examples)
        for family in families
        if serves(spec, family_of(family)) and family in _for_example(number, families)
    ]


def _for_example(number: int, families: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the families on which a method's example of that number runs."""
    varied = tuple(family for family in families if family in VARIED)
    if ALL_CASES:
        return varied if number else families
    few = varied or families
    return (few[number % len(few)],) if number else few


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per printable ASCII character; texts begin with <bos>, nothing is added at the end."""
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    inner.decoder = decoders.Fuse()
    inner.post_processor = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", BOS)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>"
    )


def processor_for(family: str) -> Processor:
    """The tokenizer, or for pictures an image processor."""
    return tokenizer() if family_of(family).reads_text else ViTImageProcessorPil(size={"height": 16, "width": 16})


def plain_model(family: str, *, seed: int = 0, **changes: object) -> PreTrainedModel:
    """A random model as transformers makes it."""
    config_class, values = CONFIGS[family]
    config = config_class(**{**values, **changes})
    attention = "eager" if family in EAGER else "sdpa"
    model = auto_class(family_of(family)).from_config(config, attn_implementation=attention).eval()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = "norm" in name.lower() or "ln_" in name
            gain = norm and name.endswith("weight") and not family.startswith("gemma")  # which adds the 1 itself
            centre = 1.0 if gain else 0.0
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * 0.2 + centre)
    model.tie_weights()
    return model


@functools.cache
def tiny_base(family: str = "llama", *, dtype: torch.dtype = torch.float32) -> Base:
    """A frozen base; shared by all tests, which is safe because a base is never changed."""
    return base_from_model(f"tiny-{family}", plain_model(family).to(dtype), processor_for(family))


def save_tiny(folder: Path, family: str = "llama", **changes: object) -> Path:
    """A model folder with weights and tokenizer, as `load_base` reads it."""
    plain_model(family, **changes).save_pretrained(folder)
    processor_for(family).save_pretrained(folder)
    return folder


def randomise(method: Method, seed: int = 7, std: float = 0.5) -> Method:
    """Draw every parameter anew: zero gates and zero B matrices hide bugs."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=rng) * std)
    return method


def viewed(base: Base, method: Method | None = None) -> View:
    """A view with the method itself on it."""
    view = base.view()
    if method is not None:
        method.attach(view.sites)
    return view


def words(b: int = 2, t: int = 7, seed: int = 3) -> Tokens:
    """Random tokens without padding."""
    ids = torch.randint(4, V, (b, t), generator=torch.Generator().manual_seed(seed))
    return Tokens(ids, torch.ones(b, t, dtype=torch.bool))


def inputs_for(base: Base, b: int = 2) -> Inputs:
    """Random words, or random pictures where the model reads those."""
    if base.shape.family.reads_text:
        return words(b)
    return Pixels(torch.randn(b, 3, 16, 16, generator=torch.Generator().manual_seed(3)))


def logits(base: Base, method: Method | None = None, tokens: Inputs | None = None) -> Tensor:
    """Logits of a fresh view."""
    with torch.no_grad():
        return viewed(base, method).logits(inputs_for(base) if tokens is None else tokens)


def loss_of(view: View, inputs: Inputs) -> Tensor:
    """A loss that depends on every logit in its own way."""
    logits = view.logits(inputs).float()
    weights = torch.linspace(-1, 1, logits.numel()).view_as(logits)
    return (logits.log_softmax(-1) * weights.exp()).mean()


def copies(module: nn.Module) -> dict[str, Tensor]:
    """Parameters as they are now."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def named_gradients(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every parameter's gradient."""
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        yield name, parameter.grad

"""P-Tuning v2: Prompt Tuning Can Be Comparable to Fine-tuning Universally Across Scales and Tasks.

Liu, Ji, Fu, Tam, Du, Yang, Tang. ACL 2022. https://arxiv.org/abs/2110.07602

"Deep" prompts: prefix tuning (see `prefix`) for understanding, on encoders and small models as well, made plain.

    out = softmax(q [K_P; K]^T / sqrt(k)) [V_P; V]        in every layer

The keys and values are trained directly, with dropout on them, together with a head for the task instead of words
that stand for labels. The MLP in front is an option that the authors' scripts use for one task of their many.

Differences from the paper: those of `prefix`; the dropout is a setting of its own (in the authors' code it is the
model's `hidden_dropout_prob`).

Starts at base: no, any extra key takes part of the attention.
"""

from dataclasses import dataclass

from engine.core.settings import setting
from engine.methods.base import Paper
from engine.methods.prefix.method import FLAT_RATE, PrefixSettings, PrefixTuning


@dataclass(frozen=True, kw_only=True)
class PTuningV2Settings(PrefixSettings):
    """Settings of P-tuning v2: those of prefix tuning, with other first choices."""

    prompt_len: int = setting(20, "Learned keys and values in front of the text, in every layer (P).", low=1, high=512)
    reparametrisation: str = setting(
        "flat",
        "Train the prefix's numbers directly, or compute them from a small matrix by an MLP while training.",
        choices=("flat", "mlp"),
    )
    dropout: float = setting(0.1, "Share of the prefix's numbers that training drops.", low=0.0, high=0.9)


class PTuningV2(PrefixTuning):
    """Deep prompts: flat keys and values in every layer, with dropout."""

    name = "p_tuning_v2"
    title = "P-tuning v2"
    paper = Paper(
        title="P-Tuning v2: Prompt Tuning Can Be Comparable to Fine-tuning Universally Across Scales and Tasks",
        authors="Liu et al.",
        year=2022,
        url="https://arxiv.org/abs/2110.07602",
    )
    settings_class = PTuningV2Settings
    presets = {
        "paper": {},
        "projection": {"reparametrisation": "mlp"},
    }
    learning_rate = FLAT_RATE
    examples = (
        {"prompt_len": 4, "dropout": 0.0},
        {"prompt_len": 3, "reparametrisation": "mlp", "mlp_width": 5, "dropout": 0.0},
    )

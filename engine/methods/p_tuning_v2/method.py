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

from engine.methods.p_tuning_v2.spec import SPEC
from engine.methods.prefix.method import PrefixTuning


class PTuningV2(PrefixTuning):
    """Deep prompts: flat keys and values in every layer, with dropout."""

    spec = SPEC

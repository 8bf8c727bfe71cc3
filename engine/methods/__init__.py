"""The one table of methods. A new method is a folder here, a row below, and its words.

The table holds descriptions. It loads neither torch nor transformers: `method_class` imports the class behind one.
Methods that train together on one base have a description that follows from theirs, see `engine.methods.together`.
"""

import functools
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.methods.adalora.spec import SPEC as ADALORA
from engine.methods.adamix.spec import SPEC as ADAMIX
from engine.methods.autoprompt.spec import SPEC as AUTOPROMPT
from engine.methods.bias.spec import SPEC as BIAS
from engine.methods.bottleneck.spec import SPEC as BOTTLENECK
from engine.methods.ia3.spec import SPEC as IA3
from engine.methods.ladder.spec import SPEC as LADDER
from engine.methods.llama_adapter.spec import SPEC as LLAMA_ADAPTER
from engine.methods.lora.spec import SPEC as LORA
from engine.methods.loreft.spec import SPEC as LOREFT
from engine.methods.mask.spec import SPEC as MASK
from engine.methods.miss.spec import SPEC as MISS
from engine.methods.oft.spec import SPEC as OFT
from engine.methods.p_tuning.spec import SPEC as P_TUNING
from engine.methods.p_tuning_v2.spec import SPEC as P_TUNING_V2
from engine.methods.prefix.spec import SPEC as PREFIX
from engine.methods.prompt.spec import SPEC as PROMPT
from engine.methods.shira.spec import SPEC as SHIRA
from engine.methods.side.spec import SPEC as SIDE
from engine.methods.spec import MethodSpec
from engine.methods.together.spec import SIGN as SIGN
from engine.methods.together.spec import combined
from engine.methods.together.spec import part_names as part_names
from engine.methods.together.spec import part_settings as part_settings
from engine.methods.together.spec import whole_settings as whole_settings
from engine.methods.vera.spec import SPEC as VERA

if TYPE_CHECKING:
    from engine.methods.base import Method

METHODS: dict[str, MethodSpec] = {
    "llama_adapter": LLAMA_ADAPTER,
    "bottleneck": BOTTLENECK,
    "adamix": ADAMIX,
    "loreft": LOREFT,
    "lora": LORA,
    "adalora": ADALORA,
    "vera": VERA,
    "miss": MISS,
    "shira": SHIRA,
    "oft": OFT,
    "ia3": IA3,
    "bias": BIAS,
    "prefix": PREFIX,
    "p_tuning_v2": P_TUNING_V2,
    "prompt": PROMPT,
    "p_tuning": P_TUNING,
    "autoprompt": AUTOPROMPT,
    "mask": MASK,
    "side": SIDE,
    "ladder": LADDER,
}
"""Every method's description by its name, in the order in which methods are listed."""


def method_spec(name: str) -> MethodSpec:
    """The description of a method, or of several together: their names with a plus sign between.

    Raises:
        SettingError: There is no such method, or these cannot train together.
    """
    if SIGN in name:
        return _combination(name)
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise SettingError(
            "unknown_method",
            f"There is no method called {name!r}; choose one of {known}.",
            value=name,
            known=known,
        )
    return METHODS[name]


@functools.lru_cache(maxsize=256)
def _combination(name: str) -> MethodSpec:
    return combined(name, METHODS)


def method_class(name: str) -> "type[Method]":
    """The class behind a method's name; loads torch.

    Raises:
        SettingError: There is no such method.
    """
    return method_spec(name).implementation()

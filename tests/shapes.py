"""The type checker that pytest puts around every function of the engine: contract tests also check every shape.

beartype knows `Self` only when it decorates whole classes, and jaxtyping's import hook decorates functions. As for
mypy, an int will do where a float is wanted.
"""

from typing import Any, Self

from beartype import BeartypeConf, FrozenDict, beartype

checked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({Self: Any}), is_pep484_tower=True))

"""Parameter-efficient fine-tuning: models and their sites, methods, training, telemetry. It knows no page.

From Python:

    import engine

    base = engine.load_base("town")
    run = engine.Run.start(base, "town-qa", method="lora", steps=100).train()
    print(run.evaluate().exact_match)
    base_says, tuned_says = run.chat("Where does Ivan Marsh live?")
    run.export("exported", form="peft")

`Run.steps` trains a step at a time, `Run.open` opens a run of before. `find_rate("town-qa", "lora").best` is the
learning rate that a ladder of short runs finds. The names below are imported when they are first used, so that
`import engine` costs nothing: torch takes seconds.
"""

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from engine.core.loading import load

if TYPE_CHECKING:
    from engine.models.loading import load_base
    from engine.service.finding import find_rate
    from engine.service.notebook import Run

__all__ = ["Run", "find_rate", "load_base"]

# Where a CPU has bf16 instructions, bitsandbytes warns on import about an optional kernel that nobody asked for.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

# Threads of OpenMP that wait for each other sleep instead of spinning: it reads this when torch is imported. Beside
# another program's load a spinning thread keeps its processor from the one that it waits for, and a step takes many
# times as long; without load the difference on two cores was within the noise. A value that is set already stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Run": "engine.service.notebook",
    "find_rate": "engine.service.finding",
    "load_base": "engine.models.loading",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class or a function
    """Import a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    load(_HOMES[name])
    return getattr(sys.modules[_HOMES[name]], name)

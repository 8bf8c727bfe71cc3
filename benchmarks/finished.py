"""A run from its first step to its last, for benchmarks that score what came of it."""

from dataclasses import dataclass
from pathlib import Path

from engine.config.run import RunConfig
from engine.exchange.native import load_adapter
from engine.methods.base import Method
from engine.models.base import Base
from engine.training.launch import start_run


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run left: its tuned method as it was kept, read from the folder, and how many seconds its steps took."""

    method: Method
    seconds: float

    @property
    def trainable(self) -> int:
        """Numbers that were trained, those of a task head among them."""
        return sum(parameter.numel() for parameter in self.method.parameters())


def finished(folder: Path, config: RunConfig, base: Base) -> Finished:
    """Train to the last step on a base that is loaded."""
    trainer = start_run(folder, config, lambda _name, _precision: base)
    for _ in trainer.run():
        pass
    return Finished(load_adapter(trainer.folder.adapter_path, base), trainer.position.wall_s)

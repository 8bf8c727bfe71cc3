"""Settings of generation, the same for every model."""

from dataclasses import dataclass

from engine.core.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Sampling(Settings):
    """How the next token is chosen."""

    max_new_tokens: int = setting(64, "Longest answer in tokens.", low=1, high=4096, unit="tokens")
    temperature: float = setting(0.0, "0 always takes the likeliest token; higher is more varied.", low=0.0, high=5.0)
    top_p: float = setting(
        1.0, "Choose among the likeliest tokens that together have this probability.", low=0.01, high=1.0
    )
    top_k: int = setting(0, "Choose among this many likeliest tokens; 0 for all.", low=0, high=1_000_000)
    repetition_penalty: float = setting(1.0, "Above 1 makes tokens that were used less likely.", low=0.5, high=5.0)
    seed: int = setting(0, "Number that fixes what is sampled, the same for all columns.", low=0, high=2**31 - 1)
    stop: str = setting(
        "", "Texts at which an answer ends, separated by |; \\n is a new line. They are not part of the answer."
    )

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts at which an answer ends."""
        texts = (text.replace("\\n", "\n").replace("\\t", "\t") for text in self.stop.split("|"))
        return tuple(text for text in texts if text)

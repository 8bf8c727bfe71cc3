"""How well a run answered held-out rows at its end. Needs no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from engine.runs.typed import checked, hints_of

METRICS = ("exact_match", "accuracy", "f1", "pearson", "bleu", "chrf")
COMPARED = ("untuned", "constant", "withheld", "sentence")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunScore:
    """A score on rows that were neither trained nor validated on; higher is better.

    Attributes:
        name: "exact_match" or "accuracy" (share of right answers, 0 to 1), "f1" (of the words of answers that stand in
            texts, 0 to 1), "pearson" (correlation, -1 to 1), "bleu" or "chrf" (0 to 100).
        value: Of the state that the run kept.
        baseline: The same score of what the run is compared with, see `against`.
        against: "untuned": the base as it came. "constant": the most frequent label, or the mean, always. "withheld":
            the tuned model that is not shown the pictures. "sentence": the sentence of the text that is most like the
            question.
        rows: Rows that were answered.
        facts: Where every question lists values, the share of these that the answers say, 0 to 100.
        facts_baseline: The same of what the run is compared with.
    """

    name: str
    value: float
    baseline: float
    against: str
    rows: int
    facts: float | None = None
    facts_baseline: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunScore | None":
        """The inverse of `to_dict`; None for a metric or a comparison that is not known here.

        Raises:
            ValueError: A field is missing, or of another type.
        """
        hints = hints_of(cls)
        score = cls(**{name: checked(f"{name} of the score", values.get(name), hint) for name, hint in hints.items()})
        return score if score.name in METRICS and score.against in COMPARED else None

    @property
    def text(self) -> str:
        """The number with its unit."""
        return _text(self.name, self.value)

    @property
    def sentence(self) -> str:
        """What was reached on how many rows, and what it is compared with."""
        told = f"{self.text} on {self.rows} test rows ({self.against}: {_text(self.name, self.baseline)})"
        if self.facts is None or self.facts_baseline is None:
            return told
        return f"{told}; {self.facts:.0f} % of the facts said ({self.against}: {self.facts_baseline:.0f} %)"


def _text(name: str, value: float) -> str:
    match name:
        case "exact_match" | "accuracy":
            return f"{100 * value:.0f} % right"
        case "f1":
            return f"F1 {100 * value:.0f} %"
        case "pearson":
            return f"correlation {value:.2f}"
        case "bleu":
            return f"BLEU {value:.1f}"
        case _:
            return f"chrF {value:.1f}"

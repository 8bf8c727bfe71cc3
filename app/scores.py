"""A run's score as text."""

from app.words import Say
from engine.runs.score import RunScore


def score_text(say: Say, score: RunScore) -> str:
    """The number with its unit."""
    if score.name in ("exact_match", "accuracy", "f1"):
        return say("unit.f1" if score.name == "f1" else "unit.share", value=round(100 * score.value))
    return say(f"unit.{score.name}", value=f"{score.value:.{2 if score.name == 'pearson' else 1}f}")

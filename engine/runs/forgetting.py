"""How much of plain text a run's base forgets with what it learned."""

from pathlib import Path

from engine.runs.log import events_of


def forgetting(events: Path, kept_step: int | None) -> float | None:
    """Rise of the loss on plain text from step 0 to the state that is kept, in nats per token; below 0 it fell.

    Args:
        events: Log of the run.
        kept_step: Step of that state; the last validation up to it counts.

    Returns:
        The rise; None where it was not measured.
    """
    measured = [
        (event["step"], loss)
        for event in events_of(events, "eval")
        if isinstance(loss := event.get("base_ability_loss"), int | float)
    ]
    kept = [loss for step, loss in measured if kept_step is None or step <= kept_step]
    if not kept or measured[0][0] != 0:
        return None
    return round(kept[-1] - measured[0][1], 5)

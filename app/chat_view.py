"""How a conversation, its meter and the strength curve are drawn. What models and people wrote is only ever text."""

import math
from dataclasses import dataclass, field

from app.markup import note, safe, term
from app.words import Say

WIDTH, HEIGHT, EDGE = 320, 64, 6  # of the strength curve, in its own units
NO_DIFFERENCE = 0.01  # nats
SOME_DIFFERENCE = 0.2  # nats
CEILING = 3.0  # nats of validation loss, the top of the curve's axis at most


@dataclass
class Turn:
    """One question and what every column answered so far.

    Attributes:
        columns: Heading of each column, and whether it is tuned.
        answers: None where a column has no answer.
        picture: A small copy of what was asked about, as a data URL; empty for words.
        blind: Columns that answer without the picture, by their number.
    """

    question: str
    columns: list[tuple[str, bool]]
    answers: list[str | None] = field(default_factory=list)
    done: bool = False
    difference: float | None = None
    tokens_per_s: float = 0.0
    picture: str = ""
    blind: tuple[int, ...] = ()


def conversation(say: Say, turns: list[Turn]) -> str:
    """All turns, oldest first; an invitation when there are none."""
    if not turns:
        return f'<div class="gl-turns empty">{note(say("chat.empty"))}</div>'
    return '<div class="gl-turns" tabindex="0">' + "".join(_turn(say, turn) for turn in turns) + "</div>"


def _turn(say: Say, turn: Turn) -> str:
    unseen = f'<p class="gl-fact">{safe(say("chat.blind"))}</p>'
    cells = "".join(
        f'<div class="gl-answer {"tuned" if tuned else "base"}"><div class="gl-who">{safe(who)}</div>'
        f"{_said(say, answer, done=turn.done)}{unseen if number in turn.blind else ''}</div>"
        for number, ((who, tuned), answer) in enumerate(
            zip(turn.columns, turn.answers or [""] * len(turn.columns), strict=True)
        )
    )
    speed = say("chat.speed", n=f"{turn.tokens_per_s:.0f}") if turn.done and turn.tokens_per_s else ""
    image = f'<img src="{turn.picture}" alt="">' if turn.picture else ""
    return (
        f'<section class="gl-turn"><div class="gl-question">{image}{safe(turn.question)}</div>'
        f'<div class="gl-answers">{cells}</div><div class="gl-fact">{speed}</div></section>'
    )


def _said(say: Say, answer: str | None, *, done: bool) -> str:
    if answer is None:
        return note(say("chat.mute"))
    return f'<div class="gl-text">{safe(answer)}{"" if done else _CARET}</div>'


_CARET = '<span class="gl-caret" aria-hidden="true"></span>'


def meter(say: Say, difference: float | None) -> str:
    """Whether tuning does anything to the last answer: a bar, the number and a word for it."""
    if difference is None:
        share, text, verdict = 0.0, "–", say("chat.meter.none")
    else:
        share, text = 100 * (1 - math.exp(-max(0.0, difference))), f"{difference:.2f}"
        key = "same" if difference < NO_DIFFERENCE else "some" if difference < SOME_DIFFERENCE else "much"
        verdict = say(f"chat.meter.{key}")
    return (
        f'<div class="gl-meter"><h3 class="gl-h3">{say("chat.meter")}</h3>'
        f'<div class="gl-scale tall"><i style="width:{share:.1f}%"></i></div>'
        f"<p><strong>{text}</strong> {term(say, 'nats')} · {safe(verdict)}</p></div>"
    )


def curve(say: Say, points: list[tuple[float, float]], strength: float) -> str:
    """Validation loss against strength, from 0 to 2, with a mark at the present strength."""
    if len(points) < 2:
        return ""
    top = min(max(loss for _, loss in points), CEILING)
    bottom = min(0.0, *(loss for _, loss in points))
    dots = [(_x(s), _y(min(loss, top), bottom, top)) for s, loss in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in dots)
    best = min(points, key=lambda point: point[1])
    at = _x(strength)
    return (
        f'<div class="gl-curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{safe(say("chat.curve"))}"><path class="area" d="{path}V{HEIGHT}H{EDGE}Z"/>'
        f'<path class="line" d="{path}"/><line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}"/></svg>'
        f'<p class="gl-fact">{safe(say("chat.curve.best", s=f"{best[0]:g}", loss=f"{best[1]:.3f}"))}</p></div>'
    )


def _x(strength: float) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * strength / 2


def _y(loss: float, bottom: float, top: float) -> float:
    return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (loss - bottom) / max(top - bottom, 1e-9)

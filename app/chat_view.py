"""How a conversation, its meter and the strength curve are drawn. What models and people wrote is only ever text."""

import math
from collections.abc import Iterator

from app.markup import note, safe, term
from app.turns import Turn
from app.words import Say

WIDTH, HEIGHT, EDGE = 320, 64, 6  # of the strength curve, in its own units
NO_DIFFERENCE = 0.01  # nats
SOME_DIFFERENCE = 0.2  # nats
AROUND = 240  # characters of a text before and behind a marked answer
THIRD = 2  # the column that is drawn otherwise, since it is tuned as the second is
CEILING = 3.0  # nats of validation loss, the top of the curve's axis at most


def conversation(say: Say, turns: list[Turn]) -> str:
    """All turns, oldest first; an invitation when there are none."""
    if not turns:
        return f'<div class="gl-turns empty">{note(say("chat.empty"))}</div>'
    before: list[Turn | None] = [None, *turns]
    drawn = (_turn(say, number, turn, before[number]) for number, turn in enumerate(turns))
    return '<div class="gl-turns" tabindex="0">' + "".join(drawn) + "</div>"


def _turn(say: Say, number: int, turn: Turn, before: Turn | None) -> str:
    cells = "".join(_cell(say, turn, column) for column in range(len(turn.columns)))
    image = f'<img src="{turn.picture}" alt="">' if turn.picture else ""
    edit = "" if turn.classified or not turn.done else _button(say, "edit", f' data-edit="{number}"')
    facts = safe(" · ".join(filter(None, _facts(say, turn, before))))
    return (
        f'<section class="gl-turn"><div class="gl-asked"><div class="gl-question">{image}{safe(turn.question)}</div>'
        f'{edit}</div><div class="gl-answers">{cells}</div><p class="gl-fact">{facts}</p></section>'
    )


def _button(say: Say, name: str, facts: str) -> str:
    return f'<button type="button" class="gl-quiet"{facts}>{safe(say(f"chat.{name}"))}</button>'


def _cell(say: Say, turn: Turn, column: int) -> str:
    who = turn.columns[column]
    answer = (turn.answers or [""] * len(turn.columns))[column]
    unseen = f'<p class="gl-fact">{safe(say("chat.blind"))}</p>' if column in turn.blind else ""
    copied = (
        _button(say, "copy", f' data-copy data-copied="{safe(say("chat.copied"))}"') if turn.done and answer else ""
    )
    kind = ("tuned" if who.run else "base") + " third" * (column == THIRD)
    return (
        f'<div class="gl-answer {kind}"><div class="gl-who">{_letter(column)} · {safe(who.text(say))}'
        f"{_verdict(say, turn, answer)}{copied}</div>{_said(say, answer, done=turn.done)}{_marked(turn, column)}"
        f"{unseen}</div>"
    )


def _letter(column: int) -> str:
    """What a column is called."""
    return chr(ord("A") + column)


def _marked(turn: Turn, column: int) -> str:
    """The answer where it stands in the text, with what is around it; nothing where none is marked."""
    mark = turn.marks[column] if turn.marks else None
    if mark is None:
        return ""
    (start, end), text = mark, turn.passage
    before, behind = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    opened, closed = "… " if start > AROUND else "", " …" if end + AROUND < len(text) else ""
    return (
        f'<p class="gl-passage">{opened}{safe(before)}<mark class="gl-found">{safe(text[start:end])}</mark>'
        f"{safe(behind)}{closed}</p>"
    )


def _verdict(say: Say, turn: Turn, answer: str | None) -> str:
    """Whether an answer is right, where that is known."""
    right = turn.reference.judges(answer) if turn.reference is not None and turn.done and answer is not None else None
    if right is None:
        return ""
    kind = "right" if right else "wrong"
    return f'<span class="gl-verdict {kind}">{safe(say(f"chat.{kind}_answer"))}</span>'


def _facts(say: Say, turn: Turn, before: Turn | None) -> Iterator[str]:
    """What is to be said of a turn: what was left out, what is right, how it was written if that is new, how fast."""
    for column, count in enumerate(turn.forgotten):
        if count:
            yield say("chat.forgotten", column=_letter(column), n=count)
    if turn.lost_picture:
        yield say("chat.lost_picture")
    if turn.reference is not None and turn.done:
        yield say("chat.reference", text=" · ".join(turn.reference.answers))
    if turn.templates and (before is None or before.templates != turn.templates or before.alone != turn.alone):
        yield _written(say, turn)
    if turn.done and turn.tokens_per_s:
        yield say("chat.speed", n=f"{turn.tokens_per_s:.0f}")


def _written(say: Say, turn: Turn) -> str:
    """In which text the questions were put to the models."""
    alone = say("chat.written.alone" if turn.alone else "chat.written.talk")
    named = {
        say("chat.written.chat") if text is None else say("chat.written.text", text=text.replace("\n", "⏎"))
        for column, text in enumerate(turn.templates)
        if column not in turn.heads
    }
    return " ".join((alone, *sorted(named))) if named else ""


def _said(say: Say, answer: str | None, *, done: bool) -> str:
    if answer is None:
        return note(say("chat.mute"))
    return f'<div class="gl-text">{safe(answer)}{"" if done else _CARET}</div>'


_CARET = '<span class="gl-caret" aria-hidden="true"></span>'


def meter(say: Say, difference: float | None, *, old: bool = False) -> str:
    """Whether tuning does anything to the last answer: a bar, the number and a word for it.

    Args:
        say: The page's words.
        difference: KL from the base in nats per token; None where nothing was asked.
        old: Whether it is that of an answer which is being written anew, with another strength or step.
    """
    if difference is None:
        share, text, verdict = 0.0, "–", say("chat.meter.none")
    else:
        share, text = 100 * (1 - math.exp(-max(0.0, difference))), f"{difference:.2f}"
        key = "same" if difference < NO_DIFFERENCE else "some" if difference < SOME_DIFFERENCE else "much"
        verdict = say(f"chat.meter.{key}")
    if old and difference is not None:
        verdict = say("chat.meter.old")
    return (
        f'<div class="gl-meter{" old" if old else ""}"><h3 class="gl-h3">{say("chat.meter")}</h3>'
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
        f'<div class="gl-curve">{_axis("up", f"{top:.2f}", f"{bottom:.2f}")}'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{safe(say("chat.curve"))}"><path class="area" d="{path}V{HEIGHT}H{EDGE}Z"/>'
        f'<path class="line" d="{path}"/><line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}"/></svg>'
        f"{_axis('across', '0', '0.5', '1', '1.5', '2')}"
        f'<p class="gl-fact">{safe(say("chat.curve.best", s=f"{best[0]:g}", loss=f"{best[1]:.3f}"))}</p></div>'
    )


def _axis(name: str, *marks: str) -> str:
    """What stands beside an axis, its marks from the top or from the left."""
    return f'<div class="gl-curve-axis {name}">{"".join(f"<span>{safe(mark)}</span>" for mark in marks)}</div>'


def _x(strength: float) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * strength / 2


def _y(loss: float, bottom: float, top: float) -> float:
    return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (loss - bottom) / max(top - bottom, 1e-9)

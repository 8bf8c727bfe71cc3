"""The questions and answers on the screen as conversations: what each column reads of them, and as rows of a file."""

import json
from collections.abc import Iterator, Sequence

from app.turns import Turn
from app.words import Say
from engine.inference.messages import Exchange


def history(turns: Sequence[Turn], column: int) -> tuple[Exchange, ...]:
    """What a column was asked and answered before. Labels of a task head are no part of it."""
    return tuple(
        Exchange(turn.question, str(turn.answers[column]), turn.picture_path) for turn in turns if _writes(turn, column)
    )


def _writes(turn: Turn, column: int) -> bool:
    answered = column < len(turn.answers) and turn.answers[column] is not None
    return answered and column not in turn.heads and not turn.classified


def rows(say: Say, turns: Sequence[Turn]) -> Iterator[dict[str, object]]:
    """Every conversation of every column: questions that stand alone one by one, the others with all before them."""
    for number, turn in enumerate(turns):
        goes_on = number + 1 < len(turns) and not turns[number + 1].alone
        if goes_on and not turn.alone:
            continue
        for column, who in enumerate(turn.columns):
            if column >= len(turn.answers) or turn.answers[column] is None:
                continue
            earlier = () if turn.alone else history(turns[:number], column)
            yield {
                "messages": list(_messages(turn, column, earlier)),
                "column": chr(ord("A") + column),
                "model": who.text(say),
            }


def _messages(turn: Turn, column: int, earlier: Sequence[Exchange]) -> Iterator[dict[str, str]]:
    if turn.system:
        yield {"role": "system", "content": turn.system}
    for exchange in (*earlier, Exchange(turn.question, str(turn.answers[column]))):
        yield {"role": "user", "content": exchange.question}
        yield {"role": "assistant", "content": exchange.answer}


def as_jsonl(say: Say, turns: Sequence[Turn]) -> str:
    """The conversations as a file that Train reads, a row per line; empty without any."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(say, turns))

"""What is asked, of whom and how: from the values of the components to a request, and to a turn on the screen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app import forms
from app.tabs import pickers, talks
from app.tabs.chat_layout import Layout
from app.turns import Heading, Turn
from app.wiring import Values
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.data.pixels import thumbnail
from engine.inference.messages import ChatRequest, ChatSide, question_and_text
from engine.service.workbench import Workbench


def typed(workbench: Workbench, layout: Layout, values: Values, past: Sequence[Turn]) -> ChatRequest:
    """What stands in the box. A picture beside the words counts only where a column sees it.

    Raises:
        WorkbenchError: Nothing is asked.
    """
    prompt = (values[layout.prompt] or "").strip()  # a box that was never shown holds nothing
    picture = values[layout.picture] or ""
    if not prompt and not picture:
        raise WorkbenchError("no_prompt", "The message is empty: type a question.")
    asked = (Path(picture).name, "") if picture else _asked(workbench, layout, values, prompt)
    request = _request(layout, values, asked, picture, past)
    if picture or not (beside := values[layout.beside]):
        return request
    seen = len(without_sight(workbench, request)) < len(request.sides)
    return replace(request, picture=beside) if seen else request


def repeated(layout: Layout, values: Values, turns: Sequence[Turn]) -> ChatRequest:
    """The last question as it would be asked now."""
    *past, last = turns
    return _request(layout, values, (last.question, last.passage), last.picture_path, past)


def _asked(workbench: Workbench, layout: Layout, values: Values, prompt: str) -> tuple[str, str]:
    """The question, and the text that it is about where a column marks answers in texts."""
    marking = {run.id for run in workbench.runs.summaries() if run.marks}
    if not any(values[side.run] in marking for side in layout.shown(values)):
        return prompt, ""
    return question_and_text(prompt, values[layout.passage] or "")


def _request(layout: Layout, values: Values, asked: tuple[str, str], picture: str, past: Sequence[Turn]) -> ChatRequest:
    prompt, passage = asked
    sides, alone = layout.chosen_sides(values), bool(values[layout.alone])
    if not alone and not values[layout.picture]:
        sides = tuple(replace(side, history=talks.history(past, column)) for column, side in enumerate(sides))
    return ChatRequest(
        prompt=prompt,
        sides=sides,
        sampling=Sampling.from_dict(forms.read(layout.sampling, values)),
        around=values[layout.around],
        picture=picture,
        passage=passage,
        system=values[layout.system] or "",
        alone=alone,
    )


def without_sight(workbench: Workbench, request: ChatRequest) -> tuple[int, ...]:
    """The columns that see no picture beside the words, by their number."""
    seeing = {run.id for run in workbench.runs.summaries() if run.sees_pictures}
    return tuple(number for number, side in enumerate(request.sides) if side.run not in seeing)


def turn_of(workbench: Workbench, question: ChatRequest, *, classified: bool) -> Turn:
    """The question on the screen, before it is answered."""
    runs = {run.id: run for run in workbench.runs.summaries()}
    labelled = [
        number for number, side in enumerate(question.sides) if side.run in runs and runs[side.run].labels is not None
    ]
    return Turn(
        question.prompt,
        _columns(workbench, question.sides),
        picture=thumbnail(Path(question.picture)) if question.picture else "",
        blind=without_sight(workbench, question) if question.picture and not classified else (),
        picture_path=question.picture,
        passage=question.passage,
        classified=classified,
        heads=tuple(labelled),
        sides=tuple(replace(side, history=()) for side in question.sides),
        alone=question.alone,
        system=question.system.strip(),
    )


def _columns(workbench: Workbench, sides: tuple[ChatSide, ...]) -> list[Heading]:
    runs = {run.id: run for run in workbench.runs.summaries()}
    names = {run.id: run.name for run in runs.values()}
    live = workbench.live()
    now: dict[str | None, int] = {run.id: step for run in runs.values() if (step := pickers.kept(run)) is not None}
    now[live.run] = live.step
    heads = any(side.run in runs and runs[side.run].labels is not None for side in sides)
    heads = heads and not any(side.run in runs and runs[side.run].pictures for side in sides)
    return [_heading(side, names, now, beside_head=heads) for side in sides]


def _heading(side: ChatSide, names: dict[str, str], now: dict[str | None, int], *, beside_head: bool) -> Heading:
    if side.run is None:
        return Heading(no_head=beside_head)
    step = now.get(side.run) if side.step is None else side.step
    return Heading(names.get(side.run, side.run), step, side.strength)

"""The columns of the chat: who answers in each, and what one asks them."""

from typing import Any

import gradio as gr
from gradio.events import Dependency

from app.tabs import pickers
from app.tabs.chat_layout import CHIPS, Layout
from app.tabs.pickers import Picker
from app.wiring import Updates, Values, wire
from app.words import Say
from engine.models.chat_template import has_chat_template
from engine.runs.summary import RunSummary
from engine.service.workbench import Workbench


class Columns:
    """The menus of all columns.

    Attributes:
        chosen: Whether somebody chose the run on the right, so that it is not chosen for them; None until the page is
            filled, before which nothing is chosen.
        inputs: What the columns follow.
        outputs: What they fill.
    """

    def __init__(self, workbench: Workbench, say: Say, layout: Layout) -> None:
        self._workbench, self._say, self._layout = workbench, say, layout
        self.chosen = gr.State(None)
        runs = {side.run for side in layout.sides}
        self._of_runs = {layout.third_shown, layout.alone, layout.alone_chosen, *runs}
        self._third = {layout.third_shown, layout.third_row, layout.third}
        self.inputs = {self.chosen, *self._of_runs, *layout.menus}
        self.outputs = {self.chosen, *layout.menus, *layout.asked, *self._third}

    def wire(self, news: list[Any]) -> Dependency:
        """Follow the menus, and events after which there may be other runs; returns that of the third column."""
        say, layout, asked = self._say, self._layout, set(self._layout.asked)
        # One after another: Gradio refuses a choice that the list of an older answer lacks, if that came in later.
        wire(say, news, self.refreshed, self.inputs, layout.menus | asked, concurrency_limit=1)
        wire(say, [layout.alone.input], lambda: True, None, [layout.alone_chosen])
        for side in layout.sides:
            wire(say, [side.run.change], self._steps, [side.run, side.step], [side.step])
        wire(say, [layout.sides[1].run.input], lambda: True, None, [self.chosen])
        wire(say, [side.run.change for side in layout.sides], self._asked, self._of_runs, asked)
        return wire(say, [layout.third.click], self._toggled, self._of_runs, self._third | asked)

    def refreshed(self, values: Values) -> Updates:
        """The menus as they should be now; the right one has the most interesting run where nobody chose another."""
        wanted = {side: (values[side.run], values[side.step]) for side in self._layout.sides}
        if values[self.chosen] is False:
            right = self._layout.sides[1]
            wanted[right] = pickers.most_interesting(self._workbench), values[right.step]
        return self._menus(values, wanted)

    def filled(self, values: Values, columns: tuple[tuple[str, int], ...], *, third: bool) -> Updates:
        """The menus with runs and steps that were chosen before, as far as there still are those."""
        known: Updates = {self._layout.third_shown: third}
        wanted = dict(zip(self._layout.sides, columns, strict=True))
        return {**self._third_column(shown=third), **self._menus({**values, **known}, wanted)}

    def _menus(self, values: Values, wanted: dict[Picker, tuple[str, int]]) -> Updates:
        workbench, say = self._workbench, self._say
        runs: Updates = {side.run: run for side, (run, _) in wanted.items()}
        return {
            **{menu: pickers.runs_menu(workbench, say, run, values[menu]) for menu, run in runs.items()},
            **{side.step: pickers.steps_menu(workbench, say, *chosen) for side, chosen in wanted.items()},
            **self._asked({**values, **runs}),
        }

    def _steps(self, run: str, step: int) -> Any:  # noqa: ANN401 - Gradio's kind of an update
        return pickers.steps_menu(self._workbench, self._say, run, step)

    def _toggled(self, values: Values) -> Updates:
        shown = not values[self._layout.third_shown]
        return {**self._third_column(shown=shown), **self._asked({**values, self._layout.third_shown: shown})}

    def _third_column(self, *, shown: bool) -> Updates:
        layout, label = self._layout, self._say("chat.no_third" if shown else "chat.third")
        return {layout.third_shown: shown, layout.third_row: gr.Row(visible=shown), layout.third: gr.Button(label)}

    def _asked(self, values: Values) -> Updates:
        """With what one asks the run on the right: words and example questions, or a picture.

        A picture beside the words is taken as soon as one of the columns sees it, a text as soon as one marks answers;
        that stays as it is unless `values` holds another.
        """
        workbench, layout = self._workbench, self._layout
        runs = {run.id: run for run in workbench.runs.summaries()}
        run = runs.get(values[layout.sides[1].run])
        seen = any(runs[name].sees_pictures for side in layout.shown(values) if (name := values[side.run]) in runs)
        marked = any(runs[name].marks for side in layout.shown(values) if (name := values[side.run]) in runs)
        dataset, pictures = (run.dataset, run.pictures) if run else ("town-qa", False)
        questions = run.chips if run else None
        if questions is None:
            questions = next((info.chips for info in workbench.datasets() if info.name == dataset), [])
        questions = [*questions, *[""] * CHIPS]
        written = {"value": values[layout.passage]} if layout.passage in values else {}
        alone = not (run and _talks(run))
        switched: Updates = (
            {} if values[layout.alone_chosen] or alone == values[layout.alone] else {layout.alone: alone}
        )
        return {
            **switched,
            **{chip: gr.Button(text, visible=bool(text)) for chip, text in zip(layout.chips, questions, strict=False)},
            layout.picture: gr.File(visible=pictures),
            layout.passage: gr.Textbox(visible=marked, **written),
            layout.beside_row: gr.Row(visible=seen and not pictures),
            layout.prompt: gr.Textbox(visible=not pictures),
            layout.send: gr.Button(visible=not pictures),
            layout.halt: gr.Button(visible=not pictures),
        }


def _talks(run: RunSummary) -> bool:
    """Whether a run's model was made for conversations: it writes, and comes with a chat template."""
    return run.labels is None and not run.pictures and has_chat_template(run.model)

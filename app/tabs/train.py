"""Train: choose a model, a method and data, see what it means, and press Start."""

from typing import Any

import gradio as gr

from app.tabs import controls
from app.tabs.controls import Bar
from app.tabs.filling import Filler
from app.tabs.method_knobs import MethodKnobs
from app.tabs.training_form import FIRST, TrainingForm
from app.wiring import wire
from app.words import Say
from engine.service.workbench import Workbench

_SAVE = "(text) => Gatelight.ready.then(({ saveText }) => saveText('run.yaml', text))"


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML) -> None:
    """Lay out the form and wire it."""
    form = TrainingForm(workbench, say)
    ready = gr.State(False)  # whether the whole form is there, so that Start may be pressed
    bar = controls.build(page, workbench, say, top, ready)
    form.memory.wire_last(top)
    form.build_samples()
    form.build_model()
    with gr.Accordion(say("train.all"), open=False, elem_id="gl-all"):
        form.build_advanced()
        place = gr.Column()
    with gr.Accordion(say("train.terminal"), open=False, elem_id="gl-terminal"):
        form.build_terminal()
    with place:
        _when_the_engine_is_loaded(page, workbench, say, form, ready, bar)


def _when_the_engine_is_loaded(
    page: gr.Blocks, workbench: Workbench, say: Say, form: TrainingForm, ready: gr.State, bar: Bar
) -> None:
    """Make the knobs of the methods, which only the engine knows, and wire all that reads the form: once per page."""

    @gr.render(triggers=[page.load], show_progress="hidden", concurrency_limit=None)
    def rest() -> None:
        own = MethodKnobs(say, workbench.methods(), FIRST.method)
        filler = Filler(workbench, say, form, own)
        filler.wire()
        everything = filler.everything

        def started(*filled: object) -> list[Any]:
            return [workbench.start(filler.config(*filled)), *controls.states(workbench)]

        wire(say, [bar.start.click], started, everything, [bar.started, *bar.buttons], trigger_mode="once")
        saved = wire(
            say, [form.save.click], lambda *filled: filler.config(*filled).to_yaml(), everything, [form.saved], ""
        )
        saved.then(None, [form.saved], None, js=_SAVE, api_visibility="private")
        # Gradio sends the page's load once more to what was rendered, as soon as all of the above is in place.
        opened = wire(say, [page.load], filler.opened, None, filler.opening)
        pressed = wire(say, [], lambda: [True, *controls.states(workbench)], None, [ready, *bar.buttons], after=opened)
        memory = form.memory  # one after the other: what is asked for at once when a page is left makes Gradio complain
        wire(
            say,
            [],
            lambda: [memory.estimated(FIRST.checked), memory.held()],
            None,
            [memory.bar, memory.last],
            after=pressed,
        )

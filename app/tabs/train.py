"""Train: choose a model, a method and data, see what it means, and press Start."""

import dataclasses
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from app.markup import note
from app.tabs import controls, ladder
from app.tabs.controls import Bar
from app.tabs.filling import Filler
from app.tabs.search import SearchForm
from app.tabs.sizing import sized_controls
from app.tabs.training_form import OF_TRUST, TrainingForm
from app.wiring import Updates, Values, session_of, wire, wire_js
from app.words import Say
from engine.config.run import RunConfig
from engine.service.visitor import own_name, own_names
from engine.service.workbench import Workbench

_SAVE = "(text) => Gatelight.ready.then(({ saveText }) => saveText('run.yaml', text))"
_FORMER = "() => Gatelight.ready.then(({ keptForm }) => keptForm.former())"
_KEEP = "(text) => Gatelight.ready.then(({ keptForm }) => keptForm.keep(text))"
_RESTORED = "() => Gatelight.ready.then(({ keptForm }) => keptForm.restored())"
_SETTLED = "() => Gatelight.ready.then(({ keptForm }) => keptForm.settled()).then(() => [])"
_START_WAITS = "() => document.getElementById('gl-start').inert = {}"


def build(page: gr.Blocks, workbench: Workbench, say: Say, top: gr.HTML) -> gr.Textbox:
    """Lay out the form and wire it; returns the text that fills it when it changes, a run's config as JSON."""
    form = TrainingForm(workbench, say)
    bar = controls.build(workbench, say, top)
    rates = ladder.build(workbench, say)
    form.build_samples()
    form.build_model()
    form.build_settings()
    search = SearchForm(workbench, say)
    form.build_terminal()
    filler = Filler(workbench, say, form)
    _wire_choices(say, form, filler, bar)
    _wire_trust(say, form, filler)
    _wire_meaning(say, form, filler, top)
    _wire_models(page, say, form, filler)
    _wire_keeping(page, say, form, filler)
    _wire_run(workbench, say, form, filler, bar)
    _wire_search(form, filler, search)
    ladder.wire_ladder(workbench, say, form, lambda values: filler.config(form.values(values)), rates)
    wire(say, [page.load], lambda: _watching(workbench, say), None, [form.watching])
    return form.former


def _watching(workbench: Workbench, say: Say) -> str:
    """Why nothing can be changed; empty for whoever starts runs."""
    return "" if workbench.rights.who().starts else note(say("train.watching"))


def _wire_keeping(page: gr.Blocks, say: Say, form: TrainingForm, filler: Filler) -> None:
    """The browser keeps the form over a reload and a change of language. Where it kept none, nothing is filled.

    What the page opens with is weighed only then: told after the kept one, its answer would stand beside that.
    """
    wire_js([form.kept.change], _KEEP, [form.kept])
    inputs = {form.former, *form.inputs}
    read = wire_js([page.load], _FORMER, outputs=[form.former])
    wire(say, [], filler.weigh_first, inputs, filler.of_run, after=read)
    restored = wire(say, [form.former.change], filler.restore, inputs, filler.everything | {form.last_presets})
    shown = wire(say, [], filler.weigh, form.inputs, filler.of_run, after=restored)
    wire_js([], _RESTORED, after=shown)


def _wire_run(workbench: Workbench, say: Say, form: TrainingForm, filler: Filler, bar: Bar) -> None:
    """Start, and the run file."""

    def start(request: gr.Request, values: Values) -> Updates:
        run = workbench.start(filler.config(form.values(values)), session=session_of(request))
        return {**controls.shown_or_told(workbench, say, bar.started, run), **bar.states(workbench)}

    def written(values: Values) -> str:
        config = filler.config(form.values(values))
        return dataclasses.replace(config, dataset=own_name(config.dataset), data=own_names(config.data)).to_yaml()

    wire(say, [bar.start.click], start, form.inputs, {bar.started, *bar.buttons}, trigger_mode="once")
    saved = wire(say, [form.save.click], written, form.inputs, [form.saved], "")
    wire_js([], _SAVE, [form.saved], after=saved)


def _wire_choices(say: Say, form: TrainingForm, filler: Filler, bar: Bar) -> None:
    """What a choice brings with it. Start waits for the settings of a preset, which it would read too early."""
    about_method, everything = {form.method_card, form.preset, form.diagram}, filler.everything
    trust = {form.training[name] for name in OF_TRUST}
    _wire_model(say, form, filler, {*filler.of_model, *trust})
    wire(say, [form.method.input], filler.choose_method, form.inputs, about_method)
    wire(say, [form.methods.others.input], filler.choose_others, {form.methods.others}, {form.methods.shown})
    wire_js([form.preset.select], _START_WAITS.format("true"))
    preset = {form.last_presets, *form.methods.all}
    chosen = wire(say, [form.preset.select], filler.choose_preset, form.inputs, preset)
    wire_js([], _START_WAITS.format("false"), after=chosen)
    wire(say, [], filler.weigh, form.inputs, filler.of_run, after=chosen)
    wire(say, [form.dataset.change], filler.choose_data, {form.dataset}, {form.user_data.panel})
    wire(say, [form.load.upload], filler.load, {form.load, *form.inputs}, everything)
    wire(say, [bar.ways_out.lower.click], filler.lower_rate, form.inputs, everything, trigger_mode="once")
    waits = note(say("data.being_read"), "waiting")
    form.user_data.wire({form.samples: waits, form.report: "", form.run_of_data: {}})
    _wire_suited(say, form, filler)


def _wire_model(say: Say, form: TrainingForm, filler: Filler, about: set[Component]) -> None:
    """What follows from the size of a model comes with it. Start waits for that, as for a preset."""
    wire_js([form.model.input], _START_WAITS.format("true"))
    sized = {form.sizes, *sized_controls(form)}
    chosen = wire(say, [form.model.input], filler.choose_model, form.inputs, about | sized)
    wire_js([], _START_WAITS.format("false"), after=chosen)
    wire(say, [], filler.weigh, form.inputs, filler.of_run, after=chosen)


def _wire_suited(say: Say, form: TrainingForm, filler: Filler) -> None:
    """What suits a dataset comes with it. Start waits for that, as for a preset."""
    wire_js([form.dataset.input], _START_WAITS.format("true"))
    about = {form.method, form.methods.others, form.methods.shown, form.method_card, form.preset, form.diagram}
    settings = {*about, form.training["steps"], *form.methods.all}
    suited = wire(say, [form.dataset.input], filler.suit_data, form.inputs, settings)
    wire_js([], _START_WAITS.format("false"), after=suited)
    wire(say, [], filler.weigh, form.inputs, filler.of_run, after=suited)


def _wire_search(form: TrainingForm, filler: Filler, search: SearchForm) -> None:
    """A search takes model, data and loop from the form, and gives back the settings of one of its runs."""

    def filled(config: RunConfig, session: str, values: Values) -> Updates:
        return filler.filled(config, session, values)

    search.wire(lambda values: filler.config(form.values(values)), form.inputs, filled, filler.everything)


def _wire_trust(say: Say, form: TrainingForm, filler: Filler) -> None:
    """A tick is remembered before anything is read with it. Where it may not be given, it goes again."""
    ticks = {form.training[name] for name in OF_TRUST}
    pressed = [tick.input for tick in ticks]
    wire_js(pressed, _START_WAITS.format("true"))
    refused = dict.fromkeys(ticks, False)
    ticked = wire(say, pressed, filler.tick_trust, {form.model, *ticks}, ticks, refused)
    wire_js([], _START_WAITS.format("false"), after=ticked)
    wire(say, [], filler.weigh, form.inputs, filler.of_run, after=ticked)


def _wire_meaning(say: Say, form: TrainingForm, filler: Filler, top: gr.HTML) -> None:
    """Read the form whenever something changes that counts; the rest follows from its run.

    At most one preview and one estimate of memory are at work and one of each waits, however fast somebody types.
    """
    wire(say, [form.method.input, *_changes(form)], filler.weigh, form.inputs, filler.of_run)
    preview = {form.data_card, form.samples, form.report}
    wire(say, [form.run_of_data.change], filler.preview_data, {form.run_of_data, form.user_data.newest}, preview)
    wire(say, [form.run.change], filler.estimate_memory, {form.run}, form.memory.of_run)
    wire(say, [top.load, top.change], form.memory.held, None, [form.memory.last])


def _wire_models(page: gr.Blocks, say: Say, form: TrainingForm, filler: Filler) -> None:
    """List the models when the engine is loaded or one was fetched; the menu then keeps what was typed meanwhile.

    It waits for a form that the browser has kept: the answer would write the model of before over the one of that.
    """
    choices = gr.State([])

    def offered(listed: Dependency) -> Dependency:
        settled = wire_js([], _SETTLED, after=listed)
        return wire(say, [], filler.offer_models, [form.model, choices], {form.model, *filler.of_model}, after=settled)

    def fetched(ended: Dependency) -> None:
        shown = offered(wire(say, [], filler.list_models, None, [form.models, choices], after=ended))
        sized = wire(say, [], filler.resize, form.inputs, {form.sizes, *sized_controls(form)}, after=shown)
        wire(say, [], filler.weigh, form.inputs, filler.of_run, after=sized)

    offered(wire(say, [page.load], filler.list_models, None, [form.models, choices]))
    form.download.wire(page, form.model, fetched)


def _changes(form: TrainingForm) -> list[Any]:
    """The events of all parts that a run is made of, other than those of trust."""
    parts = [form.model, form.dataset, form.user_data.last_read, *form.user_data.settings.values()]
    training = [control for name, control in form.training.items() if name not in OF_TRUST]
    return [part.change for part in (*parts, *training, form.methods.others, *form.methods.all)]

"""What fills Train's form: the engine once it is loaded, another choice, a run file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from app import cards, forms, preview
from app.diagram import diagram
from app.errors import sentence
from app.markup import note, size
from app.own_data import OWN as OWN_DATA
from app.tabs.method_knobs import MethodKnobs
from app.tabs.training_form import FIELDS, FIRST, OF_TRUST, RATE, TrainingForm, config_of
from app.wiring import wire, wire_js
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import SettingError, WorkbenchError
from engine.service.workbench import Workbench

OF_LESSON = ("max_seq_len", "head", "pooling", "trust_remote_code")
"""Settings of the loop that change what is trained on."""

LARGEST_FILE = 1_000_000  # bytes of a run file
OWN = "own"
Memory = dict[str, str]
"""What the knobs of each method were set to last: a preset of its own, or `OWN` for a run file."""


class Filler:
    """Fills a form. Every method here returns values for the components that its name says.

    Attributes:
        everything: All that a run is made of, in the order in which `config` takes it.
        opening: What `opened` fills.
    """

    def __init__(self, workbench: Workbench, say: Say, form: TrainingForm, own: MethodKnobs) -> None:
        self.workbench = workbench
        self.say = say
        self.form = form
        self.own = own
        self.memory = gr.State({})
        self.everything = [form.method, *form.inputs(), *own.all]
        self.data_parts = [form.data_card, form.samples, form.report]
        self.rate = [form.training[RATE]]
        self.method_parts = [form.method_card, form.diagram, form.preset, self.memory, *own.groups]
        self.counts = [form.count, form.command]
        self.parts = [form.model_card, *self.method_parts, *self.counts]
        self.opening = [form.model, form.models, form.method, *self.rate, *self.data_parts, *self.parts]
        self.loading = [*self.everything, form.own.facts, form.own.choices, form.own.panel, *self.parts]

    def wire(self) -> None:
        """Connect the form's choices."""
        form, say = self.form, self.say
        everything = self.everything
        told = [self.memory, *everything]
        wire(say, [form.method.input], self.with_method, told, [*self.rate, *self.method_parts, *self.counts])
        chosen = [form.preset.select]
        wire_js(chosen, "() => document.getElementById('gl-start').inert = true")
        taken = wire(say, chosen, self.with_preset, told, [self.memory, *self.own.all, *self.counts])
        taken.then(None, js="() => document.getElementById('gl-start').inert = false", api_visibility="private")
        form.own.wire()
        wire(
            say,
            [form.dataset.change],
            lambda data: gr.Column(visible=data == OWN_DATA),
            [form.dataset],
            [form.own.panel],
        )
        trust = [form.knobs[name] for name in OF_TRUST]
        wire(say, [form.model.input], self.with_model, [form.model], [form.model_card, *trust])
        wire(say, [form.load.upload], self.loaded, [form.load, self.memory], self.loading)
        data = [form.dataset, form.own.read, *form.own.all]
        turned = [part.change for part in (form.model, *data, *form.training, *self.own.all)]
        written = [knob for knob in self.own.all if str(knob.elem_id).endswith("-template")]
        lesson_parts = [form.model, *data, *(form.knobs[name] for name in OF_LESSON), *written]
        read_anew = [form.method.input, *(part.change for part in lesson_parts)]
        wire(say, read_anew, self.with_lesson, everything, self.data_parts, trigger_mode="always_last")
        form.memory.wire([form.method.input, *turned], self.config, everything)
        wire(
            say,
            turned,
            lambda *values: [*self.weighed(lambda: self.config(*values)), self.rated(lambda: self.config(*values))],
            everything,
            [*self.counts, *self.rate],
            trigger_mode="always_last",
        )

    def config(self, method: str, *filled: object) -> RunConfig:
        """The run that the form describes.

        Raises:
            SettingError: A value cannot work.
        """
        common = len(self.form.inputs())
        return config_of(
            self.form, self.own.methods[method], filled[:common], self.own.settings(method, filled[common:])
        )

    def opened(self) -> list[Any]:
        """Values for `opening`, for a page that was just opened."""
        found = self.workbench.models()
        models = [(info.title, info.name) for info in found]
        return [
            gr.Dropdown(models, value=FIRST.model),
            cards.models_table(self.say, found),
            FIRST.method,
            self.rated(FIRST.checked),
            *self.about_data(FIRST.checked),
            self.about_model(FIRST.model),
            *self.about_method(FIRST.method, {}),
            *self.weighed(FIRST.checked),
        ]

    def with_method(self, memory: Memory, method: str, *filled: object) -> list[Any]:
        """Rate, method parts and counts for another method, whose knobs are as they were left."""
        told = self.about_method(method, memory)
        rate = self.rated(lambda: self.config(method, *filled))
        return [rate, *told, *self.weighed(lambda: self.config(method, *filled))]

    def with_preset(self, event: gr.SelectData, memory: Memory, method: str, *filled: object) -> list[Any]:
        """Memory, knobs and counts for a method that starts from one of its presets."""
        info, preset = self.own.methods[method], str(event.value)
        preset = next((name for name in info.presets if preset in (name, self._preset_name(name))), "")
        if not preset:
            return [gr.skip()] * (1 + len(self.own.all) + len(self.counts))
        settings = dict(info.presets[preset])
        counts = self.weighed(lambda: config_of(self.form, info, filled[: len(self.form.inputs())], settings))
        return [{**memory, method: preset}, *self.own.filled(method, settings), *counts]

    def loaded(self, path: str, memory: Memory) -> list[Any]:
        """Method, model, dataset, training, knobs and everything else from a run file."""
        config = read_config(path)
        values = config.of_training().to_dict()
        training: list[Any] = [
            forms.optional_text(values[field.name]) if field.optional else values[field.name] for field in FIELDS
        ]
        knobs = self.own.filled(config.method, config.method_settings)
        training[RATE] = gr.Textbox(training[RATE], placeholder=self._rate(config))
        own = config.dataset not in [info.name for info in self.workbench.datasets()]
        data = self.form.own.filled(config) if own else [gr.skip()] * (len(self.form.own.inputs()) + 2)
        gr.Info(self.say("train.loaded"))
        return [
            *(config.method, config.model, OWN_DATA if own else config.dataset, *data[:-2], *training, *knobs),
            *(*data[-2:], gr.Column(visible=own)),
            self.about_model(config.model),
            *self.about_method(config.method, {**memory, config.method: OWN}),
            *self.weighed(config.checked),
        ]

    def weighed(self, config: Callable[[], RunConfig]) -> list[str]:
        """The count and the command line; a value that cannot work is said in place, without a toast."""
        try:
            ready = config()
            return [cards.count_bar(self.say, self.workbench.count(ready)), ready.command()]
        except WorkbenchError as error:
            return [note(sentence(self.say, error), "" if error.key == "no_data_chosen" else "wrong"), ""]

    def with_model(self, name: str) -> list[Any]:
        """Card and ticks for another model: trust in one model's authors is none in another's."""
        return [self.about_model(name), *[False] * len(OF_TRUST)]

    def about_model(self, name: str) -> str:
        """The model's card."""
        found = next((info for info in self.workbench.models() if info.name == name), None)
        return cards.model_card(self.say, found) if found else cards.other_model_card(self.say, name)

    def with_lesson(self, *filled: Any) -> list[Any]:  # noqa: ANN401 - any component's value
        """Data parts for what is on the form."""
        return self.about_data(lambda: self.config(*filled))

    def about_data(self, config: Callable[[], RunConfig]) -> list[Any]:
        """The dataset's card, sample rows, and counts over all rows; or in their place what is wrong."""
        card: Any = gr.skip()
        try:
            wanted = config()
            info = next((info for info in self.workbench.datasets() if info.name == wanted.dataset), None)
            card = cards.data_card(self.say, info) if info else ""
            found = self.workbench.preview_data(wanted)
        except WorkbenchError as error:
            if error.key == "no_data_chosen":  # the fields say so themselves
                return ["", "", ""]
            return [card, note(sentence(self.say, error), "wrong"), ""]
        rows = preview.sample_rows(self.say, found.rows)
        return [card or cards.own_data_card(self.say, found), rows, preview.report(self.say, found)]

    def about_method(self, method: str, memory: Memory) -> list[Any]:
        """Method parts: card, diagram, menu of presets, memory, and the method's own knobs."""
        say, info = self.say, self.own.methods[method]
        held = memory.get(method, self.own.first_preset(method))
        menu = [(self._preset_name(name), name) for name in [*info.presets, *([OWN] if held == OWN else [])]]
        return [
            cards.method_card(say, info),
            diagram(say, info.acts_on),
            gr.Dropdown(menu, value=held),
            memory,
            *self.own.shown(method),
        ]

    def _preset_name(self, preset: str) -> str:
        return self.say(f"preset.{preset}") if f"preset.{preset}" in self.say else preset

    def rated(self, config: Callable[[], RunConfig]) -> dict[str, Any] | gr.Textbox:
        """The field of the learning rate, which says what it stands for when empty; as it was if a value is wrong."""
        try:
            return gr.Textbox(placeholder=self._rate(config()))
        except WorkbenchError:
            return gr.skip()

    def _rate(self, config: RunConfig) -> str:
        return self.say("train.rate", rate=f"{self.workbench.usual_rate(config):.3g}")


def read_config(path: str) -> RunConfig:
    """The run that an uploaded file describes.

    Raises:
        SettingError: It is too large, no text, or not a run.
    """
    file = Path(path)
    if (octets := file.stat().st_size) > LARGEST_FILE:
        large = size(octets)
        raise SettingError("big_file", f"The file {file.name} has {large}.", file=file.name, size=large)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingError("bad_yaml", "The run file is not UTF-8 text.", reason="not UTF-8 text") from error
    return RunConfig.from_yaml(text)

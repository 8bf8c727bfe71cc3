"""The components of Train's form, and what stands in them."""

from collections.abc import Iterable
from typing import Any

import gradio as gr

from app import cards, forms, user_data
from app.diagram import diagram
from app.expected import expectation
from app.forms import Control
from app.markup import html, note
from app.tabs import method_picker
from app.tabs.downloads import DownloadPanel
from app.tabs.form_values import OWN_VALUES, FormValues, LastPresets
from app.tabs.memory import MemoryView
from app.tabs.method_settings import MethodForm
from app.tabs.user_data import UserData
from app.wiring import Values
from app.words import Say
from engine.config.run import RunConfig
from engine.config.training import LOADING, TRUST, TrainingSettings
from engine.core.settings import Field
from engine.data.info import DatasetInfo
from engine.methods import METHODS
from engine.methods.spec import MethodSpec
from engine.service.workbench import Workbench

_HOLD = "Gatelight.ready.then(({ holdForm }) => holdForm(element.closest('#gl-tab-train')));"
FIRST = RunConfig()
FIELDS = sorted(TrainingSettings.fields(), key=lambda field: field.info.advanced)
OF_TRUST = TRUST
"""Settings that trust the authors of one model."""
OF_MODEL = LOADING
"""Settings of the loop that belong to the choice of a model."""


class TrainingForm:
    """Lays itself out where it is made; the parts below it are added by its `build_` methods.

    Attributes:
        watching: Says to somebody who starts no run why the fields are greyed. A rule of CSS greys them then: an event
            with every field as an output costs each page that opens half a second.
        run: The run on the form, see `Described`; empty until the form was read once.
        run_of_data: The same as far as its data depends on it.
        kept: The run on the form as JSON, for the browser to keep; empty while a value cannot work.
        sizes: What follows from the size of the model on the form, see `app.tabs.sizing`.
        ask_rates: Asks which learning rate to begin with.
        former: One that shall fill the form: what the browser had kept when the page was loaded, or one of Runs.
    """

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self.say = say
        self.training: dict[str, Control] = {}
        self.last_presets, self.sizes = gr.State({}), gr.State({})
        self.run, self.run_of_data = gr.State({}), gr.State({})
        self.kept, self.former = gr.Textbox("", visible="hidden"), gr.Textbox("", visible="hidden")
        self._first = METHODS[FIRST.method]
        self._limits = workbench.limits
        self._workbench = workbench
        self._may_trust = workbench.permission.confinement.may_trust
        html(f'<h2 class="gl-title">{say("train.title")}</h2>', js_on_load=_HOLD)
        self.watching = html(elem_id="gl-watching")
        with gr.Row(elem_classes="gl-choices"):
            with gr.Column(scale=5, min_width=480):
                with gr.Row():
                    self._choose_model()
                    self._choose_method()
                    self._choose_data(workbench.datasets())
                with gr.Row(elem_classes=["gl-settings", "gl-first-settings"]):
                    self._choose_preset()
                    self._add(field for field in FIELDS if not field.info.advanced)
                self.memory = MemoryView(workbench, say)
                with gr.Row():
                    self.ask_rates = gr.Button(say("ladder.ask"), elem_id="gl-ladder-ask", size="sm", min_width=160)
            with gr.Column(scale=2, min_width=300, elem_classes="gl-aside"):
                html(f'<h3 class="gl-h3">{say("train.where")}</h3>')
                self.diagram = html(diagram(say, self._first.acts_at(self._first.settings())), elem_id="gl-diagram")
                self.count = html(note(say("common.engine"), "waiting"), elem_id="gl-count")
        self.user_data = UserData(workbench, say)

    def _choose_model(self) -> None:
        with gr.Column(min_width=150):
            self.model = gr.Dropdown(
                [FIRST.model], value=FIRST.model, label=self.say("train.model"), allow_custom_value=True,
                interactive=True, elem_id="gl-model",
            )  # fmt: skip
            self.model_card = html(note(self.say("common.engine"), "waiting"))
            self.download = DownloadPanel(self._workbench, self.say)

    def _choose_method(self) -> None:
        with gr.Column(min_width=150):
            self.method = method_picker.build(self.say, FIRST.method)
            self.method_card = html(cards.method_card(self.say, self._first))

    def _choose_data(self, datasets: list[DatasetInfo]) -> None:
        names = [(self.say.of(info.title) or info.name, info.name) for info in datasets]
        names.append((self.say("data.own"), user_data.CHOICE))
        first = next((info for info in datasets if info.name == FIRST.dataset), None)
        with gr.Column(min_width=150):
            self.dataset = gr.Dropdown(
                names, value=FIRST.dataset, label=self.say("train.dataset"), interactive=True, filterable=False,
                elem_id="gl-dataset",
            )  # fmt: skip
            self.data_card = html(cards.data_card(self.say, first) if first else "")
            self.expected = html(expectation(self.say, FIRST), elem_id="gl-expected")

    def _choose_preset(self) -> None:
        self.preset = gr.Dropdown(
            presets(self.say, self._first), value=next(iter(self._first.presets)), label=self.say("train.preset"),
            info=self.say("train.preset.info"), interactive=True, filterable=False, min_width=200, elem_id="gl-preset",
            elem_classes="gl-setting",
        )  # fmt: skip

    def _add(self, fields: Iterable[Field]) -> None:
        self.training |= forms.controls(map(self._limits.narrowed, fields), self.say)

    def build_samples(self) -> None:
        """The rows of data as the model sees them, and counts over all of them."""
        with gr.Accordion(self.say("train.samples"), open=True, elem_id="gl-samples"):
            self.samples = html(note(self.say("common.engine"), "waiting"))
            self.report = html()

    def build_model(self) -> None:
        """Which other models there are, and how the base is loaded."""
        with gr.Accordion(self.say("train.model.more"), open=False, elem_id="gl-model-more"):
            self.models = html(note(self.say("common.engine"), "waiting"))
            with gr.Row(elem_classes="gl-settings"):
                self._add(field for field in FIELDS if field.name in OF_MODEL)
        for name in OF_TRUST:
            self.training[name].interactive = self._may_trust

    def build_settings(self) -> None:
        """The settings of the loop that are rarely changed, and those of the method."""
        with gr.Accordion(self.say("train.all"), open=False, elem_id="gl-all"):
            html(f'<h4 class="gl-h4">{self.say("train.all.training")}</h4>')
            with gr.Row(elem_classes="gl-settings"):
                self._add(field for field in FIELDS if field.info.advanced and field.name not in OF_MODEL)
            with gr.Column():
                self.methods = MethodForm(self.say, METHODS, FIRST.method)

    def build_terminal(self) -> None:
        """The command line of the same run, and the run file."""
        with gr.Accordion(self.say("train.terminal"), open=False, elem_id="gl-terminal"):
            self.command = gr.Textbox(
                FIRST.command(), label="", show_label=False, buttons=["copy"], interactive=False, elem_id="gl-command",
                max_lines=4,
            )  # fmt: skip
            with gr.Row():
                self.save = gr.Button(self.say("train.save"), size="sm", elem_id="gl-save-yaml")
                self.load = gr.UploadButton(self.say("train.load"), size="sm", elem_id="gl-load-yaml")
            self.saved = gr.Textbox(visible="hidden")

    @property
    def inputs(self) -> set[gr.components.Component]:
        """What `values` reads; all are there after the `build_` methods."""
        chosen = {self.model, self.method, self.methods.others, self.dataset, self.last_presets, self.sizes}
        return {*chosen, *self.user_data.inputs, *self.training.values(), *self.methods.all}

    def values(self, values: Values) -> FormValues:
        """What stands on the form, from the values of `inputs`."""
        method = self.methods.together(values[self.method], values)
        return FormValues(
            model=values[self.model] or "",
            method=method,
            method_settings=self.methods.values(method, values),
            dataset=values[self.dataset],
            user_data=self.user_data.values(values),
            training=forms.read(self.training, values),
            last_presets=values[self.last_presets],
            sizes=values[self.sizes],
        )


def presets(say: Say, spec: MethodSpec, last_presets: LastPresets | None = None) -> list[tuple[str, str]]:
    """The menu of a method's presets; where its settings came from a run file, that stands in it too."""
    changed = [OWN_VALUES] if (last_presets or {}).get(spec.name) == OWN_VALUES else []
    return [(preset_name(say, name), name) for name in [*spec.presets, *changed]]


def preset_name(say: Say, preset: str) -> str:
    """How a preset reads in the menu."""
    return say(f"preset.{preset}") if f"preset.{preset}" in say else preset


def filled_training(form: TrainingForm, settings: dict[str, Any], rate: gr.Textbox | None) -> dict[Any, Any]:
    """The loop's controls with the values of all settings, and what an empty learning rate stands for, if known."""
    updates = forms.filled(form.training, FIELDS, settings)
    field = form.training["learning_rate"]
    if rate is None:
        return updates
    return {**updates, field: gr.Textbox(updates[field], placeholder=rate.placeholder)}

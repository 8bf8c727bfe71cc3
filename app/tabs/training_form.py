"""The components of Train's form that are the same for every method, and the config they add up to."""

from collections.abc import Iterable, Sequence

import gradio as gr

from app import cards, forms, own_data
from app.diagram import diagram
from app.markup import html, note
from app.tabs import method_picker
from app.tabs.memory import MemoryView
from app.tabs.own_data import OwnData
from app.words import Say
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.settings import Field
from engine.core.types import DatasetInfo, MethodInfo
from engine.service.workbench import Workbench

FIRST = RunConfig()
FIELDS = sorted(TrainingSettings.fields(), key=lambda field: field.info.advanced)
RATE = [field.name for field in FIELDS].index("learning_rate")
OF_TRUST = ("trust_remote_code", "pickled_weights")
"""Settings that trust the authors of one model."""
OF_MODEL = ("precision", "device", "attention", *OF_TRUST)
"""Settings of the loop that belong to the choice of a model."""


class TrainingForm:
    """Lays itself out where it is made; the parts below it are added by its `build_` methods."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self.say = say
        self.knobs: dict[str, gr.components.Component] = {}
        html(f'<h2 class="gl-title">{say("train.title")}</h2>')
        with gr.Row(elem_classes="gl-choices"):
            with gr.Column(scale=5, min_width=480):
                with gr.Row():
                    self._choose_model()
                    self._choose_method(workbench)
                    self._choose_data(workbench.datasets())
                with gr.Row(elem_classes="gl-knobs"):
                    self.preset = gr.Dropdown(
                        [], label=say("train.preset"), info=say("train.preset.info"), interactive=True,
                        filterable=False, min_width=200, elem_id="gl-preset",
                    )  # fmt: skip
                    self._add(field for field in FIELDS if not field.info.advanced)
                self.memory = MemoryView(workbench, say)
            with gr.Column(scale=2, min_width=240, elem_classes="gl-aside"):
                html(f'<h3 class="gl-h3">{say("train.where")}</h3>')
                self.diagram = html(diagram(say, ()), elem_id="gl-diagram")
                self.count = html(note(say("common.engine"), "waiting"), elem_id="gl-count")
        self.own = OwnData(workbench, say)

    def _choose_model(self) -> None:
        with gr.Column(min_width=150):
            self.model = gr.Dropdown(
                [FIRST.model], value=FIRST.model, label=self.say("train.model"), allow_custom_value=True,
                interactive=True, elem_id="gl-model",
            )  # fmt: skip
            self.model_card = html(note(self.say("common.engine"), "waiting"))

    def _choose_method(self, workbench: Workbench) -> None:
        with gr.Column(min_width=150):
            self.method = method_picker.build(workbench, self.say, FIRST.method)
            self.method_card = html()

    def _choose_data(self, datasets: list[DatasetInfo]) -> None:
        names = [(self.say.of(info.title) or info.name, info.name) for info in datasets]
        names.append((self.say("data.own"), own_data.OWN))
        first = next((info for info in datasets if info.name == FIRST.dataset), None)
        with gr.Column(min_width=150):
            self.dataset = gr.Dropdown(
                names, value=FIRST.dataset, label=self.say("train.dataset"), interactive=True, filterable=False,
                elem_id="gl-dataset",
            )  # fmt: skip
            self.data_card = html(cards.data_card(self.say, first) if first else "")

    def _add(self, fields: Iterable[Field]) -> None:
        self.knobs |= {field.name: forms.control(field, self.say, field.default) for field in fields}

    @property
    def training(self) -> list[gr.components.Component]:
        """The loop's knobs in order of `FIELDS`; all are there after the `build_` methods."""
        return [self.knobs[field.name] for field in FIELDS]

    def build_samples(self) -> None:
        """The rows of data as the model sees them, and counts over all of them."""
        with gr.Accordion(self.say("train.samples"), open=True, elem_id="gl-samples"):
            self.samples = html(note(self.say("common.engine"), "waiting"))
            self.report = html()

    def build_model(self) -> None:
        """Which other models there are, and how the base is loaded."""
        with gr.Accordion(self.say("train.model.more"), open=False, elem_id="gl-model-more"):
            self.models = html(note(self.say("common.engine"), "waiting"))
            with gr.Row(elem_classes="gl-knobs"):
                self._add(field for field in FIELDS if field.name in OF_MODEL)

    def build_advanced(self) -> None:
        """The loop's knobs that are rarely turned."""
        html(f'<h4 class="gl-h4">{self.say("train.all.training")}</h4>')
        with gr.Row(elem_classes="gl-knobs"):
            self._add(field for field in FIELDS if field.info.advanced and field.name not in OF_MODEL)

    def build_terminal(self) -> None:
        """The command line of the same run, and the run file."""
        self.command = gr.Textbox(
            label="", show_label=False, buttons=["copy"], interactive=False, elem_id="gl-command", max_lines=4
        )
        with gr.Row():
            self.save = gr.Button(self.say("train.save"), size="sm", elem_id="gl-save-yaml")
            self.load = gr.UploadButton(self.say("train.load"), size="sm", elem_id="gl-load-yaml")
        self.saved = gr.Textbox(visible="hidden")

    def inputs(self) -> list[gr.components.Component]:
        """What `config_of` reads, before the method's own knobs."""
        return [self.model, self.dataset, *self.own.inputs(), *self.training]


def config_of(form: TrainingForm, info: MethodInfo, filled: Sequence[object], settings: dict[str, object]) -> RunConfig:
    """The run that a filled form describes.

    Args:
        form: Whose values these are.
        info: The chosen method.
        filled: Values of `TrainingForm.inputs`.
        settings: The method's settings.

    Raises:
        SettingError: A value cannot work.
    """
    model, dataset, *values = filled
    own, training = values[: -len(FIELDS)], forms.gathered(FIELDS, values[-len(FIELDS) :])
    name, data = form.own.chosen(own) if dataset == own_data.OWN else (str(dataset), {})
    return RunConfig(
        model=str(model or "").strip(),
        dataset=name,
        method=info.name,
        method_settings=settings,
        training=training,
        data=data,
    ).checked()

"""The fields of one's own data: where it lies, which column is what, the template, how rows are split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app import forms
from app.errors import sentence
from app.markup import html, note
from app.own_data import FIELDS, MAPPED, confine, dataset_name, is_hub, kept, listed, looked, parts_of, settings_of
from app.wiring import wire
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import SettingError, WorkbenchError
from engine.core.types import Inspection
from engine.data.readers.formats import FORMATS
from engine.data.settings import DataSettings
from engine.service.workbench import Workbench

HOW_READ = ("row_limit", "encoding", "streaming")
"""Settings that decide what is read; the others decide what is made of it."""

DECIDING = ("template", "responses", "messages")
SHOWN_BY = ("own_template", "label_names", "turns")
"""Settings that mean something only as the one of `DECIDING` in the same place stands."""

Read = dict[str, Any]
"""What was read last: "name" of the dataset, its "columns" with their first cells, and the "guess"."""


class OwnData:
    """Lays itself out where it is made, hidden until it is asked for."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self._workbench, self._say = workbench, say
        self.read = gr.State({})
        with gr.Column(visible=False, elem_id="gl-own") as self.panel:
            html(f'<h3 class="gl-h3">{say("data.title")}</h3>')
            self._where()
            self.facts = html(note(say("data.nothing")), elem_id="gl-own-facts")
            with gr.Column(visible=False) as self.choices:
                self.made = self._choices()
        self.all = [self.made[field.name] for field in FIELDS]

    def _where(self) -> None:
        say = self._say
        formats = say("data.comma").join(each.name for each in FORMATS)
        common: dict[str, Any] = {"max_lines": 1, "min_width": 120}
        with gr.Row(elem_classes="gl-knobs"):
            self.upload = gr.UploadButton(say("data.upload"), elem_id="gl-own-upload", min_width=160, scale=0)
            self.name = gr.Textbox(
                label=say("data.name"), info=say("data.name.help", formats=formats),
                placeholder=say("data.name.example"), scale=3, elem_id="gl-own-name", **common,
            )  # fmt: skip
            self.config = gr.Textbox(
                label=say("data.config"), info=say("data.config.help"), elem_id="gl-own-config", visible=False, **common
            )
            self.split = gr.Textbox(
                label=say("data.split"), info=say("data.split.help"), elem_id="gl-own-split", visible=False, **common
            )

    def _choices(self) -> dict[str, gr.components.Component]:
        """One component per data setting."""
        say = self._say
        plain = [field for field in FIELDS if field.name not in MAPPED]
        with gr.Row(elem_classes="gl-knobs"):
            made: dict[str, gr.components.Component] = {name: self._column(name) for name in MAPPED}
        with gr.Row(elem_classes="gl-knobs"):
            made |= {f.name: forms.control(f, say, f.default, "data") for f in plain if not f.info.advanced}
        with gr.Accordion(say("data.more"), open=False, elem_id="gl-own-more"), gr.Row(elem_classes="gl-knobs"):
            made |= {f.name: forms.control(f, say, f.default, "data") for f in plain if f.info.advanced}
        return made

    def _column(self, name: str) -> gr.Dropdown:
        return gr.Dropdown(
            [], value=[] if name == "prompt" else "", multiselect=name == "prompt", allow_custom_value=True,
            label=forms.word(self._say, name, "data"), interactive=True, min_width=160,
            elem_id=f"gl-data-{name}", elem_classes="gl-knob",
        )  # fmt: skip

    def inputs(self) -> list[gr.components.Component]:
        """What `chosen` reads."""
        return [self.name, self.config, self.split, self.read, *self.all]

    def wire(self) -> None:
        """Read whatever is uploaded or named."""
        say = self._say
        mapping = [self.made[name] for name in MAPPED]
        found = [self.read, self.facts, self.choices, *mapping]
        how = [self.made[name] for name in HOW_READ]
        told = [self.read, self.name, self.config, self.split, *how, *mapping]
        arrived = wire(say, [self.upload.upload], self._arrived, [self.upload], [self.name, self.config, self.split])
        seen: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": self.facts}
        wire(say, [], self.look, told, found, after=arrived, **seen)
        fields = [self.name, self.config, self.split]
        done = [*(event for field in fields for event in (field.submit, field.blur)), *(part.change for part in how)]
        wire(say, done, self.look, told, found, trigger_mode="always_last", **seen)
        wire(
            say,
            [self.name.change],
            lambda name: [gr.Textbox(visible=is_hub(name or ""))] * 2,
            [self.name],
            [self.config, self.split],
        )
        deciding = [self.made[name] for name in DECIDING]
        wire(
            say,
            [self.read.change, *(part.change for part in deciding)],
            _shown,
            [self.read, *deciding],
            [self.made[name] for name in (*SHOWN_BY, "template")],
        )

    def _arrived(self, path: str) -> tuple[str, str, str]:
        return str(kept(self._workbench.home, Path(path))), "", ""

    def look(self, read: Read, name: str, config: str, split: str, *told: object) -> list[Any]:
        """What was read, what to say of it, the choices and the mapping; as it was if the very same was read already.

        Args:
            read: What was read last.
            name: What somebody typed.
            config: Of a hub dataset, as somebody typed it.
            split: The same.
            told: Settings of `HOW_READ`, then the mapping.
        """
        dataset = dataset_name(name or "", config or "", split or "")
        how = dict(zip(HOW_READ, told, strict=False))
        asked = {"name": dataset, "how": how}
        if not dataset or asked == {key: read.get(key) for key in asked}:
            return [gr.skip()] * (3 + len(MAPPED))
        try:
            found = self._looked(dataset, how)
        except WorkbenchError as error:
            return [asked, note(sentence(self._say, error), "wrong"), *[gr.skip()] * (1 + len(MAPPED))]
        news = {**asked, "columns": found.columns, "guess": found.guess, "pictures": found.pictures}
        same = list(found.columns) == list(read.get("columns", {}))
        mapping = dict(zip(MAPPED, told[len(HOW_READ) :], strict=True)) if same else found.guess
        choices = gr.Column(visible=bool(found.columns) or found.pictures)
        return [news, looked(self._say, found), choices, *self._menus(found, mapping)]

    def _menus(self, found: Inspection, mapping: dict[str, Any]) -> list[gr.Dropdown]:
        names = list(found.columns)
        asked = mapping["prompt"]
        asked = listed(asked, found.columns) if isinstance(asked, str) else asked
        none = [(self._say("data.none"), "")]
        return [
            gr.Dropdown(names, value=asked, visible=not found.pictures),
            *(
                gr.Dropdown([*none, *zip(names, names, strict=True)], value=mapping[name], visible=not found.pictures)
                for name in MAPPED[1:]
            ),
        ]

    def filled(self, config: RunConfig) -> list[Any]:
        """Values for `inputs`, `facts` and `choices` from a run whose data is one's own, or what is wrong with that."""
        values = config.of_data().to_dict()
        how = {name: values[name] for name in HOW_READ}
        try:
            found = self._looked(config.dataset, how)
        except WorkbenchError as error:
            found, facts = None, note(sentence(self._say, error), "wrong")
        else:
            facts = looked(self._say, found)
        columns, guess = (found.columns, found.guess) if found else ({}, {})
        mapping = {name: values[name] for name in MAPPED}
        mapping = mapping if any(mapping.values()) or not guess else guess
        menus = self._menus(found or Inspection(columns={}, guess={}, sure=False, rows=0, cut=False), mapping)
        pictures = found is not None and found.pictures
        read = {"name": config.dataset, "how": how, "columns": columns, "guess": guess, "pictures": pictures}
        held = {**values, **dict(zip(MAPPED, menus, strict=True))}
        return [
            *parts_of(config.dataset),
            read,
            *(held[field.name] for field in FIELDS),
            facts,
            gr.Column(visible=True),
        ]

    def _looked(self, dataset: str, how: dict[str, Any]) -> Inspection:
        confine(self._workbench.home, dataset)
        return self._workbench.inspect_data(dataset, DataSettings.from_dict(how))

    def chosen(self, filled: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """Name and settings of one's own data from the values of `inputs`.

        Raises:
            SettingError: Nothing is chosen yet, or what may not be read here.
        """
        name, config, split, read, *values = filled
        dataset = dataset_name(name or "", config or "", split or "")
        if not dataset:
            raise SettingError("no_data_chosen", "Your own data is empty: upload a file, or name one or a hub dataset.")
        guess = read.get("guess", {}) if read.get("name") == dataset else {}
        settings = settings_of(forms.gathered(FIELDS, values), guess)
        confine(self._workbench.home, dataset, (settings["validation"], settings["test"]))
        return dataset, settings


def _shown(read: Read, template: str, responses: str, messages: str) -> list[Any]:
    """Show the settings of `SHOWN_BY` that mean something now; nothing is written around pictures."""
    return [
        gr.Textbox(visible=template == "own"),
        gr.Textbox(visible=responses == "labels"),
        gr.Dropdown(visible=bool(messages)),
        gr.Dropdown(visible=not read.get("pictures")),
    ]

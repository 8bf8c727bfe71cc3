"""The fields of one's own data: where it lies, which column is what, the template, how rows are split."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from app import forms
from app.errors import sentence
from app.forms import Control
from app.markup import html, note
from app.user_data import (
    FIELDS,
    LOOK_SETTINGS,
    MAPPED,
    LastRead,
    UserDataValues,
    described,
    is_hub,
    listed,
    parts_of,
)
from app.wiring import Updates, Values, session_of, wire
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.data.info import Inspection
from engine.data.readers.formats import FORMATS
from engine.data.settings import DataSettings
from engine.service.visitor import own_name
from engine.service.workbench import Workbench

FILES = ("validation", "test")
"""Settings that name a file."""
NOTHING = Inspection(columns={}, guess={}, sure=False, rows=0, cut=False)


@dataclasses.dataclass
class NewestData:
    """What a session's form would train on by now, for an event that has been at work since before.

    Attributes:
        run: The run as far as its data depends on it; empty while a file is being read.
    """

    run: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class UserData:
    """Lays itself out where it is made, hidden until it is asked for."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self._workbench, self._say = workbench, say
        self.last_read = gr.State({})
        self.newest = gr.State(NewestData())
        self._paths = gr.State({})  # of uploads on a shared server, by the names that stand for them in the fields
        with gr.Column(visible=False, elem_id="gl-own") as self.panel:
            html(f'<h3 class="gl-h3">{say("data.title")}</h3>')
            self._where()
            self.facts = html(note(say("data.nothing")), elem_id="gl-own-facts")
            with gr.Column(visible=False) as self.choices:
                self.settings = self._settings()

    def _where(self) -> None:
        say = self._say
        formats = say("data.comma").join(each.name for each in FORMATS)
        common: dict[str, Any] = {"max_lines": 1, "min_width": 120}
        name = "data.name" if self._workbench.permission.confinement.data is None else "data.name.shared"
        with gr.Row(elem_classes="gl-settings"):
            self.upload = gr.UploadButton(say("data.upload"), elem_id="gl-own-upload", min_width=160, scale=0)
            self.name = gr.Textbox(
                label=say(name), info=say(f"{name}.help", formats=formats),
                placeholder=say(f"{name}.example"), scale=3, elem_id="gl-own-name", **common,
            )  # fmt: skip
            self.config = gr.Textbox(
                label=say("data.config"), info=say("data.config.help"), elem_id="gl-own-config", visible=False, **common
            )
            self.split = gr.Textbox(
                label=say("data.split"), info=say("data.split.help"), elem_id="gl-own-split", visible=False, **common
            )

    def _settings(self) -> dict[str, Control]:
        """One component per data setting."""
        say = self._say
        plain = [self._workbench.limits.narrowed(field) for field in FIELDS if field.name not in MAPPED]
        with gr.Row(elem_classes="gl-settings"):
            made: dict[str, Control] = {name: self._column(name) for name in MAPPED}
        with gr.Row(elem_classes="gl-settings"):
            made |= forms.controls((field for field in plain if not field.info.advanced), say, "data")
        with gr.Accordion(say("data.more"), open=False, elem_id="gl-own-more"), gr.Row(elem_classes="gl-settings"):
            made |= forms.controls((field for field in plain if field.info.advanced), say, "data")
        return made

    def _column(self, name: str) -> gr.Dropdown:
        return gr.Dropdown(
            [], value=[] if name == "prompt" else "", multiselect=name == "prompt", allow_custom_value=True,
            label=forms.word(self._say, name, "data"), interactive=True, min_width=160,
            elem_id=f"gl-data-{name}", elem_classes="gl-setting",
        )  # fmt: skip

    @property
    def inputs(self) -> set[gr.components.Component]:
        """What `values` reads."""
        states = {self.last_read, self.newest, self._paths}
        return {self.name, self.config, self.split, *states, *self.settings.values()}

    def values(self, values: Values) -> UserDataValues:
        """What stands in the fields; those that were never shown hold nothing."""
        settings, paths = forms.read(self.settings, values), values[self._paths] or {}
        return UserDataValues(
            name=self._path(values[self.name] or "", paths),
            config=values[self.config] or "",
            split=values[self.split] or "",
            last_read=values[self.last_read],
            settings=settings | {name: self._path(settings[name] or "", paths) for name in FILES},
        )

    def _path(self, name: str, paths: dict[str, str]) -> str:
        """The path of an upload by the name that stands in a field; any other name as it is."""
        return paths.get(name.strip()) or str(self._workbench.upload_named(name) or name)

    def found(self, config: RunConfig) -> RunConfig:
        """The same run with the paths of uploads, where a run file of this page has their names."""
        files = {name: self._path(str(config.data[name]), {}) for name in FILES if name in config.data}
        return dataclasses.replace(config, dataset=self._path(config.dataset, {}), data=config.data | files)

    def wire(self, unread: Updates) -> None:
        """Read whatever is uploaded or named.

        Args:
            unread: What the rest of the form shows until a file is read, instead of what was said of the one before.
        """
        say = self._say
        columns = [self.settings[name] for name in MAPPED]
        read = {self.last_read, self.facts, self.choices, *columns, *unread}
        seen: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": self.facts}
        named = {self.name, self.config, self.split}
        forgotten = {self.last_read, self.facts, *unread}

        def beginning(values: Values) -> Updates:
            waits, before = note(say("data.being_read"), "waiting"), values[self.last_read]
            values[self.newest].run = {}
            return {self.facts: waits, self.last_read: {**before, "name": ""}, **unread}

        def arrive(request: gr.Request, values: Values) -> Updates:
            return {**self._arrived(request, values), **beginning(values)}

        def look(request: gr.Request, values: Values) -> Iterator[Any]:
            if self.values(values).unread:
                yield beginning(values)
            yield self.look(request, values)

        told = {self.upload, self.last_read, self.newest, self._paths}
        arrived = wire(say, [self.upload.upload], arrive, told, named | forgotten | {self._paths})
        wire(say, [], look, self.inputs, read, after=arrived, **seen)
        done = [event for field in (self.name, self.config, self.split) for event in (field.submit, field.blur)]
        done += [self.settings[name].change for name in LOOK_SETTINGS]
        wire(say, done, look, self.inputs, read, trigger_mode="always_last", **seen)
        wire(say, [self.name.change], self._hub_fields, {self.name}, {self.config, self.split})
        shown = {self.settings[name] for name in ("own_template", "label_names", "turns", "template")}
        deciding = [self.last_read.change, *(self.settings[n].change for n in ("template", "responses", "messages"))]
        wire(say, deciding, self._meaningful, self.inputs, shown)

    def _arrived(self, request: gr.Request, values: Values) -> Updates:
        path = self._workbench.keep_upload(Path(values[self.upload]), session=session_of(request))
        shown = own_name(str(path))
        paths = {**(values[self._paths] or {}), shown: str(path)}
        return {self.name: shown, self._paths: paths, self.config: "", self.split: ""}

    def _hub_fields(self, values: Values) -> Updates:
        """A hub dataset has a config and a split."""
        shown = is_hub(values[self.name] or "")
        return {self.config: gr.Textbox(visible=shown), self.split: gr.Textbox(visible=shown)}

    def _meaningful(self, values: Values) -> Updates:
        """Show the settings that mean something as the others stand; nothing is written around pictures."""
        form = self.values(values)
        return {
            self.settings["own_template"]: gr.Textbox(visible=form.settings["template"] == "own"),
            self.settings["label_names"]: gr.Textbox(visible=form.settings["responses"] == "labels"),
            self.settings["turns"]: gr.Dropdown(visible=bool(form.settings["messages"])),
            self.settings["template"]: gr.Dropdown(visible=not form.last_read.get("pictures")),
        }

    def look(self, request: gr.Request, values: Values) -> Any:  # noqa: ANN401 - updates, or Gradio's word for none
        """What was read, what to say of it, the choices and the columns; nothing if that very data was read before."""
        form = self.values(values)
        asked = LastRead(name=form.dataset, how=form.how)
        before = form.last_read
        if not form.dataset or asked == {"name": before.get("name"), "how": before.get("how")}:
            return gr.skip()
        try:
            look = self._look(form.dataset, form.how, session_of(request))
        except WorkbenchError as error:
            return {self.last_read: asked, self.facts: note(sentence(self._say, error), "wrong")}
        same = list(look.columns) == list(before.get("columns", {}))
        return {
            self.last_read: _last_read(asked, look),
            self.facts: described(self._say, look),
            self.choices: gr.Column(visible=bool(look.columns) or look.pictures),
            **self._menus(look, form.mapping if same else look.guess),
        }

    def _menus(self, look: Inspection, mapping: dict[str, Any]) -> Updates:
        """The menus of columns, with what each is taken for."""
        names = list(look.columns)
        asked = mapping["prompt"]
        asked = listed(asked, look.columns) if isinstance(asked, str) else asked
        others = [(self._say("data.none"), ""), *zip(names, names, strict=True)]
        return {
            self.settings["prompt"]: gr.Dropdown(names, value=asked, visible=not look.pictures),
            **{
                self.settings[name]: gr.Dropdown(others, value=mapping[name], visible=not look.pictures)
                for name in MAPPED[1:]
            },
        }

    def filled(self, config: RunConfig, session: str) -> Updates:
        """The fields for a run whose data is one's own, or what is wrong with that."""
        settings = config.of_data().to_dict()
        asked = LastRead(name=config.dataset, how={name: settings[name] for name in LOOK_SETTINGS})
        try:
            look = self._look(config.dataset, asked["how"], session)
            facts = described(self._say, look)
        except WorkbenchError as error:
            look, facts = NOTHING, note(sentence(self._say, error), "wrong")
        mapping = {name: settings[name] for name in MAPPED}
        name, part, split = parts_of(config.dataset)
        files = [name, *(settings[each] for each in FILES)]
        return {
            self.name: own_name(name),
            self._paths: {own_name(path): path for path in files if own_name(path) != path},
            self.config: part,
            self.split: split,
            self.last_read: _last_read(asked, look),
            **forms.filled(self.settings, FIELDS, settings | {each: own_name(settings[each]) for each in FILES}),
            **self._menus(look, mapping if any(mapping.values()) or not look.guess else look.guess),
            self.facts: facts,
            self.choices: gr.Column(visible=True),
        }

    def _look(self, dataset: str, how: dict[str, Any], session: str) -> Inspection:
        return self._workbench.preflight.inspect_data(dataset, DataSettings.from_dict(how), session=session)


def _last_read(asked: LastRead, look: Inspection) -> LastRead:
    return {**asked, "columns": look.columns, "guess": look.guess, "pictures": look.pictures}

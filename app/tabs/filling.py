"""What fills Train's form: the engine once it is loaded, another choice, a run file."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from app import cards, models_of_hub, preview, user_data
from app.diagram import diagram
from app.errors import sentence
from app.expected import expectation
from app.markup import note, size
from app.tabs import ways_out
from app.tabs.form_values import (
    OWN_VALUES,
    FormValues,
    LastPresets,
    config_of,
    data_described,
    described,
    run_config,
)
from app.tabs.sizing import preset_settings, resized
from app.tabs.training_form import OF_TRUST, TrainingForm, filled_training, preset_name, presets
from app.wiring import Updates, Values, session_of
from app.words import Say
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.errors import SettingError, WorkbenchError
from engine.methods import METHODS, method_spec, part_names, part_settings
from engine.methods.sizing import Sizes
from engine.service.visitor import own_name
from engine.service.workbench import Workbench

LARGEST_FILE = 1_000_000  # bytes of a run file


class Filler:
    """Fills a form. The methods that take `values` handle events; the `about_` methods say what belongs to a choice."""

    def __init__(self, workbench: Workbench, say: Say, form: TrainingForm) -> None:
        self.workbench = workbench
        self.say = say
        self.form = form
        self.rate = form.training["learning_rate"]
        self.of_run = {
            form.count,
            form.expected,
            form.command,
            form.diagram,
            self.rate,
            form.run,
            form.run_of_data,
            form.kept,
        }
        """What `weigh` fills."""

    @property
    def everything(self) -> set[gr.components.Component]:
        """All that `filled` changes; the form is laid out by then."""
        form = self.form
        about = {form.method_card, form.preset, form.diagram, *self.of_model, form.user_data.panel}
        about |= {form.methods.shown, form.user_data.facts, form.user_data.choices}
        return {*form.inputs, *self.of_run, *about}

    def config(self, form: FormValues) -> RunConfig:
        """The run that a filled form describes.

        Raises:
            SettingError: A value cannot work.
        """
        return run_config(form)

    def list_models(self) -> tuple[str, list[tuple[str, str]]]:
        """The tables of models on this machine and of good first ones, and the choices for `offer_models`."""
        models, offers = self.workbench.models(), self.workbench.offers()
        here = [(info.title, info.name) for info in models]
        fetched = [(models_of_hub.choice(self.say, offer), offer.model.name) for offer in offers if not offer.here]
        tables = cards.models_table(self.say, models) + models_of_hub.menu_table(self.say, offers)
        return tables, here + fetched * self.workbench.rights.downloads()

    def offer_models(self, model: str, choices: list[tuple[str, str]]) -> Updates:
        """The menu of models, in which nothing is chosen anew, and what is known of the present one."""
        return {self.form.model: gr.Dropdown(choices, value=model), **self.about_model(model)}

    def choose_model(self, request: gr.Request, values: Values) -> Updates:
        """Card, ticks and sizes for another model: trust in one model's authors is none in another's."""
        self.workbench.permission.trust(session_of(request), "", ())
        trust: Updates = {self.form.training[name]: False for name in OF_TRUST}
        return {**self.about_model(values[self.form.model] or ""), **trust, **self.resize(request, values)}

    def resize(self, request: gr.Request, values: Values) -> Updates:
        """The settings that follow from the size of the model, where nobody has set them."""
        model = RunConfig(model=values[self.form.model] or "")
        return resized(self.form, values, self._sizes(model, session_of(request)))

    def _sizes(self, config: RunConfig, session: str) -> Sizes:
        """What follows from the size of a run's model; nothing as long as that is not here."""
        try:
            return self.workbench.sizing.sizes(config, session=session)
        except WorkbenchError:
            return {}

    def tick_trust(self, request: gr.Request, values: Values) -> Updates:
        """Remember which trust the person at the page ticked for the model on the form, and no more than that."""
        ticks = {name: self.form.training[name] for name in OF_TRUST}
        ticked = [name for name, tick in ticks.items() if values[tick]]
        self.workbench.permission.trust(session_of(request), values[self.form.model] or "", ticked)
        return {tick: values[tick] for tick in ticks.values()}

    def choose_method(self, values: Values) -> Updates:
        """The parts of another method, whose settings are as they were left."""
        form = self.form.values(values)
        return self.about_method(form.first, form.last_presets) | self._drawn(form.method, form.method_settings)

    def choose_others(self, values: Values) -> Updates:
        """The settings of the methods that train together with the chosen one, which are shown below its own."""
        methods = self.form.methods
        return {methods.shown: methods.rule_of(values[methods.others] or [])}

    def choose_preset(self, event: gr.SelectData, values: Values) -> Any:  # noqa: ANN401 - updates, or none
        """A method's settings as one of its presets has them."""
        form = self.form.values(values)
        presets_of = self.form.methods.methods[form.first].presets
        preset = next((name for name in presets_of if event.value in (name, preset_name(self.say, name))), "")
        if not preset:
            return gr.skip()
        return {
            self.form.last_presets: {**form.last_presets, form.first: preset},
            **self.form.methods.filled(form.first, preset_settings(METHODS[form.first], preset, form.sizes)),
        }

    def choose_data(self, values: Values) -> Updates:
        """The fields of one's own data, where that is chosen."""
        return {self.form.user_data.panel: gr.Column(visible=values[self.form.dataset] == user_data.CHOICE)}

    def suit_data(self, values: Values) -> Updates:
        """The settings that suit the chosen dataset; those that suited the one before are as they were at first.

        A dataset that only some methods can read brings one of them.
        """
        chosen, methods, steps = values[self.form.dataset], self.form.methods, self.form.training["steps"]
        updates: Updates = {}
        for info in sorted(self.workbench.datasets(), key=lambda info: info.name == chosen):
            for method, suited in info.suited.items():
                present, usual = methods.values(method, values), methods.methods[method].settings().to_dict()
                if info.name == chosen or all(present[name] == value for name, value in suited.items()):
                    wanted = suited if info.name == chosen else {name: usual[name] for name in suited}
                    updates |= {methods.controls[method][name]: value for name, value in wanted.items()}
            if info.steps and (info.name == chosen or values[steps] == info.steps):
                updates[steps] = info.steps if info.name == chosen else TrainingSettings().steps
        return updates | self._suit_method(values)

    def _suit_method(self, values: Values) -> Updates:
        """The method that a dataset suits, where the one on the form is none of them."""
        form, chosen = self.form.values(values), values[self.form.dataset]
        info = next((info for info in self.workbench.datasets() if info.name == chosen), None)
        if info is None or not info.suited or not info.suited.keys().isdisjoint(part_names(form.method)):
            return {}
        method = next(iter(info.suited))
        drawn = self._drawn(method, info.suited[method])
        about = {**self.about_method(method, form.last_presets), **self.form.methods.beside([])}
        return {self.form.method: method, **about, **drawn}

    def weigh(self, request: gr.Request, values: Values) -> Updates:
        """What the run on the form means, and that run for whatever depends on it; its data once that is read.

        An event that was asked for before another file was chosen may be answered after that.
        """
        form = self.form.values(values)
        run = described(form)
        about = self.about_run(lambda: config_of(run), session_of(request))
        kept = json.dumps(run["config"], ensure_ascii=False) if "config" in run else ""
        told: Updates = {**about, self.form.run: run, self.form.kept: kept}
        if not (form.dataset == user_data.CHOICE and form.user_data.unread):
            told[self.form.run_of_data] = values[self.form.user_data.newest].run = data_described(form)
        return told

    def weigh_first(self, request: gr.Request, values: Values) -> Updates:
        """The same when the page opens; nothing where a kept form is about to be filled in, which is weighed then."""
        return {} if values[self.form.former] else self.weigh(request, values)

    def restore(self, request: gr.Request, values: Values) -> Updates:
        """The form as it was before the page was loaded anew, except for trust; nothing where it is as at first.

        What another version of the page kept may be no run any more; then the form is as at first, too.
        """
        try:
            config = RunConfig.from_yaml(values[self.form.former]).checked()
        except WorkbenchError:
            return {}
        present = described(self.form.values(values)).get("config")
        if not self.workbench.rights.who().starts or config.to_dict() == present:
            return {}
        updates = self.filled(config, session_of(request), values)
        first = part_names(config.method)[0]
        preset = self._preset_of(first, config, updates[self.form.sizes])
        presets = {**values[self.form.last_presets], first: preset}
        return {**updates, self.form.last_presets: presets, **self.about_method(first, presets)}

    def _preset_of(self, method: str, config: RunConfig, sizes: Sizes) -> str:
        """The preset whose settings one of a run's methods has, or that it has its own."""
        own = part_settings(config.method, method, config.of_method().to_dict())
        spec, wanted = METHODS[method], METHODS[method].settings.from_dict(own).to_dict()
        return next((name for name in spec.presets if preset_settings(spec, name, sizes) == wanted), OWN_VALUES)

    def preview_data(self, request: gr.Request, values: Values) -> Updates:
        """What the run on the form would train on; nothing new while its data is read, or once another is chosen."""
        if not (run := values[self.form.run_of_data]):
            return {}
        about = self.about_data(lambda: config_of(run), session_of(request))
        return about if values[self.form.user_data.newest].run == run else {}

    def estimate_memory(self, request: gr.Request, values: Values) -> Updates:
        """The memory bar of the run on the form; empty while a value of it cannot work, which the count says."""
        if "config" not in values[self.form.run]:
            return dict.fromkeys(self.form.memory.of_run, "")
        return self.form.memory.estimated(lambda: config_of(values[self.form.run]), session_of(request))

    def load(self, request: gr.Request, values: Values) -> Updates:
        """Every part of the form from a run file, except for trust: the session then has none in any model."""
        config, trust = read_config(values[self.form.load])
        config = self.form.user_data.found(config)
        with suppress(WorkbenchError):  # of a model that is not here the fields say so
            config = self.workbench.sizing.as_new(config, session=session_of(request))
        updates = self.filled(config, session_of(request), values)
        gr.Info(self.say("train.loaded"))
        if trust:
            gr.Warning(self.say("train.loaded.trust"))
        return updates

    def lower_rate(self, request: gr.Request, values: Values) -> Updates:
        """The run whose learning rate was too high, with a lower one."""
        live = self.workbench.seen_live()
        run, _ = ways_out.about(live)
        if not (rate := ways_out.lower_rate(live)):
            return {}
        config = self.workbench.runs.config(run)
        lower = dataclasses.replace(config, training={**config.training, "learning_rate": float(rate)})
        updates = self.filled(lower, session_of(request), values)
        gr.Info(self.say("train.lowered", rate=rate))
        return updates

    def filled(self, config: RunConfig, session: str, values: Values) -> Updates:
        """Every part of the form from a run's config; what that leaves open is as by default, as in the run."""
        form, last_presets = self.form, values[self.form.last_presets]
        self.workbench.permission.trust(session, "", ())
        sizes = self._sizes(config, session)
        brought = config.dataset not in [info.name for info in self.workbench.datasets()]
        first, *others = part_names(config.method)
        last_presets = {**last_presets, first: OWN_VALUES}
        return {
            **resized(form, values, sizes),
            form.method: first,
            **form.methods.beside(others),
            form.model: config.model,
            form.dataset: user_data.CHOICE if brought else config.dataset,
            **(form.user_data.filled(config, session) if brought else {}),
            **form.methods.filled(config.method, config.method_settings),
            form.user_data.panel: gr.Column(visible=brought),
            **self.about_model(config.model),
            form.last_presets: last_presets,
            **self.about_method(first, last_presets),
            **(about_run := self.about_run(config.checked, session)),
            **filled_training(form, config.of_training().to_dict(), about_run.get(self.rate)),
        }

    def about_run(self, config: Callable[[], RunConfig], session: str) -> Updates:
        """The count, the place of action, the command line, and what an empty learning rate stands for.

        A value that cannot work is said in place of the count, without a toast; rate and drawing stay as they were.
        """
        try:
            run = config()
            count = cards.count_bar(self.say, self.workbench.preflight.count(run, session=session), run.method)
            rate = gr.Textbox(placeholder=self._rate(run, session))
            told: Updates = {self.form.count: count, self.form.command: own_name(run.command()), self.rate: rate}
            told[self.form.expected] = expectation(self.say, run)
            return told | self._drawn(run.method, run.method_settings)
        except WorkbenchError as error:
            wrong = note(sentence(self.say, error), "" if error.key == "no_data_chosen" else "wrong")
            return {self.form.count: wrong, self.form.command: "", self.form.expected: ""}

    def _drawn(self, method: str, settings: Mapping[str, Any]) -> Updates:
        """Where a method acts with its settings; nothing new while they cannot work."""
        try:
            spec = method_spec(method)
            return {self.form.diagram: diagram(self.say, spec.acts_at(spec.settings.from_dict(settings)))}
        except SettingError:
            return {}

    def _rate(self, config: RunConfig, session: str) -> str:
        if method_spec(config.method).finds_words:
            return self.say("train.rate.none")
        return self.say("train.rate", rate=f"{self.workbench.preflight.usual_rate(config, session=session):.3g}")

    @property
    def of_model(self) -> set[gr.components.Component]:
        """What `about_model` fills."""
        return {self.form.model_card, self.form.download.begin}

    def about_model(self, name: str) -> Updates:
        """The model's card, and the button that fetches it where it is not here."""
        info = next((info for info in self.workbench.models() if info.name == name), None)
        offer = next((offer for offer in self.workbench.offers() if offer.model.name == name), None)
        card = models_of_hub.offer_card(self.say, offer) if offer else cards.other_model_card(self.say, name)
        if info is not None:
            card = cards.model_card(self.say, info, self.say.of(offer.model.about) if offer else "")
        return {self.form.model_card: card, **self.form.download.offered(name, offer, here=info is not None)}

    def about_data(self, config: Callable[[], RunConfig], session: str) -> Updates:
        """The dataset's card, sample rows, and counts over all rows; or in their place what is wrong."""
        form, card = self.form, None
        try:
            run = config()
            info = next((info for info in self.workbench.datasets() if info.name == run.dataset), None)
            card = cards.data_card(self.say, info) if info else ""
            data = self.workbench.preflight.preview_data(run, session=session)
        except WorkbenchError as error:
            if error.key == "no_data_chosen":  # the fields say so themselves
                return {form.data_card: "", form.samples: "", form.report: ""}
            wrong: Updates = {form.samples: note(sentence(self.say, error), "wrong"), form.report: ""}
            return wrong if card is None else {form.data_card: card, **wrong}
        return {
            form.data_card: card or cards.user_data_card(self.say, data),
            form.samples: preview.sample_rows(self.say, data.rows),
            form.report: preview.report(self.say, data),
        }

    def about_method(self, method: str, last_presets: LastPresets) -> Updates:
        """Card and menu of presets."""
        spec = self.form.methods.methods[method]
        preset = last_presets.get(method, self.form.methods.first_preset(method))
        return {
            self.form.method_card: cards.method_card(self.say, spec),
            self.form.preset: gr.Dropdown(presets(self.say, spec, last_presets), value=preset),
        }


def read_config(path: str) -> tuple[RunConfig, tuple[str, ...]]:
    """The run that an uploaded file describes, and the settings of trust that were left out of it.

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
    return RunConfig.from_yaml(text), RunConfig.trust_asked_in(text)

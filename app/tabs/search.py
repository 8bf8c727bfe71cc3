"""Auto tuning, on Train below the form: a search over methods and their settings, drawn live in the browser."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from app import forms
from app.errors import sentence
from app.markup import html
from app.method_names import method_title
from app.wiring import Updates, Values, session_of, wire
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import SettingError, WorkbenchError
from engine.methods import METHODS, method_spec
from engine.service.workbench import Workbench
from engine.tuning.plan import LIMITS, OBJECTIVES, SearchPlan
from engine.tuning.recipes import RECIPES
from engine.tuning.space import LAYER, RATE

_ON_LOAD = """
Gatelight.ready.then(({ mountSearch }) =>
  mountSearch(element, JSON.parse(props.words), server, (search, number) => trigger('select', {search, number})));
"""
GROUPS = ("prompts", "adapters", "weights")
FIRST_METHODS = [next(name for name, spec in METHODS.items() if spec.group == group) for group in GROUPS]
"""One method of each kind; those beside the model take long before their first step."""
FIRST_TRIALS, FIRST_MINUTES = 12, 10
SEARCHED = ("steps", "learning_rate", "eval_every")
"""Settings of the loop that a search chooses itself."""


class SearchForm:
    """What is asked before a search, and the picture of one.

    Args:
        workbench: Whose searches these are.
        say: The page's words.
    """

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self._workbench, self._say = workbench, say
        with gr.Accordion(say("search.title"), open=False, elem_id="gl-search"):
            html(f'<p class="gl-note">{say("search.about")}</p>')
            with gr.Row(elem_classes="gl-settings"):
                self.methods = gr.Dropdown(
                    [(method_title(say, name), name) for name in METHODS], value=FIRST_METHODS, multiselect=True,
                    label=say("search.methods"), interactive=True, allow_custom_value=True, min_width=320,
                    elem_id="gl-search-methods",
                )  # fmt: skip
                self.trials = gr.Number(
                    FIRST_TRIALS, label=say("search.trials"), precision=0, interactive=True, min_width=120,
                    elem_id="gl-search-trials",
                )  # fmt: skip
                self.minutes = gr.Number(
                    FIRST_MINUTES, label=say("search.minutes"), interactive=True, min_width=120,
                    elem_id="gl-search-minutes",
                )  # fmt: skip
            with gr.Row(elem_classes="gl-settings"):
                self.objectives = gr.Dropdown(
                    [(say(f"search.objective.{name}"), name) for name in OBJECTIVES], value=list(OBJECTIVES[:2]),
                    multiselect=True, label=say("search.objectives"), interactive=True, min_width=320,
                    elem_id="gl-search-objectives",
                )  # fmt: skip
                self.recipe = gr.Dropdown(
                    [(say("search.recipe.none"), ""), *((say(f"search.recipe.{name}"), name) for name in RECIPES)],
                    value="", label=say("search.recipe"), interactive=True, min_width=240, elem_id="gl-search-recipe",
                )  # fmt: skip
                self.layers = gr.Checkbox(
                    label=say("search.layers"), interactive=True, min_width=240, elem_id="gl-search-layers"
                )
            self.start = gr.Button(say("search.start"), elem_id="gl-search-start")
            self.picture = html(
                '<section class="gl-search" hidden></section>',
                elem_id="gl-search-picture",
                js_on_load=_ON_LOAD,
                server_functions=self._served(),
                words=json.dumps(say.part("search"), ensure_ascii=False),
            )

    def wire(
        self,
        config: Callable[[Values], RunConfig],
        inputs: set[Any],
        filled: Callable[[RunConfig, str, Values], Updates],
        outputs: set[Any],
    ) -> None:
        """Wire Start, and taking over a trial's settings.

        Args:
            config: The run on the form.
            inputs: What it reads.
            filled: The form for a run.
            outputs: What that changes.
        """

        def start(request: gr.Request, values: Values) -> None:
            run = config(values)
            plan = plan_of(run, values[self.methods], values[self.trials], values[self.minutes])
            plan = dataclasses.replace(
                plan,
                objectives=list(values[self.objectives] or []),
                layers=bool(values[self.layers]),
                recipe=values[self.recipe] or "",
            )
            name = self._workbench.searches.start(plan, session=session_of(request))
            gr.Info(self._say("search.begun", name=name))

        def used(event: gr.EventData, request: gr.Request, values: Values) -> Updates:
            found = self._workbench.searches.config(str(event.search), int(event.number))
            gr.Info(self._say("search.used"))
            return filled(found, session_of(request), values)

        own = {self.methods, self.trials, self.minutes, self.objectives, self.layers, self.recipe}
        wire(self._say, [self.start.click], start, {*inputs, *own}, None, trigger_mode="once")
        wire(self._say, [self.picture.select], used, inputs, outputs)

    def _served(self) -> list[Callable[[Any], Any]]:
        """What the browser may ask; Gradio marks functions, which methods cannot be."""

        def seen(asked: object) -> dict[str, Any]:
            return self._seen(asked)

        def changed(asked: object) -> dict[str, Any]:
            return self._changed(asked)

        return [seen, changed]

    def _seen(self, asked: object) -> dict[str, Any]:
        """The searches there are, and one of them: the one that is asked for, or the newest."""
        wanted = str(asked.get("id", "")) if isinstance(asked, dict) else ""
        names = self._workbench.searches.ids()
        if not names:
            return {"ids": [], "search": None}
        try:
            view = self._workbench.searches.view(wanted if wanted in names else names[0])
        except WorkbenchError as error:
            return {"error": sentence(self._say, error)}
        return {"ids": names, "search": drawn(self._say, dataclasses.asdict(view))}

    def _changed(self, asked: object) -> dict[str, Any]:
        """Stop a search, or let it go on."""
        wish = asked if isinstance(asked, dict) else {}
        act = self._workbench.searches.stop if wish.get("act") == "stop" else self._workbench.searches.go_on
        try:
            act(str(wish.get("id", "")))
        except WorkbenchError as error:
            return {"error": sentence(self._say, error)}
        return self._seen(wish)


def drawn(say: Say, view: dict[str, Any]) -> dict[str, Any]:
    """A search with the names of methods and settings in the page's language, and what was measured of each run."""
    for point in view["points"]:
        point["title"] = method_title(say, point["method"])
        point["family"] = method_spec(point["method"]).group
        told = [f"{_word(say, name)} {forms.choice(say, str(value))}" for name, value in point["settings"].items()]
        point["told"] = ", ".join(told + _measured(say, point, view["plan"]["objectives"]))
    shares = sorted(view["importance"].items(), key=lambda pair: -pair[1])
    view["importance"] = [
        {"name": _named(say, *name.split(".", 1)), "share": share} for name, share in shares if share > 0
    ]
    return view


def _measured(say: Say, point: dict[str, Any], objectives: list[str]) -> list[str]:
    """What a run came to beside loss and size, where the search asks for it."""
    asked = (name for name in objectives if name not in OBJECTIVES[:2] and point[name] is not None)
    return [f"{say(f'search.objective.{name}')} {point[name]:.3g}" for name in asked]


def _word(say: Say, setting: str) -> str:
    key = f"setting.{setting}"
    return say(key) if key in say else setting


def _named(say: Say, method: str, setting: str) -> str:
    """What is varied, with its method's name."""
    if setting == RATE:
        varied = say("search.rate")
    elif setting.startswith(LAYER):
        varied = say("search.layer", n=setting.removeprefix(LAYER))
    else:
        varied = _word(say, setting)
    return f"{method_title(say, method)} · {varied}"


def plan_of(config: RunConfig, methods: list[str] | None, trials: float | None, minutes: float | None) -> SearchPlan:
    """The search for what stands on the form; all methods where none is chosen, no limit of time where it is empty.

    Raises:
        SettingError: A number is missing or out of bounds.
    """
    if trials is None:
        low, high = LIMITS["trials"]
        text = f"trials is empty, but it must be between {low:g} and {high:g}."
        raise SettingError("search_bounds", text, field="trials", value="", low=low, high=high)
    return SearchPlan(
        model=config.model,
        dataset=config.dataset,
        data=config.data,
        training={name: value for name, value in config.training.items() if name not in SEARCHED},
        methods=list(methods or []),
        trials=int(trials),
        minutes=None if minutes is None else float(minutes),
        steps=config.of_training().steps,
    ).checked()

"""Defaults on large bases: at most one percent trains; what was said stays, and so does every run that exists."""

import dataclasses
from functools import cache
from types import SimpleNamespace

import pytest

from app.cards import count_bar
from app.tabs.form_values import FormValues, run_config
from app.tabs.sizing import preset_settings, resized
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.methods import METHODS, method_class, method_spec, sizing
from engine.methods.sizing import LARGE, MOST, made_smaller, sized_names, sized_settings, sizes_for
from engine.models.loading import empty_model
from engine.models.shape import shape_of
from engine.preflight import planning
from engine.preflight import sizing as preflight
from engine.runs.folder import RunFolder
from engine.service import catalogue
from engine.service.workbench import Workbench
from engine.training.launch import resume_run, start_run
from tests.large import BASES
from tests.unit.making import load
from tests.unit.test_form_values import NOTHING

SMALL = ("distilgpt2", "bert-small")
"""Those of the bases that are not large."""
ALWAYS = tuple(name for name, spec in METHODS.items() if not spec.sized)
"""Methods whose defaults train so little on any model that nothing needs to stand in their place."""


@cache
def shape(name):
    """Sizes of a base, on the meta device."""
    return shape_of(empty_model(BASES[name]))


def share(method, settings, base):
    """What part of a base a method trains."""
    counts = method_class(method).count(method_spec(method).settings.from_dict(settings), shape(base))
    return sum(counts.values()) / shape(base).parameters


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("method", METHODS)
def test_no_default_trains_more_than_one_percent_of_a_large_base(method, base):
    """Of all methods, on all bases; on smaller ones the defaults are the papers'."""
    sized = sized_settings(method, {}, shape(base))
    if base in SMALL:
        assert shape(base).parameters < LARGE
        assert sized == {}
        return
    assert shape(base).parameters >= LARGE
    assert tuple(sized) == METHODS[method].sized
    assert share(method, sized, base) <= MOST
    if share(method, {}, base) <= MOST:  # what fits needs no change
        assert METHODS[method].settings.from_dict(sized) == METHODS[method].settings()


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ALWAYS])
def test_what_may_stand_in_place_of_the_defaults(method):
    """Every entry names the same settings and trains less than the one before; one preset keeps the paper's form."""
    spec, base = METHODS[method], "Llama-7B"
    assert all(tuple(entry) == spec.sized for entry in spec.smaller)
    shares = [share(method, entry, base) for entry in spec.smaller]
    assert shares == sorted(shares, reverse=True)
    usual = spec.settings()
    kept = [values for values in spec.presets.values() if set(spec.sized) <= set(values)]
    assert any(
        all(getattr(spec.settings.from_dict(values), name) == getattr(usual, name) for name in spec.sized)
        for values in kept
    )
    assert all(sized_settings(method, values, shape(base)) == values for values in kept)


def test_what_was_said_stays_and_what_contradicts_it_is_not_tried():
    """Each choice decides whether the rest has to be smaller."""
    base = shape("SmolLM2-135M")
    assert sized_settings("bottleneck", {"reduction": 12}, base) == {"reduction": 12}
    assert sized_settings("bottleneck", {"position": "pfeiffer"}, base) == {"position": "pfeiffer", "reduction": 16}
    assert sized_settings("prefix", {"reparametrisation": "flat"}, base)["mlp_width"] is None
    assert sized_settings("mask", {"layers": 1}, base) == {"layers": 1, "targets": "o"}
    assert sized_settings("adalora", {"target_rank": 4}, base) == {"rank": 4, "target_rank": 4}
    assert sized_settings("mask", {"layers": 99}, base) == {
        "layers": 99,
        "targets": "all",
    }  # `build` says what is wrong
    assert sized_settings("side", {}, base) == {"width": 192, "alpha": 2.2}  # the base has nine tenths of the blend
    copied = {"init": "copied", "width": None, "alpha": 0.0}
    assert sized_settings("side", {"init": "copied"}, base) == copied  # no width helps
    assert sized_settings("side", {"alpha": 1.39}, base) == {"alpha": 1.39, "width": 192}
    assert sized_settings("adamix", {"width": 16}, shape("distilgpt2")) == {}


def test_methods_together_are_sized_each_by_itself():
    """Under their names within the combination."""
    base = shape("SmolLM2-135M")
    assert sized_names("bottleneck+prefix+ia3") == ("bottleneck_reduction", "prefix_mlp_width")
    sized = sized_settings("bottleneck+prefix", {"bottleneck_norms": False}, base)
    assert sized == {"bottleneck_norms": False, "bottleneck_reduction": 32, "prefix_mlp_width": 96}
    assert made_smaller("bottleneck+prefix", sized, base)["bottleneck_reduction"] == (32, 12)


def test_a_run_file_says_what_was_chosen_once():
    """It stays said through files and flags, also where it is the default; without a base nothing is chosen."""
    base = shape("SmolLM2-135M")
    sized = RunConfig(method="prefix").sized(base)
    assert sized.method_settings == {"mlp_width": 96}
    paper = RunConfig(method="prefix", method_settings={"mlp_width": None})
    for config in (sized, paper):
        assert RunConfig.from_yaml(config.to_yaml()).sized(base) == config.checked() == config
        assert RunConfig.from_dict(config.to_dict()) == config
    assert "--set mlp_width=None" in paper.command()
    assert RunConfig.from_yaml("method: prefix").method_settings == {}
    assert RunConfig.from_yaml("method: prefix").of_method().mlp_width is None
    assert RunConfig.from_yaml("method: prefix").sized(base) == sized  # a new run


@pytest.fixture
def all_are_large(monkeypatch):
    """Every base counts as large, and nothing trains little enough: the smallest settings are chosen."""
    monkeypatch.setattr(sizing, "LARGE", 1)
    monkeypatch.setattr(sizing, "MOST", 1e-6)


def test_a_new_run_writes_down_what_was_chosen(maker, all_are_large):
    """In run.json and run.yaml, with which a second run is the same."""
    config = dataclasses.replace(maker.config("prefix"), method_settings={})
    trainer = start_run(maker.folder / "a", config, load)
    assert trainer.method.settings.mlp_width == 2
    assert trainer.folder.config.method_settings == {"mlp_width": 2}
    text = (trainer.folder.path / "run.yaml").read_text("utf-8")
    again = start_run(maker.folder / "b", RunConfig.from_yaml(text), load)
    assert again.folder.config == trainer.folder.config


def test_a_run_of_before_means_what_it_meant(maker, request):
    """Its files do not say the setting, so it is the default, however large the base: it goes on as it was."""
    config = dataclasses.replace(maker.config("prefix", steps=4), method_settings={})
    former = start_run(maker.folder / "a", config, load)
    assert former.folder.config.method_settings == {}
    request.getfixturevalue("all_are_large")
    assert RunFolder.open(former.folder.path).config.of_method().mlp_width is None
    resumed = resume_run(RunFolder.open(former.folder.path), load)
    assert resumed.method.settings.mlp_width is None
    assert resumed.folder.config.method_settings == {}
    assert start_run(maker.folder / "b", config, load).method.settings.mlp_width == 2  # a new one is made smaller


@pytest.fixture(scope="module")
def large_model(tmp_path_factory):
    """A folder with the config of a large model, and no weights."""
    folder = tmp_path_factory.mktemp("large")
    BASES["SmolLM2-135M"].save_pretrained(folder)
    return str(folder)


def form(method, settings, sizes, model):
    """Train's form with a method's settings."""
    return FormValues(
        model=model, method=method, method_settings=settings, dataset="town-qa", user_data=NOTHING,
        training=TrainingSettings().to_dict(), last_presets={}, sizes=sizes,
    )  # fmt: skip


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ALWAYS])
def test_form_terminal_and_python_choose_the_same(method, large_model, tmp_path):
    """The page shows what the others choose at the start, and says both that and the paper's form."""
    workbench = Workbench(tmp_path)
    try:
        sizes = workbench.sizing.sizes(RunConfig(model=large_model))
        plain = RunConfig(model=large_model, method=method)
        sized = workbench.sizing.as_new(plain)
        assert workbench.sizing.sizes(RunConfig()) == {}
        assert workbench.sizing.sizes(RunConfig(model="nobody/has-it")) == {}  # without asking the hub
        assert workbench.sizing.as_new(RunConfig(method=method)).method_settings == {}
    finally:
        workbench.close()
    spec = METHODS[method]
    first = next(iter(spec.presets))
    assert run_config(form(method, preset_settings(spec, first, sizes), sizes, large_model)) == sized
    for preset, values in spec.presets.items():
        shown = run_config(form(method, preset_settings(spec, preset, sizes), sizes, large_model))
        assert shown == preflight.as_new(dataclasses.replace(plain, method_settings=dict(values)))
        assert preflight.as_new(shown) == shown
    counts = catalogue.count(plain)
    assert counts == catalogue.count(sized)
    assert counts.trainable <= MOST * counts.total
    assert counts.smaller
    small = run_config(form(method, spec.settings().to_dict(), {}, "town"))
    assert small == RunConfig(method=method)


def test_the_estimate_of_memory_is_of_the_new_run(monkeypatch, large_model):
    """It follows the smaller settings."""
    seen = []
    monkeypatch.setattr(planning, "plan_of", lambda config, _: seen.append(config))
    monkeypatch.setattr(planning._estimates, "of", lambda *_: None)
    planning.memory(RunConfig(model=large_model, method="ladder"))
    assert seen[0].method_settings == {"reduction": 16}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_count_says_which_settings_are_smaller(language, large_model):
    """With the value on other models, where that is one; nothing on a small model."""
    say = Say(language)
    method = "bottleneck+prefix"
    bar = count_bar(say, catalogue.count(RunConfig(model=large_model, method=method)), method)
    assert " 32" in bar
    assert " 12" in bar
    assert " 96" in bar
    assert say("train.count.smaller", settings="", most="1") not in count_bar(
        say, catalogue.count(RunConfig(method=method)), method
    )


def test_the_form_follows_the_model_until_somebody_sets_a_value():
    """Each method's settings by its preset; what was typed, and the paper's form, stay."""
    sizes = sizes_for(shape("SmolLM2-135M"))
    controls = {
        name: {field.name: f"{name}.{field.name}" for field in spec.settings.fields()} for name, spec in METHODS.items()
    }
    page = SimpleNamespace(
        sizes="sizes", last_presets="presets", methods=SimpleNamespace(methods=METHODS, controls=controls)
    )
    values = {
        controls[name][field.name]: "" if field.default is None else field.default
        for name, spec in METHODS.items()
        for field in spec.settings.fields()
    }
    values |= {
        "sizes": {},
        "presets": {"ladder": "paper", "bottleneck": "pfeiffer"},
        "adamix.width": 5,
        "side.width": "x",
    }
    larger = resized(page, values, sizes)
    expected = {
        "sizes": sizes, "bottleneck.reduction": 16, "prefix.mlp_width": "96", "p_tuning.encoder_width": "128",
        "mask.targets": "o", "mask.layers": "4", "adalora.rank": 4, "adalora.target_rank": 3,
    }  # fmt: skip
    assert larger == expected
    assert resized(page, values | larger, sizes) == {"sizes": sizes}  # what suits both is nobody's business here
    smaller = resized(page, values | larger, {})
    assert {name: values[name] for name in expected} | {"sizes": {}} == smaller
    assert resized(page, values | larger | {"mask.layers": "2"}, {}).keys() == expected.keys() - {
        "mask.targets",
        "mask.layers",
    }

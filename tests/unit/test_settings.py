"""Settings: bounds, types, and what a form or a flag may send."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.errors import SettingError
from engine.core.sampling import Sampling
from engine.core.settings import Settings, setting
from engine.data.settings import DataSettings
from engine.methods import METHODS

ALL = [TrainingSettings, Sampling, *(spec.settings for spec in METHODS.values())]
every_settings = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example(Settings):
    """One setting of each kind."""

    count: int = setting(3, "A number.", low=1, high=9)
    rate: float | None = setting(None, "A rate.", low=0.0)
    on: bool = setting(default=False, help="A switch.")
    kind: str = setting("a", "A choice.", choices=("a", "b"))


@given(st.integers())
def test_bounds_of_whole_numbers(value):
    """Inside the bounds it is kept; outside, the sentence names field, value and range."""
    if 1 <= value <= 9:
        assert Example(count=value).count == value
    else:
        with pytest.raises(SettingError, match=rf"count is {value}, but it must be between 1 and 9") as caught:
            Example(count=value)
        assert caught.value.values == {"field": "count", "value": value, "wanted": "between 1 and 9"}


@given(st.floats())
def test_only_finite_numbers(value):
    """Not-a-number and infinity are refused, whatever the bounds."""
    if 0 <= value < float("inf"):
        assert Example(rate=value).rate == value
    else:
        with pytest.raises(SettingError, match="rate"):
            Example(rate=value)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
def test_whatever_comes_in_ends_in_a_value_or_a_sentence(value):
    """No value of any kind ends in anything but a setting's own type or a SettingError."""
    for name, kinds in (("count", int), ("rate", float | None), ("on", bool), ("kind", str)):
        try:
            made = getattr(Example.from_dict({name: value}), name)
        except SettingError:
            continue
        assert isinstance(made, kinds)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"count": " 4 "}, 4),
        ({"count": 4.0}, 4),
        ({"rate": "1e-3"}, 1e-3),
        ({"rate": 2}, 2.0),
        ({"rate": ""}, None),
        ({"rate": "auto"}, None),
        ({"rate": "None"}, None),
        ({"on": "yes"}, True),
        ({"on": "False"}, False),
        ({"on": "0"}, False),
        ({"kind": "b"}, "b"),
    ],
    ids=str,
)
def test_text_becomes_the_fields_own_type(values, expected):
    """Forms and flags send text; YAML writes 1e-3 as text too."""
    (name,) = values
    made = getattr(Example.from_dict(values), name)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    "values",
    [
        {"count": "four"},
        {"count": 4.5},
        {"count": True},
        {"count": None},
        {"count": ""},
        {"rate": "fast"},
        {"rate": "nan"},
        {"rate": False},
        {"on": "perhaps"},
        {"on": 1},
        {"kind": "c"},
        {"kind": 1},
        {"stranger": 1},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_by_name(values):
    """A typo in a name or a value is never passed over."""
    (name,) = values
    with pytest.raises(SettingError, match=name):
        Example.from_dict(values)


@every_settings
def test_settings_survive_plain_values_and_text(cls):
    """to_dict and from_dict are inverse, also when every value has become text on the way."""
    made = cls()
    assert cls.from_dict(made.to_dict()) == made
    assert cls.from_dict({name: str(value) for name, value in made.to_dict().items() if value != ""}) == made


@every_settings
def test_every_knob_explains_itself(cls):
    """Each field is a setting with a sentence, and its default lies within its own bounds."""
    fields = list(cls.fields())
    assert [field.name for field in fields] == [field.name for field in dataclasses.fields(cls)]
    for field in fields:
        assert field.info.help.endswith(".")
        assert field.info.help[0].isupper() or field.info.help[0].isdigit()
        assert field.default is not None or field.optional


@pytest.mark.parametrize("name", list(METHODS))
def test_presets_and_examples_are_valid(name):
    """Everything a method offers can be built from."""
    spec = METHODS[name]
    assert spec.name == name
    assert next(iter(spec.presets.values())) == {}  # the first preset is the default
    for values in (*spec.presets.values(), *spec.examples):
        spec.settings.from_dict(values)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("lora", {"targets": "  "}, "targets is empty"),
        ("prompt", {"init": "text"}, "init_text is empty"),
        ("prompt", {"init": "text", "init_text": " "}, "init_text is empty"),
    ],
)
def test_settings_that_need_each_other(name, values, words):
    """What one field asks of another is checked with the bounds."""
    with pytest.raises(SettingError, match=words):
        METHODS[name].settings.from_dict(values)


@given(st.integers(1, 10**6), st.one_of(st.none(), st.integers(1, 1000)))
def test_about_fifteen_validations(steps, every):
    """An empty eval_every never becomes zero."""
    settings = TrainingSettings(steps=steps, eval_every=every)
    assert settings.steps_between_evals == (every or max(1, steps // 15))


def test_former_names_are_understood():
    """Files and run folders of before say it in other words; the present name wins where both stand."""
    old = {"accumulation": 2, "checkpointing": True, "clip": 0.5, "warmup_share": 0.2, "max_len": 96}
    new = TrainingSettings.from_dict(old)
    assert (new.micro_batches, new.gradient_checkpointing, new.max_grad_norm) == (2, True, 0.5)
    assert (new.warmup_ratio, new.max_seq_len) == (0.2, 96)
    assert TrainingSettings.from_dict({"max_len": 96, "max_seq_len": 64}).max_seq_len == 64
    assert DataSettings.from_dict({"heldout": "a.csv", "heldout_rows": 7}).test_rows == 7


def test_a_run_file_of_before_is_todays_run():
    """It reads as if it had been written today, and the names that it should use are known."""
    text = "training: {accumulation: 2, steps: 5}\ndata: {heldout_rows: 9}\n"
    config = RunConfig.from_yaml(text)
    assert config.training == {"steps": 5, "micro_batches": 2}
    assert config.data == {"test_rows": 9}
    assert RunConfig.renamed_in(text) == {"accumulation": "micro_batches", "heldout_rows": "test_rows"}

"""The run that a form describes, whole and as far as its data depends on it: what the preview follows."""

import dataclasses
from types import SimpleNamespace

import pytest

from app.tabs.filling import Filler
from app.tabs.form_values import FormValues, config_of, data_described, described
from app.user_data import CHOICE, UserDataValues
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.errors import SettingError
from engine.data.settings import DataSettings
from engine.methods import METHODS

NOTHING = UserDataValues(name="", config="", split="", last_read={}, settings=DataSettings().to_dict())
SEEN = {
    "max_seq_len": 64,
    "head": "linear",
    "pooling": "mean",
    "token_types": "no",
    "trust_remote_code": True,
    "pickled_weights": True,
}
"""Settings of the loop that change what is trained on, or whether the model's own code may read it."""
UNSEEN = {"steps": 7, "learning_rate": 0.5, "batch_size": 3, "seed": 4, "precision": "int8"}


def form(method="p_tuning", method_settings=None, training=None, **others):
    """A filled form."""
    settings = METHODS[method].settings.from_dict(method_settings or {}).to_dict()
    values = {"model": "town", "dataset": "town-qa", "user_data": NOTHING, "last_presets": {}} | others
    return FormValues(
        method=method, method_settings=settings, training=TrainingSettings().to_dict() | (training or {}), **values
    )


@pytest.mark.parametrize("name", SEEN)
def test_the_preview_follows_what_changes_the_data(name):
    """A setting that the data depend on makes another description of them; other settings do not."""
    assert data_described(form(training={name: SEEN[name]})) != data_described(form())
    assert data_described(form(training=UNSEEN)) == data_described(form())
    assert described(form(training=UNSEEN)) != described(form())


def test_the_preview_follows_a_methods_template():
    """A template of the method stands around the rows; the number of its virtual tokens is no matter of theirs."""
    usual, other = form(), form(method_settings={"template": "{p} Tell me: {prompt} {p}"})
    assert data_described(other) != data_described(usual)
    for another in ({"model": "elsewhere"}, {"dataset": "manners"}, {"method": "lora"}):
        assert data_described(form(**another)) != data_described(usual)


def test_what_is_wrong_elsewhere_leaves_the_rows():
    """A number of steps that cannot work is said of the run, not of its data; where nothing is chosen, both say it."""
    wrong = form(training={"steps": -5})
    assert "config" not in described(wrong)
    with pytest.raises(SettingError, match="steps"):
        config_of(described(wrong))
    assert config_of(data_described(wrong)) == config_of(data_described(form()))
    empty = dataclasses.replace(form(), dataset=CHOICE)
    assert described(empty)["error"]["key"] == data_described(empty)["error"]["key"] == "no_data_chosen"


def test_a_described_run_keeps_the_trust_that_its_form_asks_for():
    """Whether it is given is the session's matter, see `Permission`."""
    asked = config_of(described(form(training={"trust_remote_code": True})))
    assert asked == RunConfig(method="p_tuning", training={"trust_remote_code": True})


def test_a_form_that_is_about_to_be_filled_is_not_weighed():
    """When the page opens, the count is of the kept form where there is one: one of the form before could come last."""
    page = SimpleNamespace(form=SimpleNamespace(former="former"), weigh=lambda _request, values: {"count": values})
    assert Filler.weigh_first(page, None, {"former": "{}"}) == {}
    assert Filler.weigh_first(page, None, {"former": ""}) == {"count": {"former": ""}}

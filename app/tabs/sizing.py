"""Settings that follow from the size of the model on Train's form: they change with it until somebody sets them."""

from typing import Any

from app import forms
from app.tabs.training_form import TrainingForm
from app.wiring import Updates, Values
from engine.core.errors import WorkbenchError
from engine.methods.sizing import Sizes
from engine.methods.spec import MethodSpec


def preset_settings(spec: MethodSpec, preset: str, sizes: Sizes) -> dict[str, Any]:
    """All settings that a preset of a method means on a model; its first one, where it has no such preset."""
    name = preset if preset in spec.presets else next(iter(spec.presets))
    open_ones = sizes.get(spec.name, {}).get(name, {})
    values: dict[str, Any] = spec.settings.from_dict({**open_ones, **spec.presets[name]}).to_dict()
    return values


def resized(form: TrainingForm, values: Values, sizes: Sizes) -> Updates:
    """The settings of all methods for a model of another size, where they still are as they suited the one before.

    Settings that suit both are left alone: what this was asked with may be older than what stands on the form by now.
    """
    updates: Updates = {form.sizes: sizes}
    for name, spec in form.methods.methods.items():
        controls, preset = form.methods.controls[name], values[form.last_presets].get(name, "")
        before, after = (preset_settings(spec, preset, each) for each in (values[form.sizes], sizes))
        present = _present(spec, forms.read({setting: controls[setting] for setting in spec.sized}, values))
        if all(setting in present and present[setting] == before[setting] for setting in spec.sized):
            changed = {setting for setting in spec.sized if before[setting] != after[setting]}
            fields = [field for field in spec.settings.fields() if field.name in changed]
            updates |= forms.filled(controls, fields, after)
    return updates


def sized_controls(form: TrainingForm) -> set[forms.Control]:
    """The controls that `resized` fills."""
    methods = form.methods
    return {methods.controls[name][setting] for name, spec in methods.methods.items() for setting in spec.sized}


def _present(spec: MethodSpec, shown: dict[str, Any]) -> dict[str, Any]:
    """The settings as they stand on the form; none while one of them cannot work."""
    try:
        values: dict[str, Any] = spec.settings.from_dict(shown).to_dict()
    except WorkbenchError:
        return {}
    return values

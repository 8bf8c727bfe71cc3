"""Everything that determines a run, as plain values: made by the form or flags, stored as YAML and in run folders."""

import dataclasses
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml

from engine.config.training import TRUST, TrainingSettings
from engine.core.errors import SettingError
from engine.core.settings import Settings
from engine.data.settings import DataSettings
from engine.data.shipped import suited_settings, suited_training
from engine.methods import method_spec, part_names, whole_settings
from engine.methods.sizing import sized_names, sized_settings

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.models.shape import ModelShape


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Configuration of one run; the same config gives the same losses on the same machine.

    Attributes:
        model: Embedded name, folder or hub id.
        dataset: Name of a shipped dataset, a folder, a file, or a hub dataset.
        method: Name in `METHODS`, or several with a plus sign between, which train together.
        method_settings: Settings of the method that differ from its defaults, and what was said of those that a new run
            takes from the size of its base, see `sized`.
        training: Settings of the loop that differ from their defaults.
        data: How a file or a hub dataset becomes rows, where that differs from the detected columns.
    """

    model: str = "town"
    dataset: str = "town-qa"
    method: str = "llama_adapter"
    method_settings: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def of_method(self) -> Settings:
        """The method's settings, checked. What is not said is as it suits the dataset, or else the method's default.

        Raises:
            SettingError: One of them is invalid.
        """
        suited = self._suited
        said = {name: value for name, value in self.method_settings.items() if name not in suited or value != ""}
        out: Settings = method_spec(self.method).settings.from_dict({**suited, **said})
        return out

    @property
    def _suited(self) -> dict[str, Any]:
        return whole_settings(
            self.method, {part: suited_settings(self.dataset, part) for part in part_names(self.method)}
        )

    def of_training(self) -> TrainingSettings:
        """The loop's settings, checked. What is not said is as it suits the dataset, or else the default.

        Raises:
            SettingError: One of them is invalid.
        """
        return TrainingSettings.from_dict({**suited_training(self.dataset), **self.training})

    def of_data(self) -> DataSettings:
        """How a file becomes rows, checked.

        Raises:
            SettingError: One of the settings is invalid.
        """
        return DataSettings.from_dict(self.data)

    @property
    def vision(self) -> str:
        """The vision encoder through which the method sees pictures; empty where it sees none."""
        return str(getattr(self.of_method(), "vision", ""))

    def load_data(self, tokenizer: Any = None) -> "Dataset":  # noqa: ANN401 - this file must not import transformers
        """The run's dataset; given a tokenizer, in its chat template, where the settings or the data require that.

        Raises:
            DataError: It cannot be read.
            SettingError: The data settings are invalid.
        """
        from engine.data.dataset import load_dataset  # noqa: PLC0415 - it loads pyarrow

        dataset = load_dataset(self.dataset, self.of_data())
        dataset.check_seen(sees_pictures=bool(self.vision))
        return dataset if tokenizer is None else dataset.in_chat_template(tokenizer)

    def checked(self) -> Self:
        """The same run with every value converted to its setting's type, and default values left out.

        What suits the dataset is said, so that a run stays the same whatever the dataset says later. What was said of
        settings that follow from the size of the base stays said, so that `sized` leaves it.

        Raises:
            SettingError: Something is unknown or out of bounds.
        """
        method = self.of_method()
        said = method.up_to_date(self.method_settings)
        keep = {*self._suited, *(name for name in sized_names(self.method) if name in said)}
        return dataclasses.replace(
            self,
            method_settings=_changed(method, keep=keep),
            training=_changed(self.of_training(), keep=suited_training(self.dataset)),
            data=_changed(self.of_data()),
        )

    def sized(self, shape: "ModelShape") -> Self:
        """The same for a new run on a base of this shape, checked: on a large one smaller settings replace defaults.

        Once they are said, they stay: a run that exists is never sized again.

        Raises:
            SettingError: Something is unknown or out of bounds.
        """
        checked = self.checked()
        return dataclasses.replace(checked, method_settings=sized_settings(self.method, checked.method_settings, shape))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:  # noqa: ANN401 - any contents of a file
        """The config that `to_dict` described, without trust in the model's authors.

        Values come from files, which anybody may have written: trust is given by the person who starts a run, each time
        anew. `trust_asked` names what was left out.

        Raises:
            SettingError: It is not a mapping, or has an unknown entry or one of the wrong type.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        if not isinstance(values, dict):
            raise SettingError("bad_yaml", "A run file must map names to values.", reason="not a mapping")
        for name, value in values.items():
            if name not in known:
                raise SettingError(
                    "unknown_setting",
                    f"There is no setting called {name!r} here; choose one of {', '.join(known)}.",
                    field=name,
                    known=", ".join(known),
                )
            wanted = dict if name in ("method_settings", "training", "data") else str
            if not isinstance(value, wanted):
                kind = "a mapping" if wanted is dict else "text"
                raise SettingError(
                    "bad_setting",
                    f"{name} is {value!r}, but it must be {kind}.",
                    field=name,
                    value=value,
                    wanted=kind,
                )
        plain = dict(values)
        if "training" in plain:
            plain["training"] = {name: value for name, value in plain["training"].items() if name not in TRUST}
        return cls(**plain).checked()

    def to_yaml(self) -> str:
        """The file that reproduces the run: `python -m engine train run.yaml`."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Read such a file.

        Raises:
            SettingError: It is not YAML or not a run.
        """
        return cls.from_dict(_plain_values(text))

    @classmethod
    def renamed_in(cls, text: str) -> dict[str, str]:
        """The present name of every setting that a run file has under its former name."""
        values = _plain_values(text)
        return {
            former: present
            for part, settings in (("training", TrainingSettings), ("data", DataSettings))
            for former, present in settings.renamed().items()
            if former in (values.get(part) or {})
        }

    @classmethod
    def trust_asked_in(cls, text: str) -> tuple[str, ...]:
        """The settings of `TRUST` that a run file switches on, and that reading it leaves out."""
        return trust_asked(_plain_values(text))

    def command(self) -> str:
        """The command line that starts the same run."""
        words = ["python", "-m", "engine", "train"]
        words += ["--model", self.model, "--dataset", self.dataset, "--method", self.method]
        for name, value in self.method_settings.items():
            words += ["--set", f"{name}={_flag(value)}"]
        for name, value in self.data.items():
            words += ["--data", f"{name}={_flag(value)}"]
        for name, value in self.training.items():
            words += [f"--{name.replace('_', '-')}", _flag(value)]
        return shlex.join(words)


def trust_asked(values: Any) -> tuple[str, ...]:  # noqa: ANN401 - any contents of a file
    """The settings of `TRUST` that the contents of a run file switch on, and that reading it leaves out."""
    training = values.get("training") if isinstance(values, dict) else None
    given = training if isinstance(training, dict) else {}
    return tuple(name for name in TRUST if str(given.get(name, "")).strip().lower() in ("true", "yes", "on", "1"))


def _plain_values(text: str) -> Any:  # noqa: ANN401 - any contents of a file
    """What a run file holds.

    Raises:
        SettingError: It is not YAML, or nested more deeply than any run.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        reason = str(error).replace("\n", " ")
    except RecursionError:
        reason = "it is nested too deeply"
    raise SettingError("bad_yaml", f"The run file is not valid YAML: {reason}", reason=reason)


def _changed(settings: Settings, keep: Collection[str] = ()) -> dict[str, Any]:
    """The values that differ from the defaults, and those of some settings whatever they are."""
    values = settings.to_dict()
    return {f.name: values[f.name] for f in settings.fields() if values[f.name] != f.default or f.name in keep}


def _flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

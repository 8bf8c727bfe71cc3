"""Flags of a run, derived from the settings classes, and the config built from them."""

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from engine.cli.commands import user_path
from engine.config.run import RunConfig
from engine.config.training import LOADING, ON_RESUME, TRUST, TrainingSettings
from engine.core.confine import named_path
from engine.core.errors import SettingError
from engine.core.settings import Field
from engine.data.settings import DataSettings
from engine.data.shipped import suited_settings
from engine.methods.sizing import MOST


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add the arguments and flags of a run's config."""
    command.add_argument("file", nargs="?", type=user_path, help="YAML file of a run; flags override what it says")
    command.add_argument("--model", help="embedded name, folder or hub id (default: town)")
    command.add_argument("--dataset", help="name, folder, file, or hub:owner/name[:config[:split]] (default: town-qa)")
    command.add_argument("--method", help="see `python -m engine methods` (default: llama_adapter)")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the method; may be repeated",
    )
    add_data_option(command)
    group = command.add_argument_group("training")
    for field in TrainingSettings.fields():
        _add_field(group, field, "auto" if field.default is None else str(field.default))


def add_loading_options(command: argparse.ArgumentParser, *, of_run: bool = False) -> None:
    """Add the flags that say how a base is loaded; a flag that is not given is as in the run, or the default."""
    group = command.add_argument_group("how the base is loaded")
    if of_run:
        group.add_argument("--model", help="where the base lies now, if it was moved (default: where the run had it)")
    for field in TrainingSettings.fields():
        if field.name in LOADING:
            as_run = of_run and field.name not in TRUST
            _add_field(group, field, "as the run had it" if as_run else str(field.default))


def add_trust_options(command: argparse.ArgumentParser) -> None:
    """Add the flags that trust the authors of a run's model, which the run's own files cannot."""
    group = command.add_argument_group("how the base is loaded")
    for field in TrainingSettings.fields():
        if field.name in TRUST:
            _add_field(group, field, str(field.default))


def add_same_result_options(command: argparse.ArgumentParser) -> None:
    """Add the flags of the settings that may change when a run goes on."""
    group = command.add_argument_group("what may change: time, memory and rounding, and how long it trains")
    for field in TrainingSettings.fields():
        if field.name in ON_RESUME:
            _add_field(group, field, "as the run had it")


def add_accept_option(command: argparse.ArgumentParser) -> None:
    """Add the flag that accepts data or a base that are not those of the run."""
    command.add_argument(
        "--accept-changed", action="store_true", help="go on although the data or the base have changed since the run"
    )


def trusted(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `load_base` that the flags of `add_trust_options` gave.

    Raises:
        SettingError: A flag is neither true nor false.
    """
    given = {name: value for name in TRUST if (value := getattr(args, name)) is not None}
    settings = TrainingSettings.from_dict(given)
    return {name: True for name in TRUST if getattr(settings, name)}


def _add_field(group: argparse._ArgumentGroup, field: Field, default: str) -> None:
    text = f"{field.info.help} (default: {default})".replace("%", "%%")
    group.add_argument(_flag(field.name), help=text, choices=field.info.choices or None)
    if field.info.was:
        group.add_argument(_flag(field.info.was), dest=field.name, action=_Renamed, help=argparse.SUPPRESS)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class _Renamed(argparse.Action):
    """A flag under its former name: it works, and a hint names the present one."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        hint(str(option_string), _flag(self.dest))


def hint(former: str, present: str) -> None:
    """Print on stderr the present name of a setting that was given under its former one."""
    print(f"{former} is called {present} now.", file=sys.stderr)


def loading(args: argparse.Namespace, config: RunConfig) -> RunConfig:
    """The config with the flags of `add_loading_options` put in."""
    given = {name: value for name in LOADING if (value := getattr(args, name)) is not None}
    return dataclasses.replace(config, model=args.model or config.model, training={**config.training, **given})


def _say_what_is_left_out(args: argparse.Namespace, text: str) -> None:
    """Print on stderr which trust a run file asks for and no flag gave."""
    for name in RunConfig.trust_asked_in(text):
        if getattr(args, name) is None:
            print(
                f"{args.file} asks for {name}, which no file can switch on: give {_flag(name)} true if you trust the "
                "model's authors.",
                file=sys.stderr,
            )


def smaller(changed: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """The line that says which settings are smaller than the defaults, see `made_smaller`; none where none are."""
    if not changed:
        return []
    named = ", ".join(
        f"{name} is {value} (default: {'auto' if usual is None else usual})" for name, (value, usual) in changed.items()
    )
    return [f"{named}, so that no more than {MOST:.0%} of this model trains; --set overrides that."]


def add_data_option(command: argparse.ArgumentParser) -> None:
    """Add the flag that says how a file becomes rows."""
    known = ", ".join(field.name for field in DataSettings.fields())
    command.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"how a file becomes rows, where the guess is wrong; may be repeated ({known})",
    )


def pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    """The values that a flag of the form NAME=VALUE gave.

    Raises:
        SettingError: One has another form.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError("bad_set", f"{flag} {text!r} is not NAME=VALUE, as in --set prompt_len=10.", value=text)
        values[name.strip()] = value
    return values


def data_settings(texts: Sequence[str]) -> dict[str, str]:
    """The data settings that flags gave, under present names."""
    given = pairs("--data", texts)
    for former, present in DataSettings.renamed().items():
        if former in given:
            hint(f"--data {former}", present)
    return DataSettings.up_to_date(given)


def run_config(args: argparse.Namespace) -> RunConfig:
    """The config from the file, overridden by the flags.

    Raises:
        SettingError: Something is unknown, misspelt or out of bounds.
    """
    config = RunConfig()
    if args.file is not None:
        try:
            text = named_path(str(args.file)).read_text(encoding="utf-8")
            config = RunConfig.from_yaml(text)
            for former, present in RunConfig.renamed_in(text).items():
                hint(former, present)
            _say_what_is_left_out(args, text)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(
                "no_file",
                f"The file {str(args.file)!r} cannot be read: {error}",
                file=str(args.file),
                reason=str(error),
            ) from error
    method_settings = {} if args.method and args.method != config.method else dict(config.method_settings)
    data = dict(config.data)
    if args.dataset and args.dataset != config.dataset:
        suited, data = suited_settings(config.dataset, config.method), {}
        method_settings = {name: value for name, value in method_settings.items() if suited.get(name) != value}
    method_settings |= pairs("--set", args.set)
    data |= data_settings(args.data)
    training = dict(config.training)
    for field in TrainingSettings.fields():
        if (value := getattr(args, field.name)) is not None:
            training[field.name] = value
    chosen = {name: value for name in ("model", "dataset", "method") if (value := getattr(args, name)) is not None}
    return dataclasses.replace(
        config, **chosen, method_settings=method_settings, training=training, data=data
    ).checked()

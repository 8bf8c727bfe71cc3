"""Loads an adapter and its base for a command. Imports torch, so commands import it when they run."""

import argparse

from engine.cli.settings import loading
from engine.config.run import RunConfig
from engine.core.errors import ModelError
from engine.exchange.native import load_adapter, read_facts
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.training.launch import base_for


def load_base_of(args: argparse.Namespace, config: RunConfig) -> Base:
    """The base of a run, loaded as the flags of `add_loading_options` say.

    Raises:
        ModelError: It cannot be loaded; where it is gone, the sentence names the flag that says where it lies now.
    """
    try:
        return base_for(loading(args, config), load_base)
    except ModelError as error:
        if error.key != "model_missing" or args.model:
            raise
        told = f"{error} If it was moved, say with --model where it lies now."
        raise ModelError("model_missing", told, name=error.values["name"]) from error


def load(args: argparse.Namespace) -> tuple[Base, Method, str]:
    """Base, method and template of `args.folder`, a run folder or an adapter folder.

    Raises:
        WorkbenchError: There is none, or its base cannot be loaded as the flags say.
    """
    folder = args.folder
    if (folder / "run.json").exists():
        run = RunFolder.open(folder)
        base = load_base_of(args, run.config)
        template = run.template or run.config.load_data(base.processor).template
        return base, load_adapter(folder / "adapter", base), template
    facts = read_facts(folder)
    training = {"precision": facts["base"]["precision"]} if "precision" in facts["base"] else {}
    base = load_base_of(args, RunConfig(model=facts["base"]["name"], training=training))
    return base, load_adapter(folder, base), facts.get("template") or "{prompt}"

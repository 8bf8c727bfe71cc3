"""Commands that train: train, resume."""

import argparse
import dataclasses
import functools
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.commands import Commands, add_command, run_place, user_path
from engine.cli.output import result, say
from engine.cli.settings import (
    add_accept_option,
    add_run_options,
    add_same_result_options,
    add_trust_options,
    run_config,
    smaller,
    trusted,
)
from engine.config.resuming import Resuming
from engine.config.training import ON_RESUME, TrainingSettings
from engine.core.errors import RunError
from engine.core.paths import runs_root
from engine.core.signals import STOP_SIGNALS, end_within, ignored_hangup
from engine.methods.sizing import made_smaller
from engine.runs.elsewhere.mirror import mirrored
from engine.runs.elsewhere.place import Place
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.runs.requests import GO_ON, PAUSE, POLL_S, STOP, Requests
from engine.runs.scan import new_run_path

if TYPE_CHECKING:
    from engine.training.launch import LoadBase
    from engine.training.loop import Trainer
    from engine.training.processes import Processes
    from engine.training.progress import Progress

WAITS = "The disk is full at step {} ({}): training waits, and goes on as soon as there is room. Ctrl-C stops it."
PATIENCE_S = 8.0
"""Seconds after a signal until what takes longer is given up."""
ENDS_WITHIN_S = 14
"""Seconds after a signal until the process ends whatever it is at, also where a disk hangs."""
MIRROR_HELP = (
    "place that gets a copy of the run folder while the run trains, such as s3://bucket/runs: a workbench elsewhere "
    "shows it with `python app.py --runs URL`"
)
GOES_ON = "There is room again: training goes on."


def train(args: argparse.Namespace) -> None:
    """Train a method on a dataset; everything is stored in the run folder."""
    from engine.models.loading import load_base
    from engine.training.launch import start_run

    with _led(load_base) as processes:
        if processes.main:
            config = run_config(args)
            mirror = _mirror(args)
            _launch_where_asked(config.checked().of_training(), sys.argv[1:])
            path = args.out or new_run_path(runs_root(), config)
            trainer = start_run(path, config, load_base, processes=processes)
            for line in smaller(made_smaller(config.method, trainer.folder.config.method_settings, trainer.base.shape)):
                say(line)
            with trainer.folder.owned(), mirrored(trainer.folder, mirror, say, new=True):
                _run(trainer, args, Requests(trainer.folder))


def resume(args: argparse.Namespace) -> None:
    """Resume a stopped or killed run from its newest checkpoint; with more --steps, a finished one, too."""
    from engine.models.loading import load_base
    from engine.training.launch import resume_run

    load = functools.partial(load_base, **trusted(args))
    given = {name: value for name in ON_RESUME if (value := getattr(args, name)) is not None}
    resuming = Resuming(training=given, accept_changed=args.accept_changed)
    with _led(load) as processes:
        if processes.main:
            mirror = _mirror(args)
            folder = _brought_here(args.folder)
            words = [str(folder.path) if word == args.folder else word for word in sys.argv[1:]]
            _launch_where_asked(TrainingSettings.from_dict(resuming.changed(folder.config.training)), words)
            with folder.owned(), mirrored(folder, mirror, say, new=False):
                requests = Requests(folder)  # which may come while the base is loaded
                _run(resume_run(folder, load, resuming, processes), args, requests)


def _mirror(args: argparse.Namespace) -> Place | None:
    """Where the run is mirrored to; None where that was not asked.

    Raises:
        RunError: The URL cannot be used.
    """
    return Place(args.mirror) if args.mirror else None


def _brought_here(folder: Path | str) -> RunFolder:
    """A run folder; of a mirrored run that is named by its URL, a new one of the home folder with what is there.

    Raises:
        RunError: There is none, it is being trained, or there is one of its name here already.
    """
    if not isinstance(folder, str):
        return RunFolder.open(folder)
    from engine.service.elsewhere import copy_now

    target = runs_root() / folder.rstrip("/").rsplit("/", 1)[-1]
    if target.exists():
        text = f"The folder {str(target)!r} is there already: resume that one, or rename it."
        raise RunError("run_is_here", text, path=str(target))
    with tempfile.TemporaryDirectory(prefix="gatelight-") as empty:
        copy = copy_now(folder, Path(empty))
        say(f"Fetching the run to {target}")
        target.parent.mkdir(parents=True, exist_ok=True)
        return copy.fetch(target, "")


@contextmanager
def _led(load: "LoadBase") -> "Iterator[Processes]":
    """The processes that `accelerate launch` started. In all but the first one, all of their work is done here.

    They end when the first one does, on whose signals they need not act.
    """
    from engine.training.follower import follow
    from engine.training.processes import Processes

    processes = Processes.of_environment()
    if processes.main:
        with processes.leading():
            yield processes
        return
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    follow(processes, load)
    yield processes


def _launch_where_asked(settings: TrainingSettings, words: Sequence[str]) -> None:
    """Become the launcher of several processes that execute the same command, where a run asks for them.

    Raises:
        WorkbenchError: The Accelerate config cannot be used, or the machine has not so many GPUs or cores.
    """
    from engine.training.launcher import Start, is_launched, launch_environment

    if not is_launched() and (start := Start.of(settings)) is not None:
        command = start.command(words)
        os.execve(command[0], command, launch_environment(start.count, settings.device))


def _said(progress: "Progress") -> str:
    """What stands beside the bar."""
    if progress.waiting:
        return "waiting for room on the disk"
    if progress.validating:
        return "validating"
    if progress.scoring:
        return "answering test rows"
    if progress.warming is not None:
        return f"warming up, {progress.warming:.0%}"
    return f"loss {progress.loss:.4f}, {progress.tokens_per_s:,.0f} tokens/s"


def _run(trainer: "Trainer", args: argparse.Namespace, requests: Requests) -> None:
    from tqdm import tqdm

    from engine.preflight.planning import enough_for

    folder, steps = trainer.folder, trainer.settings.steps
    trainer.enough = enough_for(folder.config, trainer.base.model.get_memory_footprint())
    say(f"Run folder: {folder.path}")
    generator = trainer.in_parts()
    with (
        _stop_signals(lambda: _give_up(trainer)) as stop_requested,
        tqdm(total=steps, initial=trainer.position.step, unit="step", disable=args.quiet) as bar,
    ):
        waiting, told = False, False
        for progress in generator:
            if progress.waiting != waiting:
                waiting = progress.waiting
                say(WAITS.format(progress.step, folder.path) if waiting else GOES_ON)
            bar.set_postfix_str(_said(progress))
            bar.update(progress.step - bar.n)
            if trainer.notice is not None and not told:
                told = True
                say(str(trainer.notice))
            if _asked_to_stop(trainer, requests, stop_requested):
                generator.close()
    if stop_requested.is_set():
        say(f"Stopped and kept. Resume with: python -m engine resume {folder.path}")
    facts = folder.facts()
    result(
        {
            "run": str(folder.path),
            "status": facts.status,
            "step": facts.step,
            "best_validation": facts.best_validation,
            "score": facts.score.to_dict() if facts.score else None,
            "forgetting": facts.forgetting,
            "kept_step": facts.kept_step,
            "stopped_early": facts.stopped_early,
            "trainable": facts.trainable,
            "memory": facts.memory.to_dict() if facts.memory else None,
            "wall_s": round(trainer.position.wall_s, 2),
            "config": dataclasses.asdict(folder.config),
        },
        as_json=args.json,
        text=_outcome(facts, folder.adapter_path),
    )


def _asked_to_stop(trainer: "Trainer", requests: Requests, stop_requested: threading.Event) -> bool:
    """Whether the run shall stop: by a signal, or since another process asks; where that asks for a pause, waits."""
    request = requests.new()
    if request == PAUSE:
        trainer.pause()
        while request not in (GO_ON, STOP) and not stop_requested.wait(POLL_S):
            request = requests.new() or request
        if request == GO_ON:
            trainer.go_on()
    if request == STOP:
        stop_requested.set()
    return stop_requested.is_set()


def _outcome(facts: RunFacts, adapter: Path) -> str:
    """One line about how a run ended."""
    ended = f"{facts.status} at step {facts.step}"
    if facts.stopped_early:
        ended += f" of {facts.steps}: validation did not get better any more"
    kept = "" if facts.kept_step == facts.step else f" of step {facts.kept_step}, the best one,"
    best = facts.best_validation
    ended += f"; {facts.score.sentence}" if facts.score else ""
    return f"{ended}; best validation loss {'unknown' if best is None else f'{best:.4f}'}; adapter{kept} in {adapter}"


def _give_up(trainer: "Trainer") -> None:
    """Keep the run as it was before what takes so long, as a step of a minute, and end the process."""
    trainer.keep()
    os._exit(1)


@contextmanager
def _stop_signals(give_up: Callable[[], None] = lambda: None) -> Iterator[threading.Event]:
    """An event that `STOP_SIGNALS` set: stop after the current step. Under nohup, a closed terminal is nothing.

    Args:
        give_up: Called, in a thread, where that has not happened after `PATIENCE_S`. After `ENDS_WITHIN_S` the process
            ends without being asked.
    """
    stop_requested = threading.Event()
    patience = threading.Timer(PATIENCE_S, give_up)
    patience.daemon = True

    def stop(*_: object) -> None:
        if not stop_requested.is_set():
            stop_requested.set()
            patience.start()
            end_within(ENDS_WITHIN_S)

    numbers = [number for number in STOP_SIGNALS if not ignored_hangup(number)]
    previous = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stop_requested
    finally:
        patience.cancel()
        if stop_requested.is_set():
            end_within(0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def register(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "train", train, "train a method")
    add_run_options(command)
    command.add_argument("--out", type=user_path, help="run folder to make (default: a new one in the home folder)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--mirror", metavar="URL", help=MIRROR_HELP)
    command = add_command(commands, "resume", resume, "resume a run")
    command.add_argument(
        "folder", type=run_place, help="run folder, or the URL of a mirrored run, which then goes on in the home folder"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--mirror", metavar="URL", help=MIRROR_HELP)
    add_accept_option(command)
    add_same_result_options(command)
    add_trust_options(command)

"""Commands that train and score: train, resume, eval."""

import argparse
import dataclasses
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from engine.cli.output import result, say
from engine.cli.settings import add_loading_options, add_run_options, loading, run_config
from engine.core.atomic import write_text
from engine.core.paths import runs_root
from engine.data.dataset import load_dataset
from engine.evaluation.head import head_predictions, head_scores
from engine.evaluation.text import text_predictions, text_scores
from engine.exchange.native import load_adapter
from engine.models.loading import load_base
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder, new_run_path
from engine.training.launch import base_for, resume_run, start_run
from engine.training.loop import Trainer


def train(args: argparse.Namespace) -> None:
    """Train a method on a dataset; the run folder keeps everything."""
    config = run_config(args)
    path = args.out or new_run_path(runs_root(), config)
    trainer = start_run(path, config, load_base)
    with trainer.folder.owned():
        _run(trainer, args)


def resume(args: argparse.Namespace) -> None:
    """Go on with a stopped or killed run from its newest checkpoint."""
    folder = RunFolder.open(args.folder)
    with folder.owned():
        _run(resume_run(folder, load_base), args)


def score(args: argparse.Namespace) -> None:
    """Score a run on the held-out rows of its dataset, beside the untuned base."""
    folder = RunFolder.open(args.folder)
    config = loading(args, folder.config)
    base = base_for(config, load_base)
    method = load_adapter(folder.adapter_path, base)
    dataset = (
        load_dataset(args.dataset).in_chat_template(base.processor)
        if args.dataset
        else config.load_data(base.processor)
    )
    found = (text_predictions if method.head is None else head_predictions)(base, method, dataset)
    if args.predictions is not None:
        lines = [json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n" for row in found]
        write_text(args.predictions, "".join(lines))
    scores = (text_scores if method.head is None else head_scores)(base, method, dataset, found)
    result(scores, as_json=args.json)


def _run(trainer: Trainer, args: argparse.Namespace) -> None:
    folder, steps = trainer.folder, trainer.settings.steps
    say(f"Run folder: {folder.path}")
    generator = trainer.run()
    with (
        _stop_signals() as asked,
        tqdm(total=steps, initial=trainer.position.step, unit="step", disable=args.quiet) as bar,
    ):
        for progress in generator:
            if progress.warming is not None:
                bar.set_postfix_str(f"warming up, {progress.warming:.0%}")
            else:
                bar.update()
                bar.set_postfix_str(f"loss {progress.loss:.4f}, {progress.tokens_per_s:,.0f} tokens/s")
            if asked.is_set():
                generator.close()
    if asked.is_set():
        say(f"Stopped and kept. Go on with: python -m engine resume {folder.path}")
    facts = folder.facts()
    result(
        {
            "run": str(folder.path),
            "status": facts.status,
            "step": facts.step,
            "best_validation": facts.best_validation,
            "kept_step": facts.kept_step,
            "stopped_early": facts.stopped_early,
            "trainable": facts.trainable,
            "memory": facts.memory,
            "wall_s": round(trainer.position.wall_s, 2),
            "config": dataclasses.asdict(folder.config),
        },
        as_json=args.json,
        text=_outcome(facts, folder.adapter_path),
    )


def _outcome(facts: RunFacts, adapter: Path) -> str:
    """How a run ended, in one line."""
    ended = f"{facts.status} at step {facts.step}"
    if facts.stopped_early:
        ended += f" of {facts.steps}: validation did not get better any more"
    kept = "" if facts.kept_step == facts.step else f" of step {facts.kept_step}, the best one,"
    best = facts.best_validation
    return f"{ended}; best validation loss {'unknown' if best is None else f'{best:.4f}'}; adapter{kept} in {adapter}"


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Stop after the current step on SIGINT or SIGTERM: the event is set by either."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def register(commands: Any) -> None:  # noqa: ANN401 - argparse's sub-parser action is private
    """Add the commands."""
    command = commands.add_parser("train", help="train a method", description=train.__doc__)
    add_run_options(command)
    command.add_argument("--out", type=Path, help="run folder to make (default: a new one in the home folder)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=train)
    command = commands.add_parser("resume", help="go on with a run", description=resume.__doc__)
    command.add_argument("folder", type=Path, help="run folder")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=resume)
    command = commands.add_parser("eval", help="score a run", description=score.__doc__)
    command.add_argument("folder", type=Path, help="run folder")
    command.add_argument("--dataset", help="another dataset than the run's own")
    command.add_argument("--predictions", type=Path, help="also write every row with both answers, as JSON lines")
    add_loading_options(command, of_run=True)
    command.set_defaults(run=score)

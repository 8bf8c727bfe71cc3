"""The command that scores a run: eval."""

import argparse
import dataclasses
import json

from engine.cli.commands import Commands, add_command, user_path
from engine.cli.output import result
from engine.cli.settings import add_accept_option, add_loading_options, loading
from engine.core.atomic import write_text
from engine.core.errors import ModelError
from engine.runs.folder import RunFolder


def score(args: argparse.Namespace) -> None:
    """Score a run on the test rows of its dataset, beside the untuned base."""
    from engine.cli.adapter import load_base_of
    from engine.data.dataset import load_dataset
    from engine.evaluation.head import head_predictions, head_scores
    from engine.evaluation.text import text_predictions, text_scores
    from engine.exchange.native import load_adapter
    from engine.training.run_changes import check_processor, check_test_rows

    folder = RunFolder.open(args.folder)
    config = loading(args, folder.config)
    base = load_base_of(args, folder.config)
    try:
        method = load_adapter(folder.adapter_path, base, other_weights=args.accept_changed)
    except ModelError as error:
        if error.key != "other_base":
            raise
        raise ModelError(
            "other_base",
            f"{error} Or score it all the same with --accept-changed.",
            wanted=error.values["wanted"],
            name=error.values["name"],
        ) from None
    if not args.accept_changed:
        check_processor(folder, base)
    if args.dataset:
        dataset = load_dataset(args.dataset).in_chat_template(base.processor)
    else:
        dataset = config.load_data(base.processor)
        if not args.accept_changed:
            check_test_rows(folder, dataset)
    predictions = (text_predictions if method.head is None else head_predictions)(base, method, dataset)
    if args.predictions is not None:
        lines = [json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n" for row in predictions]
        write_text(args.predictions, "".join(lines))
    scores = (text_scores if method.head is None else head_scores)(base, method, dataset, predictions)
    result(scores, as_json=args.json)


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "eval", score, "score a run")
    command.add_argument("folder", type=user_path, help="run folder")
    command.add_argument("--dataset", help="another dataset than the run's")
    command.add_argument("--predictions", type=user_path, help="also write every row with both answers, as JSON lines")
    add_accept_option(command)
    add_loading_options(command, of_run=True)

"""`python -m tools.demo_model`: make the town's datasets, tokenizer, base model, model card and recorded runs again."""

import argparse
from pathlib import Path

from tools.demo_model import card, pretrain, record, tasks, tokenizer

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def main() -> None:
    """Parse the command and run it."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo_model", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("data", "write the four tuning datasets (seconds)"),
        ("tokenizer", "train the tokenizer (seconds)"),
        ("pretrain", "make tokenizer, held-out text and base model (half an hour on two cores)"),
        ("card", "write the model card from what `python -m benchmarks.expected` measured (seconds)"),
        ("record", "train the recorded runs that the page opens with (two minutes)"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        default = ASSETS / {"data": "datasets", "record": "recordings"}.get(name, "town")
        command.add_argument("--out", type=Path, default=default, help="folder to write to")
        if name == "pretrain":
            command.add_argument("--documents", type=int, default=60_000, help="how many documents to read")
    args = parser.parse_args()
    if args.command == "data":
        tasks.write_all(args.out)
    elif args.command == "tokenizer":
        tokenizer.save_tokenizer(args.out)
    elif args.command == "card":
        card.write_card(args.out)
    elif args.command == "record":
        record.record_all(args.out)
    else:
        print(pretrain.pretrain(args.out, args.documents))


if __name__ == "__main__":
    main()

"""`python -m tools.town_pictures`: make the dataset town-pictures and the vision encoder town-vit again."""

import argparse
from pathlib import Path

from tools.town_pictures import dataset, encoder

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def main() -> None:
    """Parse the command and run it."""
    parser = argparse.ArgumentParser(prog="python -m tools.town_pictures", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text, default in (
        ("data", "draw the pictures and write the dataset (seconds)", ASSETS / "datasets" / dataset.NAME),
        ("encoder", "pre-train the vision encoder (five minutes of one CPU core)", ASSETS / dataset.ENCODER),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--out", type=Path, default=default, help="folder to write to")
    args = parser.parse_args()
    if args.command == "data":
        dataset.write_dataset(args.out)
    else:
        print(encoder.pretrain(args.out))


if __name__ == "__main__":
    main()

"""Datasets as the trainer and the page see them: rows of prompt and response, and the template around them.

A dataset is a folder with `dataset.json` and one JSONL file per split. The ones that ship live in
`assets/datasets`; any other folder of the same form can be given by its path.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import DataError

DATASETS = Path(__file__).resolve().parents[2] / "assets" / "datasets"
SPLITS = ("train", "validation", "heldout")


@dataclass(frozen=True, slots=True)
class Row:
    """One example: what is asked, and what the model shall answer."""

    prompt: str
    response: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A dataset's description; its rows are read on demand.

    Attributes:
        name: Folder name, or the path that the user gave.
        folder: Where it lies.
        title: By language.
        summary: One sentence by language.
        template: Text around a prompt; the response follows directly.
        metric: How held-out answers are scored.
        max_new_tokens: Enough for any answer.
        chips: Three example questions for the chat.
        splits: Rows of each split.
    """

    name: str
    folder: Path
    title: dict[str, str]
    summary: dict[str, str]
    template: str
    metric: str = "exact_match"
    max_new_tokens: int = 64
    chips: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)

    def rows(self, split: str) -> list[Row]:
        """All rows of a split.

        Raises:
            DataError: The file is missing, empty, or has a bad line; the message names the line.
        """
        path = self.folder / f"{split}.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise DataError(
                "no_split",
                f"The dataset {self.name!r} has no split {split!r}: add the file {path.name}.",
                name=self.name,
                split=split,
                file=path.name,
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(
                "bad_encoding",
                f"The file {path.name} of dataset {self.name!r} is not UTF-8 text: save it as UTF-8.",
                name=self.name,
                file=path.name,
            ) from error
        rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not rows:
            raise DataError(
                "empty_split",
                f"The file {path.name} of dataset {self.name!r} has no rows.",
                name=self.name,
                file=path.name,
            )
        return rows

    def fill(self, prompt: str) -> str:
        """The template with a prompt in it: what the model reads before it answers."""
        return self.template.replace("{prompt}", prompt)


def _row(path: Path, number: int, line: str) -> Row:
    try:
        values = json.loads(line)
        return Row(_text(values["prompt"]), _text(values["response"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "bad_row",
            f"Line {number} of {path.name} is not a row: it must be a JSON object with the texts 'prompt' and "
            "'response'.",
            file=path.name,
            line=number,
        ) from error


def _text(value: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def load_dataset(name: str) -> Dataset:
    """Find a dataset by name or folder.

    Raises:
        DataError: There is none, or its description cannot be read.
    """
    folder = DATASETS / name if name in shipped() else Path(name).expanduser()
    path = folder / "dataset.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        dataset = Dataset(**{**facts, "name": name, "folder": folder})
    except FileNotFoundError as error:
        known = ", ".join(shipped())
        raise DataError(
            "no_dataset",
            f"There is no dataset called {name!r}: choose one of {known}, or give a folder with a dataset.json.",
            name=name,
            known=known,
        ) from error
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise DataError(
            "bad_description",
            f"The description {path.name} of dataset {name!r} cannot be read: {error}",
            name=name,
            reason=str(error),
        ) from error
    if dataset.template.count("{prompt}") != 1:
        raise DataError(
            "bad_template",
            f"The template of dataset {name!r} must hold {{prompt}} exactly once.",
            name=name,
        )
    return dataset


def shipped() -> list[str]:
    """Names of the datasets that ship with the workbench, the default one first."""
    names = sorted(path.parent.name for path in DATASETS.glob("*/dataset.json"))
    return sorted(names, key=lambda name: name != "town-qa")

"""Datasets as the trainer and the page see them: rows of prompt and response, and the template around them.

A dataset is a folder with `dataset.json` and one JSONL file per split. The ones that ship live in
`assets/datasets`; any other folder of the same form can be given by its path. Files and hub datasets, whose columns
are chosen and guessed, are read by `engine.data.load_source`.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.core.confine import named_path
from engine.core.errors import DataError, SettingError
from engine.core.plain_json import loads
from engine.data.info import DatasetInfo
from engine.data.load_source import open_source
from engine.data.readers.dispatch import is_source
from engine.data.readers.formats import suffixes
from engine.data.readers.hub_name import HUB
from engine.data.row import Row as Row
from engine.data.settings import DataSettings
from engine.data.shipped import DATASETS, DESCRIPTION, shipped
from engine.data.slots import PROMPT
from engine.data.source import Source
from engine.data.splits import SPLITS
from engine.data.templates import fill

FORMER = {"test": "heldout"}
"""What a split was called before."""

LABEL_TOKENS, ANSWER_TOKENS = 16, 128
"""Enough for an answer to the rows of a file, which nobody has described."""

LONGEST_CHIP = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A dataset's description; its rows are read on demand.

    Attributes:
        name: Folder name, or the path that the user gave.
        folder: Where it lies.
        title: By language, where its description has one.
        summary: One sentence by language, likewise.
        template: Text around a prompt; the response follows directly.
        metric: How answers to test rows are scored.
        max_new_tokens: Enough for any answer.
        chips: Three example questions for the chat.
        splits: Rows of each split.
        labels: The responses there are, when there are few: what a task head chooses from.
        task: "regression" when every response is a number, which a task head estimates; else empty.
        suited: By method, its settings that suit these rows better than its defaults, such as the vision encoder
            through which it sees their pictures.
        steps: Updates of a run that suit these rows; None for the usual number.
        source: Where rows come from when they do not lie in the folder as JSONL.
        foreign: Whether the template is a method's, which then also stands around rows that have their own.
    """

    name: str
    folder: Path
    template: str
    title: dict[str, str] = field(default_factory=dict)
    summary: dict[str, str] = field(default_factory=dict)
    metric: str = "exact_match"
    max_new_tokens: int = 64
    chips: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    task: str = ""
    suited: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: int | None = None
    source: Source | None = None
    foreign: bool = False

    def __post_init__(self) -> None:
        """Check what a task head relies on."""
        if not all(isinstance(label, str) and label.strip() == label != "" for label in self.labels):
            raise ValueError("labels must be texts without space around them")
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise ValueError("labels must be two or more different texts")
        if self.task not in ("", "regression"):
            raise ValueError(f"task is {self.task!r}: leave it out, or say 'regression'")
        if self.labels and self.task:
            raise ValueError("responses are either labels or numbers, not both")

    @property
    def pictures(self) -> bool:
        """Whether rows are pictures, without a text."""
        return self.source is not None and self.source.pictures

    @property
    def illustrated(self) -> bool:
        """Whether rows are texts that may have a picture beside them."""
        return self.source is not None and self.source.illustrated

    @property
    def spans(self) -> bool:
        """Whether answers stand word for word in the text that is asked about, so that a head can mark them there."""
        return self.source is not None and self.source.spans

    @property
    def texts(self) -> tuple[str, str] | tuple[()]:
        """Names of the two texts that a row consists of; nothing where it is one."""
        return self.source.texts if self.source is not None else ()

    @property
    def abstains(self) -> bool:
        """Whether some of these texts do not hold the answer."""
        return self.source is not None and self.source.abstains

    def check_seen(self, *, sees_pictures: bool) -> None:
        """See that a method which sees pictures gets some, and that none are there that nothing sees.

        Raises:
            DataError: It does not, or some are.
        """
        if sees_pictures and not self.illustrated:
            known = ", ".join(self.source.tables["train"].columns) if self.source else "prompt, response"
            raise DataError(
                "no_picture_column",
                f"vision is set, but no column of {self.name!r} is named as that of the pictures: set the data setting "
                f"picture to one of {known}, or leave vision empty.",
                name=self.name,
                known=known,
            )
        if self.illustrated and not sees_pictures:
            assert self.source is not None
            if self.suited:
                raise DataError(
                    "described_pictures_unseen",
                    f"The rows of {self.name!r} are about pictures, and the method sees none: choose one of "
                    f"{', '.join(self.suited)}, or another dataset.",
                    name=self.name,
                    known=", ".join(self.suited),
                )
            raise DataError(
                "pictures_unseen",
                f"The data setting picture names the column {self.source.columns.picture!r}, but the method sees no "
                "pictures: set its option vision, or leave picture empty to train on the texts alone.",
                column=self.source.columns.picture,
            )

    @property
    def head_labels(self) -> tuple[str, ...] | None:
        """What a task head would choose from; empty when it estimates a number, None when it has nothing to do."""
        return tuple(self.labels) if self.labels or self.task else None

    @property
    def info(self) -> DatasetInfo:
        """What a page or a table says of it."""
        return DatasetInfo(
            name=self.name,
            title=self.title,
            summary=self.summary,
            metric=self.metric,
            splits=self.splits,
            chips=self.chips,
            labels=self.head_labels,
            suited=self.suited,
            steps=self.steps,
        )

    def rows(self, split: str) -> Sequence[Row]:
        """All rows of a split.

        Raises:
            DataError: The file is missing, empty, or has a bad line; the message names the line.
        """
        if self.source is not None and (rows := self.source.rows(split)) is not None:
            return rows
        path = self._file(split)
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines would cut at U+2028 too
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

    def training_numbers(self) -> Iterator[float]:
        """What the training rows answer, where every response is a number; damaged ones are left out."""
        if self.source is None:
            cells = (row.response for row in self.rows("train"))
        else:
            cells = self.source.tables["train"].data.column(self.source.columns.response).to_pylist()
        for cell in cells:
            with contextlib.suppress(ValueError):
                yield float(cell)

    def _file(self, split: str) -> Path:
        """The file of a split; folders of before call the test split "heldout"."""
        path, former = self.folder / f"{split}.jsonl", self.folder / f"{FORMER.get(split, split)}.jsonl"
        return named_path(str(former if former.exists() and not path.exists() else path))

    def fill(self, prompt: str) -> str:
        """The template with a prompt in it: what the model reads before it answers."""
        return fill(self.template, prompt)

    def in_template(self, template: str | None) -> "Dataset":
        """The same rows in a method's own template; None keeps the dataset's."""
        return self if template is None else replace(self, template=template, foreign=True)

    def template_of(self, row: Row) -> str:
        """The template around one row."""
        return self.template if row.template is None or self.foreign else row.template

    def in_chat_template(self, tokenizer: Any) -> "Dataset":  # noqa: ANN401 - this file must not load transformers
        """The same rows in the tokenizer's chat template, where the data settings ask for it or it suits the data.

        Raises:
            DataError: It is asked for, and the tokenizer has none that can be used.
        """
        if self.source is None or self.pictures:
            return self
        source = self.source.in_chat_template(tokenizer)
        return replace(self, source=source, template=source.template.around)


def _splits(facts: dict[str, Any]) -> dict[str, int]:
    present = {former: split for split, former in FORMER.items()}
    return {present.get(split, split): rows for split, rows in facts.get("splits", {}).items()}


def _row(path: Path, number: int, line: str) -> Row:
    try:
        values = loads(line)
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


def load_dataset(name: str, settings: DataSettings | None = None) -> Dataset:
    """Find a dataset by name or folder, or read a file or a hub dataset as the settings say.

    Raises:
        DataError: There is none, or it or its description cannot be read.
        SettingError: There are settings, but the dataset has a description of its own.
    """
    settings = settings or DataSettings()
    for path in (name, settings.validation, settings.test):
        if path.strip() and not path.startswith(HUB) and path not in shipped():
            named_path(path)
    if name not in shipped() and is_source(name):
        return _from_source(name, settings)
    if settings != DataSettings():
        raise SettingError(
            "data_settings",
            f"The dataset {name!r} has a description of its own, so data settings do not apply: leave them out, or "
            "give the path of one of its files.",
            name=name,
        )
    dataset = _from_description(name, DATASETS / name if name in shipped() else Path(name).expanduser())
    if dataset.template.count(PROMPT) != 1:
        raise DataError(
            "bad_template",
            f"The template of dataset {name!r} must hold {{prompt}} exactly once.",
            name=name,
        )
    return dataset


def _from_description(name: str, folder: Path) -> Dataset:
    path = folder / DESCRIPTION
    try:
        facts = loads(path.read_text(encoding="utf-8"))
        picture = facts.pop("picture", "")
        dataset = Dataset(**{**facts, "name": name, "folder": folder, "splits": _splits(facts)})
        return replace(dataset, source=_illustrated(dataset, picture)) if picture else dataset
    except FileNotFoundError as error:
        known = ", ".join(shipped())
        raise DataError(
            "no_dataset",
            f"There is no dataset called {name!r}: choose one of {known}, or give a file ({' '.join(suffixes())}), a "
            "hub dataset (hub:owner/name), a folder with a dataset.json, or one of pictures.",
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


def _illustrated(dataset: Dataset, picture: str) -> Source:
    """The rows of a described dataset with pictures, which lie in its folder as one file per split, pictures and all.

    Args:
        dataset: Its description.
        picture: Name of the column that holds the pictures.

    Raises:
        DataError: The file of a split is missing.
    """
    lying = {file.stem: str(file) for file in dataset.folder.iterdir() if is_source(file.name)}
    files = {split: lying.get(split, str(dataset.folder / split)) for split in SPLITS}
    settings = DataSettings(
        prompt="prompt",
        response="response",
        picture=picture,
        responses="free",
        template="own",
        own_template=dataset.template,
        validation=files["validation"],
        test=files["test"],
    )
    return open_source(files["train"], settings)


def _from_source(name: str, settings: DataSettings) -> Dataset:
    source = open_source(name, settings)
    rows = source.rows("test") or []
    return Dataset(
        name=name,
        folder=Path(name).expanduser().parent,
        template=source.template.around,
        max_new_tokens=LABEL_TOKENS if source.labels or source.numbers else ANSWER_TOKENS,
        chips=[] if source.pictures else [row.prompt for row in rows[:20] if 0 < len(row.prompt) <= LONGEST_CHIP][:3],
        splits={split: len(table) for split, table in source.tables.items()},
        labels=list(dict.fromkeys(source.labels.values())),
        task="regression" if source.numbers else "",
        source=source,
    )


def shipped_datasets() -> list[DatasetInfo]:
    """Descriptions of the datasets that ship, the default one first."""
    return [load_dataset(name).info for name in shipped()]

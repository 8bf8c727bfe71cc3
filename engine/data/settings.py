"""How a file or a hub dataset becomes rows: which columns, which template, which split. Kept in the run's YAML."""

from dataclasses import dataclass

from engine.core.errors import SettingError
from engine.core.settings import Settings, setting
from engine.data.row_limit import RowLimit


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """What a person may say about a file; what is left empty is guessed from its columns."""

    prompt: str = setting(
        "",
        "Columns that are asked, separated by commas; empty guesses from their names. With labels or numbers, an "
        "encoder reads two of them as its tokenizer joins a pair of texts; otherwise each is named on a line.",
    )
    input: str = setting("", "Column with text that the question is about, such as Alpaca's input; empty guesses.")
    response: str = setting("", "Column that shall be answered; empty guesses.")
    messages: str = setting("", "Column that holds a conversation; empty guesses.")
    picture: str = setting(
        "",
        "Column with the picture that a row is about: a path from the file's folder on, or the picture itself where "
        "the format holds bytes; an empty cell is a row without one. Methods see it through a vision encoder.",
    )
    turns: str = setting(
        "opening",
        "What is taken of a conversation: its first question and answer, its last answer with all that led to it, or "
        "every answer of the assistant in one row (trl's assistant_only_loss); the last answer is scored then.",
        choices=("opening", "whole", "every"),
    )
    responses: str = setting(
        "guess",
        "Whether responses are free text, labels to choose from, numbers, or spans: answers that stand word for word "
        "in the input, where a task head can mark them.",
        choices=("guess", "free", "labels", "numbers", "spans"),
    )
    label_names: str = setting("", "Names of the labels 0, 1, 2 … where the file has ids only, separated by commas.")
    template: str = setting(
        "suited",
        "Text around a prompt: Alpaca's, the tokenizer's chat template, plain, or your own.",
        choices=("suited", "plain", "alpaca", "chat", "own"),
    )
    own_template: str = setting(
        "", "Your own template: text with {prompt} once, or Jinja over the columns, such as {{ question }}."
    )
    validation: str = setting(
        "", "File (or split of the hub dataset) to validate on; empty cuts rows off.", advanced=True
    )
    test: str = setting(
        "", "File (or split of the hub dataset) to score on; empty cuts rows off.", was="heldout", advanced=True
    )
    validation_rows: int = setting(
        200,
        "Rows kept for validation where there are none; never more than a fifth.",
        low=1,
        high=100_000,
        unit="rows",
        advanced=True,
    )
    test_rows: int = setting(
        200,
        "Rows kept for scoring where there are none; never more than a fifth.",
        was="heldout_rows",
        low=1,
        high=100_000,
        unit="rows",
        advanced=True,
    )
    split_seed: int = setting(
        0,
        "Number that fixes which rows are kept for validation and scoring, and which are read of a longer file.",
        low=0,
        high=2**31 - 1,
        advanced=True,
    )
    row_limit: int = setting(
        100_000,
        "Rows that are read of each file; of a longer one a sample, the same every time (see split_seed).",
        low=3,
        high=100_000_000,
        unit="rows",
        advanced=True,
    )
    encoding: str = setting("", "Encoding of the file, such as gb18030 or cp1252; empty finds out.", advanced=True)
    streaming: bool = setting(
        default=False, help="Read a hub dataset as it comes, without keeping a copy on this machine.", advanced=True
    )

    @property
    def limit(self) -> RowLimit:
        """How many rows are read of a file, and which."""
        return RowLimit(self.row_limit, self.split_seed)

    def __post_init__(self) -> None:
        """Check the values, and that a template of one's own is there exactly when it is asked for."""
        super().__post_init__()
        if (self.template == "own") != bool(self.own_template.strip()):
            raise SettingError(
                "own_template",
                "own_template is empty although template is 'own': write one, or choose another template."
                if self.template == "own"
                else f"own_template is set although template is {self.template!r}: set template to 'own'.",
                field="own_template",
            )

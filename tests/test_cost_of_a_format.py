"""Another file format costs one reader and one row: menus, messages and folders of pictures follow from the table."""

import re
from pathlib import Path

import pytest

from app.user_data import dataset_name
from app.words import LANGUAGES
from engine.core.errors import DataError
from engine.data.dataset import load_dataset
from engine.data.readers import formats
from engine.data.readers.dispatch import is_source
from engine.data.readers.formats import FORMATS, Format, suffixes
from engine.data.table import TableMaker
from tests.unit.drawing import draw_shapes

ROOT = Path(__file__).resolve().parents[1]
TABLE = "engine/data/readers/formats.py"
READERS = {
    "parquet": "engine/data/readers/parquet_files.py",
    "tsv": "engine/data/readers/delimited.py",
}
NAMING = {
    "parquet": [f"app/words/{language}/data_errors.py" for language in LANGUAGES],
    "tsv": ["engine/data/columns.py", *(f"app/words/{language}/data_errors.py" for language in LANGUAGES)],
}
"""Who names a format beside its reader and its row: sentences about errors that only files of the format can have."""


@pytest.mark.parametrize("name", READERS)
def test_only_reader_and_row_name_a_format(name):
    """Nothing else in engine and page knows the format."""
    files = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "app").rglob("*.py"), *(ROOT / "assets" / "js").rglob("*.js")]
    word = re.compile(rf"(?<![a-z]){name}(?![a-z])", re.IGNORECASE)
    naming = {file.relative_to(ROOT).as_posix() for file in files if word.search(file.read_text("utf-8"))}
    assert naming == {TABLE, READERS[name], *NAMING[name]}


def test_a_suffix_has_one_row():
    """No two formats claim the same files, and none claims suffixes that are never matched."""
    assert len(set(suffixes())) == len(suffixes())
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes())


def read_pairs(path, limit, encoding):
    """A format of the test: what is asked, a bar, what is answered."""
    maker = TableMaker(path.name, limit)
    for number, line in enumerate(path.read_text(encoding or "utf-8").splitlines(), 1):
        assert maker.wants()
        maker.add(dict(zip(("file_name", "label"), line.split("|"), strict=True)), lambda line=number: line)
    return maker.table()


@pytest.fixture
def pairs(monkeypatch):
    """The table with one row more."""
    monkeypatch.setattr(formats, "FORMATS", [*FORMATS, Format("Pairs", (".pairs",), read_pairs)])


def test_everything_follows_from_the_row(pairs, tmp_path):
    """Files of a new format are datasets, describe pictures, are no hub names, and are named where formats are."""
    file = tmp_path / "rows.PAIRS"
    file.write_text("\n".join(f"question {i}|{i % 2}" for i in range(20)))
    assert is_source(str(file))
    assert is_source("nowhere.pairs")
    assert dataset_name("me/rows.pairs", "", "") == "me/rows.pairs"
    assert load_dataset(str(file)).labels == ["0", "1"]
    (tmp_path / "rows.other").write_text("a")
    for name in (str(tmp_path / "rows.other"), str(tmp_path / "nowhere")):
        with pytest.raises(DataError, match=r"\.pairs"):
            load_dataset(name)


def test_pictures_are_described_in_any_format(pairs, tmp_path):
    """`metadata` with the suffix of a new format says the labels of pictures."""
    folder = draw_shapes(tmp_path / "shapes")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    (folder / "metadata.pairs").write_text("\n".join(f"{name}|{'ab'[place % 2]}" for place, name in enumerate(names)))
    assert load_dataset(str(folder)).labels == ["a", "b"]

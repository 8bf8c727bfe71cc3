"""A folder of pictures with labels as tables, one per split: a row for each picture that can be read.

    circle/a.png, square/b.png                        one folder per label
    train/circle/a.png, test/square/b.png             the same in folders of splits
    metadata.csv (or any other file format)           file_name and label of pictures below, in any of these folders

Pictures are unpacked once to see that they are whole; a row keeps only where its picture lies.
"""

import functools
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa

from engine.core.errors import DataError
from engine.data.columns import LABELS
from engine.data.picture_table import Gallery, PictureFacts
from engine.data.pixels import NoPictureError, look_at
from engine.data.readers.formats import has_suffix, read_file
from engine.data.row_limit import RowLimit
from engine.data.settings import DataSettings
from engine.data.split_names import NAMES
from engine.data.table import Table

FILE_NAME = ("file_name", "filename", "file", "image", "path")
METADATA = "metadata"

THREADS = 4
"""Pictures that are unpacked at once: Pillow does it outside of Python's lock."""

MOST_FILES = 2_000_000
"""Of a folder: whoever names one with more has named another than was meant."""
MOST_OTHERS, SHARE = 20_000, 10
"""Files that are no pictures by their names, before the first of which every tenth must be one: a system's or a
programmer's folder has more, and opening each of them would take minutes."""
OF_PICTURES = frozenset(
    {"", ".apng", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm"}
    | {".ppm", ".tif", ".tiff", ".webp"}
)
"""What the names of pictures end in; some end in nothing."""

Stamp = int
"""Hash of every file's name, size and time."""


def is_pictures(path: Path) -> bool:
    """Whether a folder is taken for one of pictures: every folder that is no dataset with a description."""
    return path.is_dir() and not (path / "dataset.json").is_file()


def folder_stamp(root: Path) -> Stamp:
    """Changes when any file of a folder does."""
    facts = []
    for file in _files(root):
        stat = file.lstat()
        facts.append((str(file), stat.st_size, stat.st_mtime_ns))
    return hash(tuple(facts))


def read_pictures(root: Path, settings: DataSettings) -> dict[str, Table]:
    """The splits of a folder: "train", and those that it has folders of with labels.

    Raises:
        DataError: It has no pictures that can be read, or no labels.
    """
    return _read(root.resolve(), folder_stamp(root), settings.limit, settings.response.strip())


@functools.lru_cache(maxsize=4)
def _read(root: Path, stamp: Stamp, limit: RowLimit, column: str) -> dict[str, Table]:
    files = list(_files(root))
    tables = {}
    for split, folders in _splits(root, files).items():
        labelled: dict[Path, str] = {}
        described = False
        for folder in folders:
            metadata = next((file for file in files if file.parent == folder and _is_metadata(root, file)), None)
            described = described or metadata is not None
            labelled |= _by_folder(folder, files) if metadata is None else _described(metadata, column, limit)
        if labelled or split == "train":
            tables[split] = _table(root, labelled, limit, described=described)
    return tables


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, in order; hidden ones, and what a Mac or Windows puts beside pictures, left out.

    Raises:
        DataError: It holds a home, or far too much that is no picture.
    """
    if Path("~").expanduser().resolve().is_relative_to(root.resolve()):
        raise _huge(root)
    folders = files = others = 0
    for folder, inner, names in os.walk(root):
        folders, files = folders + len(inner), files + len(names)
        others += sum(Path(name).suffix.lower() not in OF_PICTURES for name in names)
        if folders + files > MOST_FILES or (others > MOST_OTHERS and SHARE * (files - others) < files):
            raise _huge(root)
        links = [name for name in inner if (Path(folder) / name).is_symlink()]
        inner[:] = sorted(name for name in inner if name not in links and not _hidden(name))
        yield from (Path(folder) / name for name in sorted([*names, *links]) if not _hidden(name))


def _huge(root: Path) -> DataError:
    return DataError(
        "huge_folder",
        f"The folder {str(root)!r} is no folder of pictures: it holds a home folder, more than {MOST_FILES:,} files, "
        f"or more than {MOST_OTHERS:,} files of other kinds. Name the folder of the pictures itself.",
        folder=str(root),
        most=f"{MOST_FILES:,}",
        others=f"{MOST_OTHERS:,}",
    )


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name.lower() in ("thumbs.db", "desktop.ini")


def _is_metadata(root: Path, file: Path) -> bool:
    """Whether a file describes the pictures beside it; one that a link leads out of the folder to does not."""
    return file.stem.lower() == METADATA and has_suffix(file) and file.resolve().is_relative_to(root)


def _splits(root: Path, files: list[Path]) -> dict[str, list[Path]]:
    """The folders of every split; the whole folder trains where its folders are not named like splits."""
    top = sorted({file.relative_to(root).parts[0] for file in files if len(file.relative_to(root).parts) > 1})
    splits: dict[str, list[Path]] = {}
    for name in top:
        if (split := NAMES.get(name.lower())) is None:
            return {"train": [root]}
        splits.setdefault(split, []).append(root / name)
    deep = any(len(file.relative_to(root).parts) > 2 or _is_metadata(root, file) for file in files)
    return splits if "train" in splits and deep else {"train": [root]}


def _by_folder(folder: Path, files: list[Path]) -> dict[Path, str]:
    """Every file in a folder of this one, with that folder's name as its label."""
    pairs = ((file, file.relative_to(folder).parts) for file in files if file.is_relative_to(folder))
    return {file: parts[0].strip() for file, parts in pairs if len(parts) > 1}


def _table(root: Path, labelled: dict[Path, str], limit: RowLimit, *, described: bool) -> Table:
    """One split: every picture that has a label and can be read."""
    if not labelled:
        raise DataError(
            "no_picture_labels",
            f"The folder {str(root)!r} holds no pictures with labels: put the pictures of each label into a folder of "
            "its name, or add a metadata.csv with the columns file_name and label.",
            folder=str(root),
        )
    order = _interleaved(labelled)
    return _readable(root, order[: limit.rows], labelled, described=described, cut=len(order) > limit.rows)


def _described(metadata: Path, column: str, limit: RowLimit) -> dict[Path, str]:
    """What a metadata file holds: the label of each picture, which it names from its own folder on."""
    table = read_file(metadata, replace(DataSettings(), row_limit=limit.rows, split_seed=limit.seed))
    lower = {name.strip().lower(): name for name in table.columns}
    name = next((lower[each] for each in FILE_NAME if each in lower), None)
    others = [each for each in table.columns if each != name]
    label = column if column in table.columns else next((lower[each] for each in LABELS if each in lower), None)
    label = others[0] if label is None and len(others) == 1 else label
    if name is None or label is None or (column and column != label):
        raise DataError(
            "bad_metadata",
            f"The file {metadata.name} in {str(metadata.parent)!r} must have the columns file_name and label, but it "
            f"has {', '.join(table.columns)}: rename them, or name the label's with the data setting response.",
            file=metadata.name,
            folder=str(metadata.parent),
            known=", ".join(table.columns),
        )
    rows = ((table.text(row, name).strip(), table.text(row, label).strip()) for row in range(len(table)))
    return {metadata.parent / file: text for file, text in rows if file and text}


def _interleaved(labelled: dict[Path, str]) -> list[Path]:
    """One picture of each label in turn, so that whatever is cut off is cut off of all of them."""
    by_label: dict[str, list[Path]] = {}
    for file, label in labelled.items():
        by_label.setdefault(label, []).append(file)
    return [file for turn in zip_longest(*by_label.values()) for file in turn if file is not None]


def _readable(root: Path, order: list[Path], labelled: dict[Path, str], *, described: bool, cut: bool) -> Table:
    """The table of those that can be read."""
    with ThreadPoolExecutor(THREADS) as pool:
        checked = list(pool.map(functools.partial(_check, root), order))
    unreadable = {file: facts for file, facts in zip(order, checked, strict=True) if isinstance(facts, str)}
    readable = [(file, facts) for file, facts in zip(order, checked, strict=True) if isinstance(facts, PictureFacts)]
    if not readable:
        some = ", ".join(_name(root, file) for file in order[:3])
        raise DataError(
            "no_pictures",
            f"No file of the folder {str(root)!r} can be read as a picture (such as {some}): give JPEG, PNG, WebP, "
            "GIF, BMP, TIFF or PPM files.",
            folder=str(root),
            some=some,
        )
    columns = {
        "picture": [_name(root, file) for file, _ in readable],
        "label": [labelled[file] for file, _ in readable],
        "size": [f"{facts.width}x{facts.height}" for _, facts in readable],
        "content": [facts.digest for _, facts in readable],
        "several": ["yes" if facts.several else "" for _, facts in readable],
    }
    data = pa.table({name: pa.array(cells, pa.large_string()) for name, cells in columns.items()})
    names = {_name(root, file): reason for file, reason in unreadable.items()}
    return Table(name=root.name, data=data, cut=cut, gallery=Gallery(root=root, unreadable=names, described=described))


def _check(root: Path, file: Path) -> PictureFacts | str:
    """Size and hash of a picture; or why it is left out."""
    try:
        str(file).encode()
        target = file.resolve(strict=True)
        if not target.is_relative_to(root):
            return "outside"
        if not target.is_file():
            return "no_picture"
        look, digest = look_at(target), hashlib.blake2b(target.read_bytes(), digest_size=12).hexdigest()
        return PictureFacts(look.width, look.height, digest, look.several)
    except (OSError, UnicodeEncodeError, RuntimeError):
        return "missing"
    except NoPictureError as error:
        return str(error)


def _name(root: Path, file: Path) -> str:
    """A file as it is called in sentences and rows: from the folder on."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
    return name.encode(errors="replace").decode()

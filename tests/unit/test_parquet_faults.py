"""Parquet files that unpack to far more than they are: refused, or read in little memory."""

import threading
import time
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import DataError
from engine.data.readers import formats, parquet_files
from engine.data.readers.formats import read_file, stored_cells
from engine.data.settings import DataSettings

COUNT = 20_000


def repeated(text, count=COUNT):
    """One text in many rows, which a file keeps once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([text]))


def written(path, **columns):
    """A file of a megabyte at most with these columns, which does not say that they were dictionaries."""
    pq.write_table(pa.table(columns), path, store_schema=False)
    assert path.stat().st_size < 2**20
    return path


@contextmanager
def little_memory(most):
    """See that Arrow never takes more bytes than this in between."""
    before, seen, done = pa.total_allocated_bytes(), [0], threading.Event()

    def watch():
        while not done.is_set():
            seen.append(pa.total_allocated_bytes() - before)
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert max(seen) < most


def refused(path, **settings):
    """The key of the refusal."""
    formats._read.cache_clear()
    with pytest.raises(DataError) as caught:
        read_file(path, DataSettings(**settings))
    return caught.value.key


@pytest.mark.parametrize("before", [0, 5])
@pytest.mark.fault("memory", "A Parquet file of kilobytes unpacks to gigabytes: refused before the memory is taken.")
def test_parquet_that_unpacks_to_gigabytes(tmp_path, before):
    """One text in many rows is kept once in the file; also where the first rows hold nothing."""
    texts = pa.concat_arrays([pa.nulls(before, repeated("").type), repeated("x" * 900_000)])
    path = written(tmp_path / "a.parquet", prompt=texts)
    with little_memory(2**26):
        assert refused(path) == "huge_parquet"


def test_lists_that_unpack_to_gigabytes(tmp_path, monkeypatch):
    """In lists too; and of numbers, one row can hold all of them."""
    monkeypatch.setattr(parquet_files, "MOST_BYTES", 2**24)
    lists = pa.ListArray.from_arrays(pa.array(range(COUNT + 1), pa.int32()), repeated("x" * 90_000))
    with little_memory(2**28):
        assert refused(written(tmp_path / "a.parquet", prompt=lists)) == "huge_parquet"
    zeros = pa.ListArray.from_arrays(pa.array([0, 2**23], pa.int32()), pa.array(np.zeros(2**23, np.int32)))
    monkeypatch.setattr(parquet_files, "_batches", None)
    assert refused(written(tmp_path / "b.parquet", prompt=zeros)) == "huge_parquet"


def test_a_long_text_of_many_rows_is_named(tmp_path):
    """By its first row, without unpacking any."""
    texts = pa.concat_arrays([pa.nulls(7, repeated("").type), repeated("x" * 4_000_001)])
    with pytest.raises(DataError, match="Line 8 of") as caught, little_memory(2**26):
        read_file(written(tmp_path / "a.parquet", prompt=texts), DataSettings())
    assert caught.value.key == "huge_cell"


def test_one_picture_in_many_rows(tmp_path):
    """Bytes are no text: only those of a few rows are unpacked at once, however often they stand there."""
    pictures = pa.StructArray.from_arrays([repeated(b"x" * 300_000), repeated("p")], ["bytes", "path"])
    path = written(tmp_path / "a.parquet", picture=pictures, raw=repeated(b"x" * 300_000), text=repeated("t" * 3000))
    with little_memory(2**28):
        table = read_file(path, DataSettings())
    assert (len(table), table.value(5, "picture"), table.text(5, "raw")) == (COUNT, {"bytes": None, "path": "p"}, "")
    rows = np.array([3, COUNT - 1])
    with little_memory(2**26):
        assert [len(cell["bytes"]) for cell in stored_cells(path, "picture", rows)] == [300_000] * 2
        assert [len(cell) for cell in stored_cells(path, "raw", rows)] == [300_000] * 2


def test_parquet_of_an_honest_size(tmp_path, monkeypatch):
    """The description tells enough where nothing is repeated, and a sample may be small enough."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [str(n) * 50 for n in range(2000)]}), path, use_dictionary=False)
    assert len(read_file(path, DataSettings())) == 2000
    monkeypatch.setattr(parquet_files, "MOST_BYTES", 100_000)
    assert len(read_file(path, DataSettings(row_limit=100))) == 100
    monkeypatch.setattr(parquet_files, "_batches", None)
    assert refused(path) == "huge_parquet"


@pytest.mark.parametrize("packed", [True, False])
def test_any_kind_is_read_as_before(tmp_path, monkeypatch, packed):
    """Whichever way columns are read, in whatever row groups, and where rows are a sample."""
    if packed:
        monkeypatch.setattr(parquet_files, "LONG", 0)
        monkeypatch.setattr(parquet_files, "BATCH_BYTES", 3000)
    data = pa.table(
        {
            "text": pa.array([None, *(f"{n % 7}é" for n in range(99))]),
            "a.b": pa.array([f"{n}" for n in range(100)], pa.large_string()),
            "list": pa.array([None, [], *([f"{n}", None] for n in range(98))]),
            "map": pa.array([[("k", f"{n}")] for n in range(100)], pa.map_(pa.string(), pa.string())),
            "deep": [[{"a": ["x", f"{n}"], "b": n}] for n in range(100)],
            "number": [n / 2 for n in range(100)],
            "kind": pa.array([f"{n % 3}" for n in range(100)]).dictionary_encode(),
            "nothing": pa.nulls(100),
            "empty": pa.nulls(100, pa.string()),
        }
    )
    pq.write_table(data, tmp_path / "a.parquet", row_group_size=30)
    table = read_file(tmp_path / "a.parquet", DataSettings())
    assert table.nested == {"list", "map", "deep"}
    assert table.data.slice(42, 1).to_pylist() == [
        {
            "text": "6é",
            "a.b": "42",
            "list": '["40", null]',
            "map": '[["k", "42"]]',
            "deep": '[{"a": ["x", "42"], "b": 42}]',
            "number": "21.0",
            "kind": "0",
            "nothing": None,
            "empty": None,
        }
    ]
    assert table.data.column("a.b").to_pylist() == [f"{n}" for n in range(100)]
    part = read_file(tmp_path / "a.parquet", DataSettings(row_limit=10))
    assert [part.text(row, "a.b") for row in range(10)] == [f"{part.number(row) - 1}" for row in range(10)]

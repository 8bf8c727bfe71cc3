"""Reading files: whatever lies in them becomes rows, or one sentence that names the place and the way out."""

import json
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import DataError, SettingError, WorkbenchError
from engine.data.dataset import load_dataset
from engine.data.readers.formats import read_file
from engine.data.settings import DataSettings
from engine.data.table import MAX_CELL

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ROWS = [{"prompt": f"question {i}", "response": f"answer {i}"} for i in range(10)]
LINES = "\n".join(json.dumps(row) for row in ROWS)
CHINESE = "\n".join(
    json.dumps({"prompt": f"第{i}天的天气怎么样？", "response": "很好，适合出门。"}, ensure_ascii=False)
    for i in range(10)
)
WESTERN = "prompt,response\n" + "\n".join(f"Où est la clé {i} ?,Sur l’étagère à côté" for i in range(10))


def table(path: Path, content, **settings):
    """A file with this content, read."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, DataSettings(**settings))


def cells(read):
    """A table as plain rows."""
    return read.data.to_pylist()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json", LINES),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.json", json.dumps({"version": 2, "about": {"x": []}, "data": ROWS, "more": 1})),
        ("a.json", json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]})),
        ("a.csv", "prompt,response\n" + "\n".join(f"question {i},answer {i}" for i in range(10))),
        ("a.csv", "prompt;response\r\n" + "\r\n".join(f'"question {i}";answer {i}' for i in range(10)) + "\r\n\r\n"),
        ("a.tsv", "prompt\tresponse\r" + "\r".join(f"question {i}\tanswer {i}" for i in range(10))),
    ],
)
def test_every_form_gives_the_same_rows(tmp_path, name, content):
    """Lists, lines, objects that hold them, columns and separated values, whatever the suffix promises."""
    assert cells(table(tmp_path / name, content)) == ROWS


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "utf-32", "utf-32"),
        (CHINESE, "gb18030", "gb18030"),
        (LINES, "utf-16-le", "utf-16-le"),
        (LINES, "utf-16-be", "utf-16-be"),
        (WESTERN, "cp1252", "cp1252"),
        (WESTERN.replace("’", "'"), "latin-1", "cp1252"),
    ],
)
def test_encodings_are_found(tmp_path, text, encoding, expected):
    """The text comes out as it went in, and the report can say how it was read."""
    path = tmp_path / ("a.csv" if text.startswith("prompt,") else "a.jsonl")
    read = table(path, text.encode(encoding))
    assert read.encoding == expected
    path.write_text(text, encoding="utf-8")
    assert cells(read) == cells(table(tmp_path / f"b{path.suffix}", text))


OLD = {
    "gb18030": ["今天天气怎么样,今天晴朗", "你叫什么名字,我叫小明"],
    "big5": ["今天天氣怎麼樣,今天晴朗", "你叫什麼名字,我叫小明"],
    "shift_jis": ["今日の天気はどうですか,晴れです", "お名前は何ですか,太郎です"],
    "euc_jp": ["今日の天気はどうですか,晴れです", "お名前は何ですか,太郎です"],
    "euc_kr": ["오늘 날씨가 어때요,맑아요", "이름이 뭐예요,철수예요"],
    "cp1251": ["какая сегодня погода,солнечно", "как тебя зовут,меня зовут Иван"],
    "koi8_r": ["какая сегодня погода,солнечно", "как тебя зовут,меня зовут Иван"],
    "cp1250": ["jak się nazywasz?,nazywam się Łukasz", "co robisz?,piszę książkę"],
    "cp1252": ["Quelle est la météo à l'été ?,il fait très beau", "Où ça ?,là-bas près du château"],
    "cp1253": ["τι καιρό κάνει σήμερα,έχει ήλιο", "πώς σε λένε,με λένε Νίκο"],
}


@pytest.mark.fault("input", "A file is in an old encoding of any of eight languages: it is read rightly.")
@pytest.mark.parametrize("encoding", OLD)
@pytest.mark.parametrize("times", [1, 5000])
def test_old_encodings_are_found(tmp_path, encoding, times):
    """Two lines are enough, and a character is never cut where only a file's beginning is looked at."""
    text = "\n".join(["prompt,response", *OLD[encoding] * times])
    read = table(tmp_path / "a.csv", text.encode(encoding))
    assert cells(read)[-1]["prompt"] == OLD[encoding][1].split(",")[0]
    assert read.encoding == encoding


def test_an_encoding_may_be_named(tmp_path):
    """A named encoding is not doubted; a wrong name is refused by name."""
    text = "prompt,response\n" + "\n".join(f"вопрос {i},ответ" for i in range(5))
    assert cells(table(tmp_path / "a.csv", text.encode("cp1251"), encoding="cp1251"))[0]["response"] == "ответ"
    with pytest.raises(SettingError, match="klingon"):
        table(tmp_path / "a.csv", text, encoding="klingon")
    with pytest.raises(DataError, match=r"Line 2 of b\.csv .* UTF-8"):
        table(tmp_path / "b.csv", text.encode("cp1251"), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "", "no rows"),
        ("a.json", " \n ", "no rows"),
        ("a.json", "[]", "no rows"),
        ("a.csv", "prompt,response\n", "no rows"),
        ("a.json", "3", "Line 1 of a.json holds 3"),
        ("a.json", '[{"prompt": "a"},\n7]', "Line 2 of a.json holds 7"),
        ("a.json", '[{"prompt": "a"},\n{"prompt": "b" "c"}]', "Line 2, column 16 of a.json"),
        ("a.json", json.dumps(ROWS) + "]", "Extra data"),
        ("a.json", json.dumps(ROWS)[:-30], "is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.jsonl", LINES + "\n{oops", "Line 11, column 2 of a.jsonl"),
        ("a.jsonl", CHINESE.encode() + b'\n{"prompt": "\xff"}', "Line 11 of a.jsonl holds bytes"),
        ("a.csv", "prompt,response\na,b\nc,d,e\n", "Line 3 of a.csv has 3 cells, but the header names 2"),
        ("a.csv", 'prompt,response\n"a\nb",c\nd\n', "Line 4 of a.csv has 1 cells"),
        ("a.csv", 'prompt,response\na,b\n"c,d\ne,f\n', "begins in line 3 of a.csv has a quote"),
        ("a.csv", f"prompt,response\n{'x' * (MAX_CELL + 1)},b\n", "Line 2 of a.csv has 1,000,001 characters"),
        ("a.csv", b"PK\x03\x04\x00\x00\x00\x00abc" * 99, "not text"),
        ("a.xlsx", b"PK", "ends in .json"),
        ("a.parquet", b"PAR1 nothing", "not Parquet"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path, name, content, words):
    """What is wrong, where, and what to do about it; never a traceback of a library."""
    with pytest.raises(DataError) as caught:
        table(tmp_path / name, content)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    """A path with a known suffix is a file, and says so when it is not there."""
    with pytest.raises(DataError, match=r"gone\.csv.*check the path"):
        load_dataset(str(tmp_path / "gone.csv"))


def test_mixed_types_are_text(tmp_path):
    """A column of numbers, texts, truth and nothing reads as what JSON would write."""
    values = [1, "two", True, None, 2.5, {"a": [1]}, [1, "x"]]
    read = table(tmp_path / "a.jsonl", "\n".join(json.dumps({"prompt": value, "n": 0}) for value in values))
    texts = ["1", "two", "true", None, "2.5", '{"a": [1]}', '[1, "x"]']
    assert [row["prompt"] for row in cells(read)] == texts
    assert read.value(5, "prompt") == {"a": [1]}
    assert read.value(1, "prompt") == "two"


def test_columns_may_come_and_go(tmp_path):
    """Rows of one file need not have the same names, not even thousands of rows apart."""
    rows = [{"a": "x"}] * 9000 + [{"b": "y"}]
    read = table(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert (read.text(0, "b"), read.text(9000, "b"), read.text(9000, "a")) == ("", "y", "")


def test_any_writing_survives(tmp_path):
    """HTML, families of emoji, right-to-left text, line separators, tabs and quotes come out as they went in."""
    texts = [
        '<p class="a">x &amp; y</p>',
        "👨‍👩‍👧 🇨🇭",
        "مرحبا بالعالم",
        "שלום",
        "a\u2028b\x85c",
        'tab\t"quote"',
        "null\x00byte",
    ]
    read = table(tmp_path / "a.json", json.dumps([{"text": text} for text in texts], ensure_ascii=True))
    assert [row["text"] for row in cells(read)] == texts
    quoted = "text,n\n" + "\n".join('"' + text.replace('"', '""') + '",1' for text in texts[:6])
    assert [row["text"] for row in cells(table(tmp_path / "a.csv", quoted))] == texts[:6]


def test_half_of_a_character_becomes_a_sign_for_it(tmp_path):
    """JSON allows half of a surrogate pair, no text does."""
    assert cells(table(tmp_path / "a.jsonl", '{"text": "\\ud83d x"}')) == [{"text": "\ufffd x"}]


def test_bare_quotes_of_tsv_files_mean_nothing(tmp_path):
    """GLUE's files hold quotes that open and never close; spreadsheets quote whole cells: both read as meant."""
    bare = "prompt\tresponse\n" + '" said {0} .\tHe said " {0}\n'.format("x") * 5
    assert cells(table(tmp_path / "bare.tsv", bare))[0] == {"prompt": '" said x .', "response": 'He said " x'}
    quoted = "prompt\tresponse\n" + '"say ""x"""\t"a\tb"\n' * 5
    assert cells(table(tmp_path / "quoted.tsv", quoted))[0] == {"prompt": 'say "x"', "response": "a\tb"}


def test_names_of_columns_are_made_whole(tmp_path):
    """A column without a name is numbered, and a name that comes twice gets its number."""
    assert table(tmp_path / "a.csv", ",a,a\n1,2,3\n").columns == ["column 1", "a", "a (3)"]


def test_the_limit_takes_a_sample(tmp_path):
    """As many rows as the limit are kept, and the table says that there were more."""
    read = table(tmp_path / "a.jsonl", LINES + "\n" + LINES, row_limit=10)
    assert (len(read), read.cut) == (10, True)
    assert not table(tmp_path / "b.jsonl", LINES, row_limit=10).cut
    for name, content in (("c.json", json.dumps(ROWS)), ("d.csv", "a,b\n" + "1,2\n" * 9)):
        assert (len(table(tmp_path / name, content, row_limit=4)), read_file(tmp_path / name, DataSettings()).cut) == (
            4,
            False,
        )


def test_a_million_rows_are_no_python_objects(tmp_path):
    """A tenth of a million rows is packed away as it comes: at no time are there many Python objects."""
    path = tmp_path / "a.csv"
    path.write_text("prompt,response\n" + "".join(f"q{i:06},r\n" for i in range(100_000)))
    tracemalloc.start()
    try:
        assert len(read_file(path, DataSettings())) == 100_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000  # as lists of texts they are 10 million, as dictionaries 30


def test_a_changed_file_is_read_again(tmp_path):
    """What was read is remembered, until the file is another."""
    path = tmp_path / "a.jsonl"
    first = table(path, LINES)
    assert read_file(path, DataSettings()) is first
    assert len(table(path, LINES + "\n" + json.dumps(ROWS[0]))) == 11


def test_parquet_with_names_of_labels(tmp_path):
    """Numbers, lists, bytes and gaps become text; the names of labels that the hub's files carry are found."""
    info = {"info": {"features": {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}, "x": [1]}}}
    data = pa.table(
        {
            "text": [f"t{i}" for i in range(10)],
            "label": [i % 2 for i in range(10)],
            "n": [0.5] * 9 + [None],
            "list": [["a"]] * 10,
            "raw": [b"\xff"] * 10,
        }
    ).replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(data, tmp_path / "a.parquet")
    read = read_file(tmp_path / "a.parquet", DataSettings(row_limit=10))
    assert cells(read)[1] == {"text": "t1", "label": "1", "n": "0.5", "list": '["a"]', "raw": None}
    assert (read.nested, read.cut) == ({"list"}, False)
    dataset = load_dataset(str(tmp_path / "a.parquet"))
    assert dataset.labels == ["bad", "good"]
    assert {row.response for row in dataset.rows("train")} == {"bad", "good"}
    assert read_file(tmp_path / "a.parquet", DataSettings(row_limit=4)).cut


@pytest.fixture
def hub(monkeypatch):
    """The library `datasets` with a loader that answers from memory."""
    import datasets

    from engine.data.readers import dispatch as sources
    from engine.data.readers import hub as module

    asked = []
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    made = datasets.Dataset.from_dict(
        {"text": [f"t{i}" for i in range(12)], "label": [i % 2 for i in range(12)]}, features=features
    )

    def answer(path, config, *, split, streaming):
        asked.append((path, config, split, streaming))
        if path == "no/where":
            raise ConnectionError("offline")
        if path == "two/configs":
            raise ValueError("Config name is missing.\nPlease pick one among ['a', 'b']")
        one = made.to_iterable_dataset() if streaming else made
        return one if split else {"train": one, "test": one, "extra": one}

    sources._read_hub.cache_clear()
    monkeypatch.setattr(module.datasets, "load_dataset", answer)
    monkeypatch.setattr(module, "hub_reachable", lambda: True)
    return SimpleNamespace(asked=asked)


@pytest.mark.parametrize("streaming", [False, True])
def test_hub_datasets(hub, streaming):
    """A hub id brings its splits and its names of labels; a split that is named alone is cut."""
    whole = load_dataset("hub:me/mine:small", DataSettings(streaming=streaming, row_limit=10))
    assert whole.splits == {"train": 8, "validation": 2, "test": 10}
    assert whole.labels == ["no", "yes"]
    assert whole.rows("train")[1].response in whole.labels
    part = load_dataset("hub:me/mine::extra", DataSettings(streaming=streaming))
    assert sum(part.splits.values()) == 12
    named = load_dataset("hub:me/mine", DataSettings(streaming=streaming, validation="extra", test="extra"))
    assert named.splits == {"train": 12, "validation": 12, "test": 12}
    assert hub.asked[0] == ("me/mine", "small", None, streaming)
    assert hub.asked[1] == ("me/mine", None, "extra", streaming)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hub:no/where", "the network"),
        ("hub:two/configs", "hub:two/configs:CONFIG:SPLIT"),
        ("hub:", "hub:owner/name"),
        ("hub:a/b/c", "hub:owner/name"),
    ],
)
def test_hub_datasets_that_cannot_be_had(hub, name, words):
    """Offline, unclear and misspelt: each a sentence with a next step."""
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    assert words in str(caught.value)


def test_an_unreachable_hub_is_asked_once(hub, monkeypatch, tmp_path):
    """Data that is neither here nor to be had is refused at once; what was fetched before is still read."""
    from engine.data.readers import hub as module

    monkeypatch.setattr(module, "hub_reachable", lambda: False)
    monkeypatch.setattr(module.datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="the network"):
        load_dataset("hub:me/mine:cold")
    assert hub.asked == []
    (tmp_path / "me___mine").mkdir()
    assert load_dataset("hub:me/mine:warm").splits["test"] == 12


def test_the_hub_library_is_not_loaded_for_files(tmp_path):
    """Reading a file does not wait for a library that it does not need."""
    import subprocess

    (tmp_path / "a.jsonl").write_text(LINES)
    code = (
        "import sys; from engine.data.dataset import load_dataset; "
        f"load_dataset({str(tmp_path / 'a.jsonl')!r}); "
        "assert not {'datasets', 'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@pytest.mark.parametrize(
    ("name", "rows", "kind", "labels"),
    [
        ("alpaca/alpaca_data.json", 52_002, "instruction", []),
        ("e2e/train_tokenized.jsonl", 42_061, "pair", []),
        ("glue/SST-2/train.tsv", 67_349, "labels", ["0", "1"]),
        ("glue/MRPC/train.tsv", 3_667, "labels", ["0", "1"]),
        ("glue/RTE/train.tsv", 2_490, "labels", ["entailment", "not_entailment"]),
        ("twitter_complaints/train.csv", 50, "labels", ["complaint", "no complaint"]),
        ("fairytales/fairytaleqa.jsonl", 10_580, "pair", []),
    ],
)
def test_real_files(name, rows, kind, labels):
    """The files of the field load whole and are taken for what they are."""
    dataset = load_dataset(str(SHARED / name))
    assert len(read_file(SHARED / name, DataSettings())) == rows
    assert (dataset.source.columns.kind, dataset.source.columns.sure, dataset.labels) == (kind, True, labels)


def test_every_problem_is_a_workbench_error():
    """What the page shows is a sentence: the command line and the page catch exactly these."""
    assert issubclass(DataError, WorkbenchError)
    assert issubclass(SettingError, WorkbenchError)

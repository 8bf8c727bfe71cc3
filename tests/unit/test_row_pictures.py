"""Pictures beside the texts of rows: where they may lie, what they may be, and which splits they fall into."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine.config.run import RunConfig
from engine.core.confine import LOCAL, Confinement
from engine.core.errors import DataError, ModelError
from engine.core.paths import cache_root
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.splits import SPLITS
from engine.service.permission import Permission
from tests.encoders import save_encoder
from tests.unit.drawing import drawn
from tests.unit.illustrated import draw_rows

PICTURED = DataSettings(picture="image")


def rows_of(file, settings=PICTURED):
    """All rows of a file, whatever their split."""
    dataset = load_dataset(str(file), settings)
    return [row for split in SPLITS for row in dataset.rows(split)]


def write(folder, *names):
    """A file whose rows have these pictures, filled up with whole ones."""
    draw_rows(folder, 6)
    lines = (folder / "rows.jsonl").read_text().splitlines()
    first = [json.dumps({"question": f"{at}?", "answer": "a", "image": name}) for at, name in enumerate(names)]
    (folder / "rows.jsonl").write_text("\n".join([*first, *lines]) + "\n")
    return folder / "rows.jsonl"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_paths_count_from_the_file(tmp_path, suffix):
    """Every format: a row has its picture's path or none, and texts are guessed as if the column were not there."""
    file = draw_rows(tmp_path)
    values = [json.loads(line) for line in file.read_text().splitlines()]
    table = pa.Table.from_pylist(values)
    other = tmp_path / f"rows2{suffix}"
    if suffix == ".csv":
        lines = ["question,answer,image", *(f"{row['question']},{row['answer']},{row['image']}" for row in values)]
        other.write_text("\n".join(lines) + "\n")
    elif suffix == ".parquet":
        pq.write_table(table, other)
    else:
        other = file
    rows = rows_of(other)
    assert {(row.prompt, row.response) for row in rows if row.picture} == {("what?", "a"), ("what?", "b")}
    assert all(row.picture.name.startswith(row.response) and row.picture.is_file() for row in rows if row.picture)
    assert {row.prompt for row in rows if row.picture is None} == {"0?", "1?", "2?"}
    assert load_dataset(str(other), PICTURED).illustrated


def test_without_the_setting_nothing_changes(tmp_path):
    """A column with pictures that nobody names is one more column of text."""
    dataset = load_dataset(str(draw_rows(tmp_path)), DataSettings())
    assert not dataset.illustrated
    assert all(row.picture is None for row in dataset.rows("train"))


def test_same_question_about_another_picture_is_another_question(tmp_path):
    """All of them are used, none is in two splits, and a second name of one picture is the same picture."""
    file = draw_rows(tmp_path)
    dataset = load_dataset(str(file), PICTURED)
    seen = [{str(row.picture) for row in dataset.rows(split) if row.picture} for split in SPLITS]
    assert sum(map(len, seen)) == 24
    assert dataset.source.repeated == 0
    os.link(tmp_path / "pictures" / "a000.png", tmp_path / "pictures" / "twin.png")
    with file.open("a") as out:
        out.write(json.dumps({"question": "what?", "answer": "a", "image": "pictures/twin.png"}) + "\n")
    dataset = load_dataset(str(file), PICTURED)
    splits = [
        s for s in SPLITS for row in dataset.rows(s) if row.picture and row.picture.name in ("a000.png", "twin.png")
    ]
    assert len(set(splits)) == 1


def test_captions_need_no_question(tmp_path):
    """A picture and one text: the text is learned from its first word on."""
    draw_rows(tmp_path)
    lines = [{"image": f"pictures/a{at:03}.png", "caption": f"a red thing {at}"} for at in range(10)]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = rows_of(tmp_path / "captions.jsonl")
    assert all(row.prompt == "" and row.response.startswith("a red") and row.picture for row in rows)


@pytest.mark.parametrize("form", ["bytes", "struct", "list"])
def test_parquet_holds_pictures_themselves(tmp_path, form):
    """As the hub's files do; each is kept once, under the hash of what it holds, and null is a row without one."""
    file = draw_rows(tmp_path)
    values = [json.loads(line) for line in file.read_text().splitlines()]
    for row in values:
        data = (tmp_path / row["image"]).read_bytes() if row["image"] else None
        inside = None if data is None else {"bytes": data, "path": None}
        row["image"] = {"bytes": data, "struct": inside, "list": [] if data is None else [inside]}[form]
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "rows.parquet")
    rows = rows_of(tmp_path / "rows.parquet")
    assert len({row.picture for row in rows if row.picture}) == 24
    for row in rows:
        if row.picture:
            assert row.picture.is_relative_to(cache_root())
            with Image.open(row.picture) as image:
                assert image.size == (24, 24)


@pytest.mark.fault("input", "A row has several pictures: one sentence with the row and the limit.")
def test_several_pictures_are_refused(tmp_path):
    """A list with two; a list with one, or with none, is read."""
    draw_rows(tmp_path, 6)
    with pytest.raises(DataError, match=r"Row 1 of rows.jsonl has 2 pictures, and one is the limit"):
        rows_of(write(tmp_path / "two", ["pictures/a000.png", "pictures/a001.png"]))
    rows = rows_of(write(tmp_path / "one", ["pictures/a000.png"], []))
    assert {row.prompt: row.picture is not None for row in rows if row.prompt in ("0?", "1?")} == {
        "0?": True,
        "1?": False,
    }


@pytest.mark.fault(
    "input", "A row's picture is missing, outside of the file's folder, broken, huge or none: one sentence."
)
@pytest.mark.parametrize("reason", ["missing", "outside", "absolute", "link", "no_picture", "broken", "huge", "zero"])
def test_pictures_that_cannot_be_used(tmp_path, reason):
    """The sentence names the row, the file, the picture and what to do."""
    (tmp_path / "secret").mkdir()
    drawn("red circle", np.random.default_rng(0)).save(tmp_path / "secret" / "x.png")
    folder = tmp_path / "data"
    folder.mkdir()
    name, key = "bad.png", reason
    if reason in ("outside", "absolute"):
        name = "../secret/x.png" if reason == "outside" else str(tmp_path / "secret" / "x.png")
        key = "outside"
    elif reason == "link":
        (folder / name).symlink_to(tmp_path / "secret" / "x.png")
        key = "outside"
    elif reason == "no_picture":
        (folder / name).write_text("hello")
    elif reason == "broken":
        data = (tmp_path / "secret" / "x.png").read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    elif reason == "huge":
        Image.new("1", (8000, 7000)).save(folder / name)
    elif reason == "zero":
        name, key = "a\0b.png", "missing"
    with pytest.raises(DataError) as caught:
        rows_of(write(folder, name))
    assert caught.value.key == f"row_picture_{key}"
    assert str(caught.value).startswith("Row 1 of rows.jsonl has the picture")


@pytest.mark.fault(
    "input", "Pictures are named and nothing sees them, or a method sees and none are named: one sentence."
)
def test_pictures_need_eyes_and_eyes_need_pictures(tmp_path):
    """Both sentences say which setting to change."""
    file = draw_rows(tmp_path)
    with pytest.raises(DataError, match="sees no pictures: set its option vision"):
        load_dataset(str(file), PICTURED).check_seen(sees_pictures=False)
    with pytest.raises(DataError, match="set the data setting picture to one of question, answer, image"):
        load_dataset(str(file), DataSettings()).check_seen(sees_pictures=True)
    load_dataset(str(file), PICTURED).check_seen(sees_pictures=True)
    load_dataset("town-qa").check_seen(sees_pictures=False)
    with pytest.raises(DataError, match="no column 'photo'"):
        load_dataset(str(file), DataSettings(picture="photo"))
    with pytest.raises(DataError, match="is no file"):
        load_dataset(str(tmp_path / "pictures" / ".."), PICTURED)


@pytest.mark.fault("paths", "A run on a shared workbench names a vision encoder outside of its folders: it is refused.")
def test_vision_encoder_is_confined_like_a_model(tmp_path):
    """Its path is held to the folders of models; a hub id, and one's own machine, are free."""
    encoder = save_encoder(tmp_path / "elsewhere")
    config = RunConfig(method_settings={"vision": str(encoder)})
    shared = Permission(Confinement.of_server(tmp_path / "home"))
    with pytest.raises(ModelError, match="may not be read here"):
        shared.check_paths(config, "someone")
    Permission(LOCAL).check_paths(config, "someone")
    shared.check_paths(RunConfig(method_settings={"vision": "google/vit-base-patch16-224"}), "someone")

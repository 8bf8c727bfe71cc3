"""Limits of a server: every one is refused in one sentence that names what, how much, and how much is allowed."""

import pytest

from app.errors import sentence
from app.visitor_line import said
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.confine import Confinement
from engine.core.errors import DataError, WorkbenchError
from engine.core.sampling import Sampling
from engine.data.settings import DataSettings
from engine.service.limits import CLASS, SPACE, UNLIMITED
from engine.service.permission import Permission
from engine.service.visitor import Visitor, own_name

BEN = Visitor("ben", "member")
SETTINGS = (TrainingSettings, DataSettings, Sampling)
LIMITED = ("steps", "batch_size", "max_seq_len", "row_limit", "max_new_tokens")
BOUNDED = [(cls, field) for cls in SETTINGS for field in cls.fields() if field.name in LIMITED]


@pytest.mark.fault("load", "Anything larger than a public server allows is asked of it: refused, naming the limit.")
@pytest.mark.parametrize(("settings", "field"), BOUNDED, ids=[field.name for _, field in BOUNDED])
def test_each_setting_is_limited(settings, field):
    limit = SPACE.of(field.name)
    SPACE.check(settings(**{field.name: limit}))
    with pytest.raises(WorkbenchError) as refused:
        SPACE.check(settings(**{field.name: limit + 1}))
    for language in LANGUAGES:
        told = sentence(Say(language), refused.value)
        assert f"{limit + 1:,}" in told
        assert f"{limit:,}" in told
        assert field.name in told.lower()
    UNLIMITED.check(settings(**{field.name: limit + 1}))
    CLASS.check(settings(**{field.name: limit + 1}))


def test_every_limit_is_tried():
    assert {field.name for _, field in BOUNDED} == set(LIMITED)
    assert all(SPACE.of(name) for name in LIMITED)


def test_runs_are_limited():
    SPACE.check_runs(lambda: SPACE.runs - 1)
    with pytest.raises(WorkbenchError) as refused:
        SPACE.check_runs(lambda: SPACE.runs)
    assert refused.value.values == {"n": SPACE.runs, "limit": SPACE.runs}
    UNLIMITED.check_runs(lambda: 1 / 0)


@pytest.mark.parametrize(("settings", "field"), BOUNDED, ids=[field.name for _, field in BOUNDED])
def test_the_form_starts_within_the_limits(settings, field):
    """What nobody has touched is never refused."""
    narrowed = SPACE.narrowed(field)
    SPACE.check(settings(**{field.name: narrowed.default}))
    assert narrowed.info.high == SPACE.of(field.name)
    assert UNLIMITED.narrowed(field) == field


def test_limits_stand_on_the_page():
    guest = Visitor("guest-1", "guest")
    for language in LANGUAGES:
        line = said(Say(language), guest, SPACE)
        for n in ("500", "32", "512", "5,000", "128", "5", "50 MB", "100 MB"):
            assert n in line, (language, n)
    assert said(Say("en"), Visitor(), UNLIMITED) == ""
    assert "At most" not in said(Say("en"), Visitor("cleo", "watcher"), CLASS)


@pytest.mark.fault("load", "An uploaded zip holds a dataset with a description, of which all rows are read: refused.")
def test_rows_have_no_way_around_their_limit(tmp_path):
    folder = tmp_path / "data" / "x"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text('{"template": "{prompt}"}')
    for permission, refused in (
        (Permission(Confinement.of_server(tmp_path), lambda: Visitor("", "driver"), SPACE), "described_folder"),
        (Permission(Confinement.of_server(tmp_path), lambda: Visitor("", "driver"), CLASS), ""),
    ):
        permission.uploaded("page", folder)
        for check in (
            lambda p: p.check(RunConfig(dataset=str(folder)), "page"),
            lambda p: p.check_rows(str(folder), DataSettings()),
        ):
            if refused:
                with pytest.raises(WorkbenchError) as told:
                    check(permission)
                assert told.value.key == refused
            else:
                check(permission)


@pytest.mark.fault("hand", "A sentence or a table names a visitor's upload: the file's name, not the server's folders.")
@pytest.mark.parametrize("language", LANGUAGES)
def test_uploads_are_told_by_their_name(tmp_path, language):
    path = BEN.uploads(tmp_path / "a home" / "data") / "0123456789ab" / "my rows.csv"
    error = DataError("file_of_server", f"The file {str(path)!r} lies on the server.", name=str(path))
    for told in (sentence(Say(language), error), sentence(Say(language), DataError("no_such_key", str(error)))):
        assert "my rows.csv" in told
        assert str(tmp_path) not in told
        assert "of-" not in told
    assert own_name("/data/mine/rows.csv") == "/data/mine/rows.csv"

"""Models are fetched from a hub: the whole of one, what is kept of a part, and every refusal in a sentence."""

import argparse
import errno
import json
import threading

import pytest
from huggingface_hub import constants, scan_cache_dir

from engine.cli import catalogue as commands
from engine.core.errors import ModelError, SettingError
from engine.models import checks, download, resolve
from engine.models.discover import cached_models
from engine.models.download import DownloadCancelled, ask_hub, fetch, kept_bytes
from engine.models.menu import menu
from engine.models.resolve import local_folder
from engine.models.sentence_encoders import is_sentence_encoder
from engine.service import catalogue
from engine.service.downloads import Downloads
from engine.service.limits import UNLIMITED, Limits
from engine.service.rights import Rights
from engine.service.visitor import Visitor
from tests.hub import COMMIT, Hub, serving
from tests.tiny import save_tiny

NAME = "someone/tiny"
CHUNK = 4096


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model, as it lies on the hub: beside it what nobody fetches."""
    made = save_tiny(tmp_path_factory.mktemp("hub") / "tiny")
    (made / "pytorch_model.bin").write_bytes(b"pickled")
    (made / "consolidated.safetensors").write_bytes(b"the same again")
    return made


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """A hub with that model, and an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(resolve, "getproxies", dict)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)
    served = Hub(folder)
    with serving(served, monkeypatch):
        yield served


def no_word(_octets):
    pass


def begin(who="driver", limits=UNLIMITED):
    return Downloads(Rights(lambda: Visitor("somebody", who)), limits)


def test_whole_model(hub):
    """A fetched model lies in the client's own cache, is listed, and no pickle and no second copy came with it."""
    told = []
    files = ask_hub(NAME)
    path = fetch(files, told.append)
    assert files.total == sum(file.stat().st_size for file in path.iterdir())
    assert told[-1] == files.total
    assert told == sorted(told)
    assert {file.name for file in path.iterdir()} <= set(hub.files) - {"pytorch_model.bin", "consolidated.safetensors"}
    assert (path.name, path.joinpath("model.safetensors").read_bytes()) == (COMMIT, hub.files["model.safetensors"])
    assert [model.name for model in cached_models()] == [NAME]
    assert not scan_cache_dir(constants.HF_HUB_CACHE).warnings


def test_second_time_fetches_nothing(hub):
    fetch(ask_hub(NAME), no_word)
    fetch(ask_hub(NAME), no_word)
    assert len(hub.ranges) == 1


@pytest.mark.fault("network", "A line is cut in the middle of a model's weights: the rest is asked for, and only that.")
def test_cut_line_goes_on(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", no_word)
    hub.cut_at = 10 * CHUNK
    path = fetch(ask_hub(NAME), no_word)
    assert path.joinpath("model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert hub.ranges[0] is None
    assert 0 < int(hub.ranges[1].removeprefix("bytes=").removesuffix("-")) <= 10 * CHUNK


@pytest.mark.fault("network", "A download is cancelled: no half model is listed, and the next one fetches the rest.")
def test_cancelled_download_goes_on(hub):
    def told(octets):
        if octets >= 8 * CHUNK:
            raise DownloadCancelled

    with pytest.raises(DownloadCancelled):
        fetch(ask_hub(NAME), told)
    kept = kept_bytes(NAME)
    assert CHUNK <= kept < len(hub.files["model.safetensors"])
    assert local_folder(NAME) is None
    assert list(cached_models()) == []
    first = []
    path = fetch(ask_hub(NAME), first.append)
    assert first[0] > kept
    assert hub.ranges == [None, f"bytes={kept}-"]
    assert path.joinpath("model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert kept_bytes(NAME) == 0


@pytest.mark.fault("network", "Other bytes come than the hub announced: they are thrown away, and nothing is listed.")
def test_other_bytes_than_announced(hub):
    hub.spoilt = True
    with pytest.raises(ModelError, match="not what the hub said") as caught:
        fetch(ask_hub(NAME), no_word)
    assert caught.value.key == "download_broken"
    assert (kept_bytes(NAME), list(cached_models())) == (0, [])
    hub.spoilt = False
    fetch(ask_hub(NAME), no_word)


@pytest.mark.fault("network", "The hub answers 401 to 504: the sentence tells them apart and names the model.")
@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("gated/model", "model_gated", "accept its terms"),
        ("unknown/model", "model_unknown", "spelling"),
        ("private/model", "model_unknown", "HF_TOKEN"),
        ("forbidden/model", "download_broken", "answered 403"),
        *((f"{word}/model", "hub_trouble", "the hub's trouble") for word in ("broken", "asleep", "late", "hurried")),
    ],
)
def test_refusals(hub, name, key, said):
    with pytest.raises(ModelError, match=said) as caught:
        fetch(ask_hub(name), no_word)
    assert (caught.value.key, name in str(caught.value)) == (key, True)


@pytest.mark.fault("network", "The hub may not be asked, or does not answer: the sentence says which, at once.")
@pytest.mark.parametrize(("offline", "key"), [(True, "model_offline"), (False, "model_missing")])
def test_no_hub(hub, monkeypatch, offline, key):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ModelError) as caught:
        ask_hub(NAME)
    assert caught.value.key == key


@pytest.mark.parametrize("name", ["", "../up", "a/b/c", "/etc", "a b"])
def test_no_hub_id(name):
    with pytest.raises(ModelError) as caught:
        ask_hub(name)
    assert caught.value.key == "model_missing"


def test_pickles_are_not_fetched(hub):
    del hub.files["model.safetensors"]
    with pytest.raises(ModelError) as caught:
        ask_hub(NAME)
    assert (caught.value.key, hub.ranges) == ("model_pickled", [])


@pytest.mark.fault("memory", "A model is larger than the room on the disk: it is refused before a byte is fetched.")
def test_no_room(hub, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _folder: argparse.Namespace(free=1000))
    with pytest.raises(ModelError, match="HF_HOME") as caught:
        fetch(ask_hub(NAME), no_word)
    assert (caught.value.key, hub.ranges) == ("download_no_room", [])


@pytest.mark.fault("killed", "The disk fills up while a model is fetched: a sentence says so, and what came is kept.")
def test_room_that_runs_out(hub, monkeypatch):
    def full(url, stream, **_):
        stream.write(b"begun")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "http_get", full)
    downloads = begin()
    downloads.start(NAME)
    told = downloads.wait(10).problem
    assert (told.key, "disk is full" in str(told), kept_bytes(NAME)) == ("disk_full", True, 5)


def test_a_thread_of_its_own(hub):
    """The page begins a download, sees it grow, is refused another, cancels it, and goes on with it later."""
    downloads, half, go_on = begin(), threading.Event(), threading.Event()

    def wait(sent):
        if sent >= 8 * CHUNK:
            half.set()
            assert go_on.wait(10)

    hub.before_chunk = wait
    downloads.start(NAME)
    assert half.wait(10)
    downloads.start(NAME)  # a double click
    with pytest.raises(SettingError) as caught:
        downloads.start("someone/else")
    assert caught.value.key == "download_active"
    now = downloads.now()
    assert (now.name, now.status, now.total) == (NAME, "running", ask_hub(NAME).total)
    downloads.cancel()
    go_on.set()
    assert downloads.wait(10).status == "cancelled"
    downloads.start(NAME)
    done = downloads.wait(10)
    assert (done.status, done.done) == ("done", done.total)


def test_failure_is_told(hub):
    downloads = begin()
    downloads.start("unknown/model")
    assert downloads.wait(10).problem.key == "model_unknown"


def test_too_large_for_this_server(hub):
    downloads = begin(limits=Limits(hub_bytes=1000))
    downloads.start(NAME)
    assert (downloads.wait(10).problem.key, hub.ranges) == ("hub_too_large", [])


@pytest.mark.fault("hand", "A guest of a public server, or somebody who only watches, asks for a download: refused.")
@pytest.mark.parametrize(("who", "key"), [("guest", "guest_downloads"), ("watcher", "watches_only")])
def test_who_may_not(who, key):
    downloads = begin(who)
    for asked in (lambda: downloads.start(NAME), downloads.cancel):
        with pytest.raises(SettingError) as caught:
            asked()
        assert caught.value.key == key
    assert downloads.now() is None


def test_menu(hub, monkeypatch):
    """Every model of the menu is of a known family, with a size that its parameters make likely."""
    monkeypatch.setattr(catalogue, "cached_models", lambda: [argparse.Namespace(name=menu()[0].name)])
    offers = catalogue.offers()
    assert [offer.here for offer in offers] == [True] + [False] * (len(offers) - 1)
    for offer in offers:
        checks.family_of(offer.model.family)
        assert 1.9 < offer.model.size_bytes / offer.model.parameters < 4.1
        assert offer.fit in ("fits", "tight", "will not fit")
        assert all(offer.model.about.values())


def test_command_line(hub, capsys):
    commands.download(argparse.Namespace(name=NAME, json=True))
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["bytes"]) == (NAME, ask_hub(NAME).total)


@pytest.mark.parametrize("sentences", [True, False])
def test_an_encoder_of_sentences_on_the_hub(hub, monkeypatch, sentences):
    """Known by the file of sentence-transformers, which is asked for once; where nothing answers, it is none."""
    if sentences:
        hub.files["modules.json"] = b"[]"
    is_sentence_encoder.cache_clear()
    assert is_sentence_encoder(NAME) is sentences
    is_sentence_encoder.cache_clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert is_sentence_encoder(NAME) is sentences  # from the cache
    assert not is_sentence_encoder("nobody/nothing")
    is_sentence_encoder.cache_clear()

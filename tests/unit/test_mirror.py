"""A run folder and its copies: what a mirror sends, what a reader believes, and what both do when something fails."""

import json
import os
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import fsspec
import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.runs.elsewhere import copied, mirror
from engine.runs.elsewhere.copied import Copy
from engine.runs.elsewhere.manifest import LOG_PART_BYTES, SLOTS, Manifest, Part, newest
from engine.runs.elsewhere.mirror import Mirror
from engine.runs.elsewhere.place import Place
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.runs.requests import STOP, Requests
from engine.service.elsewhere import MOST_RUNS, QUIET_ONES, Watched


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path):
    """A place that is empty."""
    return f"memory://{uuid.uuid4().hex}" if request.param == "memory" else f"file://{tmp_path}/bucket"


@pytest.fixture
def folder(tmp_path):
    """A run that stands at step 0, and whose model is small."""
    folder = RunFolder.create(tmp_path / "here" / "run 1", RunConfig(), RunFacts(name="one", status="running", steps=9))
    checkpoint(folder, 1)
    folder.events_path.write_text(events(1, 3))
    return folder


def checkpoint(folder, step, size=100):
    """A new checkpoint and an adapter, as a recorder writes them: other files under the same names."""
    fresh = folder.path / "checkpoint.new"
    fresh.mkdir()
    for name in ("method.safetensors", "trainer.json"):
        (fresh / name).write_bytes(bytes([step]) * size)
    folder.replace_checkpoint(fresh)
    folder.adapter_path.mkdir(exist_ok=True)
    (folder.adapter_path / "new").write_bytes(bytes([step]) * size)
    (folder.adapter_path / "new").replace(folder.adapter_path / "adapter.safetensors")
    folder.update(step=step)


def events(first, last):
    return "".join(json.dumps({"kind": "eval", "step": step, "text": "x" * 100}) + "\n" for step in range(first, last))


def mirror_of(folder, url, *, new=True, said=None):
    """A mirror whose rounds the test makes itself."""
    made = Mirror(folder, Place(url), (said if said is not None else []).append, new=new)
    with made._reaching():
        made._claim()
    return made


def copy_of(url, tmp_path, run="run 1"):
    return Copy(Place(url).of(run), tmp_path / "there" / run)


def objects(url):
    fs, root = fsspec.core.url_to_fs(url)
    return {path.rsplit("/", 1)[-1] for path in fs.find(root)}


def test_what_is_mirrored_arrives(folder, url, tmp_path):
    """run.json, events and adapter by themselves, the rest when the run is fetched; and only what is new is sent."""
    sends, copy = mirror_of(folder, url), copy_of(url, tmp_path)
    assert sends._round()
    copy.look()
    there = RunFolder.open(copy.path)
    assert (there.facts().name, there.facts().step, copy.status()) == ("one", 1, "running")
    assert there.events_path.read_text() == events(1, 3)
    assert not there.checkpoint_paths
    sent = sends._sent
    with folder.events_path.open("a") as log:
        log.write(events(3, 5000))
    assert sends._round()
    assert sends._sent - sent <= 2 + 5000 * 150 // LOG_PART_BYTES
    checkpoint(folder, 2)
    assert sends._round()
    number = there.events_path.stat().st_ino
    copy.look()
    assert there.events_path.read_text() == events(1, 5000)
    assert there.events_path.stat().st_ino == number
    assert there.facts().step == 2
    folder.update(status="stopped")
    assert sends._round(last=True)
    copy.look()
    assert copy.ended
    fetched = copy.fetch(tmp_path / "mine" / "run 1", "ann")
    for path in folder.path.rglob("*"):
        name = path.relative_to(folder.path)
        if path.is_file() and name.parts[0] not in ("lock", "run.json.lock", "run.json", "checkpoint.old"):
            assert (fetched.path / name).read_bytes() == path.read_bytes(), name
    assert fetched.facts().owner == "ann"
    assert fetched.facts().step == 2
    needed = {*newest(Place(url).of("run 1")).digests, *SLOTS}
    assert len(objects(url) - needed) <= 3  # what the manifest before needed


def test_a_log_that_was_cut_back(folder, url, tmp_path):
    """A run that goes on from its checkpoint makes the events after it again; the copy follows."""
    sends, copy = mirror_of(folder, url), copy_of(url, tmp_path)
    for log in (events(1, 9000), events(1, 2), events(1, 2) + events(7, 9000), "", events(4, 5)):
        folder.events_path.write_text(log)
        sends._round()
        copy.look()
        assert (copy.path / "events.jsonl").exists() is bool(log)
        assert not log or (copy.path / "events.jsonl").read_text() == log
    with copy.path.joinpath("events.jsonl").open("a") as file:
        file.write("what nobody sent")
    folder.events_path.write_text(events(4, 6))
    sends._round()
    copy.look()
    assert (copy.path / "events.jsonl").read_text() == events(4, 6)


@pytest.mark.fault(
    "network", "The place of a mirror cannot be reached: training goes on, it is said once, and made up for."
)
def test_a_place_out_of_reach(folder, url, tmp_path, monkeypatch):
    said = []
    out_of_reach = threading.Event()

    def write(place, name, data, former=Place.write):
        if out_of_reach.is_set():
            raise place._unreachable(OSError("no route to host"))
        former(place, name, data)

    monkeypatch.setattr(Place, "write", write)
    monkeypatch.setattr(mirror, "EVERY_S", 0.02)
    out_of_reach.set()
    sends = Mirror(folder, Place(url), said.append, new=True)
    sends.start()
    time.sleep(0.5)
    assert len(said) == 1
    assert "training goes on" in said[0]
    assert "no route to host" in said[0]
    out_of_reach.clear()
    sends.close()
    assert len(said) == 2
    copy = copy_of(url, tmp_path)
    copy.look()
    assert (copy.ended, copy.status()) == (True, "interrupted")  # its run.json still says that it runs
    assert not (folder.path / mirror.STAGE).exists()


@pytest.mark.fault("network", "The place of a mirror never comes back: the run's process ends all the same.")
def test_a_place_that_never_comes_back(folder, url, monkeypatch):
    said = []
    monkeypatch.setattr(mirror, "PATIENCE_S", 0.5)
    monkeypatch.setattr(Place, "write", lambda place, *_: (_ for _ in ()).throw(place._unreachable(OSError("gone"))))
    sends = Mirror(folder, Place(url), said.append, new=True)
    sends.start()
    began = time.monotonic()
    sends.close()
    assert time.monotonic() - began < 10
    assert "could not be copied" in said[-1]


@pytest.mark.fault("killed", "A mirror is killed at any write: the copy is the last whole state, and can be fetched.")
def test_killed_at_every_write(folder, tmp_path, monkeypatch):
    """What a kill leaves of a write is half of it, as on a disk."""
    former = Place.write
    for at in range(12):
        url, left = f"memory://{uuid.uuid4().hex}", [at]

        def write(place, name, data, left=left):
            left[0] -= 1
            if left[0] < 0:
                former(place, name, data[: len(data) // 2])
                raise KeyboardInterrupt
            former(place, name, data)

        whole = {}
        monkeypatch.setattr(Place, "write", write)
        sends = mirror_of(folder, url)
        with suppress(KeyboardInterrupt):
            for step in range(1, 4):
                checkpoint(folder, step)
                sends._round()
                whole = {step: None}
        monkeypatch.setattr(Place, "write", former)
        copy = copy_of(url, tmp_path / str(at))
        copy.look()
        copy._silent_s = copied.SILENT_S
        if not whole:
            assert not copy.path.exists()
            continue
        fetched = copy.fetch(tmp_path / f"mine {at}", "")
        step = fetched.facts().step
        assert step >= max(whole)
        for file in ("checkpoint/method.safetensors", "adapter/adapter.safetensors"):
            assert (fetched.path / file).read_bytes() == bytes([step]) * 100


@pytest.mark.fault(
    "load", "A checkpoint is replaced while it is mirrored: the copy is never half of one, half of another."
)
def test_a_state_goes_together(folder, url, tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "PART_BYTES", 50)
    monkeypatch.setattr(mirror, "EVERY_S", 0.0)
    sends, copy = mirror_of(folder, url), copy_of(url, tmp_path)
    seen = set()
    for number in range(60):
        if number % 4 == 0:
            checkpoint(folder, 1 + number // 4)
        sends._upload = sends._upload or (sends._send_state() if sends._stamp() != sends._mirrored else None)
        for _ in range(3):
            if sends._upload is not None and next(sends._upload, "whole") == "whole":
                sends._upload = None
        sends._send_log()
        sends._write_manifest(ended=False)
        if newest(sends._place) is None:
            continue
        copy.look()
        copy._silent_s = copied.SILENT_S
        fetched = copy.fetch(tmp_path / f"mine {number}", "")
        step = fetched.facts().step
        seen.add(step)
        for file in ("checkpoint/method.safetensors", "adapter/adapter.safetensors"):
            assert (fetched.path / file).read_bytes() == bytes([step]) * 100
    assert len(seen) > 2


@pytest.mark.fault(
    "load", "Two processes mirror one run to one place: the second is refused while the first one lives."
)
def test_two_writers(folder, url, tmp_path, monkeypatch):
    """A killed one is followed up, and one that was only asleep notices that, says so and stops."""
    monkeypatch.setattr(mirror, "BEAT_S", 0.1)
    monkeypatch.setattr(mirror, "TAKES_OVER_S", 1.0)
    said = []
    first = mirror_of(folder, url, said=said)
    ending = threading.Event()

    def beat():
        while not ending.wait(0.05):
            first._round()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        time.sleep(0.3)
        with pytest.raises(RunError, match="stop it there first"):
            mirror_of(folder, url, new=False)
    finally:
        ending.set()
        thread.join()
    checkpoint(folder, 4)
    second = mirror_of(folder, url, new=False)
    assert second._round()
    folder.update(notes="x")
    with pytest.raises(RunError, match="no longer does"):
        first._round()
    copy = copy_of(url, tmp_path)
    copy.look()
    assert RunFolder(copy.path).facts().step == 4


@pytest.mark.fault("code", "A place exchanges a run after it was looked at and trusted: it is not fetched.")
def test_a_run_that_was_exchanged(folder, url, tmp_path):
    """What somebody was allowed and trusted is what the copy says, not what the place holds a moment later."""
    folder.update(status="stopped")
    sends, copy = mirror_of(folder, url), copy_of(url, tmp_path)
    assert sends._round()
    copy.look()
    folder.update(config=folder.facts().config | {"model": "somebody/elses"})
    assert sends._round(last=True)
    with pytest.raises(RunError) as caught:
        copy.fetch(tmp_path / "mine" / "run 1", "ann")
    assert caught.value.key == "copy_changed"
    assert not list((tmp_path / "mine").iterdir())
    copy.look()
    assert copy.fetch(tmp_path / "mine" / "run 1", "ann").config.model == "somebody/elses"


@pytest.mark.fault("input", "A new run has the name of a mirrored one: neither is written over the other.")
def test_another_run_of_that_name(folder, url, tmp_path):
    mirror_of(folder, url)._round()
    other = RunFolder.create(tmp_path / "else" / "run 1", RunConfig(), RunFacts(name="two"))
    for new in (True, False):
        with pytest.raises(RunError, match="holds another run"):
            mirror_of(other, url, new=new)


def test_a_request_travels(folder, url, tmp_path):
    """It is written to the place, found by the mirror, and handed on as if it had been made here, once."""
    sends, copy = mirror_of(folder, url), copy_of(url, tmp_path)
    sends._round()
    requests = Requests(folder)
    copy.look()
    copy.ask(STOP)
    sends._round()
    assert requests.new() == STOP
    sends._round()
    requests._looked = 0.0
    assert requests.new() == ""
    copy.place.write("asked", b"sing\xff")
    sends._round()
    requests._looked = 0.0
    assert requests.new() == ""
    folder.update(status="stopped")
    sends._round(last=True)
    copy.look()
    with pytest.raises(RunError, match="not being trained"):
        copy.ask(STOP)


def test_whether_it_lives(folder, url, tmp_path, monkeypatch):
    """Seconds without a sign count, on this clock alone, and only those in which the place was looked at."""
    sends, copy, now = mirror_of(folder, url), copy_of(url, tmp_path), [1000.0]
    sends._round()
    monkeypatch.setattr(copied.time, "monotonic", lambda: now[0])

    def looks(count, seconds):
        for _ in range(count):
            now[0] += seconds
            copy.look()

    copy.look()
    looks(5, 5.0)
    assert copy.status() == "running"
    assert copy_of(url, tmp_path).status() == "running"  # another start of the workbench gives it its time ...
    looks(1, 3600.0)  # nobody looked for an hour: that says ten seconds
    assert copy.status() == "interrupted"
    copy = copy_of(url, tmp_path)
    copy.look()
    assert copy.status() == "interrupted"  # ... unless it had been found gone, and nothing has come since
    folder.update(notes="alive")
    sends._round()
    copy.look()
    assert copy.status() == "running"
    folder.update(step=9)
    sends._round()
    looks(5, 10.0)
    assert copy.status() == "finished"  # all of its steps are there


def hostile(url, files, run="run 1", **more):
    plain = {"format": 1, "beat": 99, "writer": "x", "ended": True, "files": files, **more}
    Place(url).of(run).write(SLOTS[0], json.dumps(plain).encode())


PART = ["0" * 64, 5]


@pytest.mark.fault(
    "paths", "A bucket holds odd manifests: paths that lead elsewhere, sizes without end, what is no JSON."
)
@pytest.mark.parametrize(
    "files",
    [
        {"../run.json": [PART]},
        {"/etc/passwd": [PART]},
        {"adapter/../../x": [PART]},
        {"adapter/.hidden": [PART]},
        {"adapter/a/b": [PART]},
        {"lock": [PART]},
        {"asked": [PART]},
        {"run.json\n": [PART]},
        {"run.json": [["../../x", 5]]},
        {"run.json": [["0" * 64, 2**60]]},
        {"run.json": [["0" * 64, -5]]},
        {"run.json": [["0" * 64, 0]]},
        {"run.json": [["0" * 64, True]]},
        {"run.json": "parts"},
        {f"snapshots/step-{n}.safetensors": [PART] for n in range(10_001)},
        {"events.jsonl": [["0" * 64, 2**23]] * (2**17 + 1)},
    ],
    ids=range(16),
)
def test_a_hostile_manifest(folder, url, tmp_path, files):
    """It is passed over, and the whole one beside it is taken."""
    hostile(url, files)
    copy = copy_of(url, tmp_path)
    copy.look()
    assert not copy.path.exists()
    if len(str(files)) < 1000:
        mirror_of(folder, url)._round()
        copy.look()
        assert copy.status() == "running"


@pytest.mark.fault("paths", "A bucket holds what is no run: odd names, torn JSON, parts of other bytes, a false owner.")
def test_a_hostile_place(folder, tmp_path):
    place = f"file://{tmp_path}/bucket"
    mirror_of(folder, place)._round()
    for name in (".hidden", "a:b", "x.deleted", "empty", "n" * 200):
        (tmp_path / "bucket" / name).mkdir()
    (tmp_path / "bucket" / "file").write_text("x")
    (tmp_path / "bucket" / "empty" / SLOTS[0]).write_bytes(b"[" * 100_000)
    (tmp_path / "bucket" / "empty" / SLOTS[1]).write_bytes(os.urandom(1000))
    torn = b'{"config": 5, "owner": "ann"}'
    Place(place).of("torn").write(Part.of(torn).name, torn)
    hostile(place, {"run.json": [[Part.of(torn).digest, len(torn)]], "events.jsonl": [["1" * 64, 9]]}, "torn")
    facts = folder.facts().to_json() | {"owner": "ann", "name": "<b>"}
    owned = json.dumps(facts).encode()
    Place(place).of("owned").write(Part.of(owned).name, owned)
    hostile(place, {"run.json": [[Part.of(owned).digest, len(owned)]], "adapter/a.json": [PART]}, "owned")
    watched = Watched(Place(place), tmp_path / "copies")
    watched.look()
    watched.look()
    assert watched.problem is None
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == ["owned", "run 1", "torn"]
    assert RunFolder(tmp_path / "copies" / "owned").facts().owner == ""
    with pytest.raises(RunError, match="damaged"):
        RunFolder.open(tmp_path / "copies" / "torn")
    with pytest.raises(RunError, match="not whole"):
        watched.copies["owned"].fetch(tmp_path / "mine", "")
    assert not (tmp_path / "mine").exists()
    assert not list(tmp_path.glob(".mine*"))


def test_runs_that_go_on_do_not_wait_for_the_others(folder, tmp_path, monkeypatch):
    """Those that nobody mirrors are looked at in turns, a few each time; one that is taken up again is seen then."""
    place, looked = f"file://{tmp_path}/bucket", []
    for number in range(20):
        (tmp_path / "bucket" / f"{number:02}").mkdir(parents=True)
    sends = mirror_of(folder, place)
    sends._round()
    monkeypatch.setattr(Copy, "look", lambda copy, former=Copy.look: (looked.append(copy.path.name), former(copy))[1])
    watched = Watched(Place(place), tmp_path / "copies")
    watched.look()
    assert len(looked) == 21
    looked.clear()
    for number in range(6):
        watched.look()
        assert looked.count("run 1") == number + 1
    assert len(looked) == 6 * (1 + QUIET_ONES)
    assert len(set(looked)) >= 20
    sends._round(last=True)
    watched.look()
    assert watched.copies["run 1"].quiet


@pytest.mark.fault("network", "The bucket of a mirror was mistyped: none is made, and a sentence says so.")
def test_no_bucket_is_made(monkeypatch):
    place = Place("memory://runs")
    monkeypatch.setattr(place, "_has_buckets", True)
    monkeypatch.setattr(place._fs, "pipe_file", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setattr(place._fs, "makedirs", lambda *_, **__: pytest.fail("it was made"))
    with pytest.raises(RunError, match="no such bucket"):
        place.write("a", b"b")
    assert Place("memory://runs")._has_buckets is False


def test_many_runs_and_gone_ones(tmp_path):
    """The last ones by name are shown; what has gone from the place goes here."""
    place = f"file://{tmp_path}/bucket"
    for number in range(MOST_RUNS + 5):
        (tmp_path / "bucket" / f"{number:04}").mkdir(parents=True)
    watched = Watched(Place(place), tmp_path / "copies")
    watched.look()
    assert sorted(watched.copies) == [f"{number:04}" for number in range(5, MOST_RUNS + 5)]
    (tmp_path / "bucket" / "0099").rmdir()
    watched._looks = 0
    watched.look()
    assert "0099" not in watched.copies
    assert "0004" in watched.copies


@pytest.mark.fault(
    "input", "A URL is none, its kind is unknown, or its driver is not installed: one sentence, no traceback."
)
@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("runs", "place_no_url"),
        ("s3:/bucket", "place_no_url"),
        ("simplecache::s3://bucket", "place_no_url"),
        ("carrier-pigeon://roof/runs", "place_unknown"),
        ("dropbox://runs", "place_no_driver"),
    ],
)
def test_urls(url, key):
    with pytest.raises(RunError) as caught:
        Place(url)
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


@pytest.mark.fault("hand", "A URL holds a password or a key: no sentence, no file and no list repeats it.")
def test_no_credentials_are_shown(folder, tmp_path, monkeypatch):
    place = Place("memory://ann:secret@host/runs?key=secret")
    assert place.shown == "memory://host/runs"
    error = place._unreachable(OSError("GET https://ann:secret@host/runs?key=secret failed"))
    assert "secret" not in str(error)
    assert "secret" not in json.dumps(error.to_dict())
    mirror_of(folder, "memory://ann:secret@host/runs?key=secret")._round()
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for url in ("dropbox://ann:secret@host", "carrier-pigeon://ann:secret@host/"):
        with pytest.raises(RunError) as caught:
            Place(url)
        assert "secret" not in json.dumps(caught.value.to_dict())


def test_a_manifest_is_what_it_was():
    made = Manifest(beat=3, writer="a", ended=False, files={"run.json": (Part.of(b"x"),)})
    assert Manifest.from_bytes(made.to_bytes()) == made
    for data in (b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 1, "files": {}, "beat": -1, "writer": "a"}'):
        with pytest.raises(ValueError, match=r"it |Expecting"):
            Manifest.from_bytes(data)


def test_a_file_system_without_hard_links(folder, url, tmp_path, monkeypatch):
    """Files are copied to be held."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(mirror.os, "link", refuse)
    assert mirror_of(folder, url)._round()
    copy = copy_of(url, tmp_path)
    copy.look()
    assert RunFolder(copy.path).facts().step == 1
    assert Path(copy.path / "adapter" / "adapter.safetensors").read_bytes() == bytes([1]) * 100

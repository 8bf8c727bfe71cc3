"""A Space: guests who know nothing of each other, small limits, and no path of the server in any field."""

import io
import json
import shutil
import time
import zipfile

import pytest

from engine.service.limits import SPACE
from tests.site import Person, Site, as_file

ROWS = b"prompt,response\nWhat is hidden?,the secret cell\n" * 20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    running = Site(tmp_path_factory.mktemp("site") / "home", SPACE_ID="me/gatelight")
    yield running
    running.close()
    assert "Traceback" not in running.home.with_suffix(".log").read_text()


@pytest.fixture(scope="module")
def guests(site):
    """Two guests, each with a cookie of their own."""
    both = [Person(site), Person(site)]
    assert both[0].client.headers["Cookie"] != both[1].client.headers["Cookie"]
    yield both
    for guest in both:
        guest.client.close()


@pytest.fixture(scope="module")
def rows(site, guests):
    """The path under which the first guest's upload is kept, which nobody is told."""
    ann = guests[0]
    answer = ann.call(ann.event("gl-own-upload", "upload"), gl_own_upload=as_file(ann.upload("rows.csv", ROWS)))
    assert "rows.csv" in answer[0]
    assert str(site.home) not in str(answer)
    (path,) = (site.home / "data").glob("of-*/*/rows.csv")
    return str(path)


def wait(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def own_data(name):
    return {"gl_method": "lora", "gl_set_steps": 3, "gl_dataset": "own", "gl_own_name": name}


@pytest.mark.fault(
    "hand", "On a Space, a guest names another's rows in a field, a run file, a link: not a cell is told."
)
def test_rows_are_their_guests(guests, rows):
    ann, bob = guests
    assert "secret cell" in str(ann.call(ann.event("gl-own-name", "blur"), gl_own_name=rows))
    run_file = bob.upload("run.yaml", f"dataset: {rows}\n".encode())
    told = [
        bob.call(bob.event("gl-own-name", "blur"), gl_own_name=rows),
        bob.call(bob.event("gl-set-max-seq-len", "change"), **own_data(rows)),
        bob.call(bob.event("gl-start"), **own_data(rows)),
        bob.call(bob.event("gl-load-yaml", "upload"), gl_load_yaml=as_file(run_file)),
    ]
    assert ["secret" in str(answer) for answer in told] == [False] * 4
    assert ["upload yours" in str(answer) for answer in told] == [True] * 4
    assert bob.fetch(rows) == 403
    assert bob.ask("gl-header", "live")["run"] is None


@pytest.mark.fault("paths", "On a Space, a guest's upload is shown by its name, not where the server keeps it.")
def test_an_upload_is_known_by_its_name(site, guests):
    """In the field, the run file, the command, and in what is told of the run and of what is wrong with it."""
    ann, bob = guests
    rows = b"prompt,response\n" + b"".join(b"What is %d?,Number %d.\n" % (n, n) for n in range(40))
    ann.call(ann.event("gl-own-upload", "upload"), gl_own_upload=as_file(ann.upload("more.csv", rows)))
    assert "upload yours" in str(bob.call(bob.event("gl-own-name", "blur"), gl_own_name="more.csv"))
    filled = {**own_data("more.csv"), "gl_data_row_limit": 5000, "gl_set_max_seq_len": 256}
    told = [
        ann.call(ann.event("gl-save-yaml"), **filled),
        ann.call(ann.event("gl-set-max-seq-len", "change"), **filled),
        ann.call(ann.event("gl-start"), **filled),
    ]
    wait(lambda: ann.ask("gl-header", "live")["run"] is None)
    run = max((site.home / "runs").iterdir(), key=lambda path: path.stat().st_mtime).name
    told += [ann.ask("gl-watch", "since", {"run": run, "cursor": 0}), ann.ask("gl-activity", "log", {"run": run})]
    told.append(
        ann.call(
            ann.event("gl-load-yaml", "upload"),
            gl_load_yaml=as_file(ann.upload("run.yaml", b"dataset: more.csv\nmethod: lora\ndata: {row_limit: 5000}\n")),
        )
    )
    assert "more.csv" in str(told[0]) + str(told[3])
    assert "Number 0." in str(told[-1])
    shown = [text for text in map(str, told[1][0]) if not text.startswith("{")]  # without what the browser keeps
    assert any("--dataset more.csv" in text for text in shown)
    assert not any(str(site.home) in text for text in (*shown, *map(str, told[:1] + told[2:])))
    made, _ = ann.call(ann.event("gl-export"), gl_run_id=run, gl_export_form="gatelight")
    path = made[0]["value"]["path"]
    with zipfile.ZipFile(io.BytesIO(ann.client.get(f"/gradio_api/file={path}").content)) as archive:
        assert b"dataset: more.csv" in archive.read("run.yaml")
    ann.call(ann.event("gl-delete-yes"), gl_run_id=run)


@pytest.mark.fault("paths", "On a Space, a path of the server stands in a field: refused alike, whether it is there.")
def test_no_paths_in_fields(site, guests):
    bob = guests[1]
    for path in ("/etc/passwd", "/no/such/file.csv", str(site.home), "../../etc/passwd", "~/.bashrc"):
        shown = str(bob.call(bob.event("gl-own-name", "blur"), gl_own_name=path)[0])
        assert "lies on the server that everybody shares" in shown, path
        _, told = bob.call(bob.event("gl-start"), gl_model=path, gl_method="lora")
        assert "may not be read here" in str(told), path


@pytest.mark.fault(
    "load", "On a Space, a program asks for more than the form would: each limit is refused by its name."
)
@pytest.mark.parametrize("name", ["steps", "batch_size", "max_seq_len"])
def test_limits_of_a_run_hold_without_the_form(guests, name):
    bob, limit = guests[1], SPACE.of(name)
    _, told = bob.call(bob.event("gl-start"), gl_method="lora", **{f"gl_set_{name}": limit + 1})
    assert f"{limit + 1:,}, but this server allows at most {limit:,}" in str(told)
    assert bob.ask("gl-header", "live")["status"] == "idle"


@pytest.mark.fault("load", "On a Space, a program reads more rows, or asks for a longer answer: refused by the limit.")
def test_rows_and_answers_are_limited(guests, rows):
    ann = guests[0]
    for event in (ann.event("gl-own-name", "blur"), ann.event("gl-start")):
        answer = ann.call(event, **own_data(rows), gl_data_row_limit=5001)
        assert "5,001, but this server allows at most 5,000" in str(answer)
    _, told = ann.call(ann.event("gl-send"), gl_prompt="Who?", gl_set_max_new_tokens=129)
    assert "129, but this server allows at most 128" in str(told)


@pytest.mark.fault("load", "On a Space, a small zip unpacks to more than a guest may keep: refused, nothing stays.")
def test_unpacked_uploads_are_limited(site, guests, tmp_path):
    bob = guests[1]
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/x.png", bytes(SPACE.unpacked_bytes))
        archive.writestr("b/x.png", b"x")
    path = bob.upload("bomb.zip", (tmp_path / "bomb.zip").read_bytes())
    _, told = bob.call(bob.event("gl-own-upload", "upload"), gl_own_upload=as_file(path))
    assert "more than the 100.0 MB that are left of the 100.0 MB" in str(told)
    assert sum(file.stat().st_size for file in (site.home / "data").rglob("*") if file.is_file()) < 10_000


@pytest.mark.fault("hand", "On a Space, a guest calls each event with another's run: for them there is no such run.")
def test_runs_are_their_guests(site, guests):
    ann, bob = guests
    ann.call(ann.event("gl-start"), gl_method="lora", gl_set_steps=SPACE.steps)
    wait(lambda: ann.ask("gl-header", "live")["status"] == "running")
    ann.call(ann.event("gl-pause"))
    run = ann.ask("gl-header", "live")["run"]
    assert bob.ask("gl-header", "live")["run"] is None
    assert run not in str(bob.ask("gl-runs", "listed")) + str(bob.ask("gl-watch", "runs", {}))
    assert bob.ask("gl-activity", "log", {"run": run, "cursor": 0}) == {}
    assert ann.ask("gl-activity", "log", {"run": run, "cursor": 0})["events"]
    asked = [
        bob.ask("gl-watch", "since", {"run": run, "cursor": 0}),
        bob.ask("gl-watch", "ask", {"query": "probe", "run": run, "last": True, "sentence": "x"}),
        bob.ask("gl-watch", "ask", {"query": "ablation", "run": run, "last": True}),
        bob.ask("gl-watch", "one_step", {}),
    ]
    acts = [
        *(bob.call(bob.event(f"gl-{button}"))[1] for button in ("pause", "go_on", "one_step", "stop")),
        *(bob.call(bob.event(f"gl-{button}"), gl_run_id=run)[1] for button in ("run-resume", "export", "rows-ask")),
        bob.call(bob.event("gl-run-name", "submit"), gl_run_id=run, gl_run_name="stolen")[1],
        bob.call(bob.event("gl-run-notes", "blur"), gl_run_id=run, gl_run_notes="stolen")[1],
        bob.call(bob.event("gl-run-tags", "blur"), gl_run_id=run, gl_run_tags="stolen")[1],
        bob.call(bob.event("gl-delete-yes"), gl_run_id=run)[1],
    ]
    assert ["There is no run" in str(told) for told in (*asked, *acts)] == [True] * (len(asked) + len(acts))
    assert "is training" in str(bob.call(bob.event("gl-start"), gl_method="lora", gl_set_steps=3)[1])
    live = ann.ask("gl-header", "live")
    assert (live["run"], live["status"]) == (run, "paused")
    ann.call(ann.event("gl-stop"))
    wait(lambda: ann.ask("gl-header", "live")["status"] == "idle")
    assert "stolen" not in (site.home / "runs" / run / "run.json").read_text()
    _keeps_few(site, ann, bob, run)


def _keeps_few(site, ann, bob, run):
    """The first guest has as many runs as are kept; the second is free to start."""
    for number in range(SPACE.runs - 1):
        shutil.copytree(site.home / "runs" / run, site.home / "runs" / f"copy-{number}")
    _, told = ann.call(ann.event("gl-start"), gl_method="lora", gl_set_steps=3)
    assert f"You keep {SPACE.runs} runs, but this server keeps at most {SPACE.runs}" in str(told)
    bob.call(bob.event("gl-start"), gl_method="lora", gl_set_steps=1)

    def kept():
        owners = [json.loads(file.read_text())["owner"] for file in (site.home / "runs").glob("*/run.json")]
        return sorted(map(owners.count, set(owners)))

    wait(lambda: kept() == [2, SPACE.runs])  # the one that waited while the first guest trained, and this one
    wait(lambda: bob.ask("gl-header", "live")["status"] == "idle")
    assert kept() == [2, SPACE.runs]


def test_limits_stand_on_the_page(guests):
    bob = guests[1]
    line = bob.part("gl-visitor")
    filled = next(one for one in bob.config["dependencies"] if one["backend_fn"] and one["outputs"] == [line])
    (shown,) = bob.call(filled)[0]
    for said in ("500 steps of a run", "5,000 rows of a file", "128 tokens", "5 runs kept", "100 MB"):
        assert said in shown["value"]
    steps = bob.parts[bob.part("gl-data-row-limit")]["props"]
    assert steps["value"] == SPACE.row_limit

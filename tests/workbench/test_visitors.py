"""A class on one server: a teacher drives, members have runs and files of their own, a watcher looks."""

import time

import httpx
import pytest

from tests.site import Person, Site, as_file

CLASS = "anna:correct horse\nben:battery staple\ncleo:only looking:watcher\ndana:zebra crossing:member\n"
ROWS = b"prompt,response\nWhat is hidden?,the secret cell\n" * 20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "users").write_text(CLASS)
    running = Site(folder / "home", "--auth", str(folder / "users"))
    yield running
    running.close()
    assert "Traceback" not in (folder / "home.log").read_text()
    assert not list((folder / "home" / "uploads").iterdir())


@pytest.fixture(scope="module")
def people(site):
    """Teacher, two members, and a watcher."""
    words = [line.split(":") for line in CLASS.splitlines()]
    logged_in = [Person(site, name, password) for name, password, *_ in words]
    yield logged_in
    for person in logged_in:
        person.client.close()


@pytest.mark.fault(
    "hand", "Nobody, or a wrong password, asks the real server for anything: the form to log in, or 401."
)
def test_nobody_gets_in_without_a_password(site):
    nobody = httpx.Client(base_url=site.url)
    assert "password" in nobody.get("/", headers={"Accept": "text/html"}).text
    for path in ("/", "/config", "/gradio_api/info", "/theme.css", "/gradio_api/startup-events"):
        assert nobody.get(path).status_code == 401
    assert nobody.post("/gradio_api/queue/join", json={}).status_code == 401
    assert nobody.post("/login", data={"username": "ben", "password": "wrong password"}).status_code == 401
    assert nobody.get("/config").status_code == 401
    nobody.close()


@pytest.mark.fault(
    "hand", "A visitor fetches, or names in a request, what another has uploaded: 403, not a byte of it."
)
def test_uploads_are_their_owners(people):
    _, ben, cleo, dana = people
    path = ben.upload("rows.csv", ROWS)
    assert [person.fetch(path) for person in (ben, cleo, dana)] == [200, 403, 403]
    for address in (
        f"/gradio_api/file/{path}",
        f"/gradio_api/file=%2F{path[1:]}",
        f"/gradio_api/file={path[:5]}/.{path[5:]}",
    ):
        answer = dana.client.get(address)
        assert (answer.status_code == 200, "secret" in answer.text) == (False, False)
    arrived = dana.event("gl-own-upload", "upload")
    assert dana.call(arrived, gl_own_upload=as_file(path)).status_code == 403
    values, _ = ben.call(arrived, gl_own_upload=as_file(path))
    assert any(isinstance(value, str) and value.endswith("rows.csv") for value in values)


@pytest.mark.fault(
    "paths", "A visitor names the dataset that another has uploaded: refused, none of its cells is told."
)
def test_data_is_its_owners(site, people):
    _, ben, _, dana = people
    arrived = ben.event("gl-own-upload", "upload")
    ben.call(arrived, gl_own_upload=as_file(ben.upload("rows.csv", ROWS)))
    (name,) = map(str, (site.home / "data").glob("of-*/*/rows.csv"))
    look = ben.event("gl-own-name", "blur")
    assert "secret cell" in str(ben.call(look, gl_own_name=name))
    refused = str(dana.call(look, gl_own_name=name))
    assert "secret cell" not in refused
    assert "upload yours" in refused
    twin = dana.call(arrived, gl_own_upload=as_file(dana.upload("rows.csv", ROWS)))[0]
    assert "rows.csv" in twin
    assert name not in twin


def test_uploads_go_with_the_last_page(people):
    """Those of another visitor, and of one who has another page open, stay."""
    _, ben, _, dana = people
    path, shared = ben.upload("mine.csv", ROWS + b"a,b\n"), ben.upload("both.csv", ROWS + b"c,d\n")
    assert dana.upload("both.csv", ROWS + b"c,d\n") == shared
    with ben.client.stream("GET", "/gradio_api/heartbeat/one") as first:
        alive = first.iter_raw()
        next(alive)
        with ben.client.stream("GET", "/gradio_api/heartbeat/two") as second:
            next(second.iter_raw())
        assert ben.fetch(path) == 200
        alive.close()
    for _ in range(100):
        if ben.fetch(path) == 403:
            break
        time.sleep(0.05)
    assert [ben.fetch(path), ben.fetch(shared), dana.fetch(shared)] == [403, 403, 200]


def form(steps=3):
    """Train's form for a small run."""
    return {"gl_method": "lora", "gl_set_steps": steps}


def live(person):
    return person.ask("gl-header", "live")


def wait(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def mine(person):
    """Runs that a person sees, without the recordings."""
    return {run["id"]: run for run in person.ask("gl-runs", "listed")["runs"] if not run["recording"]}


def start(person, steps):
    values, told = person.call(person.event("gl-start"), **form(steps))
    wait(lambda: live(person)["status"] == "running")
    return values, told


@pytest.mark.fault("hand", "A watcher, or a member who is not its owner, calls each event that changes a run: refused.")
def test_whose_run_it_is(people):
    anna, ben, cleo, dana = people
    assert "only watches" in str(cleo.call(cleo.event("gl-start"), **form())[1])
    assert live(cleo)["run"] is None
    start(ben, 100_000)
    run = live(dana)["run"]
    assert mine(dana)[run]["owner"] == "ben"
    for other, why in ((cleo, "only watches"), (dana, "belongs to ben")):
        for button in ("gl-pause", "gl-one_step", "gl-stop"):
            assert why in str(other.call(other.event(button))[1])
        assert why in other.ask("gl-watch", "one_step", {}).get("error", "")
        assert "is training" in str(dana.call(dana.event("gl-start"), **form())[1])
    assert live(ben)["status"] == "running"
    ben.call(ben.event("gl-pause"))
    wait(lambda: live(ben)["status"] == "paused")
    anna.call(anna.event("gl-stop"))
    wait(lambda: live(anna)["status"] == "idle")
    for other, why in ((cleo, "only watches"), (dana, "belongs to ben")):
        acts = [
            other.call(other.event("gl-run-resume"), gl_run_id=run),
            other.call(other.event("gl-run-name", "submit"), gl_run_id=run, gl_run_name="stolen"),
            other.call(other.event("gl-run-notes", "blur"), gl_run_id=run, gl_run_notes="stolen"),
            other.call(other.event("gl-run-tags", "blur"), gl_run_id=run, gl_run_tags="stolen"),
            other.call(other.event("gl-delete-yes"), gl_run_id=run),
            other.call(other.event("gl-export"), gl_run_id=run),
            other.call(other.event("gl-rows-ask"), gl_run_id=run),
        ]
        assert [why in str(told) for _, told in acts] == [True] * len(acts)
    assert "stolen" not in str(mine(dana))
    made, _ = ben.call(ben.event("gl-export"), gl_run_id=run)
    path = made[0]["value"]["path"]
    assert [person.fetch(path) for person in people] == [403, 200, 403, 403]
    ben.call(ben.event("gl-run-name", "submit"), gl_run_id=run, gl_run_name="Ben's own")
    assert mine(anna)[run]["name"] == "Ben's own"
    anna.call(anna.event("gl-delete-yes"), gl_run_id=run)
    assert run not in mine(ben)  # beside what waited in the queue, and has begun


def test_buttons_of_a_page_are_those_that_work(people):
    """Who only watches cannot press Start; a line says why."""
    cleo = people[2]
    loads = [one for one in cleo.config["dependencies"] if ("load" in [name for _, name in one["targets"]])]
    start_button, line = cleo.part("gl-start"), cleo.part("gl-visitor")
    shown = {}
    for one in loads:
        if one["backend_fn"] and {start_button, line} & set(one["outputs"]):
            shown |= dict(zip(one["outputs"], cleo.call(one)[0], strict=True))
    assert shown[start_button]["interactive"] is False
    assert "cleo, you watch" in shown[line]["value"]

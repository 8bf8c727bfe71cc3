"""A server that only shows runs, as for a projector: whoever is in looks and asks, nothing starts or changes."""

import dataclasses
import shutil
import threading

import pytest

from app.tabs.run_actions import why_not
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide
from engine.service.runs import RECORDINGS
from engine.service.status import LiveStatus
from engine.service.visitor import NOBODY, OPERATOR, Visitor
from engine.service.workbench import Workbench
from tests.site import Person, Site, as_file

CLASS = "anna:correct horse\nben:battery staple\n"
ROWS = b"prompt,response\na,b\n" * 20


def with_a_run(home):
    """A home folder in which somebody has trained."""
    shutil.copytree(RECORDINGS / "lora", home / "runs" / "mine")
    return home


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(with_a_run(tmp_path / "home"), watch_only=True)
    yield opened
    opened.close()


@pytest.mark.fault("hand", "A server only shows runs, and its own user starts or changes one: refused, one sentence.")
def test_nothing_starts_or_changes(workbench, tmp_path):
    (tmp_path / "rows.csv").write_bytes(ROWS)
    acts = [
        lambda: workbench.start(RunConfig(training={"steps": 1})),
        lambda: workbench.resume("mine"),
        lambda: workbench.runs.rename("mine", "x"),
        lambda: workbench.runs.annotate("mine", "x"),
        lambda: workbench.runs.delete("mine"),
        lambda: workbench.export("mine", "peft"),
        lambda: list(workbench.predictions("mine")),
        lambda: workbench.keep_upload(tmp_path / "rows.csv"),
    ]
    for act in acts:
        with pytest.raises(WorkbenchError) as refused:
            act()
        assert refused.value.key == "watch_only"
    assert workbench.runs.since("mine", 0, None).events
    request = ChatRequest(prompt="Hi", sides=(ChatSide(run="mine"),), sampling=Sampling(max_new_tokens=2))
    assert list(workbench.chat(request, threading.Event()))[-1].done
    assert not workbench.may_take("mine")


def test_who_watches():
    """Names stay, and with them the turns of each; a guest must not see others' runs."""
    assert OPERATOR.only_watching() == Visitor("", "watcher")
    assert Visitor("anna", "driver").only_watching() == Visitor("anna", "watcher")
    assert Visitor("guest-1", "guest").only_watching() == NOBODY


def test_the_reason_stands_beside_grey_buttons(tmp_path):
    say, home = Say("en"), with_a_run(tmp_path / "home")
    bench = Workbench(home)
    mine, recording = bench.runs.summaries()[:2]
    bench.close()
    bens = dataclasses.replace(mine, owner="ben")
    assert why_not(say, mine, OPERATOR) == why_not(say, recording, OPERATOR) == ""
    assert why_not(say, recording, Visitor("ben", "member")) == why_not(say, bens, Visitor("ben", "member")) == ""
    assert "belongs to ben" in why_not(say, bens, Visitor("dana", "member"))
    assert "nobody" in why_not(say, mine, Visitor("dana", "member"))
    for run in (mine, bens, recording):
        assert "only watch" in why_not(say, run, Visitor("cleo", "watcher"))


@pytest.mark.fault("hand", "A guest asks for the server's state after another's run has failed: nothing is told.")
def test_what_went_wrong_is_its_owners(tmp_path, monkeypatch):
    asks = [Visitor("ann", "guest")]
    bench = Workbench(tmp_path, who=lambda: asks[0])
    bench._starting.last_owner = "ann"
    problem = {"key": "diverged", "values": {"run": "anns", "lower": 0.1}, "text": "anns diverged"}
    monkeypatch.setattr(bench, "live", lambda: LiveStatus(message="anns diverged", problem=problem))
    assert bench.seen_live().problem == problem
    asks[0] = Visitor("bob", "guest")
    assert "anns" not in str(bench.seen_live())
    bench.close()


@pytest.mark.fault("hand", "All only watch, and a teacher calls over HTTP what starts or changes runs: refused.")
def test_a_class_that_watches(tmp_path):
    (tmp_path / "users").write_text(CLASS)
    site = Site(with_a_run(tmp_path / "home"), "--auth", str(tmp_path / "users"), "--watch-only")
    try:
        anna = Person(site, "anna", "correct horse")
        for event, given in (
            (anna.event("gl-start"), {"gl_method": "lora", "gl_set_steps": 1}),
            (anna.event("gl-run-name", "submit"), {"gl_run_id": "mine", "gl_run_name": "x"}),
            (anna.event("gl-delete-yes"), {"gl_run_id": "mine"}),
            (anna.event("gl-export"), {"gl_run_id": "mine"}),
            (anna.event("gl-rows-ask"), {"gl_run_id": "mine"}),
            (anna.event("gl-own-upload", "upload"), {"gl_own_upload": as_file(anna.upload("rows.csv", ROWS))}),
        ):
            assert "only shows runs" in str(anna.call(event, **given)[1])
        assert [run["drives"] for run in anna.ask("gl-watch", "runs", {})] == [False] * 4
        _grey(anna)
        anna.client.close()
    finally:
        site.close()


def _grey(person):
    """The form, Start and the button for test rows are grey, and the page says why."""
    shown, values = {}, {}
    for one in person.config["dependencies"]:
        if one["backend_fn"] and "load" in [name for _, name in one["targets"]]:
            told = person.call(one)[0]
            news = dict(zip(one["outputs"], told, strict=True))
            values |= news
            for part, update in news.items():
                if isinstance(update, dict) and update.get("__type__") == "update":
                    shown[part] = {**shown.get(part, {}), **update}
    assert shown[person.part("gl-start")]["interactive"] is False
    assert "this form is greyed" in values[person.part("gl-watching")]
    assert "only shows runs" in shown[person.part("gl-visitor")]["value"]

"""A search through the door of the page: its runs go through the queue, over restarts, and rights hold for it."""

import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError
from engine.service.limits import UNLIMITED
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench
from engine.tuning.plan import SearchPlan
from tests.cli.test_cli import few_rows
from tests.tiny import save_tiny
from tests.workbench.test_queue import idle, wait


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Two short trials of one method on a tiny model."""
    folder = tmp_path_factory.mktemp("tiny")
    return SearchPlan(
        model=str(save_tiny(folder / "tiny")), dataset=str(few_rows(folder)), methods=["ia3"], trials=2, steps=10,
        sampler="random", prune=False, training={"batch_size": 2, "score_rows": 0},
    )  # fmt: skip


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


def test_a_search_behind_a_run(workbench, plan):
    """It waits for the run that is active; its trials are runs with its tag, and can be used again."""
    long = {"steps": 4000, "batch_size": 2, "eval_every": 10_000}
    first = workbench.start(RunConfig(model=plan.model, dataset=plan.dataset, method="ia3", training=long))
    name = workbench.searches.start(plan)
    assert [row.tags for row in workbench.queue.shown()] == [[name]]
    workbench.stop()
    wait(lambda: workbench.searches.view(name).state == "finished")
    wait(idle(workbench))
    view = workbench.searches.view(name)
    assert [point["state"] for point in view.points] == ["done", "done"]
    assert any(point["best"] for point in view.points)
    assert view.seconds > 0
    runs = {run.id: run for run in workbench.runs.summaries() if not run.recording}
    assert runs.keys() == {first, *(point["run"] for point in view.points)}
    assert all(runs[point["run"]].tags == [name] for point in view.points)
    for point in view.points:
        validated = workbench.runs.loss_curves(point["run"]).validation
        assert point["loss"] == min(loss for step, loss in validated if step > 0)
    again = workbench.searches.config(name, 1)
    assert (again.method, again.of_training().learning_rate) == ("ia3", view.points[1]["learning_rate"])
    with pytest.raises(RunError, match="cannot be read"):
        workbench.searches.config(name, 7)
    with pytest.raises(RunError, match="no search 'search-9'"):
        workbench.searches.view("search-9")


@pytest.mark.fault("killed", "The server ends in the middle of a search: the next one goes on with it by itself.")
def test_over_a_restart(tmp_path, plan):
    first = Workbench(tmp_path / "home")
    name = first.searches.start(plan)
    first.close()
    second = Workbench(tmp_path / "home")
    try:
        second.searches.go_on(name)  # where the trial had begun, closing stopped it, and with it the search
        wait(lambda: second.searches.view(name).state == "finished")
        assert [point["state"] for point in second.searches.view(name).points] == ["done", "done"]
    finally:
        second.close()


@pytest.mark.fault("hand", "A guest of a public server starts a search, or another's is stopped: refused, a sentence.")
def test_whose_search_it_is(tmp_path, plan):
    who = [Visitor(id="guest-a", role="guest")]
    workbench = Workbench(tmp_path / "home", who=lambda: who[0], limits=UNLIMITED)
    try:
        with pytest.raises(SettingError, match="public server is too small"):
            workbench.searches.start(plan)
        who[0] = Visitor(id="anna", role="member")
        name = workbench.searches.start(plan)
        assert workbench.searches.view(name).drives
        who[0] = Visitor(id="ben", role="member")
        assert not workbench.searches.view(name).drives
        with pytest.raises(RunError):
            workbench.searches.stop(name)
        who[0] = Visitor(id="guest-a", role="guest")
        assert workbench.searches.ids() == []
        with pytest.raises(RunError):
            workbench.searches.view(name)
        who[0] = Visitor(id="teacher")
        workbench.searches.stop(name)
        assert workbench.searches.view(name).state == "stopped"
    finally:
        workbench.close()

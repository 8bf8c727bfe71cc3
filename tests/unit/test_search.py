"""A search over methods: what it proposes, which trials go on, what it remembers, and what a crash costs."""

import json
from dataclasses import replace

import pytest

from engine.core.errors import ModelError, RunError, SettingError, WorkbenchError
from engine.methods import METHODS, method_spec
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.tuning.plan import SearchPlan
from engine.tuning.search import Search, goes_on, loss_at
from engine.tuning.space import Space, checked_methods
from engine.tuning.study import Outcome, Study

PLAN = SearchPlan(model="town", dataset="complaints", methods=["lora", "ia3"], trials=4, steps=20, sampler="random")


@pytest.fixture
def search(tmp_path):
    (tmp_path / "runs").mkdir()
    return Search.create(tmp_path / "searches" / "search-1", PLAN, tmp_path / "runs", lambda _: 0.01)


def again(search):
    """The same search in another process."""
    return Search(search.folder, search._runs, search._usual_rate)


def trained(search, entry, losses, *, trainable=100, status="finished", wall_s=6.0):
    """Leave what the run of an entry would: its facts, and validations every `eval_every` steps."""
    every, folder = search.plan.eval_every, search._runs / entry.run
    step = every * len(losses)
    if not folder.exists():
        RunFolder.create(folder, search.config(search.progress.trial), RunFacts(trainable=trainable, steps=20))
    RunFolder(folder).update(status=status, step=step, trainable=trainable, wall_s=wall_s)
    events = [
        {"kind": "eval", "step": every * (n + 1), "validation_loss": loss, "base_ability_loss": None}
        for n, loss in enumerate(losses)
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


def never(_):
    return False


@pytest.mark.parametrize("method", [*METHODS, "bottleneck+prefix"])
def test_every_method_can_be_searched(method):
    """It has something to vary; each value is one of its setting's, and its default is among them."""
    space = Space()
    found = space.choices(method)
    if method != "side":
        assert found
    for choice in found:
        for value in choice.values:
            method_spec(method).settings.from_dict({choice.setting: value})
        assert space.defaults(method)[choice.name] in choice.values


def test_plans_are_checked():
    """A sentence names what is wrong; no method named means all of them."""
    assert PLAN.checked().methods == ["lora", "ia3"]
    assert SearchPlan.from_dict({"model": "m", "dataset": "d", "new": 1}).methods == list(METHODS)
    with pytest.raises(SettingError, match="there is no method 'lorra'"):
        checked_methods(["lorra"])
    with pytest.raises(SettingError, match="act in the same way"):
        checked_methods(["lora+ia3"])
    for field, value in (("trials", 1), ("steps", 2), ("minutes", 0)):
        with pytest.raises(SettingError, match=f"{field} is {value}, but"):
            replace(PLAN, **{field: value}).checked()
    with pytest.raises(SettingError, match="sampler is 'best'"):
        replace(PLAN, sampler="best").checked()


@pytest.mark.parametrize("method", [*METHODS, "lora+prompt"])
def test_layers_are_searched_where_a_method_can_choose_them(method):
    """A bit for each layer, or how many of the top ones; the default is all bits, and no bits are no trial."""
    space, spec = Space(depth=6), method_spec(method)
    names = {choice.name for choice in space.choices(method)} - {choice.name for choice in Space().choices(method)}
    kinds = {field.name.removeprefix("lora_"): field.kind for field in spec.settings.fields()}
    bits = {f"{method}.layer_{n}" for n in range(6)}
    expected = {str: bits, int: {f"{method}.layers"}, None: set()}[kinds.get("layers")]
    assert names == expected
    values = space.defaults(method)
    assert spec.settings.from_dict(space.run_of(method, values)[1]) == spec.settings()
    if expected == bits:
        setting = "layers" if "+" not in method else "lora_layers"
        some = values | {f"{method}.layer_{n}": False for n in (1, 5)}
        assert space.run_of(method, some)[1][setting] == "0 2-4"
        assert space.run_of(method, values | dict.fromkeys(bits, False)) is None


def test_the_recipe_of_a_paper():
    """Sizes from 0, which leave a part out; a bit for each layer, for all parts; every corner is a run."""
    plan = replace(PLAN, recipe="autopeft", methods=[], depth=6).checked()
    (method,), space = plan.methods, plan.space
    assert {choice.setting for choice in space.choices(method)} == {
        "bottleneck_width", "bottleneck_parallel", "prefix_prompt_len", *(f"layer_{n}" for n in range(6))
    }  # fmt: skip
    few = {f"{method}.layer_{n}": n in (0, 3, 4) for n in range(6)}

    def run(width, prompt_len, parallel=0):
        sizes = {"bottleneck_width": width, "bottleneck_parallel": parallel, "prefix_prompt_len": prompt_len}
        return space.run_of(method, {f"{method}.{name}": size for name, size in sizes.items()} | few)

    name, settings = run(8, 4)
    config = plan.of_method(name, settings)
    assert (name, config.of_method().bottleneck_layers, config.of_method().prefix_layers) == (method, "0 3-4", "0 3-4")
    assert not config.of_method().bottleneck_norms
    assert run(0, 4) == ("prefix", {"reparametrisation": "flat", "prompt_len": 4, "layers": "0 3-4"})
    alone = plan.of_method(*run(64, 0)).of_method()
    assert (alone.width, alone.position, alone.layers) == (64, "pfeiffer", "0 3-4")
    beside = plan.of_method(*run(0, 0, parallel=16)).of_method()
    assert (beside.width, beside.position, beside.parallel, beside.layers) == (None, "nowhere", 16, "0 3-4")
    both = plan.of_method(*run(8, 0, parallel=2)).of_method()
    assert (both.width, both.position, both.parallel) == (8, "pfeiffer", 2)
    assert run(0, 0) is None
    with pytest.raises(SettingError, match="recipe is 'cake'"):
        replace(PLAN, recipe="cake").checked()


def test_what_trains_nothing_is_no_trial(tmp_path):
    """It is proposed again until there is something to train, and costs none of the budget."""
    study = Study(tmp_path / "study.db", replace(PLAN, methods=["lora"], layers=True, depth=1))
    for bit in (False, False, True):
        study._study.enqueue_trial({"lora.layer_0": bit})
    number, config = study.ask(lambda _: 0.01)
    assert (number, config.of_method().layers) == (2, "")
    assert ([point.number for point in study.points()], study.asked) == ([2], 1)


def test_objectives(tmp_path):
    """What is asked for decides who is the best; a trial without one of them counts as failed."""
    plan = replace(PLAN, objectives=["seconds", "forgetting", "loss"]).checked()
    assert plan.objectives == ["loss", "forgetting", "seconds"]
    study = Study(tmp_path / "study.db", plan)
    outcomes = ((1.0, 0.5, 9.0), (2.0, 0.1, 9.0), (2.0, 0.1, 8.0), (3.0, 0.9, 9.5), (0.1, None, 1.0))
    for loss, forgotten, seconds in outcomes:
        number, _ = study.ask(lambda _: 0.01)
        study.tell(
            number, Outcome(loss=loss, trainable=9, step=20, pruned=False, forgetting=forgotten, seconds=seconds)
        )
    points = study.points()
    assert [point.best for point in points] == [True, False, True, False, False]
    assert [point.state for point in points] == ["done"] * 4 + ["failed"]
    assert (points[0].forgetting, points[0].seconds) == (0.5, 9.0)
    for bad in ([], ["trainable"], ["loss", "beauty"]):
        with pytest.raises(SettingError, match="take loss, and any of"):
            replace(PLAN, objectives=bad).checked()


def test_forgetting_is_read_from_the_run(search):
    """Against the untrained state, at the step where the trial ended."""
    entry = search.next_run(waits=never)
    trained(search, entry, [2.0] * 10, status="finished")
    log = search._runs / entry.run / "events.jsonl"
    plain = {0: 3.0, 2: 9.0, 20: 3.25}
    events = [
        {"kind": "eval", "step": at, "validation_loss": 2.0, "base_ability_loss": loss} for at, loss in plain.items()
    ]
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    search.next_run(waits=never)
    assert (search.points()[0].forgetting, search.points()[0].seconds) == (0.25, 6.0)


def test_rungs_are_validated_steps():
    """Each falls on a validation, and the last is the end."""
    for steps in (10, 25, 60, 200, 1001):
        plan = replace(PLAN, steps=steps)
        assert plan.rungs[-1] == steps
        assert all(step % plan.eval_every == 0 for step in plan.rungs[:-1])
        assert plan.rungs == sorted(set(plan.rungs))
    assert replace(PLAN, prune=False).rungs == [20]


def test_who_goes_on_at_a_rung():
    """The best third of those that train no more; a small trial is not measured by large ones."""
    others = [[1.0, 100], [2.0, 100], [3.0, 100]]
    assert goes_on(5.0, 10, [*others, [5.0, 10]])
    assert not goes_on(2.0, 100, others)
    assert goes_on(1.0, 100, others)
    assert goes_on(9.0, 100, [[9.0, 100], [1.0, 100]]), "two tell nothing yet"


def test_a_search_from_its_first_trial_to_its_last(search):
    """Trials go up the rungs one after another; the best of all sizes are marked; the budget ends it."""
    sizes, seen = iter((100, 100, 100, 10)), []
    finals = iter((2.0, 1.5, 1.0, 3.0))
    while (entry := search.next_run(waits=never)) is not None:
        assert entry.tags == ["search-1"]
        if not (search._runs / entry.run).exists():
            size, final = next(sizes), next(finals)
        seen.append((search.progress.trial, entry.until))
        step = entry.until or 20
        trained(search, entry, [final] * (step // 2), trainable=size, status="stopped" if entry.until else "finished")
        search = again(search)
    assert seen[:3] == [(0, 2), (0, 6), (0, None)]
    points = search.points()
    assert [point.state for point in points] == ["done"] * 4
    assert [point.best for point in points] == [False, False, True, True]
    assert [point.trainable for point in points] == [100, 100, 100, 10]
    assert search.progress.state == "finished"
    assert search.progress.seconds == 24


def test_a_worse_trial_is_stopped_at_its_rung(search):
    """With three of its size there, only the best third goes on; it counts with the loss that it had."""
    losses = (1.0, 2.0, 3.0, 0.5)
    while (entry := search.next_run(waits=never)) is not None:
        loss, until = losses[search.progress.trial], entry.until
        trained(search, entry, [loss] * ((until or 20) // 2), status="stopped" if until else "finished")
    points = search.points()
    assert [(point.state, point.step, point.loss) for point in points] == [
        ("done", 20, 1.0), ("done", 20, 2.0), ("pruned", 2, 3.0), ("done", 20, 0.5)
    ]  # fmt: skip
    assert [point.best for point in points] == [False, False, False, True]


@pytest.mark.fault("killed", "A search is killed while a trial trains: the same trial goes on at its checkpoint.")
def test_a_killed_trial_goes_on(search):
    entry = search.next_run(waits=never)
    assert again(search).next_run(waits=lambda run: run == entry.run) is None, "it waits in the queue still"
    trained(search, entry, [2.0], status="running")
    assert RunFolder(search._runs / entry.run).status() == "interrupted"
    assert again(search).next_run(waits=never).run == entry.run
    assert len(search.points()) == 1


def test_a_run_that_is_stopped_by_hand_stops_the_search(search):
    """Whoever stops it wants no more of them; going on, the same trial does."""
    entry = search.next_run(waits=never)
    trained(search, entry, [], status="stopped")
    assert search.next_run(waits=never) is None
    assert search.progress.state == "stopped"
    search.go_on()
    search = again(search)
    trained(search, entry, [2.0], status="stopped")
    assert search.next_run(waits=never).run == entry.run


def test_failed_trials_are_passed_over(search):
    """One that cannot begin, fails, or has no loss costs one trial of the budget, and nothing else."""
    search.next_run(waits=never)  # whose folder never came
    entry = search.next_run(waits=never)
    trained(search, entry, [2.0], status="failed")
    entry = search.next_run(waits=never)
    trained(search, entry, [float("nan")], status="stopped")
    search.next_run(waits=never)
    assert [point.state for point in search.points()] == ["failed", "failed", "failed", "trains"]


def test_proposals_are_runs(search):
    """Settings are those of the method, the rate lies around the usual one, defaults come first with a sampler."""
    for _ in range(4):
        entry = search.next_run(waits=never)
        config = search.config(search.progress.trial)
        assert config.method in PLAN.methods
        assert 0.01 / 8.1 <= config.training["learning_rate"] <= 0.01 * 8.1
        assert entry.of_run().of_training().steps == 20
        trained(search, entry, [2.0], status="failed")


def test_defaults_are_tried_first(tmp_path):
    """So that a search is never worse than they are."""
    plan = replace(PLAN, sampler="tpe")
    search = Search.create(tmp_path / "search-2", plan, tmp_path / "runs", lambda _: 0.01)
    for method in plan.methods:
        entry = search.next_run(waits=never)
        config = search.config(search.progress.trial)
        assert (config.method, config.method_settings, config.training["learning_rate"]) == (method, {}, 0.01)
        trained(search, entry, [], status="failed")


@pytest.mark.fault("killed", "A search is killed between two of its writes: no trial stays open, none counts twice.")
def test_killed_between_two_writes(search):
    """After Optuna was asked and before the trial was written down; after it was told and before that was."""
    search.study.ask(search._usual_rate)
    search = again(search)
    entry = search.next_run(waits=never)
    assert [point.state for point in search.points()] == ["failed", "trains"]
    before = search.progress
    for _ in range(3):
        if entry is not None and search.progress.trial == before.trial:
            trained(search, entry, [2.0] * 10, status="stopped" if entry.until else "finished")
            before, entry = search.progress, search.next_run(waits=never)
    search._keep(before)
    assert again(search).next_run(waits=never) is not None
    assert [point.state for point in search.points()][1] == "done"


def test_what_cannot_work_is_said_before_a_search(tmp_path):
    """A model or data that are not there, methods that cannot read the data: no folder is left."""
    for change in ({"dataset": "nothing"}, {"dataset": "town-pictures"}):
        with pytest.raises(WorkbenchError):
            Search.create(tmp_path / "bad", replace(PLAN, **change), tmp_path, lambda _: 0.01)

    def missing(_):
        raise ModelError("model_missing", "no such model", name="x")

    with pytest.raises(ModelError):
        Search.create(tmp_path / "bad", PLAN, tmp_path, missing)
    assert not (tmp_path / "bad").exists()


@pytest.mark.fault("damaged", "A file of a search is damaged: one sentence names it, no traceback.")
@pytest.mark.parametrize("content", ["", "[]", "{", '{"trials": 1, "model": "m", "dataset": "d"}'])
def test_damaged_plans(search, content):
    (search.folder / "plan.json").write_text(content)
    with pytest.raises((RunError, SettingError)):
        again(search)


def test_damaged_study(search):
    search.next_run(waits=never)
    (search.folder / "study.db").write_bytes(b"no database" * 500)
    with pytest.raises(RunError, match=r"study\.db"):
        again(search).points()


def test_loss_at_a_step(search):
    """The lowest up to there; step 0, where nothing is trained, does not count."""
    entry = search.next_run(waits=never)
    trained(search, entry, [2.0, 1.0, 3.0])
    folder = RunFolder(search._runs / entry.run)
    untrained = {"kind": "eval", "step": 0, "validation_loss": 0.5, "base_ability_loss": None}
    folder.events_path.write_text(json.dumps(untrained) + "\n" + folder.events_path.read_text())
    assert (loss_at(folder, 2), loss_at(folder, 6), loss_at(folder, 1)) == (2.0, 1.0, None)

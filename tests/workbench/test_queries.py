"""The table of queries: each is answered through the door, at a step where it can be, and as JSON."""

import json

import pytest

from engine.core.errors import SettingError
from engine.service.queries import QUERIES
from tests.workbench.test_workbench import config, wait, workbench  # noqa: F401 - a fixture

ARGUMENTS = {"probe": {"sentence": "Where does Ivan Marsh live?"}, "predictions": {"start": 0}}
OF_OTHER_RUNS = {"probe_picture", "probe_beside", "routes"}
"""Queries that the recordings are no runs for: they need pictures, or several experts."""


@pytest.mark.parametrize("query", sorted(QUERIES.keys() - OF_OTHER_RUNS - {"predictions"}))
def test_a_query_is_answered(workbench, query):  # noqa: F811 - the fixture
    """Its arguments are those of its row, and its answer is JSON for the page, with the step that was asked."""
    arguments = ARGUMENTS.get(query, {})
    assert set(arguments) == set(QUERIES[query].arguments)
    newest = workbench.ask(query, "llama_adapter", **arguments)
    assert newest.step is None
    json.dumps(newest.to_json())
    first = workbench.ask(query, "llama_adapter", 0, **arguments)
    assert first.step == 0
    assert first.report != newest.report


def test_queries_that_do_not_suit_a_run_say_so(workbench):  # noqa: F811 - the fixture
    """One sentence for a person; an unknown name is a mistake of the program."""
    with pytest.raises(SettingError, match="experts"):
        workbench.ask("routes", "lora")
    with pytest.raises(SettingError, match="sees no pictures"):
        workbench.ask("probe_beside", "llama_adapter", row="0")
    with pytest.raises(KeyError):
        workbench.ask("magic", "lora")


def test_a_run_answers_while_it_trains(workbench):  # noqa: F811 - the fixture
    """Between two steps, about its very present, and training goes on."""
    run = workbench.start(config())
    wait(lambda: workbench.live().step >= 2)
    answer = workbench.ask("probe", run, sentence="Who?")
    assert answer.step >= 2
    wait(lambda: workbench.live().step > answer.step)


def test_whole_of_the_ablation_is_the_strength_curve_at_one(workbench):  # noqa: F811 - the fixture
    """Both measure the same rows, so that the page may show one against the other."""
    report = workbench.ask("ablation", "lora").report
    assert report.whole == dict(workbench.ask("strength", "lora").report)[1.0]
    assert report.spans[0][-1] == dict(workbench.ask("strength", "lora").report)[0.0]

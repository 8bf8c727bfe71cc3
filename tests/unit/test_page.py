"""The page as it is before anybody opens it. Processes of their own: Gradio leaves event loops to the collector."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CREATE = """
import sys
from pathlib import Path
from app.page import create
from engine.service.workbench import Workbench
page = create(Workbench(Path(sys.argv[1])))
"""


def said(code, *arguments):
    """What code prints after the page was created."""
    command = [sys.executable, "-c", CREATE + code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def test_no_event_is_public_nor_costs_much(tmp_path):
    """The page is no API: not one of its events can be called by name, nor is any described.

    Signs of progress that nobody sees are told to one component for each language, those that are seen to others; and
    Gradio wrote no stubs of its components.
    """
    code = """
from gradio.component_meta import create_or_modify_pyi
events = page.config["dependencies"]
print(len(events) > 50, [one for one in events if (one["api_visibility"], one["api_name"])[0] != "private"])
told = {seen: [str(one["show_progress_on"]) for one in events if (one["show_progress"] == "hidden") != seen]
        for seen in (False, True)}
print(len(set(told[False])), len(told[True]) > 3, set(told[False]) & set(told[True]))
print(create_or_modify_pyi(object, "", []))
"""
    assert said(code, tmp_path).splitlines() == ["True []", "2 True set()", "None"]


def test_answers_that_must_keep_their_order(tmp_path):
    """Chat's menus have the newest list of runs, Runs the last pick, buttons the present state: nothing older after."""
    code = """
print(sorted({one.name for one in page.fns.values() if one.concurrency_limit == 1 and one.fn}))
print(len([one for one in page.fns.values() if one.concurrency_limit is None]) > 50)
"""
    assert said(code, tmp_path).splitlines() == ["['picked', 'pressable', 'refreshed']", "True"]


def test_the_menu_of_models_waits_for_the_kept_form(tmp_path):
    """Asked before the browser's form is back, its answer would write the model of before over that."""
    code = """
events = {one["id"]: one for one in page.config["dependencies"]}
menus = [one for number, one in events.items() if page.fns[number].name == "offer_models"]
before = [events[one["trigger_after"]] for one in menus]
print(len(menus) > 2, {"keptForm.settled()" in str(one["js"]) for one in before})
"""
    assert said(code, tmp_path) == "True {True}"


def test_news_during_an_answer_is_not_forgotten(tmp_path):
    """Gradio drops what triggers an event that is under way, unless it is told to keep the last of it."""
    code = """
events = page.config["dependencies"]
changes = [one for one in events if "change" in {kind for _, kind in one["targets"]} and one["backend_fn"]]
print(len(changes) > 20, {one["trigger_mode"] for one in changes})
"""
    assert said(code, tmp_path) == "True {'always_last'}"

"""Start can be pressed as soon as the page is there: the run waits for the engine, not the person."""

import json

import pytest

from tests.ui.conftest import App, Visitor, goto, wait_idle

pytestmark = pytest.mark.ui

HELD = """
import os, sys, time
from importlib.machinery import PathFinder

class Held:
    def find_spec(self, name, path=None, target=None):
        if name != "torch":
            return None
        spec = PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def later(module):
            while not os.path.exists(os.environ["TORCH_MAY_LOAD"]):
                time.sleep(0.05)
            load(module)

        spec.loader.exec_module = later
        return spec

sys.meta_path.insert(0, Held())
"""


@pytest.fixture
def torch(tmp_path):
    """A file without which torch does not begin to load."""
    return tmp_path / "go"


@pytest.fixture
def loading(tmp_path, torch):
    """A workbench whose engine is still loading, until `torch` is there."""
    (tmp_path / "sitecustomize.py").write_text(HELD)
    environment = {"PYTHONPATH": str(tmp_path), "TORCH_MAY_LOAD": str(torch)}
    app = App(tmp_path / "home", tmp_path / "log.txt", 7960, **environment)
    yield app
    torch.touch()
    app.close()
    assert "Traceback" not in app.log.read_text(), app.log.read_text()[-3000:]


def test_start_while_the_engine_is_loading(loading, tabs, torch):
    """The form is whole before torch is; what is on it when Start is pressed is what is trained."""
    visitor = Visitor(tabs, loading.url, loading.token)
    page = visitor()
    goto(page, "train")
    page.wait_for_selector("#gl-start:not([disabled])")
    page.fill("#gl-set-steps input", "4")
    page.click("#gl-method .gl-picker-button")
    page.click(".gl-method-option[data-method=prompt]")
    page.click("#gl-all > button")
    page.fill("#gl-prompt-prompt_len input", "3")
    page.keyboard.press("Tab")
    page.click("#gl-start")
    page.wait_for_selector(".gl-chip[data-state=loading]")
    assert "Loading the engine" in page.inner_text("#gl-count")
    torch.touch()
    page.wait_for_selector("#gl-tab-watch-button[aria-selected=true]", state="attached")
    page.wait_for_selector("[data-panel=prompt] td")
    wait_idle(page)
    (folder,) = loading.runs()
    config = json.loads((folder / "run.json").read_text())["config"]
    assert (config["method"], config["method_settings"], config["training"]) == (
        "prompt",
        {"prompt_len": 3},
        {"steps": 4},
    )
    goto(page, "train")
    page.wait_for_selector("#gl-count .gl-count >> text=576")
    assert page.input_value("#gl-set-steps input") == "4"
    visitor.leave()

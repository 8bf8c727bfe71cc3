"""What went wrong with a run has a button that applies the way out of it."""

import json

import pytest

from app.tabs import controls, ways_out
from app.words import Say
from engine.config.resuming import Resuming
from engine.core.errors import RunError
from engine.service.workbench import Workbench
from engine.training.gradients import Gradients
from tests.unit.making import make_dataset
from tests.workbench.test_workbench import config, wait


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


def test_a_run_out_of_memory_goes_on_by_a_button(workbench, monkeypatch):
    """The button names the setting, and is gone as soon as the run goes on with it."""
    gradients = Gradients.of

    def needs_small_parts(self, rows, step):
        if step.number >= 3 and self._settings.micro_batches < 2:
            raise MemoryError
        return gradients(self, rows, step)

    monkeypatch.setattr(Gradients, "of", needs_small_parts)
    run = workbench.start(config(steps=6))
    wait(lambda: workbench.live().run is None)
    live = workbench.live()
    assert ways_out.less_memory(live) == {"micro_batches": 2}
    assert ways_out.about(live) == (run, Resuming(training={"micro_batches": 2}))
    for language, label in (("en", "Resume with Gradient accumulation: 2"), ("zh", "梯度累积: 2")):
        buttons = ways_out.WaysOut(Say(language))
        shown = buttons.states(live)
        assert label in shown[buttons.frugal].value
        assert shown[buttons.frugal].visible
        assert not shown[buttons.lower].visible
    workbench.resume(run, resuming=Resuming(training={"micro_batches": 2}))
    wait(lambda: workbench.live().run is None)
    assert workbench.runs.since(run, 0, None).status == "finished"
    assert ways_out.less_memory(workbench.live()) == {}


def test_a_run_that_diverges_names_a_lower_rate_by_a_button(workbench):
    """While it goes on and after its end; Watch has the sentence, too."""
    high = config(steps=40, method="lora")
    high.training["learning_rate"] = 10.0
    run = workbench.start(high)
    wait(lambda: workbench.live().message)
    assert ways_out.lower_rate(workbench.live()) == "0.005"
    wait(lambda: workbench.live().run is None)
    assert ways_out.lower_rate(workbench.live()) == "0.005"
    assert workbench.runs.since(run, 0, None).problem["key"] == "diverged"
    assert ways_out.about(workbench.live())[0] == run


def test_a_run_with_changed_data_asks_before_it_goes_on(workbench, tmp_path):
    """And goes on once that is accepted."""
    data = make_dataset(tmp_path / "data")
    run = workbench.start(config(dataset=str(data)))
    wait(lambda: workbench.live().step > 0)
    workbench.stop()
    (data / "train.jsonl").write_text(json.dumps({"prompt": "cat", "response": "dog"}) + "\n")
    assert controls.resumable(workbench).id == run
    with pytest.raises(RunError) as asked:
        workbench.resume(run)
    assert asked.value.key == "data_changed"
    assert workbench.live().status == "idle"
    workbench.resume(run, resuming=Resuming(accept_changed=True))
    assert workbench.live().run == run

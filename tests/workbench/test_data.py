"""Data through the door: what is in a file, what would be trained on, and what is wrong with it."""

import json
import time

import pytest

from engine.config.run import RunConfig
from engine.core.errors import DataError, ModelError, WorkbenchError
from engine.data.settings import DataSettings
from engine.service.workbench import Workbench

NAMED = {"prompt": "Frage", "response": "Antwort"}


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    opened = Workbench(tmp_path_factory.mktemp("home"))
    yield opened
    opened.close()


@pytest.fixture
def odd(tmp_path):
    """A file whose columns tell nothing, with one row of each kind that is counted."""
    rows = [(f"Where is house {number}?", f"In street {number}.") for number in range(40)]
    rows += [rows[0], ("word " * 300, "Yes."), ("Say much.", "word " * 300)]
    file = tmp_path / "odd.csv"
    lines = [f'{number},"{ask}","{tell}",x' for number, (ask, tell) in enumerate(rows)]
    file.write_text("\n".join(["nr,Frage,Antwort,Notiz", *lines]) + "\n")
    return file


def test_look_names_columns_and_guesses(workbench, odd, tmp_path):
    """Columns with their first cells; a guess where names tell, and none where they do not."""
    inspection = workbench.preflight.inspect_data(str(odd), DataSettings())
    assert inspection.columns == {"nr": "0", "Frage": "Where is house 0?", "Antwort": "In street 0.", "Notiz": "x"}
    assert set(inspection.guess.values()) == {""}
    assert not inspection.sure
    assert inspection.rows == 43
    told = tmp_path / "told.jsonl"
    told.write_text("\n".join(json.dumps({"instruction": f"a{n}", "input": "b", "output": "c"}) for n in range(20)))
    inspection = workbench.preflight.inspect_data(str(told), DataSettings())
    assert inspection.guess == {"prompt": "instruction", "input": "input", "response": "output", "messages": ""}
    assert inspection.sure


def test_look_reads_no_more_than_the_limit(workbench, odd):
    inspection = workbench.preflight.inspect_data(str(odd), DataSettings(row_limit=10))
    assert (inspection.rows, inspection.cut) == (10, True)


def report(workbench, path, limit):
    """What is said of a file before anything is trained, at a limit of tokens per row."""
    return workbench.preflight.preview_data(
        RunConfig(dataset=str(path), data=NAMED, training={"max_seq_len": limit})
    ).report


def test_rows_are_counted(workbench, odd):
    """Rows that are cut, over-long or doubled are counted before anything is trained, at the limit given."""
    counts = report(workbench, odd, 64)
    assert sum(counts.rows.values()) == 43
    assert counts.texts.empty == 0
    assert 1 <= counts.tokens.truncated <= 2
    assert counts.tokens.overlong <= 1
    assert counts.tokens.longest > 64
    assert sum(rows for _, rows in counts.tokens.lengths) == counts.tokens.measured
    assert report(workbench, odd, 100_000) == report(workbench, odd, 512)  # no model reads more than it can


def test_rehearsal_is_what_the_run_trains_on(workbench, odd):
    """Rows are cut at the run's limit, the answers carry the labels."""
    config = RunConfig(dataset=str(odd), data=NAMED, training={"max_seq_len": 64})
    preview = workbench.preflight.preview_data(config, rows=40)
    assert len(preview.rows) == preview.report.rows["train"] or len(preview.rows) == 40
    assert max(len(row.tokens) for row in preview.rows) <= preview.limit == 64
    for row in preview.rows:
        learned = "".join(text for text, labelled in row.tokens if labelled)
        assert row.response[:5] in learned
        assert "Where is" not in learned


def test_rehearsal_uses_the_methods_own_template(workbench):
    """P-tuning writes its virtual tokens into a template of its own: that is what the run trains on."""
    run_config = RunConfig(method="p_tuning", method_settings={"template": "{p} Tell me: {prompt} {p}"})
    text = "".join(part for part, _ in workbench.preflight.preview_data(run_config, rows=1).rows[0].tokens)
    assert "Tell me:" in text
    assert "Instruction" not in text


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        (RunConfig(dataset="gone.csv"), DataError, "gone.csv"),
        (RunConfig(model="./no-such-model"), ModelError, "no-such-model"),
        (RunConfig(training={"head": "head"}), DataError, "neither labels nor numbers"),
        (RunConfig(data={"template": "own"}), WorkbenchError, "own_template is empty"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_sentence(workbench, config, error, sentence):
    with pytest.raises(error, match=sentence):
        workbench.preflight.preview_data(config)


def test_nothing_to_learn_is_an_error_before_the_start(workbench, tmp_path):
    """A response column without a text leaves no label: the run is refused in one sentence."""
    file = tmp_path / "mute.csv"
    file.write_text("question,answer\n" + "".join(f"Who is {number}?, \n" for number in range(20)))
    for attempt in (workbench.preflight.preview_data, workbench.start):
        with pytest.raises(DataError, match="nothing to learn"):
            attempt(RunConfig(dataset=str(file)))
    assert workbench.live().run is None


def test_a_run_on_a_file_with_any_name_can_be_opened(workbench, odd):
    """Spaces, brackets and Chinese in a file's name are no obstacle to its runs."""
    file = odd.rename(odd.with_name("我的 data (1).csv"))
    run = workbench.start(RunConfig(dataset=str(file), data=NAMED, training={"steps": 1, "batch_size": 2}))
    assert workbench.runs.config(run).dataset == str(file)
    while workbench.live().run is not None:
        time.sleep(0.02)
    assert workbench.runs.since(run, 0, None).status == "finished"

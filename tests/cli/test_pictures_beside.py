"""Pictures beside texts from the command line: train, chat and eval, and what is refused in one sentence."""

import json

import pytest

from tests.encoders import save_encoder
from tests.tiny import save_tiny
from tests.unit.illustrated import draw_rows


def test_train_chat_and_eval(engine, tmp_path):
    """A run on questions about pictures; the chat answers with the picture, and beside it without."""
    rows, encoder = draw_rows(tmp_path / "rows", 12), save_encoder(tmp_path / "encoder")
    model, run = save_tiny(tmp_path / "model"), tmp_path / "run"
    common = ["--model", model, "--dataset", rows, "--data", "picture=image", "--set", "prompt_len=3"]
    sees = ["--set", f"vision={encoder}"]
    status, _, err = engine("train", *common, *sees, "--steps", 4, "--max-seq-len", 40, "--out", run)
    assert status == 0, err
    picture = rows.parent / "pictures" / "a000.png"
    asked = ["chat", run, "--prompt", "what?", "--max-new-tokens", 4, "--json"]
    status, out, err = engine(*asked, "--picture", picture)
    assert status == 0, err
    assert json.loads(out.splitlines()[-1]).keys() == {"prompt", "base", "tuned", "without_picture"}
    status, out, _ = engine(*asked)
    assert json.loads(out.splitlines()[-1]).keys() == {"prompt", "base", "tuned"}
    (tmp_path / "none.png").write_text("hello")
    status, _, err = engine(*asked, "--picture", tmp_path / "none.png")
    assert status == 2
    assert "none.png is no picture that can be read" in err
    status, out, err = engine("eval", run, "--json")
    assert status == 0, err
    scores = json.loads(out.splitlines()[-1])
    assert 0 < scores["pictures"]["rows"] <= scores["rows"]
    assert {"exact_match", "withheld_exact_match", "swapped_exact_match"} < scores["pictures"].keys()
    status, out, err = engine("memory", *common, *sees, "--json")
    assert status == 0, err
    status, out, err = engine("params", "--model", model, *sees, "--json")
    assert status == 0, err


@pytest.mark.fault(
    "input", "A text adapter is asked about a picture, or pictures train without an encoder: one sentence."
)
def test_pictures_that_nothing_sees(engine, tmp_path):
    """Neither train nor chat goes on as if the picture had been seen, and no run folder is left."""
    rows, model, run = draw_rows(tmp_path / "rows", 12), save_tiny(tmp_path / "model"), tmp_path / "run"
    common = ["--model", model, "--dataset", rows, "--steps", 2, "--max-seq-len", 40, "--out", run]
    status, _, err = engine("train", *common, "--data", "picture=image")
    assert status == 2
    assert "sees no pictures: set its option vision" in err
    status, _, err = engine("train", *common, "--data", "picture=image", "--set", f"vision={model}")
    assert status == 2
    assert "no vision encoder" in err
    assert not run.exists()
    assert engine("train", *common)[0] == 0
    status, _, err = engine("chat", run, "--prompt", "what?", "--picture", rows.parent / "pictures" / "a000.png")
    assert status == 2
    assert "which the model" in err
    assert "cannot read" in err

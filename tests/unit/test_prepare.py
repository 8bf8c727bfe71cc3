"""A preview of what ships is made once for all who open the page; one of anybody's own file, whenever it is asked."""

import json

import pytest

from engine.config.run import RunConfig
from engine.preflight import prepare


@pytest.fixture
def prepared(monkeypatch):
    """The datasets that were prepared."""
    prepare._preview_of_shipped.cache_clear()
    names, real = [], prepare.prepare
    monkeypatch.setattr(prepare, "prepare", lambda config: names.append(config.dataset) or real(config))
    return names


def test_a_shipped_preview_is_made_once(prepared):
    first = prepare.preview_data(RunConfig(), 3)
    assert prepare.preview_data(RunConfig(), 3) == first
    assert prepared == ["town-qa"]
    assert prepare.preview_data(RunConfig(training={"max_seq_len": 40}), 3).limit == 40
    assert len(prepare.preview_data(RunConfig(), 5).rows) == 5
    assert prepared == ["town-qa"] * 3


def test_a_file_is_read_anew(prepared, tmp_path):
    file = tmp_path / "own.jsonl"
    config = RunConfig(dataset=str(file))
    for answer in ("Yes", "No"):
        rows = [json.dumps({"prompt": f"Is {number} odd?", "response": answer}) for number in range(40)]
        file.write_text("\n".join(rows))
        assert answer in "".join(text for text, _ in prepare.preview_data(config, 1).rows[0].tokens)
    assert len(prepared) == 2

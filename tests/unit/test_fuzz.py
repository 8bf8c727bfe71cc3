"""A short share of the fuzzer, and what it found before. More of it: `python -m tools.fuzz --minutes 60`."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from app.tabs.watch import served
from app.user_data import settings_of
from app.words import Say
from engine.config.training import TrainingSettings
from engine.core.errors import ExchangeError, WorkbenchError
from engine.data.settings import DataSettings
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.official import import_official
from engine.exchange.peft import export_peft, import_peft
from engine.service.workbench import Workbench
from tests.tiny import built, tiny_base
from tools.fuzz.mutate import ODD_VALUES

ROOT = Path(__file__).resolve().parents[2]
CASES = 60
SEED = 2026


@pytest.mark.fault(
    "input",
    "Fuzzed: run folders, event logs, run files, forms, requests, adapters of three formats with changed bytes and "
    "values, a share of the cases each time: a result or a sentence, within 20 seconds.",
)
def test_odd_input_gives_a_result_or_a_sentence():
    """In a process of its own, where shapes are not checked; a finding names the command that repeats it."""
    command = [sys.executable, "-m", "tools.fuzz", "--cases", str(CASES), "--seed", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.fault("input", "A page's request with texts, lists or infinity for numbers: answered as if without them.")
@pytest.mark.parametrize("value", ["../..", [], {}, float("inf"), float("nan"), None, True])
def test_requests_with_odd_numbers(tmp_path_factory, value):
    """The cursor, the epoch and the step."""
    bench = Workbench(tmp_path_factory.mktemp("home"))
    since, *_ = served(bench, Say("en"))
    assert since({"run": "lora", "cursor": value, "epoch": value}) == since({"run": "lora"})
    bench.close()


@pytest.mark.parametrize("value", ["answer", 7, {}, None, [None]])
def test_columns_of_another_kind(value):
    """What a form says of its columns is text, whatever a program sends."""
    assert isinstance(settings_of(DataSettings().to_dict() | {"prompt": value}, {})["prompt"], str)


@pytest.mark.fault("damaged", "JSON that is nested too deeply in an adapter, a dataset, a model: one sentence.")
def test_deep_json(tmp_path):
    """And a whole number of 400 digits for a setting."""
    deep = "[" * 100_000
    (tmp_path / "adapter.json").write_text(deep)
    with pytest.raises(ExchangeError, match="too deeply"):
        load_adapter(tmp_path, tiny_base("llama"))
    (tmp_path / "adapter_config.json").write_text(deep)
    with pytest.raises(ExchangeError):
        import_peft(tmp_path, tiny_base("llama"))
    for settings, name in ((DataSettings, "validation_rows"), (TrainingSettings, "seed")):
        with pytest.raises(WorkbenchError):
            settings.from_dict({name: 10**400})


@pytest.mark.fault("damaged", "An adapter.json with values of other kinds at any entry: one sentence that names it.")
@pytest.mark.parametrize("entry", ["method", "settings", "base", "head", "format"])
def test_adapters_with_entries_of_other_kinds(tmp_path, entry):
    """Also a kind that only looks alike."""
    base = tiny_base("llama")
    method = built("lora", base)
    method.fold()
    save_adapter(method, base, tmp_path)
    facts = json.loads((tmp_path / "adapter.json").read_text())
    for value in (*ODD_VALUES, {"labels": 7, "pooling": "last"}, {"labels": [1], "pooling": "last"}):
        (tmp_path / "adapter.json").write_text(json.dumps(facts | {entry: value}))
        with suppress(WorkbenchError):
            load_adapter(tmp_path, base)


@pytest.mark.fault("damaged", "A peft folder whose config has values of other kinds: refused, never a traceback.")
@pytest.mark.parametrize("name", ["lora", "ia3", "prefix"])
def test_peft_folders_with_entries_of_other_kinds(tmp_path, name):
    """Every entry of it, one at a time."""
    base = tiny_base("llama")
    method = built(name, base)
    method.fold()
    export_peft(method, base, tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    for entry in config:
        for value in ("x", [], {"a": 1}, -1, None):
            (tmp_path / "adapter_config.json").write_text(json.dumps(config | {entry: value}))
            with suppress(WorkbenchError):
                import_peft(tmp_path, base)


@pytest.mark.parametrize("value", [torch.tensor(1.0), torch.zeros(3), torch.zeros(2, 2, 2), [], "x"])
def test_official_files_with_other_tensors(tmp_path, value):
    """A number, a list, a text, or a tensor of another shape."""
    torch.save({"adapter_query.weight": value}, tmp_path / "a.pth")
    with pytest.raises(ExchangeError):
        import_official(tmp_path / "a.pth", tiny_base("llama"))
    torch.save({"adapter_query.weight": torch.zeros(10, 32), "layers.2.attention.gate": 7}, tmp_path / "a.pth")
    with pytest.raises(ExchangeError):
        import_official(tmp_path / "a.pth", tiny_base("llama"))

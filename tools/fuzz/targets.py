"""What is fuzzed: each function makes one case from a seeded generator and hands it to the workbench."""

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch

from app.tabs.form_values import FormValues, run_config
from app.tabs.watch import served
from app.user_data import CHOICE, UserDataValues, dataset_name, parts_of
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.data.settings import DataSettings
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.official import export_official, import_official
from engine.exchange.peft import PEFT_FORMATS, export_peft, import_peft
from engine.methods import METHODS
from engine.runs.log import all_events, cut_back
from engine.service.adapters import list_adapters
from engine.service.runs import RECORDINGS, RunStore
from engine.service.status import LiveStatus
from engine.service.workbench import Workbench
from tests.tiny import built, tiny_base
from tools.fuzz.mutate import changed_bytes, changed_json, changed_text, odd_value, to_json

PEFT = sorted(form.METHOD.spec.name for form in PEFT_FORMATS.values())
OFFICIAL = PEFT_FORMATS["ADAPTION_PROMPT"].METHOD.spec.name
RECORDING = min(RECORDINGS.iterdir())
RUN_FILES = ("run.json", "run.yaml", "events.jsonl", "predictions.json", "adapter/adapter.json", "lock")


def runs(rng: Random, folder: Path) -> None:
    """A run folder with one file changed: listed, opened, replayed, renamed."""
    run = folder / "runs" / "run"
    copy_recording(run)
    path = run / rng.choice(RUN_FILES)
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".json" and path.exists() and rng.random() < 0.7:
        path.write_text(to_json(changed_json(rng, json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    else:
        path.write_bytes(changed_bytes(rng, path.read_bytes() if path.exists() else b"{}"))
    store = RunStore(folder / "runs", LiveStatus)
    each(
        lambda: json.dumps([str(row) for row in store.news("").runs]).encode(),
        lambda: list_adapters(folder / "runs"),
        lambda: json.dumps(store.since("run", rng.choice((0, 7, -1, 10**30)), rng.choice((None, 0, 1))).to_json()),
        lambda: store.loss_curves("run"),
        lambda: store.kept_predictions("run"),
        lambda: store.pictures("run"),
        lambda: store.snapshots("run"),
        lambda: store.rename("run", str(odd_value(rng)).encode("utf-8", "replace").decode()),
        lambda: store.delete("run"),
    )


def events(rng: Random, folder: Path) -> None:
    """An event log with changed lines: read page by page, cut back to a step."""
    lines = (RECORDING / "events.jsonl").read_text(encoding="utf-8").splitlines()
    some = [rng.choice(lines) for _ in range(rng.randint(0, 6))]
    changed = [to_json(changed_json(rng, json.loads(line))) if rng.random() < 0.7 else line for line in some]
    path = folder / "events.jsonl"
    path.write_bytes(changed_bytes(rng, "\n".join(changed).encode()))
    json.dumps(list(all_events(path))).encode()
    cut_back(path, rng.choice((-1, 0, 10, 10**30)))
    list(all_events(path))


def configs(rng: Random, _: Path) -> None:
    """A run file: as YAML with changed text, or with a changed value."""
    config = RunConfig(method=rng.choice(sorted(METHODS)), training={"steps": 9}, data={"row_limit": 5})
    if rng.random() < 0.5:
        text = changed_text(rng, config.to_yaml())
    else:
        values = config.to_dict()
        values["training"] = values["training"] | {rng.choice(sorted(_training())): odd_value(rng)}
        text = to_json(changed_json(rng, values))
    read = RunConfig.from_yaml(text)
    RunConfig.trust_asked_in(text)
    RunConfig.renamed_in(text)
    RunConfig.from_yaml(read.checked().to_yaml()).checked()
    read.command()


def forms(rng: Random, _: Path) -> None:
    """Train's form with odd values in any of its fields."""

    def odd(value: object) -> object:
        return odd_value(rng) if rng.random() < 0.3 else value

    method = rng.choice(sorted(METHODS))
    settings = {name: odd(field) for name, field in METHODS[method].settings().to_dict().items()}
    data_settings = {name: odd(value) for name, value in DataSettings().to_dict().items()}
    data = UserDataValues(
        name=str(odd("rows.csv")), config=str(odd("")), split=str(odd("")), settings=data_settings, last_read={}
    )
    form = FormValues(
        model=str(odd("town")),
        method=str(odd(method)) if rng.random() < 0.2 else method,
        method_settings=settings,
        dataset=rng.choice(("people", CHOICE)),
        user_data=data,
        training={name: odd(value) for name, value in _training().items()},
        last_presets={},
    )
    run_config(form)
    parts_of(dataset_name(str(odd_value(rng)), str(odd_value(rng)), str(odd_value(rng))))
    DataSettings.from_dict({name: odd_value(rng) for name in rng.sample(sorted(DataSettings.fields()), 2)})


def requests(rng: Random, folder: Path) -> None:
    """What Watch asks the server for, with odd values: the run, the step and the cursor come from the page."""
    asked = {
        "run": RECORDING.name,
        "cursor": 0,
        "epoch": 0,
        "step": 10,
        "last": False,
        "query": "probe",
        "sentence": "a",
    }
    since, listed, live, *_ = served(_bench(folder.parent), Say("en"))
    asked = {name: odd_value(rng) if rng.random() < 0.4 else value for name, value in asked.items()}
    each(lambda: since(asked), lambda: listed(asked), lambda: live(asked))


def adapters(rng: Random, folder: Path) -> None:
    """An adapter of each format with one file changed: imported, or loaded."""
    base, name = tiny_base("llama"), rng.choice(PEFT)
    form = rng.choice(("gatelight", "peft", "official"))
    method = built(OFFICIAL if form == "official" else name, base)
    method.fold()
    if form == "official":
        export_official(method, folder / "adapter.pth")
    elif form == "peft":
        export_peft(method, base, folder)
    else:
        save_adapter(method, base, folder)
    path = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    if path.suffix == ".json" and rng.random() < 0.7:
        path.write_text(to_json(changed_json(rng, json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    else:
        path.write_bytes(changed_bytes(rng, path.read_bytes()))
    with torch.no_grad():
        if form == "official":
            import_official(folder / "adapter.pth", base)
        elif form == "peft":
            import_peft(folder, base)
        else:
            load_adapter(folder, base)


TARGETS: dict[str, Callable[[Random, Path], None]] = {
    act.__name__: act for act in (runs, events, configs, forms, requests, adapters)
}


def each(*acts: Callable[[], object]) -> None:
    """Do all of it; a `WorkbenchError` of one keeps no other from being tried."""
    for act in acts:
        try:
            act()
        except WorkbenchError:
            continue


def copy_recording(run: Path) -> None:
    """A shipped run, without its snapshots, as one's own."""
    shutil.copytree(RECORDING, run, ignore=shutil.ignore_patterns("snapshots"))


def _training() -> dict[str, object]:
    values: dict[str, object] = RunConfig().of_training().to_dict()
    return values


@functools.cache
def _bench(folder: Path) -> Workbench:
    return Workbench(folder / "home")

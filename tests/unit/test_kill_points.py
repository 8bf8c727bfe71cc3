"""A run is killed at every file operation of its start, its checkpoints, its end and its export: nothing is lost."""

import multiprocessing
import re
import shutil
import signal
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.exchange.archive import write_folder, zip_adapter
from engine.exchange.native import load_adapter
from engine.runs.folder import RunFolder
from engine.service.adapters import list_adapters
from engine.service.runs import RunStore
from engine.service.status import LiveStatus
from engine.training.launch import resume_run, start_run
from tests.kill_points import Point, kill_before, recorded
from tests.tiny import ALL_CASES, tiny_base
from tests.unit.making import Maker, finish, load, losses

STEPS, SAVE_EVERY = (60, 20) if ALL_CASES else (10, 4)
METHODS = (("llama_adapter", "newest"), ("lora", "best"), ("prompt", "newest"))
SAMPLED = 4
"""Of the points of a method, as many are tried; all of them by `python -m tests --all`."""


@dataclass
class Killed:
    """A run that was recorded, and what it came to.

    Attributes:
        every: Each operation, also those that leave all as it was.
        points: Each state that differs from all others, files that are half-written among them.
    """

    config: RunConfig
    folder: RunFolder
    every: list[Point]
    points: list[Point]
    losses: list[float]
    adapter: bytes

    def tried(self) -> list[Point]:
        """The points that are tried: all, or some that are spread over them."""
        few = max(1, len(self.points) // SAMPLED)
        return self.points if ALL_CASES else self.points[few // 2 :: few]


@pytest.fixture(scope="module", params=METHODS, ids=lambda row: row[0])
def killed(request, tmp_path_factory):
    """Every state that a kill of a run would leave, from before there is a folder to after its end."""
    return record(tmp_path_factory.mktemp("killed"), *request.param)


def record(folder: Path, method: str, keep: str) -> Killed:
    config = Maker(folder).config(method, steps=STEPS, save_every=SAVE_EVERY, eval_every=STEPS // 2, keep=keep)
    (folder / "runs").mkdir()
    with recorded(folder / "runs" / "run", folder / "copies") as recording:
        trainer = start_run(folder / "runs" / "run", config, load)
        recording.mark = lambda: trainer.position.step
        with trainer.folder.owned():
            finish(trainer)
    points = distinct([*recording.points, *recording.torn()])
    return Killed(config, trainer.folder, recording.points, points, losses(trainer), adapter_of(trainer.folder))


def distinct(points: list[Point]) -> list[Point]:
    """Points without those whose files are as in an earlier one, but for the log's last lines."""
    states: dict[tuple, Point] = {}
    for point in points:
        files = {str(path.relative_to(point.folder)): path for path in point.folder.rglob("*")}
        contents = {name: path.read_bytes() if path.is_file() else b"" for name, path in sorted(files.items())}
        states.setdefault((point.mark, *contents.items()), point)
    return list(states.values())


def adapter_of(folder: RunFolder) -> bytes:
    return (folder.adapter_path / "adapter.safetensors").read_bytes()


def opened(root: Path) -> RunFolder | None:
    """The one run below a folder, once everything that the page reads of it was read; None where none is left."""
    store = RunStore(root, LiveStatus)
    rows = [row for row in store.summaries() if not row.recording]
    if not rows:
        return None
    (row,) = rows
    assert row.problem is None, row.problem
    assert row.status in ("interrupted", "finished", "loading"), row
    store.since(row.id, 0, None)
    store.loss_curves(row.id)
    store.snapshots(row.id)
    for info in list_adapters(root):
        load_adapter(Path(info.path), tiny_base("llama"))
    return store.folder(row.id)


def check(point: Point, killed: Killed, place: Path) -> None:
    """The run opens; resumed, it loses no more than its last steps and becomes what it would have been."""
    shutil.copytree(point.folder, place / "run")
    folder = opened(place)
    if folder is None:
        assert point.mark is None  # before its run.json: no step was made
        return
    if folder.facts().status == "finished":
        assert adapter_of(folder) == killed.adapter
        return
    trainer = resume_run(folder, load)
    assert trainer.position.step >= (point.mark or 0) - SAVE_EVERY
    with folder.owned():
        finish(trainer)
    assert losses(trainer) == killed.losses
    assert adapter_of(folder) == killed.adapter
    assert folder.status() == "finished"
    assert (folder.path / "run.yaml").read_text() == (killed.folder.path / "run.yaml").read_text()
    assert not [path for path in folder.path.rglob("*") if path.suffix in (".tmp", ".new")]


@pytest.mark.fault(
    "killed",
    "Killed at any file operation, or in mid-write, from the start to the end of a run of 60 steps, with three "
    "methods: it opens, at most save_every steps are lost, and resumed it ends equal to the bit.",
)
@pytest.mark.timeout(3600 if ALL_CASES else 300)
def test_killed_at_any_file_operation(killed, tmp_path):
    """Every point is tried, and all that failed are named."""
    failed = []
    for number, point in enumerate(killed.tried()):
        place = tmp_path / str(number)
        try:
            check(point, killed, place)
        except (AssertionError, WorkbenchError, OSError) as error:
            failed.append(f"{point}: {error!r}"[:300])
        shutil.rmtree(place, ignore_errors=True)
    assert not failed, f"{len(failed)} of {len(killed.tried())}: " + "\n".join(failed)
    print(f"{len(killed.tried())} of {len(killed.points)} points of {killed.config.method} held")


def train(config: RunConfig, root: Path, number: int) -> None:
    """What a process does that dies at an operation."""
    kill_before(root, number)
    trainer = start_run(root, config, load)
    with trainer.folder.owned():
        finish(trainer)


MOMENTS = {
    "start": lambda every: next(p for p in every if p.operation.startswith("rename run.json")),
    "checkpoint": lambda every: next(p for p in every if p.operation == "rename checkpoint.old" and p.mark),
    "finish": lambda every: [p for p in every if p.operation.startswith("rename run.json")][-1],
}


@pytest.mark.fault("killed", "A process of its own dies by SIGKILL at such an operation: it leaves what was assumed.")
@pytest.mark.parametrize("killed", METHODS[:1], indirect=True, ids=lambda row: row[0])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_real_kill_leaves_the_same(killed, tmp_path, moment):
    """So that the points above are what they are taken for; and its lock is free."""
    point = MOMENTS[moment](killed.every)
    process = forked(train, killed.config, tmp_path / "run", point.number)
    assert process == -signal.SIGKILL
    assert names(tmp_path / "run") == names(point.folder)
    check(replace(point, folder=tmp_path / "run"), killed, tmp_path / "again")


def forked(act, *arguments) -> int | None:
    """Exit code of a process that is forked from one with torch loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.making"])
    process = context.Process(target=act, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def names(folder: Path) -> set[str]:
    """Files and folders, temporary names without what is unique in them."""
    return {re.sub(r"\.\d+-\w{8}\.tmp", ".tmp", str(path.relative_to(folder))) for path in folder.rglob("*")}


def export(run: Path, out: Path, number: int | None) -> None:
    """Both kinds of export, which die before an operation if one is given."""
    folder, base = RunFolder.open(run), tiny_base("llama")
    method = load_adapter(folder.adapter_path, base)
    if number is not None:
        kill_before(out, number)
    zip_adapter(method, base, "gatelight", folder.config.to_yaml(), out / "adapter.zip")
    write_folder(method, base, "gatelight", out / "folder")


@pytest.mark.fault("killed", "Killed at any file operation of an export: the file is whole or not there at all.")
def test_killed_while_exporting(killed, tmp_path):
    """And the next try succeeds; one of the kills is a real one."""
    with recorded(tmp_path / "out", tmp_path / "copies") as recording:
        export(killed.folder.path, tmp_path / "out", None)
    for number, point in enumerate(distinct([*recording.points, *recording.torn()])):
        check_export(Path(shutil.copytree(point.folder, tmp_path / f"killed {number}")), killed)
    if killed.config.method == METHODS[0][0]:
        middle = next(p for p in recording.points if p.operation == "rename folder")
        assert forked(export, killed.folder.path, tmp_path / "real", middle.number) == -signal.SIGKILL
        assert names(tmp_path / "real") == names(middle.folder)


def check_export(out: Path, killed: Killed) -> None:
    if (out / "adapter.zip").exists():
        with zipfile.ZipFile(out / "adapter.zip") as archive:
            assert archive.testzip() is None
            assert archive.read("adapter.safetensors") == killed.adapter
    if (out / "folder").exists():
        assert (out / "folder" / "adapter.safetensors").read_bytes() == killed.adapter
        load_adapter(out / "folder", tiny_base("llama"))
    else:
        export(killed.folder.path, out, None)
        check_export(out, killed)

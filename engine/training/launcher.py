"""Runs that several processes train: how they are started, and how one process watches them from outside."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

import engine
from engine.config.accelerate_file import CPUS, AccelerateFile, read_accelerate_file
from engine.config.resuming import Resuming
from engine.config.training import TrainingSettings
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.models.loading import resolve_device
from engine.runs.folder import RunFolder
from engine.runs.log import read_events
from engine.runs.requests import GO_ON, PAUSE, STOP, ask
from engine.training.checkpoint import Position
from engine.training.progress import Progress

POLL_S = 0.1
STOPS_WITHIN_S = 120.0
"""Seconds that the processes get to stop, which they do after a step."""
ENDS_WITHIN_S = 10.0
"""Seconds that they get where this process itself has to end."""
LAUNCHED = "GATELIGHT_LAUNCHED"
"""In the environment of what was started as one of several processes: it never starts some itself."""
LOG = "processes.log"
"""File in the run folder with what the processes print."""


def check_processes(count: int, device: str) -> None:
    """See that a machine has a GPU, or a core, for each process.

    Raises:
        SettingError: It has not.
        ModelError: There is no GPU at all, but one was asked for.
    """
    on_gpu = resolve_device(device) == "cuda"
    most = torch.cuda.device_count() if on_gpu else os.cpu_count() or 1
    if count > most:
        kind = "GPUs" if on_gpu else "cores"
        raise SettingError(
            "too_many_processes",
            f"processes is {count}, but this machine has {most} {kind}, one for each: choose at most {most}.",
            field="processes",
            value=count,
            most=most,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """How the processes of a run are started on this machine.

    Attributes:
        count: How many.
        device: The run's setting.
        file: Accelerate config that says so; None without one.
    """

    count: int
    device: str
    file: AccelerateFile | None = None

    @classmethod
    def of(cls, settings: TrainingSettings) -> "Start | None":
        """What a run asks for, checked; None for a run that trains in one process.

        Raises:
            WorkbenchError: The Accelerate config cannot be used, or the machine has not so many GPUs or cores.
        """
        if not settings.accelerate_config:
            if settings.processes == 1:
                return None
            check_processes(settings.processes, settings.device)
            return cls(count=settings.processes, device=settings.device)
        file = read_accelerate_file(settings.accelerate_config)
        check_file(file, settings.device)
        return cls(count=file.processes, device=settings.device, file=file)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command that has these processes execute a command of `python -m engine`."""
        if self.file is None:
            return launch_command(self.count, self.device, arguments)
        return accelerate_command(self.file, arguments)


def check_file(file: AccelerateFile, device: str) -> None:
    """See that a machine can start what an Accelerate config names, on the device of a run.

    Raises:
        WorkbenchError: It cannot.
    """
    on_gpu = resolve_device(device) == "cuda"
    if file.on_cpu and on_gpu:
        text = f"The Accelerate config {file.path!r} is for CPUs, but device is {device}, here a GPU: set it to cpu."
        raise SettingError("accelerate_for_cpus", text, field="device", value=device, file=file.path)
    if not file.on_cpu and not on_gpu and not file.sharded:
        text = f"The Accelerate config {file.path!r} is for GPUs, but device is {device}, here a CPU: take one with "
        raise SettingError(
            "accelerate_for_gpus", f"{text}distributed_type {CPUS}.", field="device", value=device, file=file.path
        )
    if on_gpu and file.gpus is not None and file.gpus < file.processes:
        text = f"num_processes is {file.processes} in the Accelerate config {file.path!r}, but its gpu_ids are "
        raise SettingError(
            "accelerate_few_ids",
            f"{text}{file.gpus}: name one for each process.",
            field="num_processes",
            value=file.processes,
            file=file.path,
            most=file.gpus,
        )
    check_processes(file.processes, device)


def launch_command(count: int, device: str, arguments: Sequence[str]) -> list[str]:
    """The command that has so many processes execute a command of `python -m engine` on one machine.

    It is torchrun, which `accelerate launch` calls for several GPUs; on CPUs that starts one process alone.
    """
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    return [*run, "-m", "engine", *arguments]


def accelerate_command(file: AccelerateFile, arguments: Sequence[str]) -> list[str]:
    """The same by `accelerate launch`, as a config file says.

    The run's own settings say in which precision it computes. The launcher of several processes is named, since on
    CPUs Accelerate would start one by itself.
    """
    named = ["--config_file", file.path, "--mixed_precision=no", *([] if file.sharded else ["--multi_gpu"])]
    return [sys.executable, "-m", "accelerate.commands.launch", *named, "-m", "engine", *arguments]


def launch_environment(count: int, device: str) -> dict[str, str]:
    """The environment of such a command: this package can be found, and the cores are shared."""
    paths = [str(Path(engine.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count)),
        "ACCELERATE_USE_CPU": str(resolve_device(device) == "cpu").lower(),
        LAUNCHED: str(count),
    }


def is_launched() -> bool:
    """Whether this process was started as one of several."""
    return "WORLD_SIZE" in os.environ or LAUNCHED in os.environ


class LaunchedTrainer:
    """A run that other processes train, with what a worker asks of a `Trainer`. They read and write the run folder.

    Args:
        folder: Of the run, which has been made, or is to be resumed.
        resuming: What may be different from now on.
        trust: Settings of trust that were given for it.
    """

    def __init__(self, folder: RunFolder, resuming: Resuming, trust: Mapping[str, bool]) -> None:
        self.folder = folder
        self.settings = folder.config.of_training()
        changed = [f"--{name.replace('_', '-')}={value}" for name, value in resuming.training.items()]
        trusting = [f"--{name.replace('_', '-')}=true" for name, given in trust.items() if given]
        accepting = ["--accept-changed"] if resuming.accept_changed else []
        start = Start.of(TrainingSettings.from_dict(resuming.changed(folder.config.training)))
        assert start is not None, "who trains alone is not launched"
        self._start = start
        self._command = start.command(["resume", str(folder.path), "--quiet", *changed, *trusting, *accepting])
        self._process: subprocess.Popen[bytes] | None = None
        self._progress = Progress(folder.facts().step, self.settings.steps)

    @property
    def position(self) -> Position:
        """Where the run stands; only the step is known here."""
        return Position(step=self._progress.step)

    @property
    def notice(self) -> WorkbenchError | None:
        """What is to be said of the run while it goes on."""
        with suppress(RunError):
            facts = self.folder.facts()
            return RunError.from_dict(facts.problem) if facts.problem and facts.status == "running" else None
        return None

    def in_parts(self) -> Generator[Progress]:
        """As `Trainer.in_parts`: yields ten times a second, and after every step. Closing it stops the run.

        Raises:
            RunError: The run failed, or its processes ended without a word.
        """
        cursor, epoch = 0, self.folder.facts().epoch
        with (self.folder.path / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=launch_environment(self._start.count, self.settings.device),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            ended = False
            while not ended:
                ended = self._process.poll() is not None
                if self.folder.facts().epoch != epoch:  # before, the events are those of an earlier try
                    events, cursor = read_events(self.folder.events_path, cursor)
                    yield from self._steps(events)
                yield self._between()
                time.sleep(0 if ended else POLL_S)
        except GeneratorExit:
            self._stop()
            raise
        finally:
            self._kill()
        self._tell_failure()

    def pause(self) -> None:
        """Ask the run to pause after its step.

        Raises:
            RunError: Its processes are still starting.
        """
        if not self.folder.busy():
            text = f"The processes of the run {self.folder.id!r} are still starting: pause it when it makes its steps."
            raise RunError("run_starting", text, run=self.folder.id)
        ask(self.folder, PAUSE)

    def go_on(self) -> None:
        """Ask it to go on."""
        ask(self.folder, GO_ON)

    def keep(self) -> bool:
        """Have the processes keep their work, where this one has to end."""
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        return self._ends_within(ENDS_WITHIN_S)

    def failed(self, error: Exception) -> None:
        """Record an error that nobody expected."""
        self.folder.update(status="failed", message=str(error))

    def _between(self) -> Progress:
        return Progress(self._progress.step, self.settings.steps, wall_s=self._progress.wall_s, validating=True)

    def _steps(self, events: Sequence[dict[str, Any]]) -> Generator[Progress]:
        for event in events:
            if event["kind"] == "loss":
                loss, speed, wall_s = (event[name] for name in ("loss", "tokens_per_s", "wall_s"))
                self._progress = Progress(event["step"], self.settings.steps, loss, speed, wall_s)
                yield self._progress

    def _stop(self) -> None:
        """Ask the processes to stop; while they are starting there is nothing to keep, and nobody to ask."""
        assert self._process is not None
        try:
            ask(self.folder, STOP)
            patience_s = STOPS_WITHIN_S
        except RunError:
            patience_s = 0.0
        if not self._ends_within(patience_s):
            self._process.terminate()
            self._ends_within(ENDS_WITHIN_S)

    def _ends_within(self, seconds: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _kill(self) -> None:
        """End what is still there; the launcher starts each process in a session of its own."""
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self._process.kill()
        self._process.wait()

    def _tell_failure(self) -> None:
        """Raise what ended the run, unless it ended well.

        Raises:
            RunError: See `in_parts`.
        """
        facts = self.folder.facts()
        if facts.status in ("finished", "stopped"):
            return
        if facts.status == "failed" and facts.problem:
            raise RunError.from_dict(facts.problem)
        said = facts.message if facts.status == "failed" else self._last_line()
        error = RunError(
            "processes_ended", f"The processes of the run have ended: {said}", run=self.folder.id, reason=said
        )
        self.folder.update(status="failed", message=str(error), problem=error.to_dict())
        raise error

    def _last_line(self) -> str:
        """The sentence that the processes printed of an error, or their exit status."""
        with suppress(OSError):
            lines = (self.folder.path / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
            said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
            if said:
                return said[-1]
        return f"exit status {self._process.returncode if self._process else '–'}, see {LOG} in the run folder"

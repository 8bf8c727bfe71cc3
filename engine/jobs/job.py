"""What is to be computed elsewhere: some runs, and the machines for each of them."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from engine.config.run import RunConfig
from engine.core.errors import SettingError

PORT = 29500
"""Where the first node of a run listens for the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    """The machines of one run.

    Attributes:
        nodes: How many.
        gpus: Of each; 0 for one process without a GPU on each.
        gpu: Kind of the GPUs, as the scheduler calls it; "" for any.
        hours: After which a run is stopped; it goes on in the next job with the same files.
        image: Container image with this project and its requirements; "" where the project lies on the machines.
        volume: Name of the volume or path on all nodes below which run folders are kept.
    """

    nodes: int = 1
    gpus: int = 1
    gpu: str = ""
    hours: int = 4
    image: str = ""
    volume: str = "runs"

    @property
    def processes(self) -> int:
        """Of each node."""
        return max(1, self.gpus)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job.

    Attributes:
        name: Of its file, so of its folder, in letters that every scheduler takes.
        file: Its YAML.
        config: What that says.
    """

    name: str
    file: Path
    config: RunConfig

    def yaml(self) -> str:
        """The config as a file, for where the original does not lie."""
        return self.config.to_yaml()


def job_runs(files: Sequence[Path]) -> list[JobRun]:
    """The runs that files describe, each checked.

    Raises:
        SettingError: A file cannot be read, holds no run, or two of them have the same name.
    """
    runs = []
    for file in files:
        try:
            config = RunConfig.from_yaml(file.read_text(encoding="utf-8")).checked()
        except (OSError, ValueError) as error:
            raise SettingError(
                "run_file_unread", f"The run file {str(file)!r} cannot be read: {error}.", name=str(file), reason=error
            ) from error
        name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:40] or "run"
        runs.append(JobRun(name, file, config))
    names = [run.name for run in runs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(
            "run_files_alike",
            f"Two run files are called {twice!r}, and would share a folder: rename one.",
            name=twice,
        )
    return runs


def train_command(run: str, folder: str, machines: Machines, *, rank: str = "", first: str = "") -> str:
    """A shell command for every node: begins the run, or goes on with it where its folder is there.

    Args:
        run: The run's YAML on the node, as the shell shall see it.
        folder: The run folder.
        machines: Those of the run.
        rank: Number of this node, for the shell; not needed for one.
        first: Address of the first node, for the shell.
    """
    if machines.nodes > 1:
        among = f"--nnodes={machines.nodes} --node-rank={rank} --master-addr={first} --master-port={PORT}"
    else:
        among = "--standalone"
    launch = f"torchrun {among} --nproc-per-node={machines.processes} -m engine"
    return (
        f"if [ -e {folder}/run.json ]; then {launch} resume {folder} --quiet; "
        f"else {launch} train {run} --out {folder} --quiet; fi"
    )


def documents(*parts: dict[str, object]) -> str:
    """YAML documents in one file, in the order of their keys."""
    return yaml.dump_all(parts, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=1000)


class _Readable(yaml.SafeDumper):
    """Writes text of several lines as it is."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def about(runs: Sequence[JobRun], submit: str) -> str:
    """The comment at the head of a job file.

    Args:
        runs: Of the job.
        submit: The command that starts it.
    """
    what = "\n".join(f"#   {run.name}: {run.config.method} on {run.config.dataset}, {run.config.model}" for run in runs)
    return f"# Made by `python -m engine launch`. Start it with: {submit}\n{what}\n"


def quoted(text: str | Path) -> str:
    """A path for the shell."""
    return shlex.quote(str(text))

"""Job files for Slurm: an array of runs, each on its nodes, that goes on where a time limit cut it off."""

from collections.abc import Sequence

from engine.jobs.job import JobRun, Machines, about, quoted, train_command


def slurm(runs: Sequence[JobRun], machines: Machines) -> str:
    """A script for sbatch, to be submitted in the project's folder, which lies on a disk that all nodes see."""
    gpu = f"{machines.gpu}:" if machines.gpu else ""
    options = [
        f"--job-name={runs[0].name if len(runs) == 1 else f'gatelight-{len(runs)}-runs'}",
        f"--nodes={machines.nodes}",
        "--ntasks-per-node=1",
        *([f"--gres=gpu:{gpu}{machines.gpus}"] if machines.gpus else []),
        f"--time={machines.hours}:00:00",
        *([f"--array=0-{len(runs) - 1}"] if len(runs) > 1 else []),
        "--requeue",
        "--open-mode=append",
        "--signal=TERM@60",
        f"--output={machines.volume}/slurm-%A_%a.log" if len(runs) > 1 else f"--output={machines.volume}/slurm-%j.log",
    ]
    files = " ".join(quoted(run.file) for run in runs)
    folders = " ".join(quoted(f"{machines.volume}/{run.name}") for run in runs)
    command = train_command('"$RUN"', '"$FOLDER"', machines, rank='"$SLURM_NODEID"', first='"$FIRST"')
    return f"""#!/bin/bash
{"".join(f"#SBATCH {option}" + chr(10) for option in options)}
{about(runs, "sbatch THIS_FILE")}
set -euo pipefail
files=({files})
folders=({folders})
export RUN="${{files[${{SLURM_ARRAY_TASK_ID:-0}}]}}" FOLDER="${{folders[${{SLURM_ARRAY_TASK_ID:-0}}]}}"
FIRST="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
export FIRST
srun --kill-on-bad-exit=1 bash -c {quoted(command)}
"""

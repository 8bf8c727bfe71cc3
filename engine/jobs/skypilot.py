"""Job files for SkyPilot: one task for each run; several runs are a pipeline of managed jobs."""

from collections.abc import Sequence

from engine.jobs.job import JobRun, Machines, about, documents, train_command

FOLDER = "/runs"


def skypilot(runs: Sequence[JobRun], machines: Machines) -> str:
    """YAML for `sky launch` (one run) or `sky jobs launch` (several); run folders lie in a bucket that survives."""
    tasks = [_task(run, machines) for run in runs]
    head: list[dict[str, object]] = [] if len(runs) == 1 else [{"name": f"gatelight-{len(runs)}-runs"}]
    submit = "sky launch THIS_FILE" if len(runs) == 1 else "sky jobs launch THIS_FILE"
    return about(runs, submit) + documents(*head, *tasks)


def _task(run: JobRun, machines: Machines) -> dict[str, object]:
    resources: dict[str, object] = {"use_spot": True}
    if machines.gpus:
        resources["accelerators"] = f"{machines.gpu or 'H100'}:{machines.gpus}"
    if machines.image:
        resources["image_id"] = f"docker:{machines.image}"
    rank, first = '"$SKYPILOT_NODE_RANK"', '"$(echo "$SKYPILOT_NODE_IPS" | head -n 1)"'
    command = train_command("/tmp/run.yaml", f"{FOLDER}/{run.name}", machines, rank=rank, first=first)
    return {
        "name": run.name,
        "workdir": ".",
        "num_nodes": machines.nodes,
        "resources": resources,
        "file_mounts": {FOLDER: {"name": machines.volume, "mode": "MOUNT"}},
        "envs": {"RUN_YAML": run.yaml()},
        "setup": "pip install -r requirements.txt",
        "run": f"printf %s \"$RUN_YAML\" > /tmp/run.yaml\ntimeout {machines.hours}h bash -c '{command}'\n",
    }

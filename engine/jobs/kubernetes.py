"""Job files for Kubernetes: for each run an indexed Job with a pod for each node, and a Service by which they meet."""

from collections.abc import Sequence

from engine.core.errors import SettingError
from engine.jobs.job import PORT, JobRun, Machines, about, documents, train_command

FOLDER = "/runs"


def kubernetes(runs: Sequence[JobRun], machines: Machines) -> str:
    """YAML for `kubectl apply -f`; run folders lie in a PersistentVolumeClaim that is there already.

    Raises:
        SettingError: No container image is named.
    """
    if not machines.image:
        raise SettingError(
            "no_image",
            "A Kubernetes job needs a container image with Gatelight and its requirements: name it with --image.",
        )
    parts = [part for run in runs for part in (_config_map(run), *_service(run, machines), _job(run, machines))]
    return about(runs, "kubectl apply -f THIS_FILE") + documents(*parts)


def _config_map(run: JobRun) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": run.name},
        "data": {"run.yaml": run.yaml()},
    }


def _service(run: JobRun, machines: Machines) -> list[dict[str, object]]:
    """A Service without an address of its own gives each pod a name; one node needs none."""
    spec = {"clusterIP": "None", "selector": {"job-name": run.name}, "ports": [{"port": PORT}]}
    service: dict[str, object] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": run.name}, "spec": spec}
    return [service] if machines.nodes > 1 else []


def _job(run: JobRun, machines: Machines) -> dict[str, object]:
    command = train_command(
        "/config/run.yaml",
        f"{FOLDER}/{run.name}",
        machines,
        rank='"$JOB_COMPLETION_INDEX"',
        first=f"{run.name}-0.{run.name}",
    )
    container: dict[str, object] = {
        "name": "train",
        "image": machines.image,
        "command": ["bash", "-c", command],
        "volumeMounts": [
            {"name": "runs", "mountPath": FOLDER},
            {"name": "config", "mountPath": "/config"},
            {"name": "memory", "mountPath": "/dev/shm"},
        ],
    }
    if machines.gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": machines.gpus}}
    pod: dict[str, object] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 60,
        **({"subdomain": run.name} if machines.nodes > 1 else {}),
        **({"nodeSelector": {"nvidia.com/gpu.product": machines.gpu}} if machines.gpu else {}),
        "containers": [container],
        "volumes": [
            {"name": "runs", "persistentVolumeClaim": {"claimName": machines.volume}},
            {"name": "config", "configMap": {"name": run.name}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
        ],
    }
    spec = {
        "completionMode": "Indexed",
        "completions": machines.nodes,
        "parallelism": machines.nodes,
        "backoffLimit": 3 * machines.nodes,
        "activeDeadlineSeconds": machines.hours * 3600,
        "template": {"metadata": {"labels": {"job-name": run.name}}, "spec": pod},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": run.name}, "spec": spec}

"""Job files for schedulers: they parse, name what they need, and the commands in them begin a run or go on with it."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from engine.cli.launch import SCHEDULERS
from engine.config.run import RunConfig
from engine.core.errors import SettingError
from engine.jobs.job import Machines, job_runs
from engine.jobs.kubernetes import kubernetes
from engine.jobs.skypilot import skypilot
from engine.jobs.slurm import slurm

CLUSTER = Machines(nodes=2, gpus=8, gpu="H100", hours=3, image="lab/gatelight:1", volume="kept")


@pytest.fixture
def files(tmp_path):
    """Two runs, one in a file with a blank in its name."""
    paths = [tmp_path / "A run.yaml", tmp_path / "b.yaml"]
    for path, method in zip(paths, ("lora", "prompt"), strict=True):
        path.write_text(f"method: {method}\ntraining:\n  steps: 7\n", encoding="utf-8")
    return paths


def executed(script, tmp_path, **environment):
    """What a script calls of torchrun, where each scheduler's own commands are stood in for."""
    stubs = tmp_path / "bin"
    stubs.mkdir(exist_ok=True)
    for name, text in {
        "torchrun": 'printf "torchrun"; printf " [%s]" "$@"; echo',
        "srun": 'while [ "${1#-}" != "$1" ]; do shift; done; "$@"',
        "scontrol": "printf 'node1\\nnode2\\n'",
    }.items():
        (stubs / name).write_text(f"#!/bin/sh\n{text}\n")
        (stubs / name).chmod(0o755)
    found = os.environ | {"PATH": f"{stubs}{os.pathsep}{os.environ['PATH']}"} | environment
    command = [shutil.which("bash"), "-c", script]
    return subprocess.run(command, env=found, cwd=tmp_path, check=True, capture_output=True, text=True).stdout


def test_slurm(files, tmp_path):
    """An array with a task for each run; each begins its own, and goes on with it once its folder is there."""
    script = slurm(job_runs(files), CLUSTER)
    options = [line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH --")]
    assert {"nodes=2", "ntasks-per-node=1", "gres=gpu:H100:8", "time=3:00:00", "array=0-1", "requeue"} <= set(options)
    task = {"SLURM_ARRAY_TASK_ID": "0", "SLURM_NODEID": "1", "SLURM_JOB_NODELIST": "node[1-2]"}
    among = (
        "[--nnodes=2] [--node-rank=1] [--master-addr=node1] [--master-port=29500] [--nproc-per-node=8] [-m] [engine]"
    )
    begun = executed(script, tmp_path, **task)
    assert begun == f"torchrun {among} [train] [{files[0]}] [--out] [kept/a-run] [--quiet]\n"
    (tmp_path / "kept" / "b").mkdir(parents=True)
    (tmp_path / "kept" / "b" / "run.json").touch()
    assert executed(script, tmp_path, **{**task, "SLURM_ARRAY_TASK_ID": "1"}) == (
        f"torchrun {among} [resume] [kept/b] [--quiet]\n"
    )


def test_slurm_on_one_cpu(files, tmp_path):
    """One run without a GPU: no array, one process."""
    script = slurm(job_runs(files[1:]), Machines(gpus=0))
    assert "--gres" not in script
    assert "--array" not in script
    done = executed(script, tmp_path, SLURM_JOB_NODELIST="node1", SLURM_NODEID="0")
    assert done.startswith("torchrun [--standalone] [--nproc-per-node=1] [-m] [engine] [train]")


def test_skypilot(files, tmp_path):
    """A pipeline with a task for each run, whose config travels with it."""
    head, first, second = yaml.safe_load_all(skypilot(job_runs(files), CLUSTER))
    assert head == {"name": "gatelight-2-runs"}
    assert (first["name"], second["name"], first["num_nodes"]) == ("a-run", "b", 2)
    assert first["resources"] == {"use_spot": True, "accelerators": "H100:8", "image_id": "docker:lab/gatelight:1"}
    assert first["file_mounts"] == {"/runs": {"name": "kept", "mode": "MOUNT"}}
    assert RunConfig.from_yaml(first["envs"]["RUN_YAML"]) == job_runs(files)[0].config
    nodes = {
        "SKYPILOT_NODE_RANK": "0",
        "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2",
        "RUN_YAML": first["envs"]["RUN_YAML"],
    }
    done = executed(first["run"], tmp_path, **nodes)
    assert "[--node-rank=0] [--master-addr=10.0.0.1]" in done
    assert done.endswith("[train] [/tmp/run.yaml] [--out] [/runs/a-run] [--quiet]\n")


def test_kubernetes(files, tmp_path):
    """For each run its config, a name for each pod, and a job with a pod for each node."""
    parts = list(yaml.safe_load_all(kubernetes(job_runs(files), CLUSTER)))
    assert [part["kind"] for part in parts] == ["ConfigMap", "Service", "Job"] * 2
    config, service, job = parts[:3]
    assert RunConfig.from_yaml(config["data"]["run.yaml"]) == job_runs(files)[0].config
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 2)
    assert pod["subdomain"] == service["metadata"]["name"] == service["spec"]["selector"]["job-name"] == "a-run"
    (container,) = pod["containers"]
    assert container["resources"] == {"limits": {"nvidia.com/gpu": 8}}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    done = executed(container["command"][2], tmp_path, JOB_COMPLETION_INDEX="1")
    assert "[--node-rank=1] [--master-addr=a-run-0.a-run]" in done
    alone = yaml.safe_load_all(kubernetes(job_runs(files[:1]), Machines(image="x")))
    assert [part["kind"] for part in alone] == ["ConfigMap", "Job"]


@pytest.mark.parametrize("write", SCHEDULERS.values(), ids=SCHEDULERS)
def test_what_every_shell_takes(files, write):
    """Every job begins with how it is started, and its shell parts are well-formed."""
    text = write(job_runs(files), CLUSTER)
    assert "Start it with: " in text
    scripts = [text] if write is slurm else [line for line in text.splitlines() if "torchrun" in line]
    for script in scripts:
        line = script.strip().removeprefix("- ").removeprefix("run: ")
        subprocess.run(["bash", "-n", "-c", line], check=True)


@pytest.mark.fault("input", "A job of runs that cannot be read, or that would share a folder, is refused by the file.")
def test_files_that_make_no_job(files, tmp_path):
    with pytest.raises(SettingError, match="cannot be read"):
        job_runs([tmp_path / "nothing.yaml"])
    (tmp_path / "a-run.yaml").write_text("method: lora\n")
    with pytest.raises(SettingError, match="'a-run'"):
        job_runs([*files, tmp_path / "a-run.yaml"])
    files[1].write_text("method: magic\n")
    with pytest.raises(SettingError, match="magic"):
        job_runs(files)
    with pytest.raises(SettingError, match="--image"):
        kubernetes(job_runs(files[:1]), Machines())


def test_command(files, tmp_path):
    """`engine launch` writes the file that it says."""
    out = tmp_path / "job.sbatch"
    words = [sys.executable, "-m", "engine", "launch", str(files[0]), "--emit=slurm", f"--out={out}"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert str(out) in done.stdout
    assert out.read_text().startswith("#!/bin/bash\n")

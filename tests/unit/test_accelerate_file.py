"""An Accelerate config that starts a run's processes: what is taken of it, and what is refused."""

import dataclasses

import pytest
import yaml

from engine.config.accelerate_file import read_accelerate_file
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.confine import Confinement
from engine.core.errors import SettingError
from engine.models.loading import load_base
from engine.service.limits import CLASS, UNLIMITED
from engine.service.permission import Permission
from engine.training import launcher
from engine.training.launch import start_run

WRITTEN = {
    "compute_environment": "LOCAL_MACHINE",
    "debug": False,
    "distributed_type": "MULTI_GPU",
    "downcast_bf16": "no",
    "enable_cpu_affinity": False,
    "gpu_ids": "all",
    "machine_rank": 0,
    "main_training_function": "main",
    "mixed_precision": "bf16",
    "num_machines": 1,
    "num_processes": 2,
    "rdzv_backend": "static",
    "same_network": True,
    "tpu_env": [],
    "tpu_use_cluster": False,
    "tpu_use_sudo": False,
    "use_cpu": False,
}
"""What `accelerate config` writes for two GPUs."""


@pytest.fixture
def file(tmp_path):
    """Writes a config that differs in some entries from `WRITTEN`."""

    def write(**entries):
        path = tmp_path / "two.yaml"
        path.write_text(yaml.safe_dump({**WRITTEN, **entries}))
        return str(path)

    return write


def refused(act):
    """The error that an act is refused with: one short sentence."""
    with pytest.raises(SettingError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return caught.value


def test_what_is_read(file):
    """The number of processes, on which devices, and whether Accelerate splits the base."""
    path = file()
    assert dataclasses.asdict(read_accelerate_file(path)) == {
        "path": path, "processes": 2, "gpus": None, "on_cpu": False, "sharded": False,
    }  # fmt: skip
    assert read_accelerate_file(file(gpu_ids="0, 3")).gpus == 2
    assert read_accelerate_file(file(distributed_type="MULTI_CPU")).on_cpu
    assert read_accelerate_file(file(distributed_type="FSDP", num_processes=1, fsdp_config={"fsdp_version": 2})).sharded


OTHERS_CODE = [
    {"deepspeed_config": {"training_script": "/tmp/evil.py"}},
    {"parallelism_config": {"training_script": "/tmp/evil.py"}},
    {"mpirun_config": {"mpirun_hostfile": "hosts"}},
    {"fsdp_config": {"--training_script": "/tmp/evil.py"}},
    {"commands": ["touch /tmp/ran"]},
    {"command_file": "/tmp/commands"},
    {"tpu_use_cluster": True},
    {"training_script": "/tmp/evil.py"},
    {"compute_environment": "AMAZON_SAGEMAKER"},
]


@pytest.mark.fault("code", "An Accelerate config names a script, a plugin or a command of its own: refused by name.")
@pytest.mark.parametrize("entries", OTHERS_CODE, ids=lambda entries: next(iter(entries)))
def test_no_code_of_others(file, entries):
    error = refused(lambda: read_accelerate_file(file(**entries)))
    assert (error.key, error.values["field"]) == ("accelerate_entry", next(iter(entries)))


@pytest.mark.fault("input", "An Accelerate config asks for what is not done here: said before a start.")
@pytest.mark.parametrize(
    ("entries", "key"),
    [
        ({"distributed_type": "DEEPSPEED"}, "accelerate_kind"),
        ({"distributed_type": "NO"}, "accelerate_kind"),
        ({"num_machines": 2}, "accelerate_machines"),
        ({"num_processes": -1}, "accelerate_count"),
        ({"num_processes": 1}, "accelerate_count"),
        ({"num_processes": "two"}, "accelerate_entry"),
        ({"num_processes": True}, "accelerate_entry"),
        ({"gpu_ids": "first"}, "accelerate_ids"),
    ],
)
def test_what_is_not_done(file, entries, key):
    assert refused(lambda: read_accelerate_file(file(**entries))).key == key


@pytest.mark.fault("input", "In place of an Accelerate config lies anything else: one sentence, nothing hangs.")
def test_no_config(tmp_path):
    for name in (tmp_path / "nowhere.yaml", tmp_path):
        assert refused(lambda name=name: read_accelerate_file(str(name))).key == "accelerate_missing"
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(60))
    bomb += "gpu_ids: *a60\n"
    for text in ("[", "- 2", "!!python/object/apply:os.system ['id']", "{1: 2}", "x" * 100_000, "\0", "[" * 5000):
        (tmp_path / "odd.yaml").write_text(text)
        assert refused(lambda: read_accelerate_file(str(tmp_path / "odd.yaml"))).key == "accelerate_unread"
    (tmp_path / "odd.yaml").write_text(bomb)
    assert refused(lambda: read_accelerate_file(str(tmp_path / "odd.yaml"))).key == "accelerate_entry"
    (tmp_path / "two.json").write_text("{}")
    assert refused(lambda: read_accelerate_file(str(tmp_path / "two.json"))).key == "accelerate_unread"
    assert refused(lambda: read_accelerate_file("/dev/zero")).key == "path_special"


def test_what_the_machine_has(file, monkeypatch):
    """A GPU or a core for each process, of the kind that the run takes."""

    def start(device="auto", **entries):
        return launcher.Start.of(TrainingSettings(accelerate_config=file(**entries), device=device, processes=9))

    monkeypatch.setattr(launcher, "resolve_device", lambda wanted: "cpu" if wanted == "auto" else wanted)
    monkeypatch.setattr(launcher.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(launcher.torch.cuda, "device_count", lambda: 2)
    assert start(distributed_type="MULTI_CPU", num_processes=4).count == 4
    assert refused(lambda: start(distributed_type="MULTI_CPU", num_processes=5)).key == "too_many_processes"
    assert refused(start).key == "accelerate_for_gpus"
    assert start("cuda").count == 2
    assert refused(lambda: start("cuda", num_processes=3)).key == "too_many_processes"
    assert refused(lambda: start("cuda", gpu_ids="1")).key == "accelerate_few_ids"
    assert refused(lambda: start("cuda", distributed_type="MULTI_CPU")).key == "accelerate_for_cpus"
    assert launcher.Start.of(TrainingSettings()) is None


@pytest.mark.fault("code", "On a server an Accelerate config lies in no folder of its operator: refused unread.")
def test_on_a_server(file, tmp_path):
    """Only the operator's own folders count, and what is allowed of the setting is allowed of the file."""
    path = file()
    settings = TrainingSettings(accelerate_config=path)
    home = tmp_path / "home"
    for confinement in (
        Confinement.of_server(home),
        Confinement.of_server(home, models=[tmp_path]),
        dataclasses.replace(Confinement.of_server(home, data=[tmp_path]), uploads=tmp_path),
    ):
        permission = Permission(confinement, limits=UNLIMITED)
        assert refused(lambda permission=permission: permission.check_launch(settings)).key == "accelerate_of_server"
    declared = Confinement.of_server(home, data=[tmp_path])
    Permission(declared, limits=UNLIMITED).check_launch(settings)
    assert refused(lambda: Permission(declared, limits=CLASS).check_launch(settings)).key == "over_limit"
    (tmp_path / "link.yaml").symlink_to(path)
    linked = TrainingSettings(accelerate_config=str(tmp_path / "link.yaml"))
    Permission(declared, limits=UNLIMITED).check_launch(linked)
    assert refused(lambda: Permission(Confinement.of_server(home)).check_launch(linked)).key == "accelerate_of_server"


def test_one_process_alone_says_so(tmp_path, file):
    """A notebook trains in its own process, and starts none."""
    config = RunConfig(training={"accelerate_config": file()})
    assert refused(lambda: start_run(tmp_path / "run", config, load_base)).key == "accelerate_elsewhere"
    assert not (tmp_path / "run").exists()

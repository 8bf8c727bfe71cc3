"""An Accelerate config file that starts a run's processes: what is read of it, and what is refused by name.

`accelerate launch` turns most entries into arguments of its own, some of which name programs to run. So only entries of
`KNOWN` may say something; whatever else a file holds has to be empty.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from engine.core.confine import named_path
from engine.core.errors import SettingError

FIELD = "accelerate_config"
LARGEST = 64 * 1024
"""Bytes of a file; `accelerate config` writes less than one thousand."""
GPUS, CPUS, SHARDED = "MULTI_GPU", "MULTI_CPU", "FSDP"
Kinds = type | tuple[type, ...]
KNOWN: dict[str, Kinds] = {
    "compute_environment": str,
    "distributed_type": str,
    "num_processes": int,
    "num_machines": int,
    "machine_rank": int,
    "gpu_ids": (str, int),
    "main_process_ip": str,
    "main_process_port": int,
    "main_training_function": str,
    "rdzv_backend": str,
    "same_network": bool,
    "use_cpu": bool,
    "mixed_precision": str,
    "downcast_bf16": (str, bool),
    "enable_cpu_affinity": bool,
    "debug": bool,
    "fsdp_config": dict,
}
"""Entries that may say something, with their types."""
EMPTY: tuple[Any, ...] = (None, False, "", "no", "NO", [], {})
"""What any other entry may be, as `accelerate config` writes it."""
SHOWN = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class AccelerateFile:
    """What a checked file says.

    Attributes:
        path: Of the file.
        processes: That it starts, all on this machine.
        gpus: How many GPUs it names; None for all that there are.
        on_cpu: Whether they compute on CPUs.
        sharded: Whether the base is split over them.
    """

    path: str
    processes: int
    gpus: int | None = None
    on_cpu: bool = False
    sharded: bool = False


def read_accelerate_file(name: str) -> AccelerateFile:
    """Read and check a file. Nothing of what it holds is repeated but names and values of its entries.

    Raises:
        SettingError: It is missing, is no such config, or asks for what is not done here.
    """
    return _checked(name, _entries(name))


def _entries(name: str) -> dict[str, Any]:
    path = named_path(name)
    shown = _short(name)
    if not path.is_file():
        raise SettingError(
            "accelerate_missing",
            f"{FIELD} is {shown!r}, but there is no such file on this machine: name another one, or leave it empty.",
            field=FIELD,
            value=shown,
        )
    unread = SettingError(
        "accelerate_unread",
        f"{FIELD} is {shown!r}, which is no Accelerate config in YAML: make one with `accelerate config --config_file "
        "FILE.yaml`.",
        field=FIELD,
        value=shown,
    )
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        values = yaml.safe_load(data.decode()) if len(data) <= LARGEST and path.suffix != ".json" else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        raise unread from None
    if not isinstance(values, dict) or not all(isinstance(entry, str) for entry in values):
        raise unread
    return values


def _checked(name: str, values: dict[str, Any]) -> AccelerateFile:
    _check_entries(name, values)
    plain = {entry: value for entry, value in values.items() if value is not None}
    kind = _checked_kind(name, plain)
    count = _checked_count(name, plain, 1 if kind == SHARDED else 2)
    file, ids = _short(name), str(plain.get("gpu_ids", "all")).replace(" ", "")
    if re.fullmatch(r"all|\d+(,\d+)*", ids) is None:
        text = (
            f"gpu_ids is {_short(ids)!r} in the Accelerate config {file!r}: set it to all, or to numbers with commas "
        )
        raise SettingError("accelerate_ids", f"{text}between them.", field="gpu_ids", value=_short(ids), file=file)
    return AccelerateFile(
        path=str(named_path(name)),
        processes=count,
        gpus=None if ids == "all" else len(ids.split(",")),
        on_cpu=kind == CPUS or bool(plain.get("use_cpu")),
        sharded=kind == SHARDED,
    )


def _check_entries(name: str, values: dict[str, Any]) -> None:
    for entry, value in values.items():
        kinds = KNOWN.get(entry)
        fits = value in EMPTY if kinds is None else value is None or _is_of(value, kinds)
        if entry == "fsdp_config" and isinstance(value, dict):
            fits = all(re.fullmatch(r"[a-z0-9_]+", str(key)) for key in value)
        if not fits or (entry == "compute_environment" and value != "LOCAL_MACHINE"):
            field, said, file = _short(entry), _short(value), _short(name)
            text = f"{field} is {said!r} in the Accelerate config {file!r}, which cannot be used here: leave it out."
            raise SettingError("accelerate_entry", text, field=field, value=said, file=file)


def _checked_kind(name: str, plain: dict[str, Any]) -> str:
    kind, machines, file = _short(plain.get("distributed_type", "")), plain.get("num_machines", 1), _short(name)
    if kind not in (GPUS, CPUS, SHARDED):
        text = f"distributed_type is {kind!r} in the Accelerate config {file!r}, which cannot be used here: set it to "
        text += f"{GPUS}, {CPUS} or {SHARDED}; for one process alone leave {FIELD} empty."
        raise SettingError("accelerate_kind", text, field="distributed_type", value=kind, file=file)
    if machines != 1:
        text = f"num_machines is {machines} in the Accelerate config {file!r}, but from here only this machine starts "
        text += "processes: execute `accelerate launch --config_file FILE -m engine train run.yaml` on each of them."
        raise SettingError("accelerate_machines", text, field="num_machines", value=_short(machines), file=file)
    return kind


def _checked_count(name: str, plain: dict[str, Any], least: int) -> int:
    count, file = int(plain.get("num_processes", -1)), _short(name)
    if count < least:
        text = f"num_processes is {count} in the Accelerate config {file!r}, which cannot be used here: set it to "
        text += f"{least} or more."
        raise SettingError("accelerate_count", text, field="num_processes", value=_short(count), file=file, least=least)
    return count


def _is_of(value: Any, kinds: Kinds) -> bool:  # noqa: ANN401 - any YAML value
    return isinstance(value, kinds) and (not isinstance(value, bool) or kinds not in (int, (str, int)))


def _short(value: object) -> str:
    """A value as a sentence shows it; a nested one may unfold to any size, so it is not written out."""
    text = "…" if isinstance(value, dict | list) else " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

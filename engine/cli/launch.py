"""Commands that hand runs to other machines: launch."""

import argparse
from collections.abc import Callable

from engine.cli.commands import Commands, add_command, user_path
from engine.cli.output import result
from engine.core.atomic import write_text
from engine.jobs.job import Machines, job_runs
from engine.jobs.kubernetes import kubernetes
from engine.jobs.skypilot import skypilot
from engine.jobs.slurm import slurm

SCHEDULERS: dict[str, Callable[..., str]] = {"slurm": slurm, "skypilot": skypilot, "k8s": kubernetes}


def launch(args: argparse.Namespace) -> None:
    """Write a job file for a scheduler: one run, or an array of them. Nothing is submitted.

    A job goes on with a run whose folder is there already, so it may be cut off and submitted again.
    """
    machines = Machines(
        nodes=args.nodes, gpus=args.gpus, gpu=args.gpu, hours=args.hours, image=args.image, volume=args.volume
    )
    text = SCHEDULERS[args.emit](job_runs(args.files), machines)
    if args.out:
        write_text(args.out, text)
    result({"scheduler": args.emit, "job": text}, as_json=args.json, text=f"Written: {args.out}" if args.out else text)


def _count(low: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        """A whole number that is not too small."""
        if (number := int(text)) < low:
            raise argparse.ArgumentTypeError(f"{number} is less than {low}")
        return number

    return count


def register(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "launch", launch, "write a job file for Slurm, SkyPilot or Kubernetes")
    command.add_argument("files", nargs="+", type=user_path, metavar="RUN.YAML", help="the runs")
    command.add_argument("--emit", required=True, choices=SCHEDULERS, help="whose job file")
    command.add_argument("--nodes", type=_count(1), default=1, help="machines of each run (default: %(default)s)")
    command.add_argument("--gpus", type=_count(0), default=1, help="GPUs of each machine (default: %(default)s)")
    command.add_argument("--gpu", default="", help="kind of GPU, as the scheduler calls it, such as H100")
    command.add_argument(
        "--hours", type=_count(1), default=4, help="after which a run is stopped (default: %(default)s)"
    )
    command.add_argument("--image", default="", help="container image with Gatelight (Kubernetes needs one)")
    command.add_argument(
        "--volume", default="runs", help="folder, bucket or claim that keeps the run folders (default: %(default)s)"
    )
    command.add_argument("--out", type=user_path, help="file to write (default: stdout)")

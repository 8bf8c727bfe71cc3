"""Commands that estimate the cost of a run without loading weights: params, memory."""

import argparse

from engine.cli.commands import Commands, add_command
from engine.cli.output import result
from engine.cli.settings import add_run_options, run_config, smaller

MEMORY_PARTS = ("weights", "quantisation", "adapter", "gradients", "optimiser", "activations", "logits", "total")


def params(args: argparse.Namespace) -> None:
    """Count the parameters that a method would train, and those of the model; no weights are loaded."""
    from engine.service.catalogue import count

    config = run_config(args)
    counts = count(config)
    share = 100 * counts.trainable / counts.total
    parts = ", ".join(f"{name} {number:,}" for name, number in counts.groups.items())
    result(
        counts,
        as_json=args.json,
        text="\n".join(
            [f"Trains {counts.trainable:,} of {counts.total:,} ({share:.2f} %): {parts}.", *smaller(counts.smaller)]
        ),
    )


def memory(args: argparse.Namespace) -> None:
    """Estimate the memory of a run by purpose, and whether it fits; no weights are loaded."""
    from engine.preflight import planning

    info = planning.memory(run_config(args))
    lines = [f"{name:>14} {getattr(info, name) / 2**20:12,.1f} MiB" for name in MEMORY_PARTS]
    lines += [f"{'chat cache':>14} {info.kv_cache / 2**20:12,.1f} MiB, between steps"]
    lines += [
        f"{info.rows} rows of up to {info.length} tokens at once; {info.device} has {info.free / 2**20:,.0f} MiB free "
        f"of {info.capacity / 2**20:,.0f}: {info.verdict}."
    ]
    result(info, as_json=args.json, text="\n".join(lines))


def register(commands: Commands) -> None:
    """Add the commands."""
    add_run_options(add_command(commands, "params", params, "count what would train"))
    add_run_options(add_command(commands, "memory", memory, "estimate the memory of a run"))

"""Words of the memory bar."""

WORDS = {
    "memory.title": "Memory",
    "memory.needs": "{needed} at the highest moment",
    "memory.fits": "fits: {free} free of {all} ({device})",
    "memory.tight": "tight: {free} free of {all} ({device})",
    "memory.will not fit": "will not fit: {free} free of {all} ({device})",
    "memory.advice": (
        "Smaller batches, more gradient accumulation, gradient checkpointing, or int8 or nf4 for the base need less."
    ),
    "memory.device.cpu": "CPU",
    "memory.device.cuda": "GPU",
    "memory.part.weights": "Frozen weights",
    "memory.part.quantisation": "Quantisation scales",
    "memory.part.adapter": "Adapter",
    "memory.part.gradients": "Gradients",
    "memory.part.optimiser": "Optimiser",
    "memory.part.activations": "Activations",
    "memory.part.logits": "Logits",
    "memory.part.kv_cache": "Chat's keys and values",
    "memory.parts": "What takes it, and what the last run took",
    "memory.between": "between steps, not added",
    "memory.batch": "Estimated for {rows} rows of up to {length} tokens at once.",
    "memory.measured": "Measured in “{name}”: {peak}. Its largest possible batch was estimated at {estimate}.",
    "memory.measured_only": "Measured in “{name}”: {peak}.",
}

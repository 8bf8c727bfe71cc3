"""Parameter-efficient fine-tuning: models and their sites, methods, training, telemetry. It knows no page."""

import logging

# Where a CPU has bf16 instructions, bitsandbytes warns on import about an optional kernel that nobody asked for.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

"""Measurements, each a command: `python -m benchmarks.NAME`. Their pages lie in docs/, their figures in results/."""

import engine as engine  # before torch: it says how threads wait for each other

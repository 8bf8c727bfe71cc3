"""A fuzzer for whatever others may hand to the workbench: `python -m tools.fuzz --minutes 3`."""

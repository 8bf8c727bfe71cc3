"""The tabs of the page, one file each. A tab builds its components and wires them in one function."""

"""The places of the page, one file each. A place builds its components and wires them in one function."""

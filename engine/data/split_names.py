"""What splits are called in files, and here."""

NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "heldout": "test",
}
"""What a column called "split", or a list of rows in a file, may be called."""

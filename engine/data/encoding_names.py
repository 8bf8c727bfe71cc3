"""Which encodings a file itself proves; the others are guesses that a person should check."""

PROVEN = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii")


def is_certain(encoding: str) -> bool:
    """Whether a file's bytes leave no doubt about its encoding; an old encoding of one language never does."""
    return encoding in ("", *PROVEN)

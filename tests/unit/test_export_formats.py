"""The formats of an export: what is offered can be written, and what can be written is offered."""

from engine.exchange.archive import WRITERS
from engine.exchange.forms import EXPORT_FORMATS


def test_every_format_has_a_writer():
    """The menu and the flag, which must not load torch, list exactly what the writers write, in the same order."""
    assert tuple(WRITERS) == EXPORT_FORMATS

"""What a method is called on the page; of several that train together, all their names."""

from app.words import Say
from engine.methods import METHODS, part_names


def method_title(say: Say, name: str) -> str:
    """The name for people: in the page's language, else as its description has it, else as it stands."""
    return " + ".join(_title(say, part) for part in part_names(name))


def _title(say: Say, name: str) -> str:
    key = f"method.{name}"
    if key in say:
        return say(key)
    return METHODS[name].title if name in METHODS else name

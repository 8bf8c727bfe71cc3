"""Everything the page says: a folder per language, and in it one dictionary per part of the page."""

from importlib import import_module

LANGUAGES = {
    "en": "EN",
    "zh": "中文",
}
"""Every language by its tag, with what the header's link to it says; each has a folder here of the tag's name.

A tag is as in HTML's `lang`, and the language's page lies at its path: only the first lies at "/".
"""

MAIN = next(iter(LANGUAGES))
"""The first: it is served at "/", and stands in for texts of datasets that are not there in another."""

PARTS = (
    "common",
    "train",
    "methods",
    "data",
    "memory",
    "watch",
    "method_panels",
    "patches",
    "chat",
    "runs",
    "activity",
    "queue",
    "search",
    "ladder",
    "errors",
    "data_errors",
    "model_errors",
    "settings",
    "glossary",
)


def path_of(language: str) -> str:
    """Where the page of a language lies."""
    return "/" if language == MAIN else f"/{language}"


class Say:
    """The words of one language.

    Args:
        language: A tag of `LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = {"watch.language": language}  # for numbers and dates in the browser
        for part in PARTS:
            self.words |= import_module(f"app.words.{language}.{part}").WORDS

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key with its values filled in.

        Raises:
            KeyError: There is no such key, or a value is missing.
        """
        text = self.words[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        """Whether there is a text for the key."""
        return key in self.words

    def of(self, texts: dict[str, str]) -> str:
        """A text that somebody wrote in some languages: in this one, else in the main one, else empty."""
        return texts.get(self.language) or texts.get(MAIN, "")

    def part(self, name: str) -> dict[str, str]:
        """All texts of a part by key, for the views that are drawn in the browser."""
        return {key: text for key, text in self.words.items() if key.startswith(f"{name}.")}

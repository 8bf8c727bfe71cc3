"""Everything the page says, in English and Chinese: one dictionary per place and language."""

from importlib import import_module

LANGUAGES = {"en": "EN", "zh": "中文"}
PLACES = ("common", "train", "data", "memory", "watch", "patches", "chat", "runs", "errors", "settings", "glossary")


class Say:
    """The words of one language.

    Args:
        language: "en" or "zh".
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.words: dict[str, str] = {}
        for place in PLACES:
            self.words |= import_module(f"app.words.{language}.{place}").WORDS

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

    def part(self, place: str) -> dict[str, str]:
        """All texts of a place by key, for the views that are drawn in the browser."""
        return {key: text for key, text in self.words.items() if key.startswith(f"{place}.")}

"""The one table of methods. Adding a method is one file here and one row below."""

from engine.errors import SettingError
from engine.methods.base import Method
from engine.methods.llama_adapter import LlamaAdapter
from engine.methods.lora import Lora
from engine.methods.prompt import PromptTuning

METHODS: dict[str, type[Method]] = {
    "llama_adapter": LlamaAdapter,
    "lora": Lora,
    "prompt": PromptTuning,
}


def method_class(name: str) -> type[Method]:
    """The class behind a method's name.

    Raises:
        SettingError: There is no such method.
    """
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise SettingError(
            "unknown_method", f"There is no method called {name!r}; choose one of {known}.", value=name, known=known
        )
    return METHODS[name]

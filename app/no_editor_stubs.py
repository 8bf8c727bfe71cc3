"""Loads Gradio without its writing, at each import, of a stub for editors beside each of its components.

`gradio.component_meta.create_or_modify_pyi` parses the source of all 80 components twice and renders a template for
each: 1.1 of the 2.6 CPU seconds of `import gradio` (6.31). A workbench edits none of them. Gradio has no switch for it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

WRITER = "gradio.component_meta"
FUNCTION = "create_or_modify_pyi"


class _WithoutStubs(Loader):
    """Loads the module as its own loader does, then leaves out the writing."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        if hasattr(module, FUNCTION):
            setattr(module, FUNCTION, lambda *_: None)


class _Finder(MetaPathFinder):
    """Finds that one module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != WRITER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutStubs(spec.loader)
        return spec


def skip_editor_stubs() -> None:
    """Let Gradio, if it is not loaded yet, load without writing stubs."""
    if WRITER not in sys.modules:
        sys.meta_path.insert(0, _Finder())

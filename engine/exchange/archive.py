"""An adapter in any export format: as a folder for the command line, as one zip for the browser."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from engine.core.atomic import replacing, temporary_name
from engine.core.errors import ExchangeError
from engine.core.writing import writing
from engine.exchange.checkpoints import export_checkpoint, is_v2
from engine.exchange.forms import EXPORT_FORMATS
from engine.exchange.native import save_adapter
from engine.exchange.official import as_official, need_llama_adapter
from engine.exchange.peft import as_peft, export_peft, kind_of
from engine.exchange.words import as_words, export_words, need_words
from engine.methods.base import Method
from engine.models.base import Base

WRITERS: dict[str, Callable[[Method, Base, Path], None]] = {
    "gatelight": save_adapter,
    "peft": export_peft,
    "llama_adapter": lambda method, base, folder: export_checkpoint(method, base, folder / "adapter.pth"),
    "text": export_words,
}
"""Writes an adapter into a folder, by format; the keys are those of `EXPORT_FORMATS`."""


def _as_checkpoint(method: Method) -> object:
    return None if is_v2(method) else as_official(method)


METHODS_OF: dict[str, Callable[[type[Method]], object]] = {
    "peft": kind_of,
    "llama_adapter": need_llama_adapter,
    "text": need_words,
}
"""Refuse methods that have no such form, by form, of those that cannot hold everything."""
TRIED: dict[str, Callable[[Method], object]] = {"peft": as_peft, "llama_adapter": _as_checkpoint, "text": as_words}
"""What their writers call before they write, by form; an adapter without numbers will do."""


def write_adapter(method: Method, base: Base, form: str, folder: Path) -> None:
    """Write an adapter into a folder in one of `EXPORT_FORMATS`.

    Raises:
        ExchangeError: The format cannot hold this adapter without loss, or there is no such format.
    """
    if form not in WRITERS:
        known = ", ".join(EXPORT_FORMATS)
        raise ExchangeError(
            "unknown_form", f"There is no export form {form!r}: choose one of {known}.", value=form, known=known
        )
    WRITERS[form](method, base, folder)


def write_folder(method: Method, base: Base, form: str, folder: Path) -> None:
    """Write an adapter as `write_adapter` does, into a folder that is new or empty; a kill leaves it so, or complete.

    Raises:
        ExchangeError: As in `write_adapter`.
    """
    folder = folder.resolve()
    fresh = temporary_name(folder)
    try:
        write_adapter(method, base, form, fresh)
        if folder.exists():
            for path in fresh.iterdir():
                path.rename(folder / path.name)
        else:
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def zip_adapter(method: Method, base: Base, form: str, run_yaml: str, target: Path) -> Path:
    """Write an adapter as one zip, together with the YAML that reproduces the run.

    Raises:
        ExchangeError: As in `write_adapter`.
        NotWrittenError: The disk is full, for instance; nothing is left of the zip.
    """
    with writing(target), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_adapter(method, base, form, folder)
        (folder / "run.yaml").write_text(run_yaml, encoding="utf-8")
        with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
    return target

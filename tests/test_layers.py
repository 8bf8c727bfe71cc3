"""Who may import whom: the page never loads torch itself, the engine knows no page."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers"}
DOOR = (
    "engine.service.workbench",
    "engine.core.confine",
    "engine.core.errors",
    "engine.core.paths",
    "engine.core.sampling",
    "engine.core.settings",
    "engine.core.signals",
    "engine.core.writing",
    "engine.config.resuming",
    "engine.config.run",
    "engine.config.training",
    "engine.methods",
    "engine.methods.sizing",
    "engine.methods.spec",
    "engine.data.settings",
    "engine.data.info",
    "engine.data.preview_values",
    "engine.data.pixels",
    "engine.data.readers.dispatch",
    "engine.data.readers.formats",
    "engine.data.readers.hub_name",
    "engine.data.readers.zips",
    "engine.exchange.forms",
    "engine.models.chat_template",
    "engine.models.info",
    "engine.models.menu",
    "engine.memory.info",
    "engine.evaluation.predicted",
    "engine.inference.messages",
    "engine.runs.score",
    "engine.runs.summary",
    "engine.runs.update",
    "engine.service.downloads",
    "engine.service.limits",
    "engine.service.reference",
    "engine.service.status",
    "engine.service.visitor",
    "engine.tuning.plan",
    "engine.tuning.recipes",
    "engine.tuning.space",
)
"""The engine's modules that the page may import: the workbench, and what describes without torch. See `app`."""


def imported(file):
    """Every module name that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", sorted((ROOT / "app").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_page_never_imports_torch(file):
    """A page file names neither torch nor any module of the engine but those of the door."""
    for name in imported(file):
        assert name.split(".")[0] not in HEAVY
        assert name.split(".")[0] != "engine" or name in DOOR, f"{name}: ask the workbench for it, see app/__init__.py"


def test_the_door_loads_no_torch():
    """All modules of the door together load neither torch nor what needs it; the page's docstring names them."""
    loaded = f"sorted({HEAVY!r} & sys.modules.keys())"
    code = f"import sys, importlib; [importlib.import_module(name) for name in {DOOR!r}]; print({loaded})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "[]\n"
    described = (ROOT / "app" / "__init__.py").read_text(encoding="utf-8")
    assert all(f"`{name.rsplit('.', 1)[0]}" in described or f"`{name}`" in described for name in DOOR)


def test_help_loads_no_torch():
    """The whole command line is declared without torch and tables; a command loads them when it runs."""
    code = (
        "import sys; from engine.cli.parser import build_parser; build_parser();"
        f"print(sorted({HEAVY | {'jinja2', 'numpy', 'pandas', 'pyarrow'}!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("file", sorted((ROOT / "engine").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_engine_knows_no_page(file):
    """An engine file names neither gradio nor plotly nor the page."""
    assert not {name.split(".")[0] for name in imported(file)} & {"gradio", "plotly", "app"}


FLOORS = (
    "core memory",
    "models",
    "data telemetry",
    "methods",
    "config exchange inference",
    "evaluation jobs runs",
    "analysis",
    "training",
    "preflight",
    "tuning",
    "service",
    "cli",
    "__main__",
)
"""The engine's packages from the ground up: each may import those on lower floors, and no others."""


def test_packages_stand_on_floors():
    """Every import between packages of the engine leads to a lower floor, so there is no circle."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
    assert {path.stem for path in (ROOT / "engine").iterdir() if path.name[0] != "_"} == set(floor) - {"__main__"}
    for file in sorted((ROOT / "engine").rglob("*.py")):
        package = file.relative_to(ROOT / "engine").parts[0].removesuffix(".py")
        if package == "__init__":
            continue
        for name in imported(file):
            other = name.split(".")[1] if name.startswith("engine.") else package
            assert other == package or floor[other] < floor[package], f"{file.relative_to(ROOT)} imports {name}"


def test_the_engines_top_floor_is_tidy():
    """Packages stand there, and of modules only what Python itself looks for."""
    assert {path.name for path in (ROOT / "engine").glob("*.py")} == {"__init__.py", "__main__.py"}


def test_page_is_built_without_torch(tmp_path):
    """Building the whole page in both languages loads no torch."""
    code = (
        "import sys, pathlib; from app.page import create; from engine.service.workbench import Workbench;"
        f"create(Workbench(pathlib.Path({str(tmp_path)!r})));"
        "assert 'torch' not in sys.modules, 'torch'; assert 'transformers' not in sys.modules, 'transformers'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


CARRIED = {"numpy", "scipy", "tokenizers", "huggingface_hub", "httpx2", "typing_extensions", "starlette"}
"""What the requirements cannot do without themselves."""
DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "rouge_score": "rouge-score",
    "charset_normalizer": "charset-normalizer",
}


def test_whatever_is_imported_is_required():
    """A machine that has requirements.txt alone, as the README's first command makes it, has every import."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = {re.split(r"[=>]", line)[0] for line in lines if line and not line.startswith("#")}
    files = [ROOT / "app.py", *(ROOT / "app").rglob("*.py"), *(ROOT / "engine").rglob("*.py")]
    used = {name.split(".")[0] for file in files for name in imported(file)}
    not_distributed = {"app", "engine"} | set(sys.stdlib_module_names) | CARRIED
    assert {DISTRIBUTIONS.get(name, name) for name in used - not_distributed} <= required


def test_methods_are_described_without_torch():
    """The table of methods with every description in it loads neither torch nor transformers."""
    code = (
        "import sys; from engine.methods import METHODS;"
        "assert all(spec.settings().to_dict() == spec.settings.from_dict({}).to_dict() for spec in METHODS.values());"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)

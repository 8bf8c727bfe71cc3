"""README.md and docs/ tell the truth: commands, the tree of files, links, the Space, the lines of Python."""

import json
import re
import subprocess

import pytest
import yaml

from tools.event_reference import PAGE as EVENT_PAGE
from tools.event_reference import page as event_page
from tools.file_tree import PAGE, ROOT, page_with_tree

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "assets").rglob("*.md")]


def test_tree_lists_every_file():
    if not (ROOT / ".git").exists():
        pytest.skip("the tree is made from what git knows")
    assert page_with_tree() == PAGE.read_text(encoding="utf-8"), "run `python -m tools.file_tree`"


def test_ci_runs_the_test_command():
    opens, tests = re.findall(r"```sh\n(python3 -m venv .+)\n```", TEXT)
    assert opens.endswith("app.py")
    assert tests.endswith("-m tests")
    assert tests.replace("pip install ", "pip install -q ") in (ROOT / ".ci/run").read_text("utf-8")


def test_the_repository_is_a_space():
    facts = yaml.safe_load(TEXT.split("---")[1])
    assert facts["sdk"] == "gradio"
    assert (ROOT / facts["app_file"]).exists()
    pinned = re.search(r"^gradio==(.+)\.\*$", (ROOT / "requirements.txt").read_text(), re.M)[1]
    assert facts["sdk_version"].startswith(pinned)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_no_file_names_this_machine():
    words = ["/work" + "/", "/root" + "/", "/home/" + "runner"]
    for word in words:
        matches = subprocess.run(["git", "grep", "-lF", word], cwd=ROOT, capture_output=True, text=True, check=False)
        assert not matches.stdout, (word, matches.stdout)


def test_readme_is_short():
    """A page that is read to its end."""
    assert len(TEXT.splitlines()) <= 150


def test_glossary_is_short():
    assert len((ROOT / "docs/glossary.md").read_text("utf-8").splitlines()) <= 60


def test_no_raw_figures_among_the_pages():
    """What a script measured lies in benchmarks/results; docs/ holds what is read."""
    assert not list((ROOT / "docs").rglob("*.json"))


@pytest.mark.slow
@pytest.mark.usefixtures("brief_evaluations", "few_shipped_rows")
def test_the_lines_of_python_run_as_they_stand(tmp_path, monkeypatch, capsys):
    """README's example, with its names and in its order; only with fewer steps, and rows to evaluate."""
    (example,) = re.findall(r"```python\n(.+?)```", TEXT, re.S)
    assert len(example.strip().splitlines()) <= 11
    monkeypatch.chdir(tmp_path)
    exec(compile(example.replace("steps=100", "steps=3"), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("1 ")
    assert (tmp_path / "exported" / "adapter_model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("brief_evaluations", "few_shipped_rows")
def test_the_notebook_runs(tmp_path, monkeypatch):
    """Every cell of docs/notebook.ipynb, in order, with fewer steps, and rows to evaluate."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((ROOT / "docs/notebook.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for number, cell in enumerate(cells, 1):
        exec(compile(re.sub(r"steps=\d+", "steps=4", cell), f"cell {number}", "exec"), names)


def test_event_reference_is_up_to_date():
    """docs/reference/events.md tells of every kind of event and every field, each with a sentence."""
    assert event_page() == EVENT_PAGE.read_text(encoding="utf-8"), "run `python -m tools.event_reference`"
    assert not re.search(r"^\| `\w+` \| .+ \|  \|$", event_page(), re.M)


def test_architecture_names_files_that_exist():
    """Every file and folder that the drawings of docs/architecture.md name is there."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8").split("## Every file")[0]
    named = set(re.findall(r"\b((?:\w+/)+(?:\w+\.\w+)?)(?=[\s,`])", text.split("## The run folder")[0]))
    assert len(named) > 12
    for path in named:
        assert any((folder / path).exists() for folder in (ROOT, ROOT / "engine")), path

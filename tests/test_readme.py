"""README.md tells the truth: its commands, its tree, its links, its Space."""

import re
import subprocess

import pytest
import yaml

from tests.readme_tree import README, ROOT, readme_with_tree

TEXT = README.read_text(encoding="utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "assets").rglob("*.md")]


def test_tree_lists_every_file():
    if not (ROOT / ".git").exists():
        pytest.skip("the tree is made from what git knows")
    assert readme_with_tree() == TEXT, "run `python -m tests.readme_tree`"


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
        found = subprocess.run(["git", "grep", "-lF", word], cwd=ROOT, capture_output=True, text=True, check=False)
        assert not found.stdout, (word, found.stdout)

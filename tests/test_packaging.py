"""pyproject.toml and what repeats it: requirements files, locks, the changelog, the hooks before a commit."""

import datetime
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import check_files, requirements

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
DIRECT = requirements.direct_requirements(PYPROJECT)
LOCKS = sorted(DIRECT)
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))


def locked(name):
    """The versions of a lock file by package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.lstrip().startswith("#"))


def installed(versions):
    """Those of the locked packages that this environment has in the locked version."""
    here = {canonicalize_name(each.metadata["Name"]): Version(each.version).public for each in metadata.distributions()}
    return [package for package, version in versions.items() if here.get(package) == version]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_files_follow_pyproject(name):
    text = requirements.requirements_files(PYPROJECT)[name]
    assert (ROOT / name).read_text(encoding="utf-8") == text, "run `python -m tools.requirements`"


@pytest.mark.parametrize("key", ["dependencies", "dev"])
def test_generator_reads_what_a_toml_parser_reads(key):
    """The generator reads lines, to keep the comments; a string that shares a line would be lost."""
    tables = tomllib.loads(PYPROJECT)
    wanted = (tables["project"] | tables["dependency-groups"])[key]
    lines = requirements.array_lines(PYPROJECT, key).splitlines()
    assert [line for line in lines if not line.startswith("#")] == wanted


@pytest.mark.parametrize("name", LOCKS)
def test_direct_dependencies_are_locked_within_their_pins(name):
    versions = locked(name)
    for requirement in map(Requirement, DIRECT[name]):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked to {version}"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_closed(name):
    """What a locked package needs is locked too, in a version that suits it.

    Only packages installed in the locked version are asked: another release may need something else.
    """
    versions = locked(name)
    asked = installed(versions)
    assert asked, "nothing is installed as locked: run `python -m tools.requirements --lock`"
    for package in asked:
        for requirement in requirements.requirements_of(package):
            version = versions.get(canonicalize_name(requirement.name))
            assert version, f"{package} needs {requirement}, which {name} lacks"
            assert requirement.specifier.contains(version), f"{package} needs {requirement}, locked is {version}"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_what_its_environment_gives(name):
    """No package too many, and each with those that need it: as far as this environment is the one of the lock."""
    text, versions = (ROOT / name).read_text(encoding="utf-8"), locked(name)
    if requirements.environment() not in text or len(installed(versions)) < len(versions):
        pytest.skip("another environment than the one that was locked")
    assert text == requirements.lock(name, DIRECT[name]), "run `python -m tools.requirements --lock`"


def test_locks_agree():
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_fits_every_machine(name):
    """Releases only: no local builds, hashes, options, addresses, nor packages for one kind of GPU."""
    for package, version in locked(name).items():
        assert package == canonicalize_name(package)
        assert str(Version(version)) == Version(version).public == version
        assert not requirements.ACCELERATOR.match(package)


def test_closure_follows_extras_and_markers(monkeypatch):
    """An extra's needs count where the extra is asked for; a marker that does not apply is left out."""
    needs = {"page": ['server[fast]; python_version >= "3"', 'old; python_version < "3"'], "old": [], "loop": ["page"]}
    needs["server"] = ['loop; extra == "fast"', 'tests; extra == "test"', "nvidia-cublas", "Type_Words"]
    monkeypatch.setattr(requirements.metadata, "requires", lambda name: needs.get(name))
    assert requirements.closure(["page==1.*"]) == {
        "page": {"pyproject.toml", "loop"},
        "server": {"page"},
        "loop": {"server"},
        "type-words": {"server"},
    }


def sections(text):
    """Each `##` heading of a changelog with its `###` headings, and the entries under those."""
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        head, *parts = re.split(r"^### ", section, flags=re.M)
        title, _, between = head.partition("\n")
        assert not between.strip(), f"{title}: text outside of Added, Changed, Fixed"
        yield title, {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def test_version_has_a_dated_section():
    version = tomllib.loads(PYPROJECT)["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", CHANGELOG, re.M)


def test_changelog_headings():
    """Unreleased comes first, then versions, newest first, each with its date and the kinds of change in order."""
    (first, unreleased), *released = sections(CHANGELOG)
    assert first == "[Unreleased]"
    assert list(unreleased) == ["Added", "Changed", "Fixed"]
    matches = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", title) for title, _ in released]
    assert matches
    assert all(matches), [title for title, _ in released]
    for kind in (lambda match: Version(match[1]), lambda match: datetime.date.fromisoformat(match[2])):
        assert [kind(match) for match in matches] == sorted(map(kind, matches), reverse=True)
    for title, parts in released:
        assert list(parts) == [kind for kind in ("Added", "Changed", "Fixed") if kind in parts], title
        assert all(parts.values()), f"{title}: a heading without entries"


def test_changelog_entries():
    """Every entry is a list item that starts with what it is about, in bold, and stands once."""
    texts = [text for _, kinds in sections(CHANGELOG) for text in kinds.values() if text]
    entries = [entry for text in texts for entry in re.split(r"\n(?=\S)", text)]
    assert entries
    for entry in entries:
        assert re.match(r"- \*\*.+?\*\*", entry), entry
    assert len(set(entries)) == len(entries)


def test_hooks_are_local_and_complete():
    hooks = [hook for repo in HOOKS for hook in repo["hooks"]]
    assert {repo["repo"] for repo in HOOKS} == {"local"}
    assert len({hook["id"] for hook in hooks}) == len(hooks)
    for hook in hooks:
        assert {"id", "name", "entry", "language"} <= set(hook)
        assert hook["language"] == "system"


@pytest.mark.parametrize("hook", [hook for repo in HOOKS for hook in repo["hooks"]], ids=lambda hook: hook["id"])
def test_command_of_hook_exists(hook):
    command, *arguments = hook["entry"].split()
    if command in ("npm", "npx") and shutil.which(command) is None:
        pytest.skip("Node is not installed")
    assert shutil.which(command, path=PATH), command
    if arguments[:1] == ["-m"]:
        assert importlib.util.find_spec(arguments[1]), arguments[1]


def test_pre_commit_accepts_its_configuration():
    pytest.importorskip("pre_commit", exc_type=ModuleNotFoundError)
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_passes_its_hook(monkeypatch):
    if not (ROOT / ".git").exists():
        pytest.skip("git says which files there are")
    monkeypatch.chdir(ROOT)
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    files = [Path(name) for name in names if name and Path(name).exists()]
    assert files
    assert [problem for file in files for problem in check_files.problems(file)] == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.py", b"x = 1", "no newline"),
        ("a.py", b"x = 1\n\n", "blank lines"),
        ("a.bin", b"\0" * 250_001, "data belongs in assets/"),
        ("assets/a.bin", b"\0" * 250_001, ""),
        ("a.py", b"x = 1\n", ""),
        ("a.py", b"", ""),
    ],
)
def test_check_files(tmp_path, monkeypatch, name, content, words):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(content)
    told = list(check_files.problems(Path(name)))
    assert len(told) == bool(words)
    assert words in "".join(told)

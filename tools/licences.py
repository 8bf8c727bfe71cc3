"""docs/licences.md: under which licence each dependency is, read from what is installed: `python -m tools.licences`."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from engine.core.atomic import write_text

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
LONGEST = 60  # characters of a licence's name; some packages give its whole text
CLASSIFIER = re.compile(r"License :: (?:OSI Approved :: )?(.+)")
HEAD = """# Licences

Gatelight is under Apache-2.0 and ships none of these packages: pip installs them. This page is generated from what is
installed: `python -m tools.licences`.

Known vulnerabilities are looked up by hand (`make audit`, or `python -m tools.audit`), since that needs the network and
the answer changes every day.
"""


def direct(group: str) -> list[str]:
    """Names of the packages that pyproject.toml asks for, to run ("run") or to develop ("dev")."""
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = stated["project"]["dependencies"] if group == "run" else stated["dependency-groups"]["dev"]
    return sorted({canonicalize_name(Requirement(line).name) for line in lines})


def brought() -> list[str]:
    """Names of the other packages in the locks, which the direct ones bring."""
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    names = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    return sorted(names - {*direct("run"), *direct("dev")})


def licence(package: str) -> str:
    """What a package says of its licence; an SPDX expression where it has one.

    Raises:
        PackageNotFoundError: It is not installed.
    """
    facts = metadata.metadata(package)
    if expression := facts.get("License-Expression"):
        return str(expression)
    classified = [found[1] for line in facts.get_all("Classifier") or [] if (found := CLASSIFIER.fullmatch(line))]
    stated = str(facts.get("License") or "").strip()
    if stated and len(stated) <= LONGEST and "\n" not in stated:
        return stated
    return ", ".join(classified) or "see its files"


def table(packages: list[str]) -> str:
    """A row for each package that is installed here."""
    rows = []
    for name in packages:
        try:
            rows.append(f"| {name} | {licence(name).replace('|', '/')} |\n")
        except metadata.PackageNotFoundError:
            continue
    return "| package | licence |\n|---|---|\n" + "".join(rows)


def page() -> str:
    """The whole page."""
    sections = {
        "To run it": direct("run"),
        "To develop it": direct("dev"),
        "What these bring": brought(),
    }
    return HEAD + "".join(f"\n## {title}\n\n{table(packages)}" for title, packages in sections.items())


if __name__ == "__main__":
    write_text(PAGE, page())

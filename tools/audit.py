"""Known vulnerabilities of the locked requirements, as PyPI's or osv.dev's list has them: `python -m tools.audit`.

It asks over the network, so that the tests do not run it. Where nobody answers, it says so and fails, unless
`--may-fail` is given. pip-audit itself calls a package that its service does not know free of vulnerabilities; here it
is named.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
SERVICES = {"pypi": "pypi.org", "osv": "osv.dev"}
LONGEST = 100
"""Characters of pip-audit's last words that are repeated."""
SHOWN = 8
"""Packages that are named in one sentence."""


class NoAnswerError(Exception):
    """Nobody could say whether the packages have vulnerabilities; the text says why."""


def looked_up(lock: Path, service: str) -> list[dict[str, Any]]:
    """What pip-audit says of each package of a lock.

    Raises:
        NoAnswerError: It is not installed, its service cannot be reached, or knows none of the packages.
    """
    asked = ["-r", str(lock), "--no-deps", "--disable-pip", "--progress-spinner=off", "-s", service, "-f", "json"]
    done = subprocess.run([sys.executable, "-m", "pip_audit", *asked], capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it said nothing")
        raise NoAnswerError(last.strip()[:LONGEST]) from None
    if all("skip_reason" in package for package in packages):
        raise NoAnswerError(f"it knows none of the {len(packages)} packages, as a mirror without that list does")
    return packages


def said(lock: str, packages: Sequence[dict[str, Any]], service: str) -> list[str]:
    """The result as lines: each vulnerability, and a sentence about all packages."""
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    found = f"{len(lines)} known vulnerabilities" if lines else "no known vulnerability"
    lines.append(f"{lock}: {found} in {len(packages) - len(unknown)} packages, as {SERVICES[service]} says.")
    if unknown:
        more = " …" if len(unknown) > SHOWN else ""
        lines.append(f"Of {len(unknown)} packages it knows nothing: {', '.join(unknown[:SHOWN])}{more}.")
    return lines


def main(words: Sequence[str] | None = None) -> int:
    """Look both locks up; 0 where no vulnerability is known, 1 where some are, 2 where nobody could say."""
    arguments = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    arguments.add_argument("--service", choices=SERVICES, default="pypi", help="whose list is asked")
    arguments.add_argument("--may-fail", action="store_true", help="succeed where that list cannot be reached")
    given = arguments.parse_args(words)
    bad = False
    for lock in LOCKS:
        try:
            packages = looked_up(ROOT / lock, given.service)
        except NoAnswerError as error:
            where = SERVICES[given.service]
            sys.stdout.write(f"{lock} was not looked up: the list of {where} cannot be asked ({error}).\n")
            return 0 if given.may_fail else 2
        sys.stdout.write("".join(f"{line}\n" for line in said(lock, packages, given.service)))
        bad = bad or any(package.get("vulns") for package in packages)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())

"""What is said of known vulnerabilities, also where nobody can be asked. Nothing here needs a network."""

import importlib.util
import json
import subprocess
from types import SimpleNamespace

import pytest

from tools import audit

KNOWN = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": "It is bad."}
GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "2.0", "vulns": [KNOWN]}
UNKNOWN = {"name": "odd", "skip_reason": "Dependency not found on PyPI and could not be audited: odd (3.0)"}


def answering(monkeypatch, *packages, said=""):
    """pip-audit finds these packages, or says something else."""
    out = json.dumps({"dependencies": packages, "fixes": []}) if packages else ""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=out, stderr=said))


@pytest.mark.parametrize(
    ("packages", "code", "told"),
    [
        ([GOOD], 0, "no known vulnerability in 1 packages"),
        ([GOOD, BAD], 1, "bad 2.0: PYSEC-2026-1, mended in 2.1"),
        ([GOOD, UNKNOWN], 0, "Of 1 packages it knows nothing: odd."),
    ],
)
def test_what_is_known_is_said(monkeypatch, capsys, packages, code, told):
    answering(monkeypatch, *packages)
    assert audit.main([]) == code
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("packages", "said", "told"),
    [
        ([], "Traceback\nConnectionError: Failed to resolve 'pypi.org'\n", "Failed to resolve 'pypi.org'"),
        ([], "No module named pip_audit\n", "No module named pip_audit"),
        ([UNKNOWN], "No known vulnerabilities found", "it knows none of the 1 packages"),
    ],
)
def test_that_nobody_answered_is_said(monkeypatch, capsys, packages, said, told):
    """It is one sentence, and no success unless that is asked for."""
    answering(monkeypatch, *packages, said=said)
    assert [audit.main([]), audit.main(["--may-fail"])] == [2, 0]
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert told in first
    assert "was not looked up" in first


def test_the_real_tool_without_a_network(monkeypatch, tmp_path):
    """As installed, behind a proxy that is not there."""
    if importlib.util.find_spec("pip_audit") is None:
        pytest.skip("pip-audit is not installed")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "some.lock").write_text("idna==3.6\n")
    with pytest.raises(audit.NoAnswerError, match=r"(?i)prox"):
        audit.looked_up(tmp_path / "some.lock", "pypi")

"""The page as it is before anybody opens it. Processes of their own: Gradio leaves event loops to the collector."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CREATE = """
import sys
from pathlib import Path
from app.page import create
from engine.service.workbench import Workbench
page = create(Workbench(Path(sys.argv[1])))
"""


def said(code, *arguments):
    """What code prints after the page was created."""
    command = [sys.executable, "-c", CREATE + code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def test_no_event_is_public(tmp_path):
    """The page is no API: not one of its events can be called by name, nor is any described."""
    events = "[(one['api_visibility'], one['api_name']) for one in page.config['dependencies']]"
    code = f"events = {events}\nprint(len(events) > 50, [one for one in events if one[0] != 'private'])"
    assert said(code, tmp_path) == "True []"

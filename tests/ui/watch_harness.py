"""A page with Watch alone, on a home of its own; run as a script it serves until it is told to end."""

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from app.head import css, head, routes
from app.tabs import watch
from app.words import Say
from engine.service.runs import RECORDINGS
from engine.service.status import LiveStatus
from engine.service.workbench import Workbench


class Stage(Workbench):
    """A workbench that can pretend that a run is active."""

    def pretend(self, run: str | None, status: str = "running") -> None:
        """Say that a run is active, or that none is."""
        self._worker.live = LiveStatus(status=status, run=run, name=run or "") if run else LiveStatus()

    def one_step(self) -> None:
        """Make one step of the pretended run: it says that it is paused."""
        self.pretend(self.live().run, "paused")

    def copy(self, recording: str, run: str, *, name: str, lines: int | None = None) -> Path:
        """Put a recording among the own runs, cut after some lines; returns its file of events."""
        folder = self.runs.root / run
        shutil.copytree(RECORDINGS / recording, folder)
        self.runs.editable_folder(run).update(name=name)
        if lines is not None:
            keep(folder / "events.jsonl", recording, lines)
        return folder / "events.jsonl"


def keep(path: Path, recording: str, lines: int) -> None:
    """Let a file of events hold the first lines of a recording."""
    whole = (RECORDINGS / recording / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(whole[:lines]), encoding="utf-8")


@dataclass(frozen=True)
class Served:
    """A page that is being served."""

    url: str
    stage: Stage
    page: gr.Blocks


def serve(home: Path, language: str = "en") -> Served:
    """Serve Watch alone in a language."""
    stage = Stage(home)
    with gr.Blocks(title="Watch", analytics_enabled=False) as page:
        watch.build(stage, Say(language))
    page.launch(
        server_name="127.0.0.1",
        prevent_thread_lock=True,
        quiet=True,
        run_history=False,
        footer_links=[],
        head=head(),
        css=css(),
        app_kwargs={"routes": routes()},
    )
    return Served(page.local_url, stage, page)


if __name__ == "__main__":
    harness = serve(Path(sys.argv[1]), *sys.argv[2:3])
    print(harness.url, flush=True)
    time.sleep(10**6)

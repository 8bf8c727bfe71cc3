"""Reads and changes run folders and recordings without the worker. Needs no torch."""

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.evaluation.predicted import Predicted
from engine.methods import METHODS
from engine.runs.files import holds
from engine.runs.folder import ACTIVE, RunFolder, sweep_deleted
from engine.runs.log import read_events
from engine.runs.requests import STOP, ask
from engine.runs.scan import folder_names, is_run_id
from engine.runs.summary import AdapterInfo, RunSummary
from engine.runs.update import LossCurves, RunUpdate
from engine.service.adapters import list_adapters
from engine.service.curves import Curves
from engine.service.elsewhere import Elsewhere
from engine.service.exports import EXPORTS, Exports
from engine.service.leftovers import sweep_deleted_formerly
from engine.service.listing import Newsroom, RunNews, RunRows
from engine.service.rights import Rights, no_such_run
from engine.service.rows import RECORDINGS as RECORDINGS
from engine.service.rows import recorded, row_of, size_of
from engine.service.status import LiveStatus
from engine.service.visitor import is_guest, operator

NAME_LENGTH = 120


class RunStore:
    """The runs below a folder, and the shipped recordings.

    Args:
        root: Folder of the run folders.
        live: Returns the worker's present status, which the folders do not hold.
        check: Raises a `WorkbenchError` for a run whose model or data may not be read here.
        rights: Of whoever asks; every method refuses what they may not see or change.
        forget: Called with the config of a run that has been deleted.
        turn: Gives a turn of the asker among those who look at data or weigh a run.
        elsewhere: Runs of other machines, of which there are copies here.

    Attributes:
        exports: Zips of adapters, which go with their runs.
    """

    def __init__(
        self,
        root: Path,
        live: Callable[[], LiveStatus],
        check: Callable[[RunConfig], None] = lambda _: None,
        rights: Rights | None = None,
        forget: Callable[[dict[str, Any]], None] = lambda _: None,
        turn: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.root = root
        self._rights = rights or Rights(operator)
        self._check, self._forget, self._turn = check, forget, turn
        self._live = live
        self._curves = Curves(turn)
        self._own = RunRows(root, row_of, self._present)
        self._recorded = RunRows(RECORDINGS, row_of, lambda row: row)
        self._elsewhere = elsewhere or Elsewhere((), root)
        self._copied = [RunRows(folder, row_of, self._copied_row(folder)) for folder in self._elsewhere.roots]
        self._newsroom = Newsroom(self._all)
        self.exports = Exports(root.parent / EXPORTS, root)
        sweep_deleted(root)
        sweep_deleted_formerly(root)

    def summaries(self) -> list[RunSummary]:
        """Runs that the asker may see: of the home folder, newest first, the damaged ones behind, then recordings."""
        visitor = self._rights.who()
        return [run for run in self._all() if visitor.sees(run.owner, shipped=run.recording)]

    def news(self, version: str) -> RunNews:
        """What has changed in the asker's list of runs since a version of it, everything where that is empty."""
        news = self._newsroom.since(version)
        seen = {run.id for run in self.summaries()}
        order = None if news.order is None else [run for run in news.order if run in seen]
        return replace(news, order=order, runs=[run for run in news.runs if run.id in seen])

    def _all(self) -> list[RunSummary]:
        rows = self._own.rows()
        for copied in self._copied:
            known = {run.id for run in rows}  # of two with one id, the one that is found by it
            rows = rows + [run for run in copied.rows() if run.id not in known]
        return rows + self._recorded.rows()

    def names_of(self, owner: str) -> list[str]:
        """What the runs of a visitor are called."""
        return [run.name for run in self._own.rows() if run.owner == owner]

    def kept_of_all(self) -> int:
        """How many runs there are, damaged ones included."""
        return len(self._own.rows())

    def newest(self) -> list[str]:
        """Ids of the home folder's runs, the newest first."""
        return [run.id for run in self._own.rows() if run.problem is None]

    def delete_of_guests(self, before: float) -> None:
        """Delete the runs of guests that were made before a moment, in seconds since 1970, unless one is active."""
        for run in self._own.rows():
            if is_guest(run.owner) and run.created < before and run.id != self._live().run:
                folder = RunFolder(self.root / run.id)
                with contextlib.suppress(OSError, RunError):  # another process may train it
                    self._delete(folder)

    def adapters(self, model: str) -> list[AdapterInfo]:
        """Every adapter of a model, recordings included, oldest first."""
        infos = list_adapters(self.root, model) + list_adapters(RECORDINGS, model)
        return sorted(infos, key=lambda info: info.created)

    def config(self, run: str) -> RunConfig:
        """Config of a run."""
        return self.folder(run).config

    def since(self, run: str, cursor: int, epoch: int | None) -> RunUpdate:
        """Facts of a run, and its events since a cursor, at most a page of them.

        Args:
            run: Its id.
            cursor: `RunUpdate.cursor` of the last call, 0 at first.
            epoch: `RunUpdate.epoch` of the last call, None at first; where it differs, reading begins at 0 again.
        """
        folder = self.folder(run)
        facts, log = folder.facts(), folder.events_path
        start = cursor if epoch == facts.epoch else 0
        events, after = read_events(log, start)
        return RunUpdate(
            run=run,
            name=facts.name,
            status=self._status(folder),
            message=facts.message,
            problem=facts.problem,
            recording=recorded(folder),
            emits=facts.emits,
            family=METHODS[method].group if (method := str(facts.config.get("method"))) in METHODS else "",
            layered=facts.layered,
            pictures=facts.pictures,
            steps=facts.steps,
            config=facts.config,
            memory=facts.memory,
            score=facts.score,
            early=facts.stopped_early,
            kept=facts.kept_step,
            epoch=facts.epoch,
            cursor=after,
            more=after > start and after < size_of(log),
            events=events,
        )

    def loss_curves(self, run: str) -> LossCurves:
        """All training and validation losses of a run."""
        return self._curves.of(self.folder(run).events_path)

    def rename(self, run: str, name: str) -> None:
        """Give a run another name.

        Raises:
            WorkbenchError: The name is empty, or the run is a recording.
        """
        if not short(name):
            raise SettingError("no_name", "The name is empty: type a name for the run.")
        self.editable_folder(run).update(name=short(name))

    def annotate(self, run: str, notes: str) -> None:
        """Set the notes of a run."""
        self.editable_folder(run).update(notes=notes)

    def tag(self, run: str, text: str) -> None:
        """Set the tags of a run: words with commas between them, each once."""
        tags = filter(None, map(short, re.split("[,，、]", text)))
        self.editable_folder(run).update(tags=list(dict.fromkeys(tags)))

    def stop(self, run: str) -> None:
        """Ask the process that trains a run, which is not this one, to stop after its step and to save its state.

        Raises:
            RunError: No process trains it, or the asker may not change it.
        """
        folder = self.resumable_folder(run)
        if self._elsewhere.holds(folder):
            self._elsewhere.copy(folder).ask(STOP)
        else:
            ask(folder, STOP)

    def delete(self, run: str) -> None:
        """Delete a run, damaged or not.

        Raises:
            RunError: It is active, or a recording, or its folder cannot be removed.
        """
        folder = self._place(run)
        self._refuse_fixed(folder)
        self._rights.to_change(run, self.owner(run))
        if self._live().run == run:
            raise RunError("delete_active", f"The run {run!r} is active: stop it before you delete it.", run=run)
        try:
            self._delete(folder)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RunError(
                "run_not_deleted", f"The run {run!r} cannot be deleted: {reason}.", run=run, reason=reason
            ) from error

    def _delete(self, folder: RunFolder) -> None:
        """Delete a run, its exports, and what no other run needs."""
        config = _config(folder) or {}
        folder.delete()
        self.exports.drop(folder.id)
        self._forget(config)

    def configs(self, text: str) -> Iterator[dict[str, Any] | None]:
        """The configs of all runs below the folder; for a damaged one, None if a text stands in what is left of it."""
        for name in folder_names(self.root):
            folder = RunFolder(self.root / name)
            config = _config(folder)
            if config is not None or any(holds(folder.path / file, text) for file in ("run.json", "run.yaml")):
                yield config

    def saved_config(self, run: str) -> RunConfig:
        """The config of a damaged run whose run.yaml is whole, to start it again.

        Raises:
            RunError: There is none, or the asker may not change the run.
        """
        folder = self._place(run)
        self._rights.to_change(run, self.owner(run))
        config = folder.saved_config()
        return config if config is not None else RunFolder.open(folder.path).config

    def kept_predictions(self, run: str) -> Predicted | None:
        """Stored predictions for the test rows of a run; None where there are none."""
        rows = self.folder(run).kept_predictions()
        return None if rows is None else Predicted(rows=rows, total=len(rows))

    def pictures(self, run: str) -> dict[str, Path]:
        """Paths of the pictures of a run's test rows, by prompt; empty where it reads text or its data is gone."""
        folder = self.folder(run)
        if not folder.facts().pictures:
            return {}
        try:
            self._check(folder.config)
            with self._turn():
                rows = folder.config.load_data().rows("test")
                return {row.prompt: row.picture for row in rows if row.picture is not None}
        except WorkbenchError:
            return {}

    def snapshots(self, run: str) -> list[int]:
        """Steps of a run that have a snapshot, in order."""
        return self.folder(run).snapshots()

    def folder(self, run: str) -> RunFolder:
        """A run of the home folder or a recording by its id, which is one plain folder name.

        Raises:
            RunError: There is none.
        """
        folder = RunFolder.open(self._place(run).path)
        self._rights.to_see(run, folder.facts().owner, shipped=recorded(folder))
        return folder

    def editable_folder(self, run: str) -> RunFolder:
        """A run that may be changed.

        Raises:
            RunError: There is none, or it is a recording or elsewhere, or the asker may not change it.
        """
        folder = self.folder(run)
        self._refuse_fixed(folder)
        self._rights.to_change(run, folder.facts().owner)
        return folder

    def resumable_folder(self, run: str) -> RunFolder:
        """A run that may be stopped or resumed: one that may be changed, or a copy of one that is elsewhere.

        Raises:
            RunError: There is none, or it is a recording, or the asker may not do that.
        """
        folder = self.folder(run)
        if not self._elsewhere.holds(folder):
            return self.editable_folder(run)
        self._rights.to_change(run, "")
        return folder

    def brought_here(self, folder: RunFolder) -> RunFolder:
        """A run of this machine as it is; of one that is elsewhere a run folder of this machine, of the same name.

        Raises:
            WorkbenchError: That run is being trained, or cannot be fetched.
        """
        if not self._elsewhere.holds(folder):
            return folder
        return self._elsewhere.copy(folder).fetch(self.root / folder.id, self._rights.who().id)

    def is_elsewhere(self, folder: RunFolder) -> bool:
        """Whether a folder is a copy of a run of another machine."""
        return self._elsewhere.holds(folder)

    def unreachable(self) -> list[WorkbenchError]:
        """Why places of runs cannot be looked at now."""
        return self._elsewhere.problems

    def _refuse_fixed(self, folder: RunFolder) -> None:
        """See that the files of a run are this machine's, and may change.

        Raises:
            RunError: They are not.
        """
        if recorded(folder):
            raise RunError("recording", f"{folder.id!r} is a recording and stays as it is.", run=folder.id)
        if self._elsewhere.holds(folder):
            place = self._elsewhere.shown(folder)
            text = (
                f"The run {folder.id!r} is at {place}, and only a copy of it here: change it there, or resume it here."
            )
            raise RunError("run_elsewhere", text, run=folder.id, place=place)

    def owner(self, run: str) -> str:
        """Who started a run; empty where that is not known, as for damaged ones."""
        try:
            return RunFolder.open(self._place(run).path).facts().owner
        except RunError:
            return ""

    def _place(self, run: str) -> RunFolder:
        """Folder of a run, which may be damaged."""
        if is_run_id(run):
            for root in (self.root, *self._elsewhere.roots, RECORDINGS):
                folder = RunFolder(root / run)
                if folder.is_run():
                    return folder
        raise no_such_run(run)

    def _active(self, folder: RunFolder) -> bool:
        return self._live().run == folder.id and folder.path.parent == self.root

    def _status(self, folder: RunFolder) -> str:
        if self._active(folder):
            return self._live().status
        if self._elsewhere.holds(folder):
            return self._elsewhere.status(folder)
        return "finished" if recorded(folder) else folder.status()

    def _copied_row(self, root: Path) -> Callable[[RunSummary], RunSummary]:
        """Puts the present status and the place into a row of a run that is elsewhere."""

        def present(row: RunSummary) -> RunSummary:
            folder = RunFolder(root / row.id)
            status = row.status
            with contextlib.suppress(RunError):
                status = self._elsewhere.status(folder)
            return replace(row, status=status, owner="", place=self._elsewhere.shown(folder))

        return present

    def _present(self, row: RunSummary) -> RunSummary:
        """A row of a home folder's run with its present status; of the run that trains here, with its step, too."""
        live = self._live()
        if live.run == row.id:
            return replace(row, status=live.status, step=live.step)
        if row.status not in ACTIVE:
            return row
        try:
            return replace(row, status=RunFolder(self.root / row.id).status())
        except RunError:
            return row


def _config(folder: RunFolder) -> dict[str, Any] | None:
    """Config of a run as its files have it; None where it is damaged."""
    try:
        return folder.facts().config
    except RunError:
        return None


def short(name: str) -> str:
    """A name as it is stored: one line, at most `NAME_LENGTH` characters."""
    return " ".join(name.split())[:NAME_LENGTH]

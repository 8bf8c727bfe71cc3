"""Refuses what a visitor may not do, in one sentence. What a page shows or hides plays no part in it."""

import functools
from collections.abc import Callable

from engine.core.errors import RunError, SettingError
from engine.service.visitor import Visitor


class Rights:
    """The rights of whoever is being answered.

    Args:
        who: Returns the visitor that the present thread answers.
        watch_only: Whether all of them only watch.

    Attributes:
        who: As given; where all only watch, with that role.
        watch_only: As given.
    """

    def __init__(self, who: Callable[[], Visitor], *, watch_only: bool = False) -> None:
        self.who: Callable[[], Visitor] = functools.partial(_watching, who) if watch_only else who
        self.watch_only = watch_only

    def to_see(self, run: str, owner: str, *, shipped: bool = False) -> None:
        """Let a run be looked at.

        Raises:
            RunError: It is somebody else's; for this visitor there is no such run.
        """
        if not self.who().sees(owner, shipped=shipped):
            raise no_such_run(run)

    def to_start(self) -> None:
        """Let a run be started.

        Raises:
            SettingError: This visitor only watches.
        """
        if not self.who().starts:
            raise self._watches(self.who())

    def downloads(self) -> bool:
        """Whether models may be fetched to this machine, where they stay."""
        visitor = self.who()
        return visitor.starts and visitor.role != "guest"

    def to_download(self) -> None:
        """Let a model be fetched to this machine.

        Raises:
            SettingError: This visitor only watches, or is a guest, who leaves nothing here.
        """
        self.to_start()
        if not self.downloads():
            text = "Guests of this server fetch no models: choose one that is here already."
            raise SettingError("guest_downloads", text)

    def to_change(self, run: str, owner: str) -> None:
        """Let a run be stopped, resumed, renamed or deleted.

        Raises:
            WorkbenchError: This visitor only watches, or it is somebody else's.
        """
        self._own_or_driven(run, owner, allowed=self.who().changes(owner))

    def to_export(self, run: str, owner: str, *, shipped: bool = False) -> None:
        """Let a run's adapter, and its answers to all test rows, be made.

        Raises:
            WorkbenchError: As `to_change`.
        """
        self._own_or_driven(run, owner, allowed=self.who().exports(owner, shipped=shipped))

    def _own_or_driven(self, run: str, owner: str, *, allowed: bool) -> None:
        visitor = self.who()
        if allowed:
            return
        self.to_see(run, owner)
        if not visitor.starts:
            raise self._watches(visitor)
        if not owner:
            text = f"The run {run!r} belongs to nobody here: only a driver of this server can do that."
            raise RunError("run_of_nobody", text, run=run)
        text = f"The run {run!r} belongs to {owner}: only {owner} or a driver of this server can do that."
        raise RunError("run_of_other", text, run=run, owner=owner)

    def _watches(self, visitor: Visitor) -> SettingError:
        if self.watch_only:
            text = "This server only shows runs: start another one without --watch-only to start or change any."
            return SettingError("watch_only", text)
        text = f"{visitor.id or 'This visitor'} only watches here: ask a driver of this server to change that."
        return SettingError("watches_only", text, visitor=visitor.id or "–")


def _watching(who: Callable[[], Visitor]) -> Visitor:
    return who().only_watching()


def no_such_run(run: str) -> RunError:
    """There is none, or none that the visitor may know of."""
    return RunError("no_such_run", f"There is no run {run!r}: it may have been deleted.", run=run)

"""What a run writes while it trains: on a full disk it waits until there is room, and says so."""

from collections.abc import Callable, Generator

from engine.telemetry.events import StatusEvent
from engine.training.disk_full import WRITE_ERRORS, tries
from engine.training.progress import Progress
from engine.training.recorder import Recorder


class Room:
    """Writes of one run.

    Args:
        recorder: Tells that the run waits, and that it goes on.
        waits: Progress of a run that waits, where it stands now.
    """

    def __init__(self, recorder: Recorder, waits: Callable[[], Progress]) -> None:
        self._recorder, self._waits = recorder, waits

    def write(self, write: Callable[[], None]) -> Generator[Progress]:
        """Write, waiting for room on a full disk.

        Raises:
            OSError: It failed for another reason; so does a SafetensorError.
        """
        step, waited = self._waits().step, False
        for _ in tries(write):
            if not waited:
                self._recorder.waits(step)
                waited = True
            yield self._waits()
        if waited:
            self._recorder.publish(StatusEvent(step=step, status="running"))

    def keep(self, what: str, write: Callable[[], None]) -> Generator[Progress]:
        """The same for what the run can go on without: any other error is a warning that names it."""
        try:
            yield from self.write(write)
        except WRITE_ERRORS as error:
            self._recorder.warning(self._waits().step, what, error)

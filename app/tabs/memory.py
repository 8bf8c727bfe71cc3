"""The memory bar of Train: moves with every setting and never stands in the way of Start."""

from collections.abc import Callable

from app.errors import sentence
from app.markup import html, note
from app.memory_bar import measured, memory_bar
from app.wiring import Updates
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import DataError, WorkbenchError
from engine.memory.info import MemoryInfo
from engine.service.workbench import Workbench

_ON_LOAD = "Gatelight.ready.then(({ mountMemory }) => mountMemory(element));"


class MemoryView:
    """Lays itself out where it is made: a line that opens, and below it what the last run held."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self._workbench, self._say = workbench, say
        self.bar = html(elem_id="gl-memory", js_on_load=_ON_LOAD)
        self.last = html(elem_id="gl-memory-last")
        self.of_run = {self.bar}
        """What `estimated` fills."""

    def estimated(self, config: Callable[[], RunConfig], session: str) -> Updates:
        """The line with bar and legend; or what is wrong, unless that is said beside the data itself."""
        try:
            info = self._workbench.preflight.memory(config(), session=session)
            return {self.bar: memory_bar(self._say, info)}
        except WorkbenchError as error:
            said = isinstance(error, DataError) or error.key == "no_data_chosen"
            return {self.bar: "" if said else note(sentence(self._say, error), "wrong")}

    def held(self) -> str:
        """What the newest own run really held; empty while none has ended, or one is active."""
        if self._workbench.live().run is not None:
            return ""
        for run in self._workbench.runs.summaries():
            news = None if run.recording or run.problem else self._workbench.runs.since(run.id, 0, None)
            if news is not None and news.memory:
                return measured(self._say, run.name or run.id, news.memory, self._estimate(run.id))
        return ""

    def _estimate(self, run: str) -> MemoryInfo | None:
        try:
            return self._workbench.preflight.memory(self._workbench.runs.config(run))
        except WorkbenchError:
            return None

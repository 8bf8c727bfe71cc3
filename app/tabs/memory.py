"""The memory bar of Train: moves with every setting and never stands in the way of Start."""

from collections.abc import Callable

from app.errors import sentence
from app.markup import html, note
from app.memory_bar import measured, memory_bar
from app.words import Say
from engine.config.run import RunConfig
from engine.core.errors import DataError, WorkbenchError
from engine.memory.info import MemoryInfo
from engine.service.workbench import Workbench


class MemoryView:
    """Lays itself out where it is made."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self._workbench, self._say = workbench, say
        self.bar = html(elem_id="gl-memory")
        self.last = html(elem_id="gl-memory-last")

    def estimated(self, config: Callable[[], RunConfig], session: str) -> str:
        """The bar; or what is wrong, unless that is said beside the data itself."""
        try:
            return memory_bar(self._say, self._workbench.memory(config(), session=session))
        except WorkbenchError as error:
            said = isinstance(error, DataError) or error.key == "no_data_chosen"
            return "" if said else note(sentence(self._say, error), "wrong")

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
            return self._workbench.memory(self._workbench.runs.config(run))
        except WorkbenchError:
            return None

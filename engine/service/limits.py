"""How much of a server one visitor may have. Whoever is alone on their machine has no limits."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from engine.core.errors import RunError, SettingError
from engine.core.settings import Field, Settings

MB = 10**6


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most of each; None for no limit. The first six bound the setting of the same name.

    Attributes:
        steps: Of a run.
        batch_size: Rows of an update.
        max_seq_len: Tokens of a row.
        processes: That train a run.
        row_limit: Rows that are read of each file of a dataset.
        max_new_tokens: Tokens of an answer.
        chat_tokens: Of a conversation with its answer, in one column.
        runs: That are kept of one visitor.
        uploaded_bytes: Of all files that a visitor's open pages hold.
        unpacked_bytes: Of all datasets that are kept of a visitor, archives unpacked.
        hub_bytes: Of a model or a dataset that is fetched from the hub.
        all_runs: That are kept of all visitors together.
        all_uploaded_bytes: Of all files that all open pages hold.
        all_unpacked_bytes: Of all datasets that are kept, archives unpacked.
        all_pages: That all visitors have open.
        all_requests: Of all visitors that are answered at once, beside those that open pages hold.
        waiting: Runs of one visitor that wait in the queue.
        all_waiting: The same of all visitors together.
        guest_hours: Hours after which what a guest has made is deleted.
    """

    steps: int | None = None
    batch_size: int | None = None
    max_seq_len: int | None = None
    processes: int | None = None
    row_limit: int | None = None
    max_new_tokens: int | None = None
    chat_tokens: int | None = None
    runs: int | None = None
    uploaded_bytes: int | None = None
    unpacked_bytes: int | None = None
    hub_bytes: int | None = None
    all_runs: int | None = None
    all_uploaded_bytes: int | None = None
    all_unpacked_bytes: int | None = None
    all_pages: int | None = None
    all_requests: int | None = None
    waiting: int | None = None
    all_waiting: int | None = None
    guest_hours: int | None = None

    def check(self, settings: Settings) -> None:
        """See that no setting is above its limit.

        Raises:
            SettingError: One is; the sentence names it, its value and the limit.
        """
        for field in settings.fields():
            limit, value = self.of(field.name), getattr(settings, field.name)
            if limit is not None and value > limit:
                raise SettingError(
                    "over_limit",
                    f"{field.name} is {value:,}, but this server allows at most {limit:,}: lower it.",
                    field=field.name,
                    value=f"{value:,}",
                    limit=f"{limit:,}",
                )

    def check_runs(self, kept: Callable[[], int], of_all: Callable[[], int] = lambda: 0) -> None:
        """See that a visitor may keep one more run.

        Args:
            kept: Counts the visitor's.
            of_all: Counts those of all visitors.

        Raises:
            RunError: There are as many as are allowed.
        """
        if self.all_runs is not None and (n := of_all()) >= self.all_runs:
            text = f"This server keeps {n} runs of all its visitors, and no more: try again in some hours."
            raise RunError("server_full", text, n=n)
        if self.runs is not None and (n := kept()) >= self.runs:
            text = f"You keep {n} runs, but this server keeps at most {self.runs} of each visitor: delete one first."
            raise RunError("too_many_runs", text, n=n, limit=self.runs)

    def check_waiting(self, mine: int, of_all: int) -> None:
        """See that so many runs may be in the queue.

        Args:
            mine: Those of one visitor.
            of_all: Those of all visitors.

        Raises:
            RunError: There would be more than are allowed.
        """
        if self.waiting is not None and mine > self.waiting:
            text = f"At most {self.waiting} runs of each visitor wait here: start more when one of yours has ended."
            raise RunError("too_many_waiting", text, limit=self.waiting)
        if self.all_waiting is not None and of_all > self.all_waiting:
            text = f"{self.all_waiting} runs of all visitors wait already, and no more may: try again later."
            raise RunError("queue_full", text, n=self.all_waiting)

    def of(self, setting: str) -> int | None:
        """The limit of a setting; None where it has none."""
        limit: int | None = getattr(self, setting) if setting in _NAMES else None
        return limit

    def narrowed(self, field: Field) -> Field:
        """A setting as a form offers it here: neither its default nor its bound is above the limit."""
        limit = self.of(field.name)
        if limit is None:
            return field
        high = limit if field.info.high is None else min(limit, field.info.high)
        return replace(field, default=min(field.default, high), info=replace(field.info, high=high))


_NAMES = frozenset(field.name for field in fields(Limits))

UNLIMITED = Limits()
"""For the only user of this machine."""
CLASS = Limits(processes=1, uploaded_bytes=1000 * MB, unpacked_bytes=2000 * MB)
"""For each of those who log in."""
SPACE = Limits(
    steps=500,
    batch_size=32,
    max_seq_len=512,
    processes=1,
    row_limit=5_000,
    max_new_tokens=128,
    chat_tokens=2048,
    runs=5,
    uploaded_bytes=50 * MB,
    unpacked_bytes=100 * MB,
    hub_bytes=1000 * MB,
    all_runs=200,
    all_uploaded_bytes=1000 * MB,
    all_unpacked_bytes=4000 * MB,
    all_pages=200,
    all_requests=600,  # each open page holds one, and a process may have 1024 files and connections open
    waiting=2,
    all_waiting=20,
    guest_hours=24,
)
"""For each visitor of a public server, and for all of them together."""

"""The list of one subscriber to /ws/runs: which runs it shows, and what it has still to be told of them."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import orjson

from runs.domain.documents import SummaryRow, summary_document
from runs.streaming.burst import Burst
from runs.streaming.frame import Frame
from runs.streaming.selection import Selection

RUN, REMOVED = "run", "run_removed"
# Of a list that has grown beyond it the subscriber is asked to come back: a new snapshot is short again.
LONGEST_LIST = 2_000


@dataclass(slots=True)
class Change:
    """How a run stands now; without a row it is no more. Each of its frames is built once, when somebody needs it."""

    run_id: UUID
    row: SummaryRow | None
    _run: Frame | None = None
    _removed: Frame | None = None

    @property
    def run(self) -> Frame:
        """The frame that shows the run as it is."""
        if self._run is None:
            assert self.row is not None, "a run that is no more cannot be shown"
            self._run = Frame(RUN, orjson.dumps(summary_document(self.row)))
        return self._run

    @property
    def removed(self) -> Frame:
        """The frame that takes the run off a list."""
        if self._removed is None:
            self._removed = Frame(REMOVED, orjson.dumps({"id": str(self.run_id)}))
        return self._removed


class RunList:
    """What one subscriber was shown and is owed. Of a run it is owed the latest change only, however slowly it reads."""

    def __init__(self, project_id: UUID, selection: Selection) -> None:
        self.project_id = project_id
        self.selection = selection
        self._shown: set[UUID] | None = None  # None until the first list is there
        self._owed: dict[UUID, Frame] = {}
        self._news = asyncio.Event()
        # Spread, so that lists that grow together do not all come back together.
        self._longest = LONGEST_LIST * random.uniform(0.8, 1.2)  # noqa: S311

    @property
    def is_too_long(self) -> bool:
        """True once it would be more than this process keeps in mind for one subscriber."""
        return len(self._shown or ()) + len(self._owed) > self._longest

    def show(self, run_ids: Iterable[UUID]) -> None:
        """The first list shows these runs, read after the subscriber began to listen."""
        self._shown = shown = set(run_ids)
        self._owed = {run_id: frame for run_id, frame in self._owed.items() if frame.event == RUN or run_id in shown}

    def tell(self, changes: Iterable[tuple[Change, bool]]) -> None:
        """Runs have changed, and each belongs to the list now (True) or does not."""
        for change, matches in changes:
            if matches:
                self._owed[change.run_id] = change.run
            elif self._shown is None or change.run_id in self._shown:
                self._owed[change.run_id] = change.removed
            else:  # whoever was not told yet that it is there need not be told that it is not
                self._owed.pop(change.run_id, None)
        if self._owed:
            self.wake()

    def take(self) -> Burst:
        """Everything that is owed; it counts as shown."""
        shown = self._shown
        assert shown is not None, "the first list comes first"
        owed, self._owed = self._owed, {}
        for run_id, frame in owed.items():
            if frame.event == RUN:
                shown.add(run_id)
            else:
                shown.discard(run_id)
        return Burst(owed.values())

    def wake(self) -> None:
        """Whoever waits for news goes on at once."""
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """There may be news, or the seconds are over."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

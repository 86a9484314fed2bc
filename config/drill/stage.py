"""What a step of the drill may do: launch runs, read what became of them, find out who owns them."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import httpx
import psycopg

from config.drill.scratch import Scratch
from config.drill.troupe import Player, Troupe

LOOK_S = 0.05
# Much more than anything here takes; what is not there by then does not come.
PATIENCE_S = 25.0
PAGE = 5_000
ENDINGS = ("run.completed", "run.failed", "run.cancelled")
_OWNER = """
SELECT o.process_id, r.lease_epoch FROM runs_run r JOIN runs_observer o ON o.id = r.observer_id
 WHERE r.id = %s AND o.lost_at IS NULL
"""
_EPOCHS_GO_BACK = """
SELECT count(*) FROM (SELECT lease_epoch, lag(lease_epoch) OVER (ORDER BY seq) AS before
                        FROM runs_event WHERE run_id = %s) AS e WHERE before > lease_epoch
"""
Document = dict[str, object]


class Unexpected(Exception):
    """What was seen is not what was expected."""


@dataclass(frozen=True, slots=True)
class Log:
    """The whole log of a run that has ended, as the API tells it."""

    status: str
    code: str
    decided_by: str
    events: Sequence[Document]

    @property
    def messages(self) -> int:
        """How many messages its session said, SessionStart included."""
        return sum(event["type"] == "message.received" for event in self.events)


class Stage:
    """The service of a drill, seen from outside."""

    def __init__(self, *, scratch: Scratch, troupe: Troupe, client: httpx.AsyncClient, seed: int) -> None:
        self.troupe = troupe
        self.client = client
        self.random = random.Random(seed)  # noqa: S311 - when something happens, not a secret
        self._scratch = scratch

    # --- runs ---------------------------------------------------------------------------------------------------------

    async def launch(self, *, timeouts: Document | None = None, **options: object) -> UUID:
        """The id of a queued run on the scripted runtime."""
        session: Document = {
            "modeName": "macp.mode.decision.v1",
            "modeVersion": "1.0.0",
            "configurationVersion": "drill",
            "ttlMs": 600_000,
            "participants": [{"id": "lead"}, {"id": "alice"}, {"id": "bob"}],
        }
        body: Document = {
            "mode": "sandbox",
            "runtime": {"kind": "scripted", "options": options},
            "session": session,
            "execution": {"tags": ["drill"], "timeouts": timeouts or {}},
        }
        answer = await self.client.post("/runs", json=body)
        if answer.status_code != httpx.codes.CREATED:
            raise Unexpected(f"POST /runs answered {answer.status_code}: {answer.text[:200]}")
        return UUID(answer.json()["runId"])

    async def run(self, run_id: UUID) -> Document:
        """The run as GET /runs/{id} shows it."""
        answer = await self.client.get(f"/runs/{run_id}")
        answer.raise_for_status()
        return cast(Document, answer.json())

    async def ended(self, run_id: UUID, *, within_s: float = PATIENCE_S) -> Log:
        """The log of the run once it has ended: numbered without a gap, with one ending that comes last."""
        async with self._patience(within_s, "the ending"):
            while (run := await self.run(run_id))["ending"] is None:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(LOOK_S)
        ending = cast(Document, run["ending"])
        events = await self._events(run_id)
        if [event["seq"] for event in events] != list(range(1, len(events) + 1)):
            raise Unexpected("the numbers of the events have gaps or repeats")
        endings = [event["seq"] for event in events if event["type"] in ENDINGS]
        if endings != [len(events)]:
            raise Unexpected(f"{len(endings)} endings, at {endings} of {len(events)}")
        return Log(str(run["status"]), str(ending["code"]), str(ending["decidedBy"]), events)

    async def reached(self, run_id: UUID, seq: int) -> None:
        """The log of the run has so many events."""
        await self.until(
            lambda: self._number("SELECT last_seq FROM runs_run WHERE id = %s", run_id) >= seq, "its events"
        )

    async def _events(self, run_id: UUID) -> list[Document]:
        answer = await self.client.get(f"/runs/{run_id}/events", params={"limit": PAGE})
        answer.raise_for_status()
        return cast(list[Document], answer.json())

    # --- owners -------------------------------------------------------------------------------------------------------

    async def owner_of(self, run_id: UUID, players: Sequence[Player]) -> Player:
        """The player that owns the run, as soon as one does."""

        def found() -> bool:
            return any(player.pid == self._owner(run_id)[0] for player in players)

        await self.until(found, "an owner of the run")
        pid, _ = self._owner(run_id)
        return next(player for player in players if player.pid == pid)

    async def taken_over(self, run_id: UUID, *, after: int, within_s: float = PATIENCE_S) -> float:
        """Seconds until somebody living owned the run under an epoch above `after`, or it had ended."""
        began = time.monotonic()
        done = "SELECT (ending_seq IS NOT NULL)::int FROM runs_run WHERE id = %s"
        await self.until(
            lambda: self._owner(run_id)[1] > after or bool(self._number(done, run_id)),
            "the take-over",
            within_s=within_s,
        )
        return time.monotonic() - began

    def is_running(self, run_id: UUID) -> bool:
        """True while the session of the run is open and bound."""
        return self._number("SELECT (status = 'running')::int FROM runs_run WHERE id = %s", run_id) == 1

    def epoch_of(self, run_id: UUID) -> int:
        """The lease epoch of the run."""
        return self._number("SELECT lease_epoch FROM runs_run WHERE id = %s", run_id)

    def epochs_go_back(self, run_id: UUID) -> bool:
        """True if a former owner wrote after a later one."""
        return self._number(_EPOCHS_GO_BACK, run_id) > 0

    def _owner(self, run_id: UUID) -> tuple[int, int]:
        row = self._row(_OWNER, run_id)
        return (int(str(row[0])), int(str(row[1]))) if row else (0, 0)

    # --- the rest -----------------------------------------------------------------------------------------------------

    async def cut_database(self, number: signal.Signals) -> str:
        """Every connection of the service is gone, and the database answers again; says what was done."""
        return await asyncio.to_thread(self._scratch.cut, number)

    async def until(self, holds: Callable[[], bool], what: str, *, within_s: float = PATIENCE_S) -> None:
        """The condition holds; raises Unexpected when it does not in time."""
        async with self._patience(within_s, what):
            while not holds():  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(LOOK_S)

    @contextlib.asynccontextmanager
    async def _patience(self, seconds: float, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise Unexpected(f"{what} did not come within {seconds:.0f} s") from None

    def _number(self, question: str, *values: object) -> int:
        """0 while the database does not answer."""
        row = self._row(question, *values)
        return int(str(row[0])) if row else 0

    def _row(self, question: str, *values: object) -> tuple[object, ...] | None:
        """A connection for each question: they are few, and the database is restarted under them."""
        try:
            with psycopg.connect(self._scratch.url, autocommit=True, connect_timeout=2) as database:
                return database.execute(question.encode(), values).fetchone()
        except psycopg.OperationalError:
            return None

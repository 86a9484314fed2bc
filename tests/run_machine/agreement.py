"""Rows and model agree: a glance at every run after each act, and at the end everything that is stored of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection, transaction

from runs.domain.projection import SCHEMA_VERSION, dump, empty, fold
from runs.models import Event, LateObservation, OutboundMessage, Projection, RawObservation
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries import iterate_events, state_text
from runs.streaming.log import page_after
from runs.streaming.standing import snapshot_of
from tests.invariants import assert_invariants
from tests.run_machine.expected import ExpectedRun
from tests.run_machine.viewer import Viewer

_GLANCE = """
SELECT r.id, r.last_seq, r.ending, r.observer_id, r.admission_deadline, r.progress_deadline, r.hard_deadline,
       r.admission_deadline < clock_timestamp(), r.progress_deadline < clock_timestamp(),
       r.hard_deadline < clock_timestamp(), r.status, r.last_raw_seq, s.cursor, r.late_count, r.lease_epoch,
       r.recovery_attempts, r.cleanup_status, r.cleanup_attempts, r.wanted_through, s.start_sent_at IS NOT NULL,
       s.start_acked_at IS NOT NULL
  FROM runs_run r JOIN runs_runtimesession s ON s.run_id = r.id WHERE r.id = ANY(%s)
"""
_CLOCKS = ("admission", "progress", "hard")


class Glance(NamedTuple):
    """What rows and model both say of a run."""

    status: str
    raw: int
    cursor: int
    late: int
    epoch: int
    attempts: int
    cleanup: str | None
    cleanup_tries: int
    wanted_through: str | None
    is_sent: bool
    is_acked: bool


@dataclass
class Seen:
    """What a run's row said last."""

    last_seq: int
    ending: str | None
    deadlines: tuple[datetime | None, ...]


class Agreement:
    """Compares. Remembers what must not change by itself: the log, the ending, the clocks."""

    def __init__(self) -> None:
        self._seen: dict[UUID, Seen] = {}
        self._growing: set[UUID] = set()

    def grows(self, run: ExpectedRun) -> None:
        """The run was written to: its log may have grown by the next glance."""
        self._growing.add(run.id)

    def last_seq_of(self, run: ExpectedRun) -> int:
        """The last number of the run's log, at the last glance."""
        return self._seen[run.id].last_seq

    def raw_of(self, run: ExpectedRun) -> list[tuple[str, str | None]]:
        """What is recorded of the run, by kind and source id."""
        recorded = RawObservation.objects.filter(run_id=run.id).order_by("seq")
        return list(recorded.values_list("kind", "source_id"))

    def holds(self, runs: Sequence[ExpectedRun], observers: Sequence[UUID]) -> None:
        """Every row says of its run what the model says, and nothing has changed that was not written to."""
        with connection.cursor() as cursor:
            cursor.execute(_GLANCE, [[run.id for run in runs]])
            rows = {row[0]: row[1:] for row in cursor.fetchall()}
        for run in runs:
            self._agrees(run, rows[run.id], observers)
        self._growing.clear()

    def _agrees(self, run: ExpectedRun, row: tuple[Any, ...], observers: Sequence[UUID]) -> None:
        owner = None if run.owner is None else observers[run.owner]
        assert Glance._make(row[9:]) == Glance(
            status=run.status,
            raw=len(run.raw),
            cursor=run.cursor,
            late=len(run.late),
            epoch=run.epoch,
            attempts=run.attempts,
            cleanup=run.cleanup,
            cleanup_tries=run.cleanup_tries,
            wanted_through=run.wanted_through,
            is_sent=run.is_sent,
            is_acked=run.is_acked,
        )
        last_seq, ending, observer, deadlines, past = row[0], row[1], row[2], row[3:6], row[6:9]
        before = self._seen.get(run.id, Seen(0, None, (None,) * 3))
        assert last_seq >= before.last_seq
        assert last_seq == before.last_seq or run.id in self._growing, "a refused write has left something behind"
        assert (ending is not None) == (run.ended is not None)
        if before.ending is not None:
            assert (last_seq, ending) == (before.last_seq, before.ending), "an ending is final (I2, I14)"
        if run.ended is None:
            assert observer == owner, "one owner (I6)"
            self._clocks_agree(run, before.deadlines, deadlines, past)
        elif before.ending is None:
            _certificate_agrees(run, orjson.loads(ending), last_seq)
        run.moved.clear()
        self._seen[run.id] = Seen(last_seq, ending, deadlines)

    def _clocks_agree(
        self, run: ExpectedRun, before: Sequence[object], now: Sequence[object], past: Sequence[bool | None]
    ) -> None:
        assert {clock for clock, is_past in zip(_CLOCKS, past, strict=True) if is_past} == run.past
        if run.id in self._seen:
            for clock, earlier, later in zip(_CLOCKS, before, now, strict=True):
                assert earlier == later or clock in run.moved, f"nothing has moved the {clock} deadline"

    def holds_to_the_last_row(self, runs: Sequence[ExpectedRun], viewers: Sequence[Viewer]) -> None:
        """Everything stored of these runs, which have ended, is what the model says, and keeps every invariant."""
        for run in runs:
            assert self.raw_of(run) == run.raw, "what was heard is recorded, in its order, once (I4, I8, I13)"
            _late_agrees(run)
            _messages_have_a_fate(run)
        _refold_outdated(runs)
        logs = {run_id: _log_of(run_id) for run_id in {viewer.run_id for viewer in viewers}}
        for viewer in viewers:
            slice_ = {seq: document for seq, document in logs[viewer.run_id].items() if viewer.first < seq}
            assert viewer.shown == slice_, "what a viewer was shown is the log from where it began (I9, I10)"
        assert_invariants()

    def forget(self, runs: Sequence[ExpectedRun]) -> None:
        """The runs are gone, as a prune removes them, and so is whoever watched them."""
        ids = [run.id for run in runs]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL signalbox.prune = 'on'")
            for table in ("runs_event", "runs_rawobservation", "runs_outboxentry"):
                cursor.execute(f"DELETE FROM {table} WHERE run_id = ANY(%s)", [ids])
            cursor.execute("DELETE FROM runs_run WHERE id = ANY(%s)", [ids])
            cursor.execute("DELETE FROM runs_observer")


def outdate(run: ExpectedRun) -> None:
    """The run's state was stored by an older release, which knew other slices."""
    Projection.objects.filter(run_id=run.id).update(schema_version=SCHEMA_VERSION - 1, state="{}", private="{}")


def assert_read_as_folded(run: ExpectedRun) -> None:
    """Whoever reads the run's state gets the fold of its events, whichever release stored it (I7)."""
    public, _ = dump(fold(empty(str(run.id)), iterate_events(run.id)))
    assert state_text(DEFAULT_PROJECT_ID, run.id) == public
    assert snapshot_of(run.id).frame.data == public


def _refold_outdated(runs: Sequence[ExpectedRun]) -> None:
    """A state that no write has renewed since is read as folded, and then stored so."""
    old = set(Projection.objects.exclude(schema_version=SCHEMA_VERSION).values_list("run_id", flat=True))
    for run in (run for run in runs if run.id in old):
        assert_read_as_folded(run)
        public, private = dump(fold(empty(str(run.id)), iterate_events(run.id)))
        Projection.objects.filter(run_id=run.id).update(
            state=public.decode(), private=private.decode(), schema_version=SCHEMA_VERSION
        )


def _certificate_agrees(run: ExpectedRun, certificate: dict[str, Any], last_seq: int) -> None:
    assert run.ended is not None
    evidence = certificate["evidence"]
    assert (certificate["status"], certificate["code"], certificate["decidedBy"]) == (
        run.ended.status,
        run.ended.code,
        run.ended.by,
    )
    assert evidence["lastSeq"] == last_seq - 1
    assert (evidence["leaseEpoch"], evidence["runtimeCursor"]) == (run.epoch, run.cursor)
    assert evidence["sessionState"] == run.session_state
    missing = evidence["missing"]
    assert (missing and missing["afterOrdinal"]) == run.ended.missing_after
    if run.ended.runtime_state is not None and missing is None:
        said = {one.source_id for one in run.session.lines}
        assert said <= run.known.keys(), (
            "what the runtime could replay is in the log, or the ending says that it is not"
        )


def _late_agrees(run: ExpectedRun) -> None:
    if run.late:  # how many there are, the glance has compared
        kept = LateObservation.objects.filter(run_id=run.id).values_list("source_id", "reason")
        assert sorted(kept) == sorted((source_id, reason) for (source_id, _), reason in run.late.items())


def _messages_have_a_fate(run: ExpectedRun) -> None:
    messages = list(OutboundMessage.objects.filter(run_id=run.id))
    assert not [one for one in messages if one.status in ("queued", "sent") or one.reply_status == "pending"]
    if owed := sorted(str(one.message_id) for one in messages if one.reply_status is not None):
        told = Event.objects.filter(run_id=run.id, type__in=["message.answered", "message.unanswered"])
        assert sorted(str(orjson.loads(data)["messageId"]) for data in told.values_list("data", flat=True)) == owed


def _log_of(run_id: UUID) -> dict[int, bytes]:
    log: dict[int, bytes] = {}
    while entries := page_after(run_id, len(log)).entries:
        log |= {entry.seq: entry.document for entry in entries}
    return log

"""RunWriter: everything one transaction adds to a run, gathered in memory and stored at its end."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.conf import settings

from runs.domain import deadlines
from runs.domain.documents import iso
from runs.domain.events import (
    ENDING_TYPES,
    Draft,
    Event,
    EventType,
    Observation,
    ObservationKind,
    SessionSnapshot,
    Undecodable,
    moved_status,
)
from runs.domain.lifecycle import RunStatus, may_move
from runs.domain.normaliser import Context, normalise
from runs.domain.projection import ProjectionState, final_metadata
from runs.errors import InvalidTransition
from runs.models import Run, RuntimeSession
from runs.models.append import append_rows
from runs.models.identity import uuid7
from runs.models.session import columns_of
from runs.models.statements import change_row
from runs.recorder.context import context_of
from runs.recorder.figures import count_ending, count_events, count_moves
from runs.recorder.known import Identified, sift
from runs.recorder.late import keep_late
from runs.recorder.messages import messages_named, settle_messages
from runs.recorder.replies import Replies
from runs.recorder.state import awaited_replies, current_state, store_folded

log = logging.getLogger("signalbox.recorder")

RAW_COLUMNS = ("id", "run_id", "seq", "kind", "source_id", "digest", "body", "created_at")
OUTBOX_COLUMNS = ("id", "run_id", "from_seq", "to_seq", "types", "created_at")
EVENT_COLUMNS = (
    *("id", "run_id", "project_id", "seq", "ts", "created_at", "type", "subject_kind", "subject_id", "source_kind"),
    *("source_name", "raw_type", "raw_seq", "trace_id", "span_id", "parent_span_id", "lease_epoch", "data"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a run stands after a transaction: what was added, and how far the runtime has been read."""

    events: tuple[Event, ...]
    last_seq: int
    cursor: int
    status: RunStatus
    session_state: str | None


class RunWriter:
    """One locked run and what this transaction adds to it. Made by `runs.recorder.writing` only."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.session: RuntimeSession = run.session
        self.state: ProjectionState = current_state(run)
        self.context: Context = context_of(run, self.state)
        # A host's clock may step back under a database; a run's own time never does.
        self.now: datetime = max(run.locked_at, run.last_event_at or run.locked_at)
        self._ts = iso(self.now)
        self._events: list[Event] = []
        self._moves: list[str] = []
        self._settled = 0  # of these
        self._raw_rows: list[tuple[object, ...]] = []
        self._run_changes: dict[str, object] = {}
        self._session_changes: dict[str, object] = {}
        self._stored_cursor = self.session.cursor
        self._has_progressed = False
        self._replies = Replies(run, awaiting=awaited_replies(self.state))

    @property
    def has_events(self) -> bool:
        """True if anything is added to the log, and so to the outbox."""
        return bool(self._events)

    def append(self, batch: Sequence[Observation | Draft]) -> list[Event]:
        """The events that follow from `batch`, numbered. Known observations add nothing, contradicting ones are kept apart.

        Raises InvalidTransition for a move that the lifecycle does not have. An ending is refused: see `append_ending`.
        """
        observations = [item for item in batch if isinstance(item, Observation)]
        fresh = {id(one.observation): one for one in self._sift(observations)}
        first = len(self._events)
        for item in batch:
            if isinstance(item, Draft):
                if item.type in ENDING_TYPES:
                    raise InvalidTransition("only runs/ending writes endings")
                self._number([item])
            elif (one := fresh.pop(id(item), None)) is not None:
                self._number(self._normalised(one))
        return self._events[first:]

    def _sift(self, observations: Sequence[Observation]) -> list[Identified]:
        """What is new among them, in order; what contradicts the log is put aside."""
        if not observations:
            return []
        sifted = sift(self.run.id, observations)
        if sifted.conflicts:
            kept = keep_late(self.run.id, sifted.conflicts, reason="conflict")
            self.change_run(late_count=self.run.late_count + kept)
        self.context.outbound.update(messages_named(self.run, observations, self.clock()))
        return sifted.fresh

    def append_ending(self, draft: Draft, **changes: object) -> Event:
        """The run's one ending, numbered last; `changes` are the columns of the run that say how it ended."""
        (ending,) = self._number([draft])
        self.change_run(ending_seq=ending.seq, ended_at=self.now, **changes)
        return ending

    def change_run(self, **columns: object) -> None:
        """These columns of the run change with this transaction's one UPDATE."""
        self._run_changes.update(columns)
        for name, value in columns.items():
            setattr(self.run, name, value)

    def change_session(self, **columns: object) -> None:
        """These columns of the runtime session change with this transaction."""
        self._session_changes.update(columns)
        for name, value in columns.items():
            setattr(self.session, name, value)

    def settle(self) -> None:
        """The rows of the messages say what the events say so far. For who reads them next; at the end it is done anyway."""
        settle_messages(self.run, self._events[self._settled :], self.now)
        self._replies.store()
        self._settled = len(self._events)

    def clock(self) -> datetime:
        """The time of this transaction's events: the database's, read once under the lock."""
        return self.now

    def recorded(self) -> Recorded:
        """How the run stands once this transaction has committed."""
        return Recorded(
            events=tuple(self._events),
            last_seq=self.run.last_seq,
            cursor=self.session.cursor,
            status=RunStatus(self.run.status),
            session_state=self.context.session_state,
        )

    def flush(self) -> None:
        """Everything gathered is in the database, uncommitted."""
        append_rows("runs_rawobservation", RAW_COLUMNS, self._raw_rows)
        if self._events:
            self._store_events()
        if self._has_progressed:
            self._note_progress()
        if self._raw_rows:
            self.change_run(last_raw_seq=self.run.last_raw_seq)
        if self.session.cursor != self._stored_cursor:
            self.change_session(cursor=self.session.cursor)
        if self._session_changes:
            change_row(self.session, self._session_changes)
        if self._run_changes:
            change_row(self.run, {**self._run_changes, "updated_at": self.now})

    def count(self) -> None:
        """The metrics know of what was added; only once it is committed."""
        count_events(self._events)
        count_moves(self._moves)
        count_ending(self.run)

    def _store_events(self) -> None:
        self.change_run(last_seq=self.run.last_seq, last_event_at=self.now)
        append_rows("runs_event", EVENT_COLUMNS, [self._event_row(event) for event in self._events])
        self.state = store_folded(self.run, self.state, self._events)
        if self.run.ending_seq is not None:
            self.change_run(metadata={**self.run.metadata, **final_metadata(self.state)})
        self.settle()
        first, last = self._events[0].seq, self._events[-1].seq
        types = sorted({event.type for event in self._events})
        append_rows("runs_outboxentry", OUTBOX_COLUMNS, [(uuid7(), self.run.id, first, last, types, self.now)])

    def _note_progress(self) -> None:
        """The session has said something: it is not stuck, and whoever watches it gets along with it."""
        self._has_progressed = False
        if self.run.recovery_attempts:
            self.change_run(recovery_attempts=0)
        if self.run.status != RunStatus.SUSPENDED and self.run.progress_timeout_ms:
            timeout_ms, deadline = self.run.progress_timeout_ms, self.run.progress_deadline
            moved = deadlines.progressed(self.clock(), deadline=deadline, progress_timeout_ms=timeout_ms)
            self.change_run(**moved)

    def _normalised(self, one: Identified) -> list[Draft]:
        observation = one.observation
        self.run.last_raw_seq = raw_seq = self.run.last_raw_seq + 1
        self._raw_rows.append(
            (uuid7(), self.run.id, raw_seq, observation.kind, one.source_id, one.digest, observation.raw, self.now)
        )
        self._has_progressed |= deadlines.is_progress(observation)
        if observation.kind == ObservationKind.ENVELOPE:
            self.session.cursor += 1
        elif isinstance(observation.body, SessionSnapshot):
            self.change_session(**columns_of(observation.body))
        try:
            return normalise(observation, self.context, raw_seq=raw_seq)
        except Exception:
            # A defect of ours must not stop the stream of a run for ever: the bytes are kept and the event says so.
            log.exception("observation %s of run %s could not be normalised", raw_seq, self.run.id)
            broken = Undecodable(reason="could not be normalised")
            unread = Observation(kind=ObservationKind.UNDECODABLE, body=broken, raw=observation.raw)
            return normalise(unread, self.context, raw_seq=raw_seq)

    def _number(self, drafts: Sequence[Draft]) -> list[Event]:
        numbered = []
        for draft in drafts:
            self._move_status(draft)
            self.context.learn(draft)
            event = self._event(draft)
            numbered.append(event)
            self._events.append(event)
            if following := self._replies.follow(event, self.clock()):
                numbered += self._number(following)
        return numbered

    def _event(self, draft: Draft) -> Event:
        self.run.last_seq += 1
        return Event(
            id=uuid7(),
            run_id=self.run.id,
            seq=self.run.last_seq,
            ts=self._ts,
            type=draft.type,
            data=draft.data,
            source_kind=draft.source_kind,
            source_name=draft.source_name,
            subject_kind=draft.subject_kind,
            subject_id=draft.subject_id,
            raw_type=draft.raw_type,
            raw_seq=draft.raw_seq,
            trace_id=draft.trace_id or self.run.trace_id,
            span_id=draft.span_id,
            parent_span_id=draft.parent_span_id,
        )

    def _move_status(self, draft: Draft) -> None:
        target = moved_status(draft.type, draft.data)
        if draft.type == EventType.RUN_CREATED:
            self._moves.append(self.run.status)
        if target is None or target == self.run.status:
            return
        if not may_move(RunStatus(self.run.status), RunStatus(target)):
            raise InvalidTransition(
                f"run is {self.run.status} and cannot become {target}",
                details={"from": self.run.status, "to": target},
            )
        if target == RunStatus.STARTING:
            self.change_run(started_at=self.now)
        elif target == RunStatus.SUSPENDED:
            if self._has_progressed:
                self._note_progress()  # before its clock stands still
            hard, grace_ms = self.run.hard_deadline, settings.RUN_HARD_GRACE_MS
            self.change_run(**deadlines.suspended(self.clock(), hard=hard, grace_ms=grace_ms))
        elif self.run.status == RunStatus.SUSPENDED and target == RunStatus.RUNNING:
            since, progress = self.run.suspended_at, self.run.progress_deadline
            hard = self.run.hard_deadline_awake
            self.change_run(**deadlines.resumed(self.clock(), since=since, hard=hard, progress=progress))
        self.change_run(status=target)
        self._moves.append(target)

    def _event_row(self, event: Event) -> tuple[object, ...]:
        return (
            *(event.id, event.run_id, self.run.project_id, event.seq, self.now, self.now, event.type),
            *(event.subject_kind, event.subject_id, event.source_kind, event.source_name, event.raw_type),
            *(event.raw_seq, event.trace_id, event.span_id, event.parent_span_id, self.run.lease_epoch),
            orjson.dumps(event.data, option=orjson.OPT_SORT_KEYS).decode(),
        )

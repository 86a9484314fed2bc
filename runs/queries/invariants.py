"""What must hold of every run whatever happened to it, as SQL that names the runs of which it does not.

Plan, so that it may run beside a live system of any size: runs are taken in pages by id, and each page is read in a snapshot
of its own, which locks nothing and sees no half of anybody's transaction. Every statement begins with the runs of the page
and reaches their rows through `(run_id, seq)`, the partial indexes or the small tables of a run: no statement ever reads
or sorts a whole log table. A log is then read once more, in pages, to be folded; that is where most of the time goes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from runs.domain.events import ENDING_TYPES
from runs.domain.lifecycle import TERMINAL
from runs.models import Run
from runs.queries.drift import compared
from runs.queries.states import status_of


class Invariant(NamedTuple):
    """What holds of every run: the number it goes by, and in words."""

    id: str
    words: str


class Violation(NamedTuple):
    """An invariant that is broken, and by what: a run's id, or the name of what the database lacks."""

    invariant: Invariant
    by: str


_ENDINGS = ", ".join(f"'{kind.value}'" for kind in sorted(ENDING_TYPES))
_TERMINALS = ", ".join(f"'{status.value}'" for status in sorted(TERMINAL))
_FATES = "'message.queued', 'message.sent', 'message.send_failed'"
_FINAL = "'accepted', 'rejected', 'failed'"

BROKEN: Mapping[Invariant, str] = {
    Invariant("I1", "events are numbered 1, 2, 3 ... up to the run's last number"): """
        SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
            SELECT count(*) AS held, min(seq) AS first, max(seq) AS last FROM runs_event WHERE run_id = r.id) e
        WHERE r.id = ANY(%(runs)s)
          AND (e.held <> r.last_seq OR coalesce(e.first, 1) <> 1 OR coalesce(e.last, 0) <> r.last_seq)""",
    Invariant("I1", "raw observations are numbered 1, 2, 3 ... up to the run's last raw number"): """
        SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
            SELECT count(*) AS held, min(seq) AS first, max(seq) AS last FROM runs_rawobservation WHERE run_id = r.id) o
        WHERE r.id = ANY(%(runs)s)
          AND (o.held <> r.last_raw_seq OR coalesce(o.first, 1) <> 1 OR coalesce(o.last, 0) <> r.last_raw_seq)""",
    Invariant(
        "I2", "a run has an ending if and only if it has ended, one, and it is last; number, status and type agree"
    ): f"""
        SELECT r.id FROM runs_run r LEFT JOIN LATERAL (
            SELECT count(*) AS held, max(seq) AS seq, max(type) AS type
              FROM runs_event WHERE run_id = r.id AND type IN ({_ENDINGS})) e ON true
        WHERE r.id = ANY(%(runs)s)
          AND (e.held <> (r.ending_seq IS NOT NULL)::int
               OR (r.ending_seq IS NULL) <> (r.ended_at IS NULL)
               OR (r.ending_seq IS NULL) <> (r.status NOT IN ({_TERMINALS}))
               OR e.seq <> r.ending_seq OR e.seq <> r.last_seq OR e.type <> 'run.' || r.status)""",  # noqa: S608
    Invariant("I2", "an ended run shows the certificate of its ending, and a failed one its code"): f"""
        SELECT r.id FROM runs_run r LEFT JOIN LATERAL (
            SELECT data::json -> 'ending' AS ending
              FROM runs_event WHERE run_id = r.id AND type IN ({_ENDINGS}) LIMIT 1) e ON true
        WHERE r.id = ANY(%(runs)s)
          AND (r.ending IS DISTINCT FROM e.ending::text
               OR r.error_code IS DISTINCT FROM CASE WHEN r.status = 'failed' THEN e.ending ->> 'code' END)""",  # noqa: S608
    Invariant("I2", "when a run has ended no message is under way and no reply is owed"): """
        SELECT DISTINCT r.id FROM runs_run r JOIN runs_outboundmessage m ON m.run_id = r.id
        WHERE m.run_id = ANY(%(runs)s) AND r.ending_seq IS NOT NULL
          AND (m.status IN ('queued', 'sent') OR m.reply_status = 'pending')""",
    Invariant("I2", "a reply that is owed is answered or unanswered, once, and its message says which"): """
        SELECT DISTINCT m.run_id FROM (SELECT DISTINCT run_id FROM runs_outboundmessage WHERE run_id = ANY(%(runs)s)) r
        CROSS JOIN LATERAL (
            SELECT message.run_id, message.reply_status, told.held, told.type
              FROM runs_outboundmessage message LEFT JOIN (
                SELECT data::json ->> 'messageId' AS message_id, count(*) AS held, max(type) AS type FROM runs_event
                 WHERE run_id = r.run_id AND type IN ('message.answered', 'message.unanswered') GROUP BY 1
              ) told ON told.message_id = message.message_id::text
             WHERE message.run_id = r.run_id OFFSET 0) m
        WHERE m.held > 1 OR m.type IS DISTINCT FROM 'message.' || nullif(m.reply_status, 'pending')""",
    Invariant(
        "I4", "a late observation contradicts what is known under its identity, or came after the ending with a new one"
    ): """
        SELECT DISTINCT l.run_id FROM runs_lateobservation l
        LEFT JOIN runs_rawobservation o ON o.run_id = l.run_id AND o.source_id = l.source_id
        WHERE l.run_id = ANY(%(runs)s) AND CASE l.reason
            WHEN 'after_ending' THEN o.id IS NOT NULL
            WHEN 'conflict' THEN o.digest IS NOT DISTINCT FROM l.digest OR o.id IS NULL AND NOT EXISTS (
                SELECT 1 FROM runs_lateobservation other
                 WHERE other.run_id = l.run_id AND other.source_id = l.source_id AND other.digest <> l.digest)
            END""",
    Invariant("I5", "lease epochs never go back along a log, and none is above the run's own"): """
        SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
            SELECT bool_or(before > lease_epoch) AS went_back, max(lease_epoch) AS highest FROM (
                SELECT lease_epoch, lag(lease_epoch) OVER (ORDER BY seq) AS before FROM runs_event WHERE run_id = r.id
            ) AS epochs) e
        WHERE r.id = ANY(%(runs)s) AND (e.went_back OR e.highest > r.lease_epoch)""",
    Invariant("I5", "no message was claimed under an epoch above the run's own"): """
        SELECT DISTINCT r.id FROM runs_run r JOIN runs_outboundmessage m ON m.run_id = r.id
        WHERE m.run_id = ANY(%(runs)s) AND m.claimed_epoch > r.lease_epoch""",
    Invariant("I6", "whoever owns a run has taken an epoch for it, and nobody takes a run that has ended"): """
        SELECT r.id FROM runs_run r LEFT JOIN runs_event e ON e.run_id = r.id AND e.seq = r.ending_seq
        WHERE r.id = ANY(%(runs)s) AND (r.observer_id IS NOT NULL AND r.lease_epoch < 1 OR e.lease_epoch <> r.lease_epoch)""",
    Invariant("I7", "every run has its projection, and it covers the run's last event"): """
        SELECT r.id FROM runs_run r LEFT JOIN runs_projection p ON p.run_id = r.id
        WHERE r.id = ANY(%(runs)s) AND p.projected_seq IS DISTINCT FROM r.last_seq""",
    Invariant("I7", "the status of an outbound message is what its last event says, and its fate is sealed once"): f"""
        SELECT DISTINCT m.run_id FROM (SELECT DISTINCT run_id FROM runs_outboundmessage WHERE run_id = ANY(%(runs)s)) r
        CROSS JOIN LATERAL (
            SELECT message.run_id, message.status, told.last, told.sealed
              FROM runs_outboundmessage message LEFT JOIN (
                SELECT message_id, (array_agg(status ORDER BY seq DESC))[1] AS last,
                       count(*) FILTER (WHERE status IN ({_FINAL})) AS sealed
                  FROM (SELECT seq, data::json ->> 'messageId' AS message_id, data::json ->> 'status' AS status
                          FROM runs_event WHERE run_id = r.run_id AND type IN ({_FATES})) fates
                 WHERE status IS NOT NULL GROUP BY message_id
              ) told ON told.message_id = message.message_id::text
             WHERE message.run_id = r.run_id OFFSET 0) m
        WHERE m.last IS DISTINCT FROM m.status OR m.sealed > 1""",  # noqa: S608
    Invariant(
        "I8", "every run has its session, and the runtime cursor is not ahead of the session envelopes recorded"
    ): """
        SELECT r.id FROM runs_run r LEFT JOIN runs_runtimesession s ON s.run_id = r.id
        CROSS JOIN LATERAL (
            SELECT count(*) AS held FROM runs_rawobservation WHERE run_id = r.id AND kind = 'stream-envelope') o
        WHERE r.id = ANY(%(runs)s) AND (s.id IS NULL OR s.cursor > o.held)""",
    Invariant("I11", "what is left of a run in the outbox reaches up to its last event, and has no hole"): """
        SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
            SELECT sum(to_seq - from_seq + 1) AS held, min(from_seq) AS first, max(to_seq) AS last
              FROM runs_outboxentry WHERE run_id = r.id) o
        WHERE r.id = ANY(%(runs)s) AND (o.last <> r.last_seq OR o.held <> o.last - o.first + 1)""",
    Invariant("I15", "nothing follows the ending in the log, and what came late is kept apart and counted"): """
        SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
            SELECT count(*) AS held, coalesce(bool_or(reason = 'after_ending'), false) AS after_ending
              FROM runs_lateobservation WHERE run_id = r.id) l
        WHERE r.id = ANY(%(runs)s)
          AND (l.held <> r.late_count OR l.after_ending AND r.ending_seq IS NULL
               OR EXISTS (SELECT 1 FROM runs_event WHERE run_id = r.id AND seq > r.ending_seq))""",
}

_FOLDED = Invariant("I7", "the stored projection is the fold of the log")
_STATUS = Invariant("I7", "the status of the run is the one that its log tells")

# What the database refuses by itself; a restore or a hand may have lost it.
GUARDS: Mapping[Invariant, tuple[str, ...]] = {
    Invariant("I1", "the database refuses a number that was given before"): ("events_run_seq", "raw_run_seq"),
    Invariant("I2", "the database refuses a second ending"): ("events_one_ending",),
    Invariant("I3", "the database refuses to change what is in a log"): (
        "runs_event_append_only",
        "runs_rawobservation_append_only",
    ),
    Invariant("I4", "the database refuses a source id that was recorded before"): ("raw_run_source",),
}

_STANDING = """
SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
 WHERE x.indisunique AND x.indisvalid AND x.indrelid IN ('runs_event'::regclass, 'runs_rawobservation'::regclass)
UNION ALL
SELECT tgname FROM pg_trigger
 WHERE tgenabled IN ('O', 'A') AND tgrelid IN ('runs_event'::regclass, 'runs_rawobservation'::regclass)
"""


def invariants() -> list[Invariant]:
    """Everything that is checked, in order of the numbers."""
    return sorted([*BROKEN, _FOLDED, _STATUS, *GUARDS], key=lambda one: int(one.id[1:]))


def broken_in(run_ids: Sequence[UUID]) -> Iterator[Violation]:
    """What these runs break. Read it in a `snapshot()`: an invariant is about one moment."""
    with connection.cursor() as cursor:
        for invariant, query in BROKEN.items():
            cursor.execute(query, {"runs": list(run_ids)})
            for (run_id,) in sorted(cursor.fetchall()):
                yield Violation(invariant, str(run_id))
    for run_id, status in Run.objects.filter(id__in=run_ids).order_by("id").values_list("id", "status"):
        folded, drift = compared(run_id)
        if drift is not None:
            yield Violation(_FOLDED, str(run_id))
        if status_of(folded) != status:
            yield Violation(_STATUS, str(run_id))


def lost_guards() -> Iterator[Violation]:
    """Which of the database's own rules are not in place."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        standing = {name for (name,) in cursor.fetchall()}
    for invariant, names in GUARDS.items():
        for name in names:
            if name not in standing:
                yield Violation(invariant, name)

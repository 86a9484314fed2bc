"""What must hold of every run, asked of the database itself; for `check_invariants` and for the tests.

Each check is one query over a page of runs and returns those that break it. On one run's rows all indexes begin with the run,
so a page costs what its runs cost, however many others there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from runs.domain.events import ENDING_TYPES
from runs.models import Run
from runs.queries.drift import drift_of

PAGE = 200


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: its id, what it says, and the query for the runs of `%(runs)s` that break it."""

    id: str
    words: str
    query: str


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that a run breaks."""

    id: str
    words: str
    run_id: UUID


_ENDINGS = ", ".join(f"'{kind.value}'" for kind in sorted(ENDING_TYPES))

CHECKS: tuple[Check, ...] = (
    Check(
        "I1",
        "events are numbered 1, 2, 3 ... up to last_seq",
        """SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
               SELECT count(*) AS n, coalesce(max(e.seq), 0) AS top FROM runs_event e WHERE e.run_id = r.id) e
            WHERE r.id = ANY(%(runs)s) AND (e.n <> r.last_seq OR e.top <> r.last_seq)""",
    ),
    Check(
        "I1",
        "raw observations are numbered 1, 2, 3 ... up to last_raw_seq",
        """SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
               SELECT count(*) AS n, coalesce(max(o.seq), 0) AS top FROM runs_rawobservation o WHERE o.run_id = r.id) o
            WHERE r.id = ANY(%(runs)s) AND (o.n <> r.last_raw_seq OR o.top <> r.last_raw_seq)""",
    ),
    Check(
        "I2",
        "a run has one ending if and only if it has ended; the ending is its last event and names its status",
        f"""SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
               SELECT count(*) AS n, max(e.seq) AS seq, max(e.type) AS type FROM runs_event e
                WHERE e.run_id = r.id AND e.type IN ({_ENDINGS})) e
            WHERE r.id = ANY(%(runs)s)
              AND (e.n <> (r.ending_seq IS NOT NULL)::int
                   OR (r.ending_seq IS NOT NULL
                       AND (e.seq <> r.ending_seq OR e.seq <> r.last_seq OR e.type <> 'run.' || r.status)))""",  # noqa: S608 - our own names
    ),
    Check(
        "I2",
        "a status is terminal if and only if the run has an end time, a certificate and an ending",
        """SELECT id FROM runs_run WHERE id = ANY(%(runs)s)
              AND ((status IN ('completed', 'failed', 'cancelled')) <> (ended_at IS NOT NULL)
                   OR (ended_at IS NOT NULL) <> (ending_seq IS NOT NULL)
                   OR (ended_at IS NOT NULL) <> (ending IS NOT NULL))""",
    ),
    Check(
        "I5",
        "lease epochs of events never go back, nor past the run's own",
        """SELECT DISTINCT e.run_id FROM (
               SELECT run_id, lease_epoch, lag(lease_epoch) OVER (PARTITION BY run_id ORDER BY seq) AS before
                 FROM runs_event WHERE run_id = ANY(%(runs)s)) e JOIN runs_run r ON r.id = e.run_id
            WHERE e.before > e.lease_epoch OR e.lease_epoch > r.lease_epoch""",
    ),
    Check(
        "I7",
        "the projection covers every event",
        """SELECT r.id FROM runs_run r LEFT JOIN runs_projection p ON p.run_id = r.id
            WHERE r.id = ANY(%(runs)s) AND p.projected_seq IS DISTINCT FROM r.last_seq""",
    ),
    Check(
        "I8",
        "the runtime cursor counts the session envelopes on record",
        """SELECT r.id FROM runs_run r LEFT JOIN runs_runtimesession s ON s.run_id = r.id CROSS JOIN LATERAL (
               SELECT count(*) AS n FROM runs_rawobservation o WHERE o.run_id = r.id AND o.kind = 'stream-envelope') o
            WHERE r.id = ANY(%(runs)s) AND s.cursor IS DISTINCT FROM o.n""",
    ),
    Check(
        "I15",
        "late observations are counted on the run",
        """SELECT r.id FROM runs_run r CROSS JOIN LATERAL (
               SELECT count(*) AS n FROM runs_lateobservation l WHERE l.run_id = r.id) l
            WHERE r.id = ANY(%(runs)s) AND l.n <> r.late_count""",
    ),
    Check(
        "I15",
        "nothing is owed by a run that has ended: no message waits for its fate, no reply is pending",
        """SELECT DISTINCT r.id FROM runs_run r JOIN runs_outboundmessage m ON m.run_id = r.id
            WHERE r.id = ANY(%(runs)s) AND r.ending_seq IS NOT NULL
              AND (m.status IN ('queued', 'sent') OR m.reply_status = 'pending')""",
    ),
    Check(
        "I2",
        "a message that owes a reply is answered or unanswered, once",
        """SELECT run_id FROM runs_event
            WHERE run_id = ANY(%(runs)s) AND type IN ('message.answered', 'message.unanswered')
            GROUP BY run_id, subject_id HAVING count(*) > 1""",
    ),
)


def run_pages(only: UUID | None = None) -> Iterator[list[UUID]]:
    """The ids of all runs (or `only`), page by page."""
    if only is not None:
        yield [only]
        return
    after: UUID | None = None
    while True:
        runs = Run.objects.order_by("id") if after is None else Run.objects.filter(id__gt=after).order_by("id")
        page = list(runs.values_list("id", flat=True)[:PAGE])
        if not page:
            return
        yield page
        after = page[-1]


def violations(run_ids: Sequence[UUID]) -> list[Violation]:
    """Whatever these runs break; the projection of each is compared with the fold of its log, byte for byte."""
    found: list[Violation] = []
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(check.query, {"runs": list(run_ids)})
            found += [Violation(check.id, check.words, run_id) for (run_id,) in cursor.fetchall()]
    words = "the stored projection equals the fold of the log"
    return found + [Violation("I7", words, run_id) for run_id in run_ids if drift_of(run_id) is not None]

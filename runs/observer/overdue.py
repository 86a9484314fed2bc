"""Overdue: what was owed and is not given in time gets its fate here, whoever owns the run, or nobody.

Each function settles at most `limit` messages. Any number of sweeps may do so at once: the run's lock decides, and under
it the rows are read again.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import OperationalError, connection

from runs.domain.events import Draft, EventType
from runs.domain.outbound import NO_OWNER
from runs.errors import RunEnded, RunNotFound
from runs.models import OutboundMessage
from runs.queries import has_live_owner
from runs.recorder import writing
from runs.recorder.fates import fail_message, unsettled

log = logging.getLogger("signalbox.sweep")

SWEEPER = "sweeper"
LIMIT = 200

# The partial index messages_reply_due serves both the condition and the order.
_DUE_REPLIES = """
SELECT m.run_id, m.id FROM runs_outboundmessage m JOIN runs_run r ON r.id = m.run_id
 WHERE m.reply_status = 'pending' AND m.reply_deadline_at <= clock_timestamp() AND r.ending_seq IS NULL
 ORDER BY m.reply_deadline_at LIMIT %s
"""
# The partial index messages_unsettled holds nothing but what has no fate yet.
_UNCLAIMED = """
SELECT m.run_id, m.id FROM runs_outboundmessage m JOIN runs_run r ON r.id = m.run_id
 WHERE m.status IN ('queued', 'sent') AND m.status = 'queued' AND m.claimed_epoch IS NULL AND m.category <> 'kickoff'
   AND m.created_at <= clock_timestamp() - make_interval(secs => %s) AND r.ending_seq IS NULL
   AND NOT EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id
                      AND o.lost_at IS NULL AND o.beat_at > clock_timestamp() - make_interval(secs => %s))
 ORDER BY m.created_at LIMIT %s
"""


def expire_replies(limit: int = LIMIT) -> int:
    """Replies that are overdue are unanswered for good; returns how many. One that came first stays an answer."""
    return _settle_each(_found(_DUE_REPLIES, [limit]), _expire)


def fail_unclaimed(limit: int = LIMIT) -> int:
    """Messages that no owner took, and whose caller has given up waiting, have failed; returns how many."""
    patience_s = settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000
    return _settle_each(_found(_UNCLAIMED, [patience_s, settings.OBSERVER_LEASE_S, limit]), _fail)


def _found(query: str, parameters: Sequence[float]) -> list[tuple[UUID, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [(run_id, row_id) for run_id, row_id in cursor.fetchall()]


def _settle_each(found: Iterable[tuple[UUID, UUID]], settle: Callable[[UUID, list[UUID]], int]) -> int:
    """How many were settled, a transaction for each run; one that cannot be locked now is left to the next sweep."""
    settled = 0
    for run_id, pairs in groupby(sorted(found), key=lambda pair: pair[0]):
        try:
            settled += settle(run_id, [row_id for _, row_id in pairs])
        except (RunEnded, RunNotFound):
            continue  # the ending has settled them, or they are gone with their run
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            log.warning("run %s is locked; its overdue messages wait for the next sweep", run_id)
    return settled


def _expire(run_id: UUID, row_ids: list[UUID]) -> int:
    with writing(run_id, epoch=None, step="replies.expire") as writer:
        due = OutboundMessage.objects.filter(
            id__in=row_ids, reply_status="pending", reply_deadline_at__lte=writer.clock()
        )
        messages = list(due.order_by("position"))
        due.update(reply_status="unanswered", updated_at=writer.clock())
        writer.append([_unanswered(message) for message in messages])
    return len(messages)


def _unanswered(message: OutboundMessage) -> Draft:
    message_id = str(message.message_id)
    return Draft(
        type=EventType.MESSAGE_UNANSWERED,
        data={"messageId": message_id, "replyTimeoutMs": message.reply_timeout_ms, "reason": "timeout"},
        source_name=SWEEPER,
        subject_kind="message",
        subject_id=message_id,
    )


def _fail(run_id: UUID, row_ids: list[UUID]) -> int:
    with writing(run_id, epoch=None, step="send.unclaimed") as writer:
        if has_live_owner(run_id):
            return 0
        rows = [row for row_id in row_ids if (row := unsettled(writer, row_id)) and row.claimed_epoch is None]
        for row in sorted(rows, key=lambda row: row.position):
            fail_message(writer, row, code=NO_OWNER, error="no observer took the message", source_name=SWEEPER)
    return len(rows)
